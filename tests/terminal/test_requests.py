"""Void and refund: who may be given back what, and when; asked once, never more than was paid."""

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.terminal.day import close_day, open_day
from sscard_terminal.terminal.debit import DebitRequest, debit
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.journal_events import Event, EventKind, Request, SaleState
from sscard_terminal.terminal.journal_file import JournalFault, JournalTrouble
from sscard_terminal.terminal.outcomes import Approved, DebitIntent, Declined, Reason, SaleKind
from sscard_terminal.terminal.requests import (
    Asker,
    all_requests,
    left_to_ask,
    request_refund,
    request_void,
    requests_on_their_way,
    sales_of_card,
)
from sscard_terminal.terminal.sale_rules import SaleRules
from tests.terminal.doubles import AMOUNTS, Desk, another_card, answer_lost, answers, fill_the_disk
from tests.terminal.test_journal import intent

PAID = AMOUNTS.account
ASKER = Asker("07", "01")
DAY = timedelta(days=1)
Ask = Callable[[Desk, int], Request | Declined]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk.at(tmp_path)
    yield desk
    desk.journal.close()


def sold(desk: Desk) -> int:
    outcome = desk.sell()
    assert isinstance(outcome, Approved)
    return outcome.sale.voucher


def void(desk: Desk, voucher: int) -> Request | Declined:
    return request_void(desk.journal, voucher, desk.clock, ASKER)


def refund(
    desk: Desk, voucher: int, amount: int | None = None, *, again: bool = False, days: int = 30
) -> Request | Declined:
    wish = None if amount is None else Fen(amount)
    asker, rules = Asker("07", "01", again), SaleRules(refund_days=days)
    return request_refund(desk.journal, voucher, desk.clock, wish, asker, rules)


def reason(outcome: Request | Declined) -> Reason:
    assert isinstance(outcome, Declined), outcome
    return outcome.reason


def answer(journal: Journal, request: Request | Declined, kind: EventKind) -> None:
    """What the centre says to it."""
    assert isinstance(request, Request)
    asked = request.event
    journal.record(
        request.entry.sale.voucher, Event(kind, asked.at, amount=asked.amount, answers=asked.number)
    )


def next_day(desk: Desk, days: int = 1) -> None:
    desk.clock.now += days * DAY


# Voids ------------------------------------------------------------------------------------------------


def test_a_void_asks_for_all_the_account_paid_and_names_who_asked(desk: Desk) -> None:
    voucher = sold(desk)

    asked = void(desk, voucher)

    assert isinstance(asked, Request)
    assert (asked.event.kind, asked.event.amount) == (EventKind.VOID_REQUESTED, PAID)
    assert (asked.event.operator, asked.event.supervisor) == ("07", "01")
    assert (asked.entry.on_its_way, asked.answer) == (PAID, None)


def test_a_void_moves_no_money_here(desk: Desk) -> None:
    voucher = sold(desk)
    before = desk.balance()

    asked = void(desk, voucher)

    assert isinstance(asked, Request)
    assert desk.balance() == before
    assert asked.entry.state is SaleState.CHARGED


def test_a_void_asked_for_twice_is_told_so_and_not_made_twice(desk: Desk) -> None:
    voucher = sold(desk)
    void(desk, voucher)

    again = void(desk, voucher)

    assert again == Declined(Reason.ASKED_ALREADY, voucher=voucher, asked=PAID, left=Fen(0))
    assert len(all_requests(desk.journal)) == 1


def test_a_void_the_centre_refused_can_be_asked_for_again(desk: Desk) -> None:
    voucher = sold(desk)
    answer(desk.journal, void(desk, voucher), EventKind.REQUEST_REFUSED)

    assert isinstance(void(desk, voucher), Request)


def test_a_void_that_was_credited_cannot(desk: Desk) -> None:
    voucher = sold(desk)
    answer(desk.journal, void(desk, voucher), EventKind.REQUEST_CREDITED)

    assert reason(void(desk, voucher)) is Reason.ASKED_ALREADY


def test_without_days_a_sale_can_be_voided_until_midnight(desk: Desk) -> None:
    voucher = sold(desk)
    desk.clock.now = datetime(2026, 1, 5, 23, 59, 59)
    before = void(desk, voucher)
    answer(desk.journal, before, EventKind.REQUEST_REFUSED)
    desk.clock.now = datetime(2026, 1, 6)

    assert isinstance(before, Request)
    assert void(desk, voucher) == Declined(Reason.VOID_TOO_LATE, voucher=voucher)


def test_an_open_day_lasts_past_midnight(desk: Desk) -> None:
    open_day(desk.journal, desk.clock)
    voucher = sold(desk)
    next_day(desk)

    assert isinstance(void(desk, voucher), Request)


