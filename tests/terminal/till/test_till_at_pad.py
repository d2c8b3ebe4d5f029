"""The till where the card's reader has a pad: who is asked to key what, and how it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from smartcard import scard

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.reader.connection import Connection, LinkReason
from sscard_terminal.reader.pinpad import PinPad, pin_pad
from sscard_terminal.terminal.client import SocialSecurityCard
from sscard_terminal.terminal.outcomes import Reason
from sscard_terminal.terminal.policy import Policy
from sscard_terminal.terminal.psam import Psam
from sscard_terminal.terminal.sale_rules import NO_RULES
from sscard_terminal.terminal.till.steps import Purpose, Screen, Step
from sscard_terminal.terminal.till.till import Order, Shop, Till
from tests.reader.pad_reader import CANCEL, VERIFY, PadReader
from tests.terminal.doubles import DEBIT, OPENING, Desk, Fault, Faulty, answer_lost, pattern
from tests.terminal.pad_link import PadLink

FIRST, NEW, WRONG = "123456", "654321", "111111"
AMOUNTS = PurchaseAmounts(Fen(1234), Fen(0), Fen(0))


@dataclass
class Breath:
    card: SocialSecurityCard
    psam: Psam
    link: Connection

    def find_pad(self) -> PinPad | None:
        return pin_pad(self.link)


@dataclass
class Slots:
    """A card in a reader with a pad, a PSAM in another; `fault` happens to the next DEBIT."""

    desk: Desk
    reader: PadReader
    fault: Fault | None = None
    seen: list[Screen] = field(default_factory=list)

    @contextmanager
    def at_work(self) -> Iterator[Breath]:
        fault, self.fault = self.fault, None
        links: list[PadLink] = []

        def link(inner: Connection) -> Connection:
            links.append(PadLink(Faulty(inner, DEBIT, fault), self.reader))
            return links[0]

        card = self.desk.insert(link)
        yield Breath(card, self.desk.psam, links[0])

    def till(self) -> Till:
        shop = Shop(Policy(), NO_RULES)
        return Till(self, self.desk.journal, shop, self.desk.clock, pattern, self.seen.append)

    def ready(self) -> Till:
        till = self.till()
        till.card_came()
        assert till.screen.step is Step.READY, till.screen
        return till

    @property
    def steps(self) -> list[Step]:
        return [screen.step for screen in self.seen]


@pytest.fixture
def slots(tmp_path: Path) -> Slots:
    desk = Desk.at(tmp_path)
    return Slots(desk, PadReader(card=desk.card.respond))


def keyed(slots: Slots, till: Till, *keys: str) -> Screen:
    assert till.screen.step is Step.ENTER_PIN and till.screen.at_pad
    slots.reader.keys = list(keys)
    till.enter_pin_at_pad()
    return till.screen


def ordered(till: Till, order: Order = Order(AMOUNTS)) -> Till:  # noqa: B008
    till.sell(order)
    till.confirm()
    return till


def test_a_sale_is_paid_with_the_pin_keyed_at_the_pad_after_the_amount_was_confirmed(slots: Slots) -> None:
    screen = keyed(slots, ordered(slots.ready()), FIRST)

    assert screen.step is Step.DONE and not screen.at_pad
    assert slots.steps == [
        *(Step.READING, Step.READY, Step.CONFIRM_AMOUNT, Step.ENTER_PIN, Step.CHARGING, Step.DONE),
    ]
    assert slots.desk.balance() == OPENING - 1234


@pytest.mark.parametrize("purpose", [Purpose.BALANCE, Purpose.DETAILS])
def test_what_needs_the_pin_is_read_with_it_keyed_at_the_pad(purpose: Purpose, slots: Slots) -> None:
    till = slots.ready()
    till.ask(purpose)

    assert keyed(slots, till, FIRST).step is Step.DONE


def test_a_wrong_pin_is_asked_for_again_at_the_pad_with_the_tries_left(slots: Slots) -> None:
    till = ordered(slots.ready())

    wrong = keyed(slots, till, WRONG)

    assert (wrong.step, wrong.at_pad, wrong.panel and wrong.panel.tries_left) == (Step.ENTER_PIN, True, 2)
    assert keyed(slots, till, FIRST).step is Step.DONE


@pytest.mark.parametrize(
    ("keys", "reason"), [((CANCEL,), Reason.CANCELLED), ((), Reason.PIN_ENTRY_TIMED_OUT)]
)
def test_an_entry_given_up_ends_the_service_and_charges_nothing(
    keys: tuple[str, ...], reason: Reason, slots: Slots
) -> None:
    screen = keyed(slots, ordered(slots.ready()), *keys)

    assert screen.step is Step.REFUSED
    assert screen.declined is not None and screen.declined.reason is reason
    assert slots.desk.balance() == OPENING


def test_the_pin_is_changed_at_the_pad_in_one_go(slots: Slots) -> None:
    till = slots.ready()
    till.ask(Purpose.CHANGE_PIN)

    screen = keyed(slots, till, FIRST, NEW, NEW)

    assert screen.step is Step.DONE
    assert Step.NEW_PIN not in slots.steps
    assert slots.desk.identified(pin=Pin(NEW)).tries_left == 3


def test_two_new_pins_that_differ_change_nothing(slots: Slots) -> None:
    till = slots.ready()
    till.ask(Purpose.CHANGE_PIN)

    screen = keyed(slots, till, FIRST, NEW, WRONG)

    assert screen.declined is not None and screen.declined.reason is Reason.NEW_PINS_DIFFER
    assert slots.desk.identified(pin=Pin(FIRST)).tries_left == 3


def test_a_pad_that_cannot_change_leaves_the_change_to_the_keyboard(slots: Slots) -> None:
    slots.reader.features = bytes.fromhex("060442330006")
    till = slots.ready()
    till.ask(Purpose.CHANGE_PIN)

    assert not till.screen.at_pad
    till.enter_pin_at_pad()
    assert till.screen.step is Step.ENTER_PIN
    till.enter_pin(Pin(FIRST))
    till.enter_new_pin(Pin(NEW))
    assert till.screen.step is Step.DONE


def test_a_rest_in_cash_has_the_pin_keyed_once_more(slots: Slots) -> None:
    till = ordered(slots.ready(), Order(PurchaseAmounts(Fen(12_000), Fen(0), Fen(0)), by_total=True))

    short = keyed(slots, till, FIRST, FIRST)
    till.confirm()

    assert (short.step, short.missing) == (Step.REST_IN_CASH, 2000)
    assert till.screen.step is Step.DONE
    assert slots.desk.balance() == 0


def test_an_open_sale_is_settled_with_the_pin_keyed_at_the_pad(slots: Slots) -> None:
    slots.desk.sell(answer_lost(LinkReason.CARD_REMOVED))
    slots.desk.psam = slots.desk.powered_psam()  # another PSAM session: only the card can tell
    till = slots.till()
    till.card_came()

    screen = keyed(slots, till, FIRST)

    assert (screen.step, screen.purpose) == (Step.DONE, Purpose.RECOVER)


def test_a_reader_unplugged_while_the_holder_types_charges_nothing(slots: Slots) -> None:
    slots.reader.faults[VERIFY] = (scard.SCARD_E_READER_UNAVAILABLE, [])

    screen = keyed(slots, ordered(slots.ready()), FIRST)

    assert screen.declined is not None and screen.declined.reason is Reason.LINK_BROKEN
    slots.reader.faults.clear()
    assert slots.desk.balance() == OPENING


def test_without_a_pad_none_is_asked(slots: Slots) -> None:
    slots.reader.features = None
    till = ordered(slots.ready())

    till.enter_pin_at_pad()

    assert (till.screen.step, till.screen.at_pad) == (Step.ENTER_PIN, False)
