"""What the journal holds of a day: how it was opened and closed, and what its sales come to.

Not here: when a day may be opened or closed (day.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class DayEventKind(StrEnum):
    """签到, 签退."""

    OPENED = "opened"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class DayEvent:
    """One opening or closing of the `day` of that number (from 1), behind the sale `after_voucher` (0: none yet).

    `despite`: why it was closed over sales that were to be verified, in the words of whoever answered for it.
    """

    day: int
    kind: DayEventKind
    at: datetime
    after_voucher: int
    operator: str
    despite: str = ""


@dataclass(frozen=True, slots=True)
class Sum:
    """How many sales of one operator stand in one state (`journal.SaleState`), and their three amounts in fen."""

    operator: str
    state: str
    count: int
    account: int
    self_paid: int
    pooled: int
