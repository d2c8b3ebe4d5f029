"""A PIN keyed on the reader's pad: right, wrong, locked, given up, and a pad that cannot; with the loopback card behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from smartcard import scard

from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.iso7816.status import StatusWord
from sscard_terminal.reader.connection import Connection, LinkError, LinkLost
from sscard_terminal.reader.pinpad import PinPad, pin_pad
from sscard_terminal.terminal.at_pad import AtPad
from sscard_terminal.terminal.identification import IdentifiedCard
from sscard_terminal.terminal.outcomes import Accepted, Declined, NotSet, Reason
from sscard_terminal.terminal.policy import Policy
from sscard_terminal.terminal.workflow import (
    change_pin_at_pad,
    read_balance,
    verify_pin,
    verify_pin_to_pay,
)
from tests.cards import new_card
from tests.reader.pad_reader import CANCEL, VERIFY, PadReader
from tests.terminal.doubles import OPENING, Desk, Faulty, answers
from tests.terminal.pad_link import PadLink

FIRST, NEW, WRONG = "123456", "654321", "111111"
QUERY = bytes.fromhex("00200000")


@dataclass
class Counter:
    """A card in a reader with a pad, identified."""

    desk: Desk
    reader: PadReader
    card: IdentifiedCard
    pad: PinPad

    @classmethod
    def at(cls, desk: Desk, around: Callable[[Connection], Connection] = lambda link: link) -> Counter:
        reader = PadReader(card=desk.card.respond)
        links: list[PadLink] = []

        def link(inner: Connection) -> Connection:
            links.append(PadLink(inner, reader))
            return around(links[0])

        card = desk.identified(link, pin=None)
        pad = pin_pad(links[0])
        assert pad is not None
        return cls(desk, reader, card, pad)

    def verify(self, *keys: str) -> object:
        self.reader.keys = list(keys)
        return verify_pin(self.card, AtPad(self.pad))

    def change(self, *keys: str) -> object:
        self.reader.keys = list(keys)
        return change_pin_at_pad(self.card, self.pad)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk.at(tmp_path)


@pytest.fixture
def counter(desk: Desk) -> Counter:
    return Counter.at(desk)


def test_the_right_pin_opens_the_account(counter: Counter) -> None:
    assert counter.verify(FIRST) == Accepted()
    assert read_balance(counter.card) == OPENING


def test_each_wrong_pin_says_how_many_tries_are_left_and_the_third_locks(counter: Counter) -> None:
    verdicts = [counter.verify(WRONG) for _ in range(4)]

    assert verdicts == [
        Declined(Reason.WRONG_PIN, tries_left=2),
        Declined(Reason.WRONG_PIN, tries_left=1),
        Declined(Reason.PIN_BLOCKED, tries_left=0),
        Declined(Reason.PIN_BLOCKED, tries_left=0),
    ]


def test_neither_a_locked_card_nor_one_without_a_pin_makes_anybody_key_one(
    desk: Desk, counter: Counter
) -> None:
    for _ in range(3):
        counter.verify(WRONG)
    locked = Counter.at(desk)
    without = Counter.at(desk, lambda link: Faulty(link, QUERY, answers("9000")))

    outcomes = [locked.verify(FIRST), locked.change(FIRST, NEW, NEW), without.verify(FIRST)]

    assert outcomes == [Declined(Reason.PIN_BLOCKED, tries_left=0)] * 2 + [NotSet()]
    assert locked.reader.sent == without.reader.sent == []


@pytest.mark.parametrize(
    ("keys", "reason", "word"),
    [
        ([CANCEL], Reason.CANCELLED, 0x6401),
        ([], Reason.PIN_ENTRY_TIMED_OUT, 0x6400),
        (["1234"], Reason.PIN_WRONG_LENGTH, 0x6403),
    ],
)
def test_an_entry_given_up_costs_no_try(keys: list[str], reason: Reason, word: int, counter: Counter) -> None:
    assert counter.verify(*keys) == Declined(reason, sw=StatusWord(word))
    assert counter.desk.identified(pin=None).tries_left == 3


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ([CANCEL], Reason.CANCELLED),
        ([FIRST, CANCEL], Reason.CANCELLED),
        ([FIRST], Reason.PIN_ENTRY_TIMED_OUT),
        ([FIRST, NEW, "654312"], Reason.NEW_PINS_DIFFER),
        ([FIRST, "6543"], Reason.PIN_WRONG_LENGTH),
        (["1234", NEW, NEW], Reason.PIN_WRONG_LENGTH),
    ],
)
def test_a_change_given_up_changes_nothing(keys: list[str], reason: Reason, counter: Counter) -> None:
    outcome = counter.change(*keys)

    assert isinstance(outcome, Declined) and outcome.reason is reason
    assert counter.desk.identified(pin=Pin(FIRST)).tries_left == 3


def test_after_a_change_only_the_new_pin_is_good(counter: Counter) -> None:
    assert counter.change(FIRST, NEW, NEW) == Accepted()

    assert counter.verify(FIRST) == Declined(Reason.WRONG_PIN, tries_left=2)
    assert counter.verify(NEW) == Accepted()


def test_a_wrong_old_pin_costs_a_try_and_changes_nothing(counter: Counter) -> None:
    assert counter.change(WRONG, NEW, NEW) == Declined(Reason.WRONG_PIN, tries_left=2)
    assert counter.verify(FIRST) == Accepted()


def test_a_change_is_made_in_the_social_security_environment(counter: Counter) -> None:
    counter.verify(FIRST)
    read_balance(counter.card)

    assert counter.change(FIRST, NEW, NEW) == Accepted()


def test_a_card_without_a_pin_is_given_one(desk: Desk) -> None:
    counter = Counter.at(desk, lambda link: Faulty(link, QUERY, answers("9000")))
    counter.reader.card = lambda command: bytes.fromhex("9000")

    assert counter.change(NEW, NEW) == Accepted()
    assert counter.reader.sent == [bytes.fromhex("805E010004FF654321")]


def test_a_first_pin_pays_at_a_pad_whatever_the_place_says_since_nobody_sees_it(counter: Counter) -> None:
    counter.reader.keys = [FIRST]

    assert verify_pin_to_pay(counter.card, AtPad(counter.pad), Policy(first_pin_may_pay=False)) == Accepted()


# Cards of the first generation, whose PIN may have four digits ---------------------------------------------------


@pytest.fixture
def old(tmp_path: Path) -> Counter:
    desk = Desk.at(tmp_path, card=new_card(profile_name="gen1-16k", balance=OPENING))
    desk.policy = Policy(accept_expired=True)
    return Counter.at(desk)


def test_a_pin_of_four_digits_is_taken_from_a_card_that_may_have_one(old: Counter) -> None:
    assert old.verify("12345") == Declined(Reason.WRONG_PIN, tries_left=2)
    assert old.verify("1234") == Accepted()
    assert old.reader.sent == [bytes.fromhex("0020000003 12345F"), bytes.fromhex("0020000002 1234")]


def test_a_pad_that_leaves_the_pin_out_is_found_out_and_no_holder_is_called_wrong(old: Counter) -> None:
    old.reader.card = lambda _: old.desk.card.respond(bytes.fromhex("0020000000"))

    assert old.verify("1234") == Declined(Reason.PIN_PAD_REFUSED)
    assert old.desk.identified(pin=None).tries_left == 3


def test_a_pad_that_writes_a_wrong_length_cannot_do_it_either(old: Counter) -> None:
    old.reader.card = lambda _: bytes.fromhex("6700")

    assert old.verify("1234") == Declined(Reason.PIN_PAD_REFUSED, sw=StatusWord(0x6B80))


# Faults -------------------------------------------------------------------------------------------------------


def test_a_reader_that_cannot_do_this_entry_says_so(counter: Counter) -> None:
    counter.reader.faults[VERIFY] = (scard.SCARD_E_UNSUPPORTED_FEATURE, [])

    assert counter.verify(FIRST) == Declined(Reason.PIN_PAD_REFUSED, sw=StatusWord(0x6B80))


def test_a_word_no_pin_explains_is_a_refusal_of_the_card(counter: Counter) -> None:
    counter.reader.card = lambda _: bytes.fromhex("6F00")

    assert counter.verify(FIRST) == Declined(Reason.CARD_REFUSED, sw=StatusWord(0x6F00), command="VERIFY")


@pytest.mark.parametrize("service", ["verify", "change"])
def test_a_link_that_breaks_while_the_holder_types_is_no_outcome(service: str, counter: Counter) -> None:
    for code in (0x42330006, 0x42330007):
        counter.reader.faults[code] = (scard.SCARD_E_NOT_TRANSACTED, [])

    with pytest.raises(LinkError):
        getattr(counter, service)(FIRST, NEW, NEW)


def test_an_answer_cut_off_is_a_lost_one_though_the_pin_may_have_been_right(counter: Counter) -> None:
    counter.reader.faults[VERIFY] = (scard.SCARD_S_SUCCESS, [0x90])

    with pytest.raises(LinkLost):
        counter.verify(FIRST)
