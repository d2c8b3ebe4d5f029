"""The slip as plain text, made from the journal and from nothing else.

Not here: printers, and what a screen shows.
Source: counter.md screen rules 8, 9, 13; terminal.md "Parts a terminal has" (card number, AID, date and time, signature).
"""

from __future__ import annotations

from sscard_terminal.iso7816.status import Language

from .journal import JournalEntry

WIDTH = 32
"""Columns of a 58 mm printer; a Chinese character takes two."""


def slip(entry: JournalEntry, language: Language = "zh", *, reprint: bool = False) -> str:
    """The slip of one sale, lines of at most WIDTH columns, each ended by a newline.

    An open sale gets a slip marked 待核实, one that was not charged 未扣款; `reprint` adds 重印.
    """
    raise NotImplementedError
