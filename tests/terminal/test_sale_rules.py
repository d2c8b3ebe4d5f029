"""What a place may sell: approval, hotlist age, ceilings, and the same sale twice."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.terminal.debit import DebitRequest, debit
from sscard_terminal.terminal.hotlist import Hotlist
from sscard_terminal.terminal.journal_events import Event, EventKind, SaleState
from sscard_terminal.terminal.outcomes import Approved, Declined, Reason, Unsettled
from sscard_terminal.terminal.sale_rules import SaleRules, objection_before_card, objection_to_card
from tests.terminal.doubles import AMOUNTS, NOON, Desk, Faulty, answer_lost, never_arrives

PAID = int(AMOUNTS.account)
TODAY = NOON.date()
MIDNIGHT = datetime(2026, 1, 6)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk.at(tmp_path)


def sell(desk: Desk, rules: SaleRules, *, again: bool = False) -> Approved | Declined | Unsettled:
    card = desk.identified()
    return debit(card, desk.psam, desk.journal, DebitRequest(AMOUNTS, again=again), desk.clock, rules)


def test_without_rules_the_same_sale_is_made_as_often_as_asked(desk: Desk) -> None:
    outcomes = [sell(desk, SaleRules()) for _ in range(3)]

    assert all(isinstance(outcome, Approved) for outcome in outcomes)


@pytest.mark.parametrize(("last_day", "sold"), [(TODAY, True), (TODAY - timedelta(days=1), False)])
def test_a_place_sells_on_the_last_day_of_its_approval_and_not_after(
    last_day: date, sold: bool, desk: Desk
) -> None:
    outcome = sell(desk, SaleRules(approved_until=last_day))

    assert isinstance(outcome, Approved) is sold
    assert sold or outcome == Declined(Reason.APPROVAL_ENDED, expired_on=last_day)


@pytest.mark.parametrize(("age", "sold"), [(3, True), (4, False), (-2, False)])
def test_a_hotlist_that_is_old_or_from_the_future_stops_sales(age: int, sold: bool, desk: Desk) -> None:
    issued = NOON + timedelta(minutes=1) - timedelta(days=age)
    rules = SaleRules(hotlist=Hotlist(1, issued, frozenset(), ()), hotlist_max_age=timedelta(days=3))

    outcome = sell(desk, rules)

    assert isinstance(outcome, Approved) is sold
    assert sold or outcome == Declined(Reason.HOTLIST_NOT_CURRENT, issued_at=issued)


@pytest.mark.parametrize(("ceiling", "sold"), [(PAID, True), (PAID - 1, False)])
def test_one_sale_stays_within_its_ceiling(ceiling: int, sold: bool, desk: Desk) -> None:
    outcome = sell(desk, SaleRules(per_sale=Fen(ceiling)))

    assert isinstance(outcome, Approved) is sold
    assert sold or outcome == Declined(Reason.CEILING_PER_SALE, ceiling=Fen(ceiling))


@pytest.mark.parametrize(
    ("ceiling", "reason"),
    [("per_card_per_day", Reason.CEILING_PER_CARD), ("per_day", Reason.CEILING_PER_DAY)],
)
def test_a_days_sales_stay_within_their_ceiling_to_the_fen(ceiling: str, reason: Reason, desk: Desk) -> None:
    rules = replace(SaleRules(), **{ceiling: Fen(2 * PAID + 1)})

    outcomes = [sell(desk, rules) for _ in range(3)]

    assert all(isinstance(outcome, Approved) for outcome in outcomes[:2])
    assert outcomes[2] == Declined(reason, ceiling=Fen(2 * PAID + 1), left=Fen(1))


def test_the_next_day_starts_from_nothing(desk: Desk) -> None:
    rules = SaleRules(per_day=Fen(PAID), per_card_per_day=Fen(PAID))
    sell(desk, rules)

    desk.clock.now = MIDNIGHT - timedelta(seconds=30)
    late = sell(desk, rules)
    desk.clock.now = MIDNIGHT
    early = sell(desk, rules)

    assert isinstance(late, Declined)
    assert isinstance(early, Approved)


def test_a_ceiling_lowered_below_what_was_sold_leaves_nothing(desk: Desk) -> None:
    sell(desk, SaleRules())

    assert sell(desk, SaleRules(per_day=Fen(1))) == Declined(
        Reason.CEILING_PER_DAY, ceiling=Fen(1), left=Fen(0)
    )


def test_the_ceiling_of_a_card_is_no_other_cards_business(desk: Desk) -> None:
    rules = SaleRules(per_card_per_day=Fen(PAID), repeat_within=timedelta(minutes=10))
    sell(desk, rules)

    assert objection_to_card(rules, desk.journal, "0" * 32, AMOUNTS, desk.clock()) is None


def test_a_sale_to_be_verified_counts_against_the_ceiling(desk: Desk) -> None:
    desk.sell(answer_lost(LinkReason.CARD_REMOVED))

    declined = objection_before_card(SaleRules(per_day=Fen(PAID)), desk.journal, AMOUNTS, desk.clock())

    assert desk.journal.open_sales()
    assert declined == Declined(Reason.CEILING_PER_DAY, ceiling=Fen(PAID), left=Fen(0))


@pytest.mark.parametrize(
    "kind", [EventKind.REFUSED, EventKind.NOT_SENT, EventKind.SETTLED_NOT_CHARGED], ids=str
)
def test_a_sale_that_was_not_charged_counts_for_nothing(kind: EventKind, desk: Desk) -> None:
    desk.sell(answer_lost(LinkReason.CARD_REMOVED))
    sale = desk.last_sale()
    desk.journal.record(sale.voucher, Event(kind, desk.clock()))
    rules = SaleRules(per_day=Fen(PAID), per_card_per_day=Fen(PAID), repeat_within=timedelta(hours=1))

    assert objection_before_card(rules, desk.journal, AMOUNTS, desk.clock()) is None
    assert objection_to_card(rules, desk.journal, sale.identification, AMOUNTS, desk.clock()) is None


def test_the_same_sale_within_the_minutes_is_refused_with_the_voucher_before_unless_confirmed(
    desk: Desk,
) -> None:
    rules = SaleRules(repeat_within=timedelta(minutes=10))
    first = sell(desk, rules)

    second, confirmed = sell(desk, rules), sell(desk, rules, again=True)

    assert isinstance(first, Approved)
    assert second == Declined(Reason.SAME_SALE_AGAIN, voucher=first.sale.voucher)
    assert isinstance(confirmed, Approved)
    assert desk.balance() == 10_000 - 2 * PAID


def test_the_same_sale_is_taken_for_another_one_after_the_minutes(desk: Desk) -> None:
    rules = SaleRules(repeat_within=timedelta(minutes=10))
    sell(desk, rules)

    desk.clock.now = desk.last_sale().time + timedelta(minutes=10, seconds=1)

    assert isinstance(sell(desk, rules), Approved)


@pytest.mark.parametrize(
    "other",
    [
        PurchaseAmounts(Fen(1235), Fen(2000), Fen(8000)),
        PurchaseAmounts(Fen(1234), Fen(2001), Fen(8000)),
        PurchaseAmounts(Fen(1234), Fen(2000), Fen(8001)),
    ],
)
def test_any_other_amount_makes_it_another_sale(other: PurchaseAmounts, desk: Desk) -> None:
    rules = SaleRules(repeat_within=timedelta(minutes=10))
    sell(desk, rules)
    card = desk.last_sale().identification

    assert objection_to_card(rules, desk.journal, card, other, desk.clock()) is None


def test_a_confirmed_repeat_still_stays_within_the_ceilings(desk: Desk) -> None:
    rules = SaleRules(per_card_per_day=Fen(PAID), repeat_within=timedelta(minutes=10))
    sell(desk, rules)

    outcome = sell(desk, rules, again=True)

    assert isinstance(outcome, Declined)
    assert outcome.reason is Reason.CEILING_PER_CARD


def test_a_declined_sale_reaches_neither_card_nor_journal(desk: Desk) -> None:
    rules = SaleRules(per_sale=Fen(1))
    links: list[Faulty] = []

    def link(inner: object) -> Faulty:
        links.append(Faulty(inner))  # type: ignore[arg-type]
        return links[-1]

    card = desk.identified(link)
    before = list(links[0].sent)
    debit(card, desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock, rules)

    assert links[0].sent == before
    assert desk.journal.last_entry() is None


def test_a_sale_that_never_left_the_terminal_may_be_made_again_at_once(desk: Desk) -> None:
    rules = SaleRules(repeat_within=timedelta(minutes=10))
    desk.sell(never_arrives(LinkReason.READER_BUSY))
    entry = desk.journal.last_entry()

    assert entry is not None
    assert entry.state is SaleState.NOT_CHARGED
    assert isinstance(sell(desk, rules), Approved)
