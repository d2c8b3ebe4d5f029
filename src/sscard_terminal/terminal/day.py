"""The day of a terminal: opened, sold in, closed with its totals.

Not here: who may do so (operators), and the sale's own rules (sale_rules.py).
Source: counter.md, "The flow people know" (签到, 签退) and screen rule 10 (totals by operator and kind; refused while an
unknown is open, unless a supervisor says why).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from .clock_rules import LONGEST_CLOSURE, MAY_BE_CONFIRMED, objection_to_clock
from .day_records import CareKind, DayEvent, DayEventKind, Sum
from .journal import Journal
from .outcomes import Declined, Reason
from .ports import Clock


@dataclass(frozen=True, slots=True)
class Day:
    """One day and the sums of its sales, by operator and state: as they were at its close, or are now where it is open.

    `settled`: what was to be verified at the close and has been since; the sums have it as it was then.
    """

    opened: DayEvent
    closed: DayEvent | None
    sums: tuple[Sum, ...]
    settled: tuple[Sum, ...] = ()

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
            return Day(opened, closed, journal.sums(opened, closed), journal.settled_since(opened, closed))
        case (opened,):
            return Day(opened, None, journal.sums(opened))
        case _:
            return None


@dataclass(frozen=True, slots=True)
class Watch:
    """How the clock is judged when a day is opened or closed; `is_right`: a person says that it is, and
    `supervisor` answers for it (clock_rules)."""

    longest_closure: timedelta = LONGEST_CLOSURE
    is_right: bool = False
    supervisor: str = ""


WATCH = Watch()


def open_day(journal: Journal, clock: Clock, operator: str = "", watch: Watch = WATCH) -> Day | Declined:
    """Open the next day: the sales from here on belong to it.

    Raises:
        JournalTrouble: the journal cannot be read or written.
    """
    if journal.is_day_open():
        return Declined(Reason.DAY_ALREADY_OPEN)
    return _recorded(journal, clock, watch, DayEventKind.OPENED, operator)


def close_day(
    journal: Journal,
    clock: Clock,
    operator: str = "",
    despite: str = "",
    supervisor: str = "",
    watch: Watch = WATCH,
) -> Day | Declined:
    """Close the day that is open; over a sale to be verified, of whatever day, only with a reason (`despite`).

    Who may say so (`supervisor`) the caller has made sure of.

    Raises:
        JournalTrouble: the journal cannot be read or written.
    """
    if not journal.is_day_open():
        return Declined(Reason.DAY_NOT_OPEN)
    unsettled = journal.open_sales()
    if unsettled and not despite.strip():
        return Declined(Reason.DAY_HAS_OPEN_SALES, voucher=unsettled[0].sale.voucher)
    why = (despite.strip(), supervisor) if unsettled else ("", "")
    return _recorded(journal, clock, watch, DayEventKind.CLOSED, operator, *why)


def _recorded(
    journal: Journal,
    clock: Clock,
    watch: Watch,
    kind: DayEventKind,
    operator: str,
    despite: str = "",
    supervisor: str = "",
) -> Day | Declined:
    now = clock().replace(microsecond=0)
    doubt = objection_to_clock(journal, now, watch.longest_closure)
    if doubt is not None and not (watch.is_right and doubt.reason in MAY_BE_CONFIRMED):
        return doubt
    if doubt is not None:
        journal.record_care(CareKind.CLOCK_CONFIRMED, now, operator=operator, supervisor=watch.supervisor)
    journal.record_day(kind, now, operator, despite, supervisor)
    day = newest_day(journal)
    assert day is not None
    return day
