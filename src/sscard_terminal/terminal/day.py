"""The day of a terminal: opened, sold in, closed with its totals.

Not here: who may do so (operators), and the sale's own rules (sale_rules.py).
Source: counter.md, "The flow people know" (签到, 签退) and screen rule 10 (totals by operator and kind; refused while an
unknown is open, unless a supervisor says why).
"""

from __future__ import annotations

from dataclasses import dataclass

from .day_records import DayEvent, DayEventKind, Sum
from .debit import CLOCK_TOLERANCE
from .journal import Journal
from .outcomes import Declined, Reason
from .ports import Clock


@dataclass(frozen=True, slots=True)
class Day:
    """One day and the sums of its sales, by operator and state as the journal has them now."""

    opened: DayEvent
    closed: DayEvent | None
    sums: tuple[Sum, ...]

    @property
    def number(self) -> int:
        return self.opened.day


def newest_day(journal: Journal) -> Day | None:
    """The day that is open, else the one closed last; None where none ever was.

    Raises:
        JournalTrouble: the journal cannot be read.
    """
    match journal.newest_day_events():
        case (opened, closed):
            return Day(opened, closed, journal.sums(opened, closed))
        case (opened,):
            return Day(opened, None, journal.sums(opened))
        case _:
            return None


def open_day(journal: Journal, clock: Clock, operator: str = "") -> Day | Declined:
    """Open the next day: the sales from here on belong to it.

    Raises:
        JournalTrouble: the journal cannot be read or written.
    """
    day = newest_day(journal)
    if day is not None and day.closed is None:
        return Declined(Reason.DAY_ALREADY_OPEN)
    return _recorded(journal, clock, DayEventKind.OPENED, operator, ("", ""), day)


def close_day(
    journal: Journal, clock: Clock, operator: str = "", despite: str = "", supervisor: str = ""
) -> Day | Declined:
    """Close the day that is open; over a sale to be verified, of whatever day, only with a reason (`despite`).

    Who may say so (`supervisor`) the caller has made sure of.

    Raises:
        JournalTrouble: the journal cannot be read or written.
    """
    day = newest_day(journal)
    if day is None or day.closed is not None:
        return Declined(Reason.DAY_NOT_OPEN)
    unsettled = journal.open_sales()
    if unsettled and not despite.strip():
        return Declined(Reason.DAY_HAS_OPEN_SALES, voucher=unsettled[0].sale.voucher)
    why = (despite.strip(), supervisor) if unsettled else ("", "")
    return _recorded(journal, clock, DayEventKind.CLOSED, operator, why, day)


def _recorded(
    journal: Journal,
    clock: Clock,
    kind: DayEventKind,
    operator: str,
    why: tuple[str, str],
    before: Day | None,
) -> Day | Declined:
    """`why`: the reason for closing over open sales, and the supervisor."""
    now = clock().replace(microsecond=0)
    last_sale = journal.last_entry()
    earlier = [] if last_sale is None else [last_sale.sale.time]
    if before is not None:
        earlier.append((before.closed or before.opened).at)
    if earlier and now < max(earlier) - CLOCK_TOLERANCE:
        return Declined(Reason.CLOCK_WENT_BACKWARDS)
    journal.record_day(kind, now, operator, *why)
    day = newest_day(journal)
    assert day is not None
    return day
