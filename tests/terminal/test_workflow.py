"""PIN, balances and details: what is asked of the card, and what is refused before it is asked."""

from pathlib import Path

import pytest

from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.reader.connection import CardRemoved, LinkReason
from sscard_terminal.terminal.outcomes import Accepted, Declined, NotSet, Reason
from sscard_terminal.terminal.policy import Policy
from sscard_terminal.terminal.workflow import (
    Balances,
    change_pin,
    read_balance,
    read_balances,
    read_details,
    verify_pin,
    verify_pin_to_pay,
)
from tests.terminal.doubles import OPENING, PIN, Desk, Faulty, answer_lost, answers

WRONG = Pin("111111")
NEW = Pin("654321")
QUERY_OR_VERIFY, CHANGE_PIN = bytes.fromhex("00200000"), bytes.fromhex("805E0100")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk.at(tmp_path)


def test_the_right_pin_is_accepted(desk: Desk) -> None:
    assert verify_pin(desk.identified(pin=None), PIN) == Accepted()


def test_each_wrong_pin_says_how_many_tries_are_left_and_the_third_locks(desk: Desk) -> None:
    card = desk.identified(pin=None)

    verdicts = [verify_pin(card, WRONG) for _ in range(4)]

    assert verdicts[:2] == [
        Declined(Reason.WRONG_PIN, tries_left=2),
        Declined(Reason.WRONG_PIN, tries_left=1),
    ]
    assert verdicts[2:] == [Declined(Reason.PIN_BLOCKED, tries_left=0)] * 2


def test_a_locked_card_is_declined_without_a_command(desk: Desk) -> None:
    for _ in range(3):
        verify_pin(desk.identified(pin=None), WRONG)
    link: list[Faulty] = []
    card = desk.identified(lambda inner: link.append(Faulty(inner)) or link[0], pin=None)
    asked = len(link[0].sent)

    declined = [verify_pin(card, PIN), change_pin(card, PIN, NEW)]

    assert declined == [Declined(Reason.PIN_BLOCKED, tries_left=0)] * 2
    assert len(link[0].sent) == asked


def test_a_pin_that_was_not_keyed_is_asked_for(desk: Desk) -> None:
    card = desk.identified(pin=None)

    assert verify_pin(card, None) == Declined(Reason.PIN_NEEDED, tries_left=3)
    assert change_pin(card, None, NEW) == Declined(Reason.PIN_NEEDED, tries_left=3)


def test_a_card_without_a_pin_needs_none(desk: Desk) -> None:
    card = desk.identified(lambda inner: Faulty(inner, QUERY_OR_VERIFY, answers("9000")), pin=None)

    assert verify_pin(card, None) == NotSet()


@pytest.mark.parametrize(
    ("pin", "policy", "outcome"),
    [
        (Pin("123456"), Policy(), Accepted()),
        (Pin("123456"), Policy(first_pin_may_pay=False), Declined(Reason.FIRST_PIN_MAY_NOT_PAY)),
        (Pin("1234"), Policy(first_pin_may_pay=False), Declined(Reason.FIRST_PIN_MAY_NOT_PAY)),
        (WRONG, Policy(first_pin_may_pay=False), Declined(Reason.WRONG_PIN, tries_left=2)),
        (None, Policy(first_pin_may_pay=False), Declined(Reason.PIN_NEEDED, tries_left=3)),
    ],
)
def test_whether_a_first_pin_may_pay_is_a_setting(
    desk: Desk, pin: Pin | None, policy: Policy, outcome: Accepted | Declined
) -> None:
    assert verify_pin_to_pay(desk.identified(pin=None), pin, policy) == outcome


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (PIN, Pin("65432"), Reason.NEW_PIN_NOT_SIX_DIGITS),
        (PIN, Pin("7654321"), Reason.NEW_PIN_NOT_SIX_DIGITS),
        (PIN, Pin("1234"), Reason.NEW_PIN_NOT_SIX_DIGITS),
        (NEW, Pin("123456"), Reason.NEW_PIN_IS_A_FIRST_PIN),
        (PIN, Pin("123456"), Reason.NEW_PIN_IS_A_FIRST_PIN),
        (NEW, NEW, Reason.NEW_PIN_EQUALS_OLD),
    ],
)
def test_a_new_pin_that_will_not_do_is_refused_before_the_card_is_asked(
    desk: Desk, old: Pin, new: Pin, reason: Reason
) -> None:
    link: list[Faulty] = []
    card = desk.identified(lambda inner: link.append(Faulty(inner)) or link[0], pin=None)
    asked = len(link[0].sent)

    declined = change_pin(card, old, new)

    assert declined == Declined(reason)
    assert len(link[0].sent) == asked


def test_a_changed_pin_is_the_one_that_counts(desk: Desk) -> None:
    assert change_pin(desk.identified(pin=None), PIN, NEW) == Accepted()

    card = desk.identified(pin=None)
    assert verify_pin(card, PIN) == Declined(Reason.WRONG_PIN, tries_left=2)
    assert verify_pin(card, NEW) == Accepted()


def test_changing_needs_the_old_pin_and_counts_tries(desk: Desk) -> None:
    card = desk.identified(pin=None)

    assert change_pin(card, WRONG, NEW) == Declined(Reason.WRONG_PIN, tries_left=2)


def test_a_pin_can_be_changed_after_the_account_was_read(desk: Desk) -> None:
    card = desk.identified()
    read_balance(card)

    assert change_pin(card, PIN, NEW) == Accepted()


def test_a_lost_answer_to_change_pin_is_a_broken_link_and_no_verdict(desk: Desk) -> None:
    card = desk.identified(
        lambda inner: Faulty(inner, CHANGE_PIN, answer_lost(LinkReason.CARD_REMOVED)), pin=None
    )

    with pytest.raises(CardRemoved):
        change_pin(card, PIN, NEW)


def test_balances_come_after_the_pin(desk: Desk) -> None:
    before, after = read_balances(desk.identified(pin=None)), read_balances(desk.identified())

    assert isinstance(before, Declined)
    assert before.reason is Reason.PIN_NEEDED
    assert isinstance(after, Balances)
    assert (after.account, after.self_paid.amount, after.pooled.amount) == (OPENING, 0, 0)


def test_details_are_the_chips_own_log_newest_first(desk: Desk) -> None:
    desk.sell()
    desk.sell()

    details = read_details(desk.identified())

    assert isinstance(details, tuple)
    assert [(record.number, record.account) for record in details] == [(1, 1234), (0, 1234)]


@pytest.mark.parametrize("read", [read_balance, read_balances, read_details])
def test_an_answer_of_another_length_declines_and_tells_no_number(desk: Desk, read: object) -> None:
    header = bytes.fromhex("00B20144" if read is read_details else "B0260001")
    card = desk.identified(lambda inner: Faulty(inner, header, answers("0000 9000")))

    assert callable(read)
    assert read(card) == Declined(Reason.CARD_DATA_MALFORMED)
