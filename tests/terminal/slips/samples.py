"""Invented entries of a journal, one for each kind of slip, and the slips they make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.iso7816.status import Language
from sscard_terminal.terminal.day import Day
from sscard_terminal.terminal.day_records import DayEvent, DayEventKind, Sum
from sscard_terminal.terminal.journal_events import Event, EventKind, JournalEntry
from sscard_terminal.terminal.load_records import Load, LoadEntry, LoadEvent, LoadEventKind
from sscard_terminal.terminal.outcomes import Sale, SaleKind
from sscard_terminal.terminal.slips.contents import Slip
from sscard_terminal.terminal.slips.day_form import slip_of_day
from sscard_terminal.terminal.slips.forms import newest_request, slip_of_request, slip_of_sale
from sscard_terminal.terminal.slips.load_form import slip_of_load
from tests.terminal.doubles import AMOUNTS, NOON

TAC = bytes.fromhex("CEA3FB75")
SALE = Sale(
    voucher=12,
    identification="370900D15600000500000001B6233D35",
    card_number="D2143569X",
    amounts=AMOUNTS,
    counter=0,
    key_index=1,
    balance_before=Fen(10_000),
    terminal="370900000001",
    sequence=bytes.fromhex("0000000A"),
    time=NOON,
    mac1=bytes.fromhex("409CAC6A"),
    place="泰安药店",
    operator="01",
)
ANSWERED, CONFIRMED = Event(EventKind.ANSWERED, NOON, TAC, bytes(4)), Event(EventKind.CONFIRMED, NOON)
CHARGED = JournalEntry(SALE, (ANSWERED, CONFIRMED))
OPEN = JournalEntry(SALE, (ANSWERED, Event(EventKind.UNPROVED, NOON)))
NOT_CHARGED = JournalEntry(SALE, (Event(EventKind.REFUSED, NOON),))
RECORDED = JournalEntry(
    replace(
        SALE,
        kind=SaleKind.RECORD_KEEPING,
        amounts=PurchaseAmounts(Fen(0), Fen(11_234), Fen(9_234)),
    ),
    (ANSWERED, CONFIRMED),
)
LATER = NOON + timedelta(hours=5)


def asked(kind: EventKind, amount: int, *answers: EventKind) -> JournalEntry:
    """The charged sale, somebody asking for its money, and what the centre did about it."""
    request = Event(kind, LATER, amount=Fen(amount), operator="01", supervisor="90", number=3)
    done = tuple(Event(answer, LATER, amount=Fen(amount), answers=3) for answer in answers)
    return JournalEntry(SALE, (*CHARGED.events, request, *done))


VOIDED = asked(EventKind.VOID_REQUESTED, 1234)
REFUNDED = asked(EventKind.REFUND_REQUESTED, 500)

LOAD = Load(
    number=4,
    request="9f2c51d0e7b84c5f8a6b3d0e1f2a4c6e",
    identification=SALE.identification,
    card_number=SALE.card_number,
    amount=Fen(1234),
    counter=0,
    key_index=1,
    balance_before=Fen(8766),
    terminal=SALE.terminal,
    time=LATER,
    mac1=bytes.fromhex("1A2B3C4D"),
    mac2=bytes.fromhex("5E6F7081"),
    operator="W3",
)


def load_slip(language: Language, *kinds: LoadEventKind) -> Slip:
    entry = LoadEntry(LOAD, tuple(LoadEvent(kind, LATER, TAC) for kind in kinds))
    return slip_of_load(entry, "泰安市服务窗口", language)


OPENED = DayEvent(3, DayEventKind.OPENED, NOON - timedelta(hours=2), 0, "01")
CLOSED = DayEvent(3, DayEventKind.CLOSED, NOON + timedelta(hours=8), 7, "02")
DESPITE = replace(CLOSED, despite="顾客已离店，电话联系后次日带卡来核实", supervisor="90")
SUMS = (
    Sum("01", "purchase", "charged", 3, 3702, 6000, 24000),
    Sum("01", "purchase", "not-charged", 1, 1234, 2000, 8000),
    Sum("01", "record-keeping", "charged", 1, 0, 11234, 9234),
    Sum("02", "purchase", "charged", 2, 2000, 0, 0),
    Sum("02", "purchase", "open", 1, 500, 0, 0),
    Sum("01", "void-requested", "requested", 1, 1234, 0, 0),
    Sum("02", "refund-requested", "requested", 1, 500, 0, 0),
)


def request_slip(entry: JournalEntry, language: Language) -> Slip:
    request = newest_request(entry)
    assert request is not None
    return slip_of_request(request, language)


SAMPLES: dict[str, Callable[[Language], Slip]] = {
    "sale-charged": lambda language: slip_of_sale(CHARGED, language),
    "sale-open": lambda language: slip_of_sale(OPEN, language),
    "sale-not-charged": lambda language: slip_of_sale(NOT_CHARGED, language),
    "sale-reprint": lambda language: slip_of_sale(CHARGED, language, reprint=True),
    "sale-training": lambda language: slip_of_sale(CHARGED, language, training=True),
    "sale-voided": lambda language: slip_of_sale(VOIDED, language, reprint=True),
    "record-keeping": lambda language: slip_of_sale(RECORDED, language),
    "void-requested": lambda language: request_slip(VOIDED, language),
    "refund-requested": lambda language: request_slip(REFUNDED, language),
    "refund-credited": lambda language: request_slip(
        asked(EventKind.REFUND_REQUESTED, 500, EventKind.REQUEST_CREDITED), language
    ),
    "refund-refused": lambda language: request_slip(
        asked(EventKind.REFUND_REQUESTED, 500, EventKind.REQUEST_REFUSED), language
    ),
    "load-credited": lambda language: load_slip(language, LoadEventKind.ANSWERED, LoadEventKind.CONFIRMED),
    "load-open": lambda language: load_slip(language, LoadEventKind.ANSWERED, LoadEventKind.UNPROVED),
    "load-not-credited": lambda language: load_slip(language, LoadEventKind.REFUSED),
    "day-open": lambda language: slip_of_day(Day(OPENED, None, SUMS[:2]), "泰安药店", language),
    "day-closed": lambda language: slip_of_day(Day(OPENED, CLOSED, SUMS), "泰安药店", language),
    "day-despite": lambda language: slip_of_day(Day(OPENED, DESPITE, SUMS), "泰安药店", language),
    "day-settled": lambda language: slip_of_day(
        Day(OPENED, DESPITE, SUMS, SUMS[:1]), "泰安药店", language, reprint=True
    ),
    "day-empty": lambda language: slip_of_day(Day(OPENED, CLOSED, ()), "", language, training=True),
}
"""One slip of each kind, as the golden files have them."""
