"""The links to card and PSAM, on which one command may meet a fault.

Not here: which faults there are (faults). As in reader/pcsc.py a broken link stays broken, and an answer of fewer than two
bytes breaks it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.reader.connection import LinkError, LinkReason, link_error

from .faults import Before, Fault

if TYPE_CHECKING:
    from .session import Session

NEVER_LEFT = (LinkReason.READER_BUSY,)


class Line:
    """A Connection into the chip at one place of a session."""

    def __init__(self, session: Session, place: str) -> None:
        self._session = session
        self._place = place
        self.broken = False
        self.atr = session.chips[place].atr()

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        if self.broken:
            raise link_error(LinkReason.CLOSED)
        session, raw = self._session, command.build()
        fault: Fault | None = session.script.take()
        if fault is None:
            session.books.left(raw)
            answer = session.obey(self._place, raw)
            session.script.done(self._place, raw.hex().upper(), len(answer))
        else:
            answer = self._met(fault, raw)
        return ResponseApdu.parse(answer)

    def _met(self, fault: Fault, raw: bytes) -> bytes:
        session, answer = self._session, b""
        if not (fault.reason in NEVER_LEFT or (fault.killed and not fault.arrives)):
            session.books.left(raw)
        if fault.before in (Before.RESET, Before.SWAPPED):
            session.disturb(self._place, fault.other)
        for _ in range(fault.arrives):
            answer = session.obey(self._place, raw)
        if fault.before is Before.SERVICE:
            session.service_gone()
        if fault.killed:
            raise session.die()
        if fault.reason is not None:
            raise self._break(fault.reason)
        if fault.garbled:
            answer = answer[:-3] + bytes((answer[-3] ^ 1,)) + answer[-2:]
        heard = bytes.fromhex(fault.word) or answer[: fault.cut]
        if len(heard) < 2:
            raise self._break(LinkReason.CUT_ANSWER)
        return heard

    def _break(self, reason: LinkReason) -> LinkError:
        self.broken = True
        return link_error(reason)

    def close(self) -> None:
        self.broken = True
