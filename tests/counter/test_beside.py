"""The card's log beside the journal: what agrees, what is elsewhere, and every way in which the two can differ."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from sscard_terminal.cardspec.bcd import bcd_of_time
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.records import LogRecord
from sscard_terminal.cardspec.transaction import PURCHASE_TYPE, PurchaseAmounts
from sscard_terminal.counter.beside import Match, beside
from sscard_terminal.terminal.journal_events import Event, EventKind, JournalEntry
from sscard_terminal.terminal.outcomes import Sale
from tests.terminal.doubles import NOON

HERE, ELSEWHERE = "370900000001", "370900000002"
AMOUNTS = PurchaseAmounts(Fen(1234), Fen(0), Fen(0))
LOAD_TYPE = 0x31


def record(counter: int = 4, at: datetime = NOON, terminal: str = HERE, account: int = 1234) -> LogRecord:
    return LogRecord(counter, PURCHASE_TYPE, bytes.fromhex(terminal), bcd_of_time(at), Fen(account))


def entry(counter: int = 4, at: datetime = NOON, kind: EventKind = EventKind.CONFIRMED) -> JournalEntry:
    sale = Sale(
        voucher=counter,
        identification="00" * 16,
        card_number="D2143569X",
        amounts=AMOUNTS,
        counter=counter,
        key_index=1,
        balance_before=Fen(10_000),
        terminal=HERE,
        sequence=bytes(4),
        time=at,
        mac1=bytes(4),
    )
    return JournalEntry(sale, (Event(kind, at),))


@pytest.mark.parametrize(
    ("records", "entries", "expected"),
    [
        ([record()], [entry()], [(Match.SAME, 4)]),
        ([record(account=1)], [entry()], [(Match.DIFFERS, 4)]),
        ([record()], [entry(kind=EventKind.SETTLED_NOT_CHARGED)], [(Match.DIFFERS, 4)]),
        ([record()], [entry(kind=EventKind.LOST)], [(Match.DIFFERS, 4)]),
        ([record()], [], [(Match.NOT_IN_JOURNAL, None)]),
        ([record(counter=5)], [entry()], [(Match.NOT_IN_JOURNAL, None)]),
        ([record(terminal=ELSEWHERE)], [], [(Match.OTHER_PLACE, None)]),
        ([replace(record(), kind=LOAD_TYPE)], [], [(Match.LOAD, None)]),
        ([replace(record(), time=b"\xff" * 7)], [], [(Match.NOT_IN_JOURNAL, None)]),
        ([], [entry()], [(Match.NOT_ON_CARD, 4)]),
        ([], [entry(kind=EventKind.REFUSED)], []),
    ],
)
def test_a_line_is_told_what_the_other_says_to_it(
    records: list[LogRecord], entries: list[JournalEntry], expected: list[tuple[Match, int | None]]
) -> None:
    lines = beside(records, entries, HERE)

    assert [(line.match, line.voucher) for line in lines] == expected


def test_a_sale_older_than_the_cards_log_is_not_missed_on_it() -> None:
    before = NOON - timedelta(days=1)

    lines = beside([record()], [entry(), entry(counter=3, at=before)], HERE)

    assert [line.match for line in lines] == [Match.SAME]


def test_a_sale_the_card_has_forgotten_stands_at_its_time_and_is_marked() -> None:
    later, latest = NOON + timedelta(minutes=5), NOON + timedelta(minutes=9)

    lines = beside([record(6, latest), record()], [entry(), entry(5, later), entry(6, latest)], HERE)

    assert [(line.match, line.is_difference) for line in lines] == [
        *((Match.SAME, False), (Match.NOT_ON_CARD, True), (Match.SAME, False)),
    ]
