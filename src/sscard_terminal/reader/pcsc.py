"""Readers and cards through PC/SC: the one room of pyscard.

Not here: 61xx and 6Cxx (completing.py), the wait with a deadline itself (deadline.py), PIN pads (pinpad.py).
Only `smartcard.scard` is used, the plain PC/SC functions: they return an hresult and raise nothing, so pyscard's
two families of exceptions, their hresult of -1 and the power-off in its `__del__` never arise (pcsc.md §6). They
also cost less: 1.23 against 1.40 times a C client (pcsc.md §5).

libpcsclite reads PCSCLITE_CSOCK_NAME at the first call of the process and never again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from types import TracebackType
from typing import Any

from smartcard import scard

from ..iso7816.apdu import CommandApdu, ResponseApdu
from .connection import (
    Connection,
    LinkError,
    LinkLost,
    LinkReason,
    NoReader,
    NotSent,
    link_error,
)
from .deadline import DEFAULT_DEADLINE_S, opened_with_deadline, within

MAX_COMMAND_LENGTH = 65_535
QUERY_DEADLINE_S = 5.0
WATCH_SLICE_S = 1.0
RETRY_PAUSE_S = 0.1

# What an hresult means before a command can travel. Source: pcsc.md §6; the names are PC/SC part 5's.
_OPENING: dict[int, LinkReason] = {
    scard.SCARD_E_NO_SERVICE: LinkReason.NO_SERVICE,
    scard.SCARD_E_SERVICE_STOPPED: LinkReason.NO_SERVICE,
    scard.SCARD_F_COMM_ERROR: LinkReason.NO_SERVICE,
    scard.SCARD_E_UNKNOWN_READER: LinkReason.UNKNOWN_READER,
    scard.SCARD_E_NO_READERS_AVAILABLE: LinkReason.UNKNOWN_READER,
    scard.SCARD_E_READER_UNAVAILABLE: LinkReason.READER_UNAVAILABLE,
    scard.SCARD_E_SHARING_VIOLATION: LinkReason.READER_BUSY,
    scard.SCARD_E_NO_SMARTCARD: LinkReason.NO_CARD,
    scard.SCARD_W_REMOVED_CARD: LinkReason.NO_CARD,
    scard.SCARD_W_UNPOWERED_CARD: LinkReason.MUTE_CARD,
    scard.SCARD_W_UNRESPONSIVE_CARD: LinkReason.MUTE_CARD,
    scard.SCARD_W_UNSUPPORTED_CARD: LinkReason.NO_COMMON_PROTOCOL,
    scard.SCARD_E_PROTO_MISMATCH: LinkReason.NO_COMMON_PROTOCOL,
}

# A control code the reader or its driver does not know; nothing was done. The small ones are Windows' own: invalid
# function, bad command, not supported. A driver may also say NOT_TRANSACTED, which means that only where the reader was
# asked about itself. Source: SCARDCONTROL.md of the CCID driver; pcsc.md §4.
_NO_SUCH_CONTROL = frozenset({scard.SCARD_E_UNSUPPORTED_FEATURE, scard.SCARD_E_INVALID_PARAMETER, 1, 22, 50})

# What an hresult means once a connection stands. READER_BUSY is the only one that excludes that the command
# was sent: the service checks sharing first. For the others it is likely on some systems and certain on none.
_STANDING: dict[int, LinkReason] = {
    scard.SCARD_W_REMOVED_CARD: LinkReason.CARD_REMOVED,
    scard.SCARD_E_NO_SMARTCARD: LinkReason.CARD_REMOVED,
    scard.SCARD_W_RESET_CARD: LinkReason.CARD_RESET,
    scard.SCARD_W_UNPOWERED_CARD: LinkReason.CARD_RESET,
    scard.SCARD_E_NO_SERVICE: LinkReason.SERVICE_GONE,
    scard.SCARD_E_SERVICE_STOPPED: LinkReason.SERVICE_GONE,
    scard.SCARD_F_COMM_ERROR: LinkReason.SERVICE_GONE,
    scard.SCARD_E_INVALID_HANDLE: LinkReason.SERVICE_GONE,
    scard.SCARD_E_READER_UNAVAILABLE: LinkReason.READER_GONE,
    scard.SCARD_E_UNKNOWN_READER: LinkReason.READER_GONE,
    scard.SCARD_E_NOT_TRANSACTED: LinkReason.NOT_TRANSACTED,
    scard.SCARD_E_SHARING_VIOLATION: LinkReason.READER_BUSY,
}


_IN_DOUBT: set[str] = set()
"""Readers on which a connection of this process broke without the card being known to have left.

