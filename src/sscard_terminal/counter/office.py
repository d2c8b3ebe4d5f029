"""What is done at the counter without a card: reprints, voids and refunds, the day, and what it looks like.

Each function is handed the workplace, in its thread. Not here: the rules (terminal), who may (staff.py), words (view.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.terminal.day import Day, Watch, close_day, newest_day, open_day
from sscard_terminal.terminal.day_records import HourSum
from sscard_terminal.terminal.journal_events import JournalEntry, Request
from sscard_terminal.terminal.outcomes import Declined
from sscard_terminal.terminal.requests import Asker, is_of_today, left_to_ask, request_refund, request_void
from sscard_terminal.terminal.slips.day_form import slip_of_day
from sscard_terminal.terminal.slips.forms import slip_of_request

from .workplace import Workplace

DAY_SLIP = 0
"""Instead of a voucher number: the slip of a day."""


class NoSuchSale(Exception):
    """The journal has no sale with that voucher number."""


@dataclass(frozen=True, slots=True)
class Returnable:
    """A sale as somebody sees it before they ask it back."""

    entry: JournalEntry
    left: Fen
    is_of_today: bool


def reprint(work: Workplace, voucher: int | None) -> None:
    """The slip of that sale, or of the last, marked 重印; nothing but paper comes of it.

    Raises:
        NoSuchSale: there is none.
        JournalTrouble: the journal cannot be read.
    """
    entry = _entry(work, voucher)
    work.hand_out(work.slip_of(entry, reprint=True), entry.sale.voucher)


def sale(work: Workplace, voucher: int | None) -> Returnable:
    """That sale, or the last.

    Raises:
        NoSuchSale: there is none.
        JournalTrouble: the journal cannot be read.
    """
    entry = _entry(work, voucher)
    return Returnable(entry, left_to_ask(entry), is_of_today(work.journal, entry.sale, work.fittings.clock()))


def void(work: Workplace, voucher: int, asker: Asker) -> Request | Declined:
    """撤销: ask the centre for all of a sale of today."""
    return _handed_out(work, request_void(work.journal, voucher, work.fittings.clock, asker, work.shop.rules))


def refund(work: Workplace, voucher: int, amount: Fen | None, asker: Asker) -> Request | Declined:
    """退货: ask the centre for `amount` of an earlier sale, None: all that is left."""
    clock, rules = work.fittings.clock, work.shop.rules
    return _handed_out(work, request_refund(work.journal, voucher, clock, amount, asker, rules))


def begin_day(work: Workplace, operator: str, watch: Watch) -> Day | Declined:
    """签到.

    Raises:
        DoesNotFit: a service has begun.
        JournalTrouble: the journal cannot be read or written.
    """
    work.require_nobody_at_it()
    found = open_day(work.journal, work.fittings.clock, operator, watch)
    work.look_into_books()
    return found


def end_day(work: Workplace, operator: str, despite: str, supervisor: str, watch: Watch) -> Day | Declined:
    """签退, with the slip of the day.

    Raises:
        DoesNotFit: a service has begun.
        JournalTrouble: the journal cannot be read or written.
    """
    work.require_nobody_at_it()
    found = close_day(work.journal, work.fittings.clock, operator, despite, supervisor, watch)
    if isinstance(found, Day):
        fittings = work.fittings
        slip = slip_of_day(found, fittings.shop.place, fittings.language, training=work.journal.training)
        work.hand_out(slip, DAY_SLIP)
    work.look_into_books()
    return found


@dataclass(frozen=True, slots=True)
class Picture:
    """The newest day with its sums, and its charged sales hour by hour."""

    day: Day | None
    hours: tuple[HourSum, ...] = ()


def picture(work: Workplace) -> Picture:
    """The day that is open, else the one closed last.

    Raises:
        JournalTrouble: the journal cannot be read.
    """
    day = newest_day(work.journal)
    return Picture(None) if day is None else Picture(day, work.journal.sums_by_hour(day.opened, day.closed))


def _entry(work: Workplace, voucher: int | None) -> JournalEntry:
    entry = work.journal.last_entry() if voucher is None else work.journal.entry(voucher)
    if entry is None:
        raise NoSuchSale
    return entry


def _handed_out(work: Workplace, asked: Request | Declined) -> Request | Declined:
    if isinstance(asked, Request):
        slip = slip_of_request(asked, work.fittings.language, training=work.journal.training)
        work.hand_out(slip, asked.entry.sale.voucher)
        work.look_into_books()
    return asked