def test_a_sale_of_a_closed_day_cannot_be_voided(desk: Desk) -> None:
    open_day(desk.journal, desk.clock)
    voucher = sold(desk)
    close_day(desk.journal, desk.clock)

    assert reason(void(desk, voucher)) is Reason.VOID_TOO_LATE


def test_a_sale_from_before_the_open_day_cannot_be_voided(desk: Desk) -> None:
    voucher = sold(desk)
    open_day(desk.journal, desk.clock)

    assert reason(void(desk, voucher)) is Reason.VOID_TOO_LATE


def test_a_sale_made_after_closing_has_the_calendars_day(desk: Desk) -> None:
    open_day(desk.journal, desk.clock)
    close_day(desk.journal, desk.clock)
    voucher = sold(desk)

    assert isinstance(void(desk, voucher), Request)


# What can be given back -----------------------------------------------------------------------------


@pytest.mark.parametrize("ask", [void, refund])
def test_a_voucher_nobody_was_given_is_told_so(desk: Desk, ask: Ask) -> None:
    assert ask(desk, 7) == Declined(Reason.NO_SUCH_SALE, voucher=7)


@pytest.mark.parametrize("ask", [void, refund])
def test_a_sale_to_be_verified_is_settled_first(desk: Desk, ask: Ask) -> None:
    desk.sell(answer_lost(LinkReason.CARD_REMOVED))

    refused = ask(desk, 1)
    desk.come_back()

    assert refused == Declined(Reason.SALE_TO_BE_VERIFIED, voucher=1)
    assert isinstance(void(desk, 1), Request)


@pytest.mark.parametrize("ask", [void, refund])
def test_a_sale_that_was_not_charged_has_nothing_to_give_back(desk: Desk, ask: Ask) -> None:
    desk.sell(answers("6901"))

    assert ask(desk, 1) == Declined(Reason.SALE_NOT_CHARGED, voucher=1)


def test_a_record_keeping_debit_has_nothing_a_chip_could_get_back(desk: Desk) -> None:
    request = DebitRequest(PurchaseAmounts(Fen(0), Fen(2000), Fen(1000)), kind=SaleKind.RECORD_KEEPING)
    outcome = debit(desk.identified(), desk.psam, desk.journal, request, desk.clock)
    assert isinstance(outcome, Approved)

    assert void(desk, 1) == Declined(Reason.NOTHING_TO_GIVE_BACK, voucher=1)


@pytest.mark.parametrize("ask", [void, refund])
def test_a_clock_that_went_backwards_asks_for_nothing(desk: Desk, ask: Ask) -> None:
    voucher = sold(desk)
    desk.clock.now -= timedelta(minutes=5)

    assert reason(ask(desk, voucher)) is Reason.CLOCK_WENT_BACKWARDS


def test_a_request_that_cannot_be_written_was_not_made(desk: Desk) -> None:
    voucher = sold(desk)
    fill_the_disk(desk.journal)

    with pytest.raises(JournalTrouble) as caught:
        for _ in range(2000):
            answer(desk.journal, void(desk, voucher), EventKind.REQUEST_REFUSED)

    assert caught.value.fault is JournalFault.CANNOT_WRITE


# Refunds ----------------------------------------------------------------------------------------------


def test_a_sale_of_today_is_voided_instead(desk: Desk) -> None:
    assert reason(refund(desk, sold(desk))) is Reason.VOID_INSTEAD


def test_a_refund_asks_for_all_unless_told_how_much(desk: Desk) -> None:
    voucher = sold(desk)
    next_day(desk)

    asked = refund(desk, voucher)

    assert isinstance(asked, Request)
    assert (asked.event.kind, asked.event.amount) == (EventKind.REFUND_REQUESTED, PAID)


def test_the_day_can_be_refunded_as_soon_as_it_is_closed(desk: Desk) -> None:
    open_day(desk.journal, desk.clock)
    voucher = sold(desk)
    close_day(desk.journal, desk.clock)

    assert isinstance(refund(desk, voucher, 1), Request)


def test_parts_are_given_back_until_nothing_is_left(desk: Desk) -> None:
    voucher = sold(desk)
    next_day(desk)

    assert isinstance(refund(desk, voucher, 1000), Request)
    assert refund(desk, voucher, 235) == Declined(Reason.REFUND_TOO_LARGE, voucher=voucher, left=Fen(234))
    rest = refund(desk, voucher)

    assert isinstance(rest, Request)
    assert rest.event.amount == 234
    assert reason(refund(desk, voucher)) is Reason.ASKED_ALREADY
    assert [request.event.amount for request in requests_on_their_way(desk.journal)] == [1000, 234]