Not reset on closing: that may be the moment at which one card has gone and the next has not been looked at, and a
reset that fails then makes pcscd show the reader empty until the next card has left as well (seen with 1.9.9). Another
process that opens the reader needs nothing of this half a second later, when an unused card has been powered down.
"""


def list_readers() -> tuple[str, ...]:
    """The names of all readers, in the service's order; empty when there are none.

    Raises:
        NoReader: the smart card service is not running or does not answer.
    """
    return within(QUERY_DEADLINE_S, "readers", _list_readers)


def open_reader(name: str, *, deadline_s: float = DEFAULT_DEADLINE_S, exclusive: bool = False) -> Connection:
    """Power the card in the reader `name` and connect to it; every step within `deadline_s` seconds.

    `exclusive` keeps other programs from connecting at all; otherwise hold them off with `exclusively`. Without
    either a command may wait for another program's exchange, and be carried out after the deadline has passed.
    A connection that broke is dead: what follows is a new connection, and recovery.

    Raises:
        NoReader: no service, no such reader, or it does not answer.
        NoCard: none in the reader, or a mute or foreign one.
        ReaderBusy: another program holds it.
    """
    sharing = scard.SCARD_SHARE_EXCLUSIVE if exclusive else scard.SCARD_SHARE_SHARED
    return opened_with_deadline(partial(_open, name, sharing), deadline_s, f"reader {name}")


def card_present(name: str) -> bool:
    """True when there is a card in the reader `name`, mute or not.

    Raises:
        NoReader: no service, or no such reader.
    """
    return within(QUERY_DEADLINE_S, f"look at {name}", partial(_becomes, name, True, 0.0))


def wait_for_card(name: str, timeout_s: float) -> bool:
    """Wait until there is a card in the reader `name`; False when `timeout_s` seconds pass without one.

    A service or reader that goes away meanwhile may come back; only if it is away at the end:

    Raises:
        NoReader: no service, or no such reader.
    """
    return _wait(name, True, timeout_s)


def wait_for_removal(name: str, timeout_s: float) -> bool:
    """Wait until the reader `name` is empty; otherwise as `wait_for_card`."""
    return _wait(name, False, timeout_s)


class PcscConnection:
    """A card behind a PC/SC handle. No deadline: `open_reader` puts it into a worker.

    After a break it sends nothing more. A second card may have slipped into the reader unnoticed, so after a break
    that leaves the card's state in doubt the next connection to this reader begins with a reset.
    """

    def __init__(self, name: str, context: int, handle: int, protocol: int, sharing: int) -> None:
        self._name = name
        self._context = context
        self._handle = handle
        self._protocol = protocol
        self._sharing = sharing
        self._usable = True
        self.atr = b""

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        raw = command.build()
        if len(raw) > MAX_COMMAND_LENGTH:
            raise NotSent(LinkReason.TOO_LONG)
        if not self._usable:
            raise NotSent
        hresult, answer = scard.SCardTransmit(self._handle, self._protocol, list(raw))
        self._check(hresult)
        if len(answer) < 2:
            raise self._broken(LinkLost(LinkReason.CUT_ANSWER if answer else LinkReason.EMPTY_ANSWER))
        return ResponseApdu.parse(bytes(answer))

    def control(self, code: int, data: bytes = b"", *, patience_s: float | None = None) -> bytes | None:
        """See `connection.control`; the patience is the worker's."""
        if not self._usable:
            raise NotSent
        hresult, answer = scard.SCardControl(self._handle, code, list(data))
        if hresult in _NO_SUCH_CONTROL or (hresult == scard.SCARD_E_NOT_TRANSACTED and not data):
            return None
        self._check(hresult)
        if data and len(answer) < 2:
            raise self._broken(LinkLost(LinkReason.CUT_ANSWER if answer else LinkReason.EMPTY_ANSWER))
        return bytes(answer)

    def exclusively(self) -> AbstractContextManager[None]:
        return _Transaction(self)

    def begin_transaction(self) -> None:
        if not self._usable:
            raise NotSent
        self._check(scard.SCardBeginTransaction(self._handle))

    def end_transaction(self) -> None:
        """Waits for a command that is still under way."""
        scard.SCardEndTransaction(self._handle, scard.SCARD_LEAVE_CARD)

    def reset(self, *, cold: bool = False) -> bytes:
        if not self._usable:
            raise NotSent
        self._check(self.renew(scard.SCARD_UNPOWER_CARD if cold else scard.SCARD_RESET_CARD))
        self._check(self.read_atr())
        return self.atr

    def renew(self, way: int) -> int:
        """Connect again by resetting the card; returns the hresult."""
        both = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        hresult, self._protocol = scard.SCardReconnect(self._handle, self._sharing, both, way)
        return int(hresult)

    def read_atr(self) -> int:
        """Ask the service for the answer to reset; returns the hresult."""
        hresult, _, _, _, atr = scard.SCardStatus(self._handle)
        self.atr = bytes(atr)
        return int(hresult)

    def close(self) -> None:
        """Called once, by the worker; what the service says to it changes nothing."""
        self._usable = False
        scard.SCardDisconnect(self._handle, scard.SCARD_LEAVE_CARD)
        scard.SCardReleaseContext(self._context)

    def _check(self, hresult: int) -> None:
        if hresult != scard.SCARD_S_SUCCESS:
            raise self._broken(_error(hresult, _STANDING, LinkReason.UNKNOWN))

    def _broken(self, error: LinkError) -> LinkError:
        """Another program's reset needs no answer in kind, and a card that left cannot be reset."""
        self._usable = False
        if isinstance(error, LinkLost):
            _IN_DOUBT.add(self._name)
        return error


