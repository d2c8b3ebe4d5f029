"""The day: opened once, closed with its totals, never over a sale to be verified unless somebody says why."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.terminal.clock_rules import CLOCK_TOLERANCE
from sscard_terminal.terminal.day import Day, close_day, newest_day, open_day
from sscard_terminal.terminal.day_records import Sum
from sscard_terminal.terminal.debit import DebitRequest, debit
from sscard_terminal.terminal.outcomes import Approved, Declined, Reason
from sscard_terminal.terminal.sale_rules import SaleRules
from tests.terminal.doubles import AMOUNTS, DEBIT, NOON, Desk, Refusing, answer_lost, statements_of

REFUSED = "6901"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk.at(tmp_path)


def sell(desk: Desk, operator: str = "", rules: SaleRules | None = None) -> object:
    request = DebitRequest(AMOUNTS, operator=operator)
    return debit(desk.identified(), desk.psam, desk.journal, request, desk.clock, rules or SaleRules())


def opened(desk: Desk) -> Day:
    day = open_day(desk.journal, desk.clock)
    assert isinstance(day, Day)
    return day


def closed(desk: Desk, despite: str = "") -> Day:
    day = close_day(desk.journal, desk.clock, despite=despite)
    assert isinstance(day, Day)
    return day


def sum_of(operator: str, state: str, count: int) -> Sum:
    amounts = (AMOUNTS.account, AMOUNTS.self_paid, AMOUNTS.pooled)
    return Sum(operator, "purchase", state, count, *(count * int(amount) for amount in amounts))


def test_before_the_first_day_there_is_none(desk: Desk) -> None:
    assert newest_day(desk.journal) is None
    assert not desk.journal.is_day_open()
    assert close_day(desk.journal, desk.clock) == Declined(Reason.DAY_NOT_OPEN)


def test_a_day_is_opened_once_and_closed_once(desk: Desk) -> None:
    day = opened(desk)

    assert (day.number, day.closed, day.sums) == (1, None, ())
    assert open_day(desk.journal, desk.clock) == Declined(Reason.DAY_ALREADY_OPEN)
    assert closed(desk).closed is not None
    assert close_day(desk.journal, desk.clock) == Declined(Reason.DAY_NOT_OPEN)
    assert opened(desk).number == 2


def test_a_day_sums_its_own_sales_by_operator(desk: Desk) -> None:
    sell(desk, "early")
    opened(desk)
    sell(desk, "07")
    sell(desk, "08")
    sell(desk, "07")
    day = closed(desk)
    sell(desk, "late")

    assert day.sums == (sum_of("07", "charged", 2), sum_of("08", "charged", 1))
    assert newest_day(desk.journal) == day


def test_a_day_tells_charged_not_charged_and_to_be_verified_apart(desk: Desk) -> None:
    opened(desk)
    sell(desk)
    card = desk.identified(lambda inner: Refusing(inner, DEBIT, REFUSED))
    debit(card, desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock)
    desk.sell(answer_lost(LinkReason.CARD_REMOVED))

    day = newest_day(desk.journal)

    assert day is not None
    assert {(row.state, row.count) for row in day.sums} == {("charged", 1), ("not-charged", 1), ("open", 1)}


def test_a_day_is_not_closed_over_a_sale_to_be_verified_of_whatever_day(desk: Desk) -> None:
    desk.sell(answer_lost(LinkReason.CARD_REMOVED))
    opened(desk)

    declined = close_day(desk.journal, desk.clock, despite="  ")

    assert declined == Declined(Reason.DAY_HAS_OPEN_SALES, voucher=desk.last_sale().voucher)
    assert desk.journal.is_day_open()


def test_a_day_is_closed_over_it_when_somebody_says_why_and_the_reason_stays(desk: Desk) -> None:
    opened(desk)
    desk.sell(answer_lost(LinkReason.CARD_REMOVED))

    day = closed(desk, despite="the holder left")

    assert day.closed is not None
    assert day.closed.despite == "the holder left"


def test_a_reason_nobody_needed_is_not_kept(desk: Desk) -> None:
    opened(desk)

    day = closed(desk, despite="just in case")

    assert day.closed is not None
    assert day.closed.despite == ""


def test_a_sale_settled_after_the_day_was_closed_changes_no_sum_and_is_told_beside_them(desk: Desk) -> None:
    opened(desk)
    desk.sell(answer_lost(LinkReason.CARD_REMOVED))
    at_close = closed(desk, despite="the holder left")

    desk.come_back()

    day = newest_day(desk.journal)
    assert day is not None
    assert day.sums == at_close.sums == (sum_of("", "open", 1),)
    assert (at_close.settled, day.settled) == ((), (sum_of("", "charged", 1),))


def test_a_day_that_is_open_tells_where_its_sales_stand_now(desk: Desk) -> None:
    opened(desk)
    desk.sell(answer_lost(LinkReason.CARD_REMOVED))
    desk.come_back()

    day = newest_day(desk.journal)

    assert day is not None
    assert (day.sums, day.settled) == ((sum_of("", "charged", 1),), ())


@pytest.mark.parametrize("act", [open_day, close_day])
def test_a_clock_that_ran_backwards_neither_opens_nor_closes_a_day(
    act: Callable[..., Day | Declined], desk: Desk
) -> None:
    opened(desk)
    if act is open_day:
        closed(desk)
    desk.clock.now = NOON - CLOCK_TOLERANCE - timedelta(seconds=1)

    outcome = act(desk.journal, desk.clock)

    assert isinstance(outcome, Declined)
    assert outcome.reason is Reason.CLOCK_WENT_BACKWARDS


def test_a_place_that_needs_an_open_day_sells_in_one_only(desk: Desk) -> None:
    rules = SaleRules(needs_open_day=True)

    before = sell(desk, rules=rules)
    opened(desk)
    within = sell(desk, rules=rules)
    closed(desk)
    after = sell(desk, rules=rules)

    assert before == after == Declined(Reason.DAY_NOT_OPEN)
    assert isinstance(within, Approved)


def test_opening_a_day_is_one_durable_transaction(desk: Desk) -> None:
    statements: list[str] = []
    statements_of(desk.journal, statements.append)

    opened(desk)

    written = [text.split()[0] for text in statements if not text.startswith("SELECT")]
    assert written == ["BEGIN", "INSERT", "COMMIT"]


@pytest.mark.parametrize("change", ["UPDATE days SET operator = 'x'", "DELETE FROM days"])
def test_days_are_append_only(change: str, desk: Desk, tmp_path: Path) -> None:
    opened(desk)
    desk.journal.close()

    with (
        closing(sqlite3.connect(tmp_path / "journal.db")) as database,
        pytest.raises(sqlite3.IntegrityError, match="append only"),
    ):
        database.execute(change)
