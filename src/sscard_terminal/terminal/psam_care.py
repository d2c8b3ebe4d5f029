"""What a PSAM tells of itself with no card at hand: whose terminal it is, how many sales it has made, until when it is good.

Not here: a sale (debit.py), and what the journal makes of the sequence (journal_care.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sscard_terminal.cardspec.ciphers import SM4, TRIPLE_DES

from .psam import Psam, PsamFailure, PsamProblem


@dataclass(frozen=True, slots=True)
class PsamState:
    """`terminal` has 12 digits; `sequences` is the newest terminal sequence of each environment, 0 before its first sale.

    `valid_from` and `valid_to` are the days of the first DPK whose dates can be read, None where none can.
    """

    terminal: str
    sequences: tuple[int, ...]
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class KeyEnd:
    """The last day of the PSAM's key, and how many days are left; below 0 it is over."""

    day: date
    days_left: int

    @property
    def is_over(self) -> bool:
        return self.days_left < 0


def key_end(valid_to: date | None, today: date, ahead: timedelta) -> KeyEnd | None:
    """What to warn of: the key's end where it is within `ahead` of today or over, else None.

    A warning and no more, even after the end: whether it still signs is the PSAM's own business (card.md §10 rules
    nothing here; the virtual one refuses where its description says `psam_checks_validity`).

    Source: counter.md screen rule 16.
    """
    if valid_to is None or valid_to - today > ahead:
        return None
    return KeyEnd(valid_to, (valid_to - today).days)


def look_at(psam: Psam) -> PsamState:
    """Read what is free to read; an environment the PSAM has not got is left out.

    Raises:
        PsamFailure: it is no PSAM, or the link broke.
    """
    terminal = psam.terminal_number()
    found = []
    for suite in (TRIPLE_DES, SM4):
        try:
            found.append(psam.look_into(suite))
        except PsamFailure as failure:
            if failure.problem is PsamProblem.LINK_BROKEN:
                raise
    dates = next((application for _, application in found if application is not None), None)
    sequences = tuple(sequence for sequence, _ in found)
    if dates is None:
        return PsamState(terminal, sequences)
    return PsamState(terminal, sequences, dates.valid_from, dates.valid_to)