class _Transaction(AbstractContextManager[None]):
    """Between begin and end nobody else reaches the card.

    A class, not a generator: one that is dropped unfinished would end the transaction where it is collected, in the
    thread of a caller who has just given a mute card up, and wait there for ever.
    """

    def __init__(self, connection: PcscConnection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.begin_transaction()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.end_transaction()


def _error(hresult: int, reasons: dict[int, LinkReason], otherwise: LinkReason) -> LinkError:
    return link_error(reasons.get(hresult, otherwise), hresult & 0xFFFF_FFFF)


def _check_opening(hresult: int) -> None:
    if hresult != scard.SCARD_S_SUCCESS:
        raise _error(hresult, _OPENING, LinkReason.READER_UNAVAILABLE)


def _establish() -> int:
    hresult, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    _check_opening(hresult)
    return int(context)


@contextmanager
def _service() -> Iterator[int]:
    context = _establish()
    try:
        yield context
    finally:
        scard.SCardReleaseContext(context)


def _open(name: str, sharing: int) -> Connection:
    context = _establish()
    both = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
    hresult, handle, protocol = scard.SCardConnect(context, name, sharing, both)
    if hresult != scard.SCARD_S_SUCCESS:
        scard.SCardReleaseContext(context)
        _check_opening(hresult)
    connection = PcscConnection(name, context, handle, protocol, sharing)
    hresult = _fresh(connection, name)
    if hresult != scard.SCARD_S_SUCCESS:
        connection.close()
        _check_opening(hresult)
    return connection


def _fresh(connection: PcscConnection, name: str) -> int:
    """Reset the card if it is in doubt, and read its ATR: before a reset the service may tell that of the card before."""
    if name in _IN_DOUBT:
        hresult = connection.renew(scard.SCARD_RESET_CARD)
        if hresult != scard.SCARD_S_SUCCESS:
            return hresult
        _IN_DOUBT.discard(name)
    return connection.read_atr()


def _list_readers() -> tuple[str, ...]:
    with _service() as context:
        hresult, names = scard.SCardListReaders(context, [])
        if hresult == scard.SCARD_E_NO_READERS_AVAILABLE:
            return ()
        _check_opening(hresult)
        return tuple(names)


def _wait(name: str, present: bool, timeout_s: float) -> bool:
    """Look in slices, each in a thread of its own, so that the wait can be interrupted."""
    ends_at = time.monotonic() + timeout_s
    while True:
        left_s = max(0.0, ends_at - time.monotonic())
        slice_s = min(WATCH_SLICE_S, left_s)
        look = partial(_becomes, name, present, slice_s)
        try:
            if within(slice_s + QUERY_DEADLINE_S, f"watch {name}", look):
                return True
        except NoReader:
            if not left_s:
                raise
            time.sleep(min(RETRY_PAUSE_S, left_s))
        if not left_s:
            return False


def _becomes(name: str, present: bool, timeout_s: float) -> bool:
    """True when the reader is in the wanted state now or at its next change within `timeout_s` seconds."""
    with _service() as context:
        state = _state(context, name, scard.SCARD_STATE_UNAWARE, 0.0)
        if _holds_card(state) == present or not timeout_s:
            return _holds_card(state) == present
        return _holds_card(_state(context, name, state, timeout_s)) == present


def _holds_card(state: int) -> bool:
    return bool(state & scard.SCARD_STATE_PRESENT)


def _state(context: int, name: str, known: int, timeout_s: float) -> int:
    """The state bits of the reader, as soon as they differ from `known`."""
    states: list[Any]
    hresult, states = scard.SCardGetStatusChange(context, int(timeout_s * 1000), [(name, known)])
    if hresult != scard.SCARD_E_TIMEOUT:
        _check_opening(hresult)
    state = int(states[0][1])
    if state & (scard.SCARD_STATE_UNKNOWN | scard.SCARD_STATE_UNAVAILABLE):
        raise NoReader(LinkReason.UNKNOWN_READER)
    return state
