"""A connection that finishes what a card leaves half answered: 61xx and 6Cxx, and the T=0 form of case 4.

Not here: any other status word; those are the caller's business.
Source: card.md §2.1; ISO/IEC 7816-3 §12.2 (T=0), ISO/IEC 7816-4 §5.1.3 (61xx, 6Cxx).
"""

from __future__ import annotations

import time
from dataclasses import replace

from ..iso7816.apdu import MAX_SHORT_NC, MAX_SHORT_NE, ApduCase, CommandApdu, ResponseApdu
from ..iso7816.atr import Atr
from ..iso7816.errors import FormatError
from ..iso7816.status import OK
from .connection import Connection, LinkError, LinkLost, LinkReason, NotSent
from .deadline import DEFAULT_DEADLINE_S
from .wrapping import Wrapping

MAX_ROUNDS = 256
MAX_ANSWER_LENGTH = 65_536
GET_RESPONSE = CommandApdu(0x00, 0xC0, 0x00, 0x00, ne=MAX_SHORT_NE)

# Commands that only read, so that sending them twice does nothing twice (card.md §2.1). By class and
# instruction together: 00 B0 is READ BINARY, B0 26 is GET BALANCE, and B0 2C would be a second DEBIT.
REPEATABLE: dict[tuple[int, int], str] = {
    (0x00, 0xA4): "SELECT",
    (0x00, 0xB0): "READ BINARY",
    (0x00, 0xB2): "READ RECORD",
    (0x00, 0xC0): "GET RESPONSE",
    (0x00, 0x84): "GET CHALLENGE",
    (0xB0, 0x26): "GET BALANCE",
}


class Completing(Wrapping):
    """See `completing`."""

    def __init__(self, inner: Connection, fetch_unasked: bool, deadline_s: float) -> None:
        super().__init__(inner)
        self._fetch_unasked = fetch_unasked
        self._deadline_s = deadline_s
        self._speaks_only_t0 = _offers_only_t0(inner.atr)

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        answer = self._send_with_right_ne(command)
        if answer.sw.more_available is None or not (command.ne or self._fetch_unasked):
            return answer
        return self._fetch_rest(answer)

    def reset(self, *, cold: bool = False) -> bytes:
        atr = super().reset(cold=cold)
        self._speaks_only_t0 = _offers_only_t0(atr)
        return atr

    def _send_with_right_ne(self, command: CommandApdu) -> ResponseApdu:
        """Send; on 6Cxx send once more with the Ne the card wants, if that is harmless and can be said.

        A T=0 case 4 command has no place for Le, so a repeat would be the same bytes again.
        """
        travelling = _t0_form(command) if self._speaks_only_t0 else command
        answer = self._inner.transmit(travelling)
        wanted = answer.sw.exact_ne
        if wanted is None or not travelling.ne or (command.cla, command.ins) not in REPEATABLE:
            return answer
        return self._inner.transmit(replace(travelling, ne=wanted))

    def _fetch_rest(self, answer: ResponseApdu) -> ResponseApdu:
        """GET RESPONSE until the card has given everything.

        The card said 61xx: it has acted. From here on a refusal or a broken link is a lost answer to the first
        command, never its failure, whatever the status word to GET RESPONSE says.
        """
        data = answer.data
        rounds, ends_at = 0, time.monotonic() + self._deadline_s
        while (waiting := answer.sw.more_available) is not None:
            rounds += 1
            if rounds > MAX_ROUNDS:
                raise LinkLost(LinkReason.ENDLESS_ANSWER)
            if rounds > 1 and time.monotonic() > ends_at:
                raise LinkLost(LinkReason.DEADLINE_PASSED)
            answer = self._fetch(waiting)
            data += answer.data
            if len(data) > MAX_ANSWER_LENGTH:
                raise LinkLost(LinkReason.ENDLESS_ANSWER)
        return ResponseApdu(data, answer.sw)

    def _fetch(self, waiting: int) -> ResponseApdu:
        try:
            answer = self._send_with_right_ne(replace(GET_RESPONSE, ne=waiting))
        except LinkError as error:
            if error.reached_card:
                raise
            raise LinkLost(LinkReason.ANSWER_NOT_FETCHED, error.hresult) from error
        if answer.sw != OK and answer.sw.more_available is None:
            raise LinkLost(LinkReason.ANSWER_NOT_FETCHED)
        return answer


def completing(
    connection: Connection, *, fetch_unasked: bool = False, deadline_s: float = DEFAULT_DEADLINE_S
) -> Connection:
    """`connection`, with 61xx fetched by GET RESPONSE and 6Cxx repeated where that is harmless.

    By the command's case: 61xx to a command that wants data back (case 2, 4) is fetched and joined. To one that
    wants none (case 1, 3) it is passed up: it is a success already, and the command's Ne of 0 says that no data
    are wanted (ISO/IEC 7816-3 §12.2.3 maps a case 3 answer unchanged). A text that writes T=0 bytes cannot say
    case 4; `fetch_unasked` reads its case 3 commands as such.

    6Cxx to a command outside `REPEATABLE`, and a second 6Cxx, are passed up unchanged: to DEBIT and CREDIT they
    mean that the outcome is unknown. For a card that offers only T=0, a case 4 command travels without Le.

    The pieces of one answer have `deadline_s` seconds together; how long one of them may take, the inner connection
    decides.

    Beside what the inner connection raises, `transmit` raises:
        LinkLost: 61xx came for ever or too slowly, or GET RESPONSE failed; the first command was carried out.
        NotSent: more than 255 data bytes for a T=0 card.
    """
    return Completing(connection, fetch_unasked, deadline_s)


def _offers_only_t0(atr: bytes) -> bool:
    try:
        return Atr.parse(atr).offers_only_t0
    except FormatError:
        return False


def _t0_form(command: CommandApdu) -> CommandApdu:
    """The command as a T=0 header and data: no Le after data, P3 of at most 256 without."""
    if len(command.data) > MAX_SHORT_NC:
        raise NotSent(LinkReason.TOO_LONG)
    if command.case is ApduCase.CASE_4:
        return replace(command, ne=0)
    return replace(command, ne=MAX_SHORT_NE) if command.ne > MAX_SHORT_NE else command
