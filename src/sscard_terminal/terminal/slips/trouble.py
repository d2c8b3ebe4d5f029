"""How a slip can fail to come out; never a reason to undo a sale (counter.md screen rule 14).

Not here: the sentences (voice/messages).
"""

from __future__ import annotations

from enum import StrEnum


class SlipFault(StrEnum):
    """What went wrong. The value is the key of its words in voice/messages."""

    NO_LIBRARY = "no-library"
    NO_PAPER = "no-paper"
    PAPER_RAN_OUT = "paper-ran-out"
    """The slip has begun; what of it is on paper nobody knows."""
    NOT_THERE = "not-there"
    NO_RIGHTS = "no-rights"
    BUSY = "busy"
    STALLED = "stalled"
    """It takes nothing, or stopped taking: switched off, off line, jammed."""
    NO_ROOM = "no-room"
    BROKEN = "broken"


class SlipTrouble(Exception):
    """No slip, or half of one. `where` is the printer or file, or the library that is missing."""

    def __init__(self, fault: SlipFault, where: str) -> None:
        super().__init__(fault, where)
        self.fault = fault
        self.where = where
