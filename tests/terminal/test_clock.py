"""The clock against all that is known: when it is not believed, what it is told, and a person's word against it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from sscard_applets.catalogue import load_profile
from sscard_applets.psam.issue import PsamFacts, issue_psam
from sscard_terminal.terminal.clock_rules import (
    CLOCK_TOLERANCE,
    LONGEST_CLOSURE,
    MAY_BE_CONFIRMED,
    PROGRAM_SINCE,
    objection_by_dates,
    objection_to_clock,
)
from sscard_terminal.terminal.day import Day, Watch, close_day, open_day
from sscard_terminal.terminal.debit import DebitRequest, debit
from sscard_terminal.terminal.outcomes import Approved, Declined, Reason
from sscard_terminal.terminal.sale_rules import SaleRules
from tests.cards import KEYS, chip_of
from tests.terminal.doubles import AMOUNTS, NOON, Desk, Faulty

INITIALIZE = bytes.fromhex("B0280101")
SECOND = timedelta(seconds=1)
CONFIRMED = Watch(is_right=True)
Act = Callable[..., Day | Declined]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk.at(tmp_path)
    assert isinstance(desk.sell(), Approved)
    return desk


def reason_at(desk: Desk, moment: datetime) -> Reason | None:
    objection = objection_to_clock(desk.journal, moment)
    return objection and objection.reason


@pytest.mark.parametrize(
    ("after_the_sale", "reason"),
    [
        (-CLOCK_TOLERANCE - SECOND, Reason.CLOCK_WENT_BACKWARDS),
        (-CLOCK_TOLERANCE, None),
        (timedelta(0), None),
        (LONGEST_CLOSURE, None),
        (LONGEST_CLOSURE + SECOND, Reason.CLOCK_FAR_AHEAD),
        (timedelta(days=20 * 365), Reason.CLOCK_FAR_AHEAD),
    ],
)
def test_the_clock_is_held_against_the_newest_sale(
    after_the_sale: timedelta, reason: Reason | None, desk: Desk
) -> None:
    assert reason_at(desk, desk.last_sale().time + after_the_sale) is reason


def test_the_opening_of_a_day_is_an_entry_too(desk: Desk) -> None:
    desk.clock.now = NOON + timedelta(days=25)
    assert isinstance(open_day(desk.journal, desk.clock), Day)

    assert reason_at(desk, NOON + timedelta(days=50)) is None
    assert reason_at(desk, NOON + timedelta(days=24)) is Reason.CLOCK_WENT_BACKWARDS


@pytest.mark.parametrize(
    "moment", [datetime(1970, 1, 1), datetime(2000, 1, 1, 12), datetime(2025, 12, 31, 23, 59)]
)
def test_a_clock_before_this_program_is_not_believed_even_with_an_empty_journal(
    moment: datetime, tmp_path: Path
) -> None:
    empty = Desk.at(tmp_path)

    assert reason_at(empty, moment) is Reason.CLOCK_BEFORE_PROGRAM
    assert reason_at(empty, datetime.combine(PROGRAM_SINCE, datetime.min.time())) is None


def test_an_empty_journal_knows_nothing_of_a_clock_ahead(tmp_path: Path) -> None:
    assert reason_at(Desk.at(tmp_path), datetime(2090, 1, 1)) is None


def test_what_the_clock_says_and_what_it_contradicts_are_told(desk: Desk) -> None:
    moment = desk.last_sale().time + timedelta(days=365)

    assert objection_to_clock(desk.journal, moment) == Declined(
        Reason.CLOCK_FAR_AHEAD, clock=moment, known=desk.last_sale().time
    )


def test_a_clock_far_ahead_sells_nothing_and_asks_the_card_nothing(desk: Desk) -> None:
    links: list[Faulty] = []
    card = desk.identified(lambda inner: links.append(Faulty(inner)) or links[0])
    desk.clock.now += timedelta(days=31)

    outcome = debit(card, desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock)

    assert isinstance(outcome, Declined)
    assert outcome.reason is Reason.CLOCK_FAR_AHEAD
    assert INITIALIZE not in links[0].sent


def test_how_long_a_place_may_be_closed_is_a_rule_of_the_place(desk: Desk) -> None:
    card = desk.identified()
    desk.clock.now += timedelta(days=31)
    rules = SaleRules(longest_closure=timedelta(days=60))

    assert isinstance(
        debit(card, desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock, rules), Approved
    )


@pytest.mark.parametrize(
    ("key_since", "card_since", "reason"),
    [
        (None, None, None),
        (NOON.date(), NOON.date(), None),
        (date(2026, 1, 6), None, Reason.CLOCK_BEFORE_KEY),
        (None, date(2026, 1, 6), Reason.CLOCK_BEFORE_CARD),
        (date(2020, 1, 1), date(2027, 1, 1), Reason.CLOCK_BEFORE_CARD),
    ],
)
def test_neither_key_nor_card_comes_from_the_future(
    key_since: date | None, card_since: date | None, reason: Reason | None
) -> None:
    objection = objection_by_dates(NOON, key_since, card_since)

    assert (objection and objection.reason) is reason


def test_a_psam_whose_key_begins_tomorrow_sells_nothing(tmp_path: Path) -> None:
    profile = load_profile("psam-national")
    image = issue_psam(profile, PsamFacts(valid_from=date(2026, 1, 6)), KEYS)
    desk = Desk.at(tmp_path, psam=chip_of(image, profile_name=profile.name))

    outcome = desk.sell()

    assert isinstance(outcome, Declined)
    assert (outcome.reason, outcome.known) == (Reason.CLOCK_BEFORE_KEY, date(2026, 1, 6))


def test_a_card_issued_tomorrow_is_sold_nothing(desk: Desk) -> None:
    card = desk.identified()
    tomorrow = desk.clock.now.date() + timedelta(days=1)
    card = replace(card, issuer=replace(card.issuer, issued=tomorrow))

    outcome = debit(card, desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock)

    assert isinstance(outcome, Declined)
    assert (outcome.reason, outcome.known) == (Reason.CLOCK_BEFORE_CARD, tomorrow)


@pytest.mark.parametrize("moved", [timedelta(days=-10), timedelta(days=400)], ids=["behind", "far ahead"])
@pytest.mark.parametrize("act", [open_day, close_day])
def test_a_persons_word_opens_or_closes_the_day_and_sales_follow(
    act: Act, moved: timedelta, tmp_path: Path
) -> None:
    desk = Desk.at(tmp_path)
    desk.clock.now = NOON + timedelta(days=20)
    assert isinstance(desk.sell(), Approved)
    if act is close_day:
        assert isinstance(open_day(desk.journal, desk.clock), Day)
    desk.clock.now += moved

    refused = act(desk.journal, desk.clock)
    confirmed = act(desk.journal, desk.clock, watch=CONFIRMED)
    sold = desk.sell()

    assert isinstance(refused, Declined)
    assert isinstance(confirmed, Day)
    assert isinstance(sold, Approved)


def test_the_word_counts_from_then_on_and_not_for_another_leap(desk: Desk) -> None:
    desk.clock.now += timedelta(days=400)
    open_day(desk.journal, desk.clock, watch=CONFIRMED)

    assert reason_at(desk, desk.clock.now - timedelta(days=399)) is Reason.CLOCK_WENT_BACKWARDS
    assert reason_at(desk, desk.clock.now + LONGEST_CLOSURE + SECOND) is Reason.CLOCK_FAR_AHEAD


def test_no_word_helps_a_clock_that_cannot_be(desk: Desk) -> None:
    desk.clock.now = datetime(2000, 1, 1)

    outcome = open_day(desk.journal, desk.clock, watch=CONFIRMED)

    assert isinstance(outcome, Declined)
    assert outcome.reason is Reason.CLOCK_BEFORE_PROGRAM
    assert outcome.reason not in MAY_BE_CONFIRMED


def test_a_word_nobody_needed_is_not_written_down(desk: Desk) -> None:
    open_day(desk.journal, desk.clock, watch=CONFIRMED)

    with desk.journal.reading() as database:
        assert database.execute("SELECT count(*) FROM care").fetchone()[0] == 0
