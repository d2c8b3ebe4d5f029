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

    `after_event` likewise, the newest event of any sale. `despite`: why it was closed over sales that were to be
    verified, in the words of whoever answered for it: `supervisor`.
    """

    day: int
    kind: DayEventKind
    at: datetime
    after_voucher: int
    operator: str
    despite: str = ""
    supervisor: str = ""
    after_event: int = 0


class CareKind(StrEnum):
    """What a person did to the journal itself, or answered for."""

    CLOCK_CONFIRMED = "clock-confirmed"
    """The clock is right, whatever stands in the journal before."""
    RESTORED = "restored"
    """It was put back from a back-up, or came from another PC."""
    SALVAGED = "salvaged"
    """It holds what could still be read of a damaged one."""
    MOVED = "moved"
    """It has gone to another PC, and no sale is written here any more."""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """That `operator` was shown the data of the card with this identification code in full, and who allowed it."""

    at: datetime
    operator: str
    supervisor: str
    identification: str


@dataclass(frozen=True, slots=True)
class Sum:
    """How many sales of one operator and `kind` (`SaleKind`) stand in one state (`SaleState`), and their amounts, fen.

    A kind "void-requested" or "refund-requested" (`EventKind`) counts requests instead, their state "requested",
    their amount under `account`.
    """

    operator: str
    kind: str
    state: str
    count: int
    account: int
    self_paid: int
    pooled: int


@dataclass(frozen=True, slots=True)
class HourSum:
    """How many sales were charged in the hour that begins at `hour`, and what the accounts paid in them, fen."""

    hour: datetime
    count: int
    account: int