def test_the_same_part_twice_is_told_so_unless_it_is_meant(desk: Desk) -> None:
    voucher = sold(desk)
    next_day(desk)
    refund(desk, voucher, 500)

    told = refund(desk, voucher, 500)

    assert told == Declined(Reason.ASKED_ALREADY, voucher=voucher, asked=Fen(500), left=Fen(734))
    assert isinstance(refund(desk, voucher, 500, again=True), Request)


@pytest.mark.parametrize("amount", [None, 500])
def test_a_part_the_centre_refused_can_be_asked_for_again(desk: Desk, amount: int | None) -> None:
    voucher = sold(desk)
    next_day(desk)
    answer(desk.journal, refund(desk, voucher, amount), EventKind.REQUEST_REFUSED)

    assert isinstance(refund(desk, voucher, amount), Request)


def test_exactly_what_is_left_can_be_asked_for(desk: Desk) -> None:
    voucher = sold(desk)
    next_day(desk)
    refund(desk, voucher, 1000)

    assert isinstance(refund(desk, voucher, 234), Request)


@pytest.mark.parametrize(("days_later", "is_late"), [(1, False), (7, False), (8, True)])
def test_a_refund_has_a_day_limit(desk: Desk, days_later: int, is_late: bool) -> None:
    voucher = sold(desk)
    sold_on = desk.last_sale().time.date()
    next_day(desk, days_later)

    asked = refund(desk, voucher, days=7)

    expected = Declined(Reason.REFUND_TOO_LATE, voucher=voucher, expired_on=sold_on + 7 * DAY)
    assert (asked == expected) is is_late


def test_nothing_is_no_refund(desk: Desk) -> None:
    voucher = sold(desk)
    next_day(desk)

    assert reason(refund(desk, voucher, 0)) is Reason.NOTHING_TO_GIVE_BACK


def test_what_was_voided_is_not_refunded_too(desk: Desk) -> None:
    voucher = sold(desk)
    void(desk, voucher)
    next_day(desk)

    assert reason(refund(desk, voucher)) is Reason.ASKED_ALREADY


@given(st.lists(st.tuples(st.integers(0, PAID + 1), st.sampled_from(["", "credited", "refused"]))))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_never_more_than_was_paid_whatever_is_asked_and_answered(
    tmp_path: Path, wishes: list[tuple[int, str]]
) -> None:
    with Journal.open(tmp_path / "many.db") as journal:
        sale = journal.record_intent(intent())
        journal.record(sale.voucher, Event(EventKind.CONFIRMED, sale.time))
        for amount, said in wishes:
            asked = request_refund(
                journal, sale.voucher, lambda: sale.time + DAY, Fen(amount), Asker(again=True)
            )
            if said and isinstance(asked, Request):
                answer(journal, asked, EventKind(f"request-{said}"))

        entry = journal.entry(sale.voucher)
        assert entry is not None
        granted = sum(request.event.amount or 0 for request in entry.requests if not request.is_refused)
        assert granted == entry.requested <= PAID
        assert left_to_ask(entry) == PAID - granted


# Lists ------------------------------------------------------------------------------------------------


def test_the_sales_of_a_card_are_those_of_which_something_is_left(desk: Desk) -> None:
    vouchers = [sold(desk) for _ in range(3)]
    desk.sell(answers("6901"))
    void(desk, vouchers[1])
    mine = desk.identified()
    desk.card = another_card()
    sold(desk)

    found = sales_of_card(desk.journal, mine)

    assert [entry.sale.voucher for entry in found] == [vouchers[2], vouchers[0]]
    assert [entry.sale.voucher for entry in sales_of_card(desk.journal, desk.identified())] == [5]


def test_another_card_number_under_the_same_code_is_another_card(desk: Desk) -> None:
    sold(desk)
    another = replace(desk.last_sale(), card_number="D21435770")
    facts = {item.name: getattr(another, item.name) for item in fields(DebitIntent)}
    voucher = desk.journal.record_intent(DebitIntent(**facts)).voucher
    desk.journal.record(voucher, Event(EventKind.CONFIRMED, another.time))

    found = sales_of_card(desk.journal, desk.identified())

    assert [entry.sale.voucher for entry in found] == [1]


def test_what_the_centre_has_answered_is_on_its_way_no_more(desk: Desk) -> None:
    vouchers = [sold(desk) for _ in range(3)]
    asked = [void(desk, voucher) for voucher in vouchers]
    answer(desk.journal, asked[0], EventKind.REQUEST_CREDITED)
    answer(desk.journal, asked[2], EventKind.REQUEST_REFUSED)

    assert [request.entry.sale.voucher for request in requests_on_their_way(desk.journal)] == [vouchers[1]]
    kinds = [request.answer and request.answer.kind for request in all_requests(desk.journal)]
    assert kinds == [EventKind.REQUEST_CREDITED, None, EventKind.REQUEST_REFUSED]
