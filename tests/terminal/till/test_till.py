"""One counter, step by step: what the screen says at each, and that no way leads past the rules of counter.md."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sscard_applets.medical_account.account import amounts_of
from sscard_terminal.card.chip import Chip
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.reader.connection import LinkError, LinkReason
from sscard_terminal.terminal.client import SocialSecurityCard
from sscard_terminal.terminal.hotlist import Hotlist
from sscard_terminal.terminal.journal_events import SaleState
from sscard_terminal.terminal.outcomes import Declined, Reason
from sscard_terminal.terminal.policy import Policy
from sscard_terminal.terminal.psam import Psam
from sscard_terminal.terminal.sale_rules import SaleRules
from sscard_terminal.terminal.till.steps import NEXT, Purpose, Screen, Step
from sscard_terminal.terminal.till.till import Order, Shop, Till
from tests.cards import new_card
from tests.terminal.doubles import (
    DEBIT,
    NOON,
    OPENING,
    Desk,
    Fault,
    Faulty,
    another_card,
    answer_lost,
    pattern,
)

AMOUNTS = PurchaseAmounts(Fen(1234), Fen(0), Fen(0))
TAKEN_OUT = Declined(Reason.LINK_BROKEN, link=LinkReason.CARD_REMOVED)


@dataclass
class Hands:
    """Card and PSAM of a test's desk, the slots of a till; `fault` happens to the next DEBIT."""

    desk: Desk
    fault: Fault | None = None
    shut: LinkReason | None = None
    seen: list[Screen] = field(default_factory=list)

    @property
    def card(self) -> SocialSecurityCard:
        fault, self.fault = self.fault, None
        return self.desk.insert(lambda inner: Faulty(inner, DEBIT, fault))

    @property
    def psam(self) -> Psam:
        return self.desk.psam

    @contextmanager
    def at_work(self) -> Iterator["Breath"]:
        if self.shut is not None:
            raise LinkError(self.shut)
        yield Breath(self.card, self.psam)

    def till(self, rules: SaleRules = SaleRules(), policy: Policy = Policy()) -> Till:  # noqa: B008
        shop = Shop(policy, rules)
        return Till(self, self.desk.journal, shop, self.desk.clock, pattern, self.seen.append)

    @property
    def steps(self) -> list[Step]:
        return [screen.step for screen in self.seen]


@dataclass
class Breath:
    card: SocialSecurityCard
    psam: Psam


@pytest.fixture
def hands(tmp_path: Path) -> Hands:
    return Hands(Desk.at(tmp_path))


def ready(hands: Hands, **settings: object) -> Till:
    till = hands.till(**settings)  # type: ignore[arg-type]
    till.card_came()
    assert till.screen.step is Step.READY, till.screen
    return till


def sold(hands: Hands, till: Till, order: Order = Order(AMOUNTS)) -> Screen:  # noqa: B008
    till.sell(order)
    till.confirm()
    till.enter_pin(Pin("123456"))
    return till.screen


def test_a_sale_goes_through_the_steps_in_the_order_staff_know(hands: Hands) -> None:
    screen = sold(hands, ready(hands))

    assert hands.steps == [
        *(Step.READING, Step.READY, Step.CONFIRM_AMOUNT, Step.ENTER_PIN, Step.CHARGING, Step.DONE),
    ]
    assert (screen.amounts, screen.voucher) == (AMOUNTS, 1)
    assert hands.desk.balance() == OPENING - 1234


def test_the_panel_is_masked_and_without_a_balance(hands: Hands) -> None:
    panel = ready(hands).screen.panel

    assert panel is not None
    assert panel.name == "张*"
    assert "*" in panel.number and "*" in panel.social_security_number
    assert panel.tries_left == 3
    assert hands.seen[-1].balances is None


def test_nothing_is_charged_before_the_amount_is_confirmed(hands: Hands) -> None:
    till = ready(hands)
    till.sell(Order(AMOUNTS))

    till.enter_pin(Pin("123456"))

    assert till.screen.step is Step.CONFIRM_AMOUNT
    assert hands.desk.balance() == OPENING


def test_a_wrong_pin_may_be_entered_again_and_the_tries_are_shown(hands: Hands) -> None:
    till = ready(hands)
    till.sell(Order(AMOUNTS))
    till.confirm()

    till.enter_pin(Pin("999999"))
    wrong = till.screen
    till.enter_pin(Pin("123456"))

    assert (wrong.step, wrong.panel and wrong.panel.tries_left) == (Step.ENTER_PIN, 2)
    assert wrong.declined is not None and wrong.declined.reason is Reason.WRONG_PIN
    assert till.screen.step is Step.DONE
    assert till.screen.declined is None
    assert till.screen.panel is not None and till.screen.panel.tries_left == 3


def test_the_third_wrong_pin_ends_the_sale(hands: Hands) -> None:
    till = ready(hands)
    till.sell(Order(AMOUNTS))
    till.confirm()

    for _ in range(3):
        till.enter_pin(Pin("999999"))

    assert till.screen.step is Step.REFUSED
    assert till.screen.declined is not None and till.screen.declined.reason is Reason.PIN_BLOCKED


def test_a_locked_card_is_not_asked_for_its_pin(hands: Hands) -> None:
    for _ in range(3):
        hands.desk.insert().verify_pin(Pin("999999"))
    till = ready(hands)

    till.ask(Purpose.BALANCE)

    assert till.screen.step is Step.REFUSED
    assert Step.ENTER_PIN not in hands.steps


@pytest.mark.parametrize(("purpose", "field"), [(Purpose.BALANCE, "balances"), (Purpose.DETAILS, "details")])
def test_balance_and_details_show_after_the_pin(purpose: Purpose, field: str, hands: Hands) -> None:
    till = ready(hands)
    till.ask(purpose)
    before = till.screen

    till.enter_pin(Pin("123456"))

    assert before.step is Step.ENTER_PIN and getattr(before, field) is None
    assert till.screen.step is Step.DONE and getattr(till.screen, field) is not None


def test_the_pin_is_changed_and_a_bad_new_one_changes_nothing(hands: Hands) -> None:
    till = ready(hands)
    till.ask(Purpose.CHANGE_PIN)
    till.enter_pin(Pin("123456"))
    asked = till.screen.step

    till.enter_new_pin(Pin("1234"))
    bad = till.screen
    till.confirm()
    till.ask(Purpose.CHANGE_PIN)
    till.enter_pin(Pin("123456"))
    till.enter_new_pin(Pin("246813"))

    assert asked is Step.NEW_PIN
    assert bad.declined is not None and bad.declined.reason is Reason.NEW_PIN_NOT_SIX_DIGITS
    assert till.screen.step is Step.DONE
    assert hands.desk.insert().verify_pin(Pin("246813")) is not None


@pytest.mark.parametrize(("agreed", "paid"), [(True, OPENING), (False, 0)])
def test_of_a_total_the_rest_is_paid_in_cash_after_a_question(agreed: bool, paid: int, hands: Hands) -> None:
    till = ready(hands)
    order = Order(PurchaseAmounts(Fen(OPENING + 700), Fen(300), Fen(0)), by_total=True)

    asked = sold(hands, till, order)
    till.confirm() if agreed else till.cancel()

    assert (asked.step, asked.missing) == (Step.REST_IN_CASH, 700)
    assert asked.amounts == PurchaseAmounts(Fen(OPENING), Fen(1000), Fen(0)), "as it will be charged"
    assert hands.desk.balance() == OPENING - paid
    assert till.screen.step is (Step.DONE if agreed else Step.READY)
    if agreed:
        assert till.screen.amounts == PurchaseAmounts(Fen(OPENING), Fen(1000), Fen(0))


def test_a_sale_the_rules_forbid_is_refused_before_any_pin(hands: Hands) -> None:
    till = ready(hands, rules=SaleRules(per_sale=Fen(1000)))

    till.sell(Order(AMOUNTS))

    assert till.screen.step is Step.REFUSED
    assert till.screen.declined is not None and till.screen.declined.reason is Reason.CEILING_PER_SALE
    assert Step.ENTER_PIN not in hands.steps


def test_a_card_swapped_between_two_steps_stops_the_sale(hands: Hands) -> None:
    till = ready(hands)
    till.sell(Order(AMOUNTS))
    till.confirm()
    hands.desk.card = another_card()

    till.enter_pin(Pin("123456"))

    assert till.screen.step is Step.REFUSED
    assert till.screen.declined is not None and till.screen.declined.reason is Reason.CARD_SWAPPED


def test_a_card_pulled_while_people_think_ends_what_they_were_at(hands: Hands) -> None:
    till = ready(hands)
    till.sell(Order(AMOUNTS))

    till.card_went()
    till.confirm()
    till.enter_pin(Pin("123456"))

    assert till.screen == Screen(Step.INSERT_CARD, declined=TAKEN_OUT)
    assert hands.desk.balance() == OPENING


def test_what_a_pulled_card_broke_off_is_said_over_the_next_card_until_something_is_done(
    hands: Hands,
) -> None:
    till = ready(hands)
    till.sell(Order(AMOUNTS))
    till.card_went()

    till.card_came()
    told = till.screen
    till.ask(Purpose.BALANCE)

    assert (told.step, told.declined) == (Step.READY, TAKEN_OUT)
    assert till.screen.declined is None


def test_a_sale_is_still_told_when_its_card_is_taken_and_until_the_next_one(hands: Hands) -> None:
    till = ready(hands)
    sold(hands, till)

    till.card_went()
    told = till.screen
    till.card_came()

    assert told == Screen(Step.INSERT_CARD, purpose=Purpose.SALE, amounts=AMOUNTS, voucher=1)
    assert (till.screen.step, till.screen.voucher) == (Step.READY, None)


def test_a_card_taken_after_another_service_leaves_nothing_on_the_screen(hands: Hands) -> None:
    till = ready(hands)
    till.ask(Purpose.BALANCE)
    till.enter_pin(Pin("123456"))

    till.card_went()

    assert till.screen == Screen(Step.INSERT_CARD)


def test_a_locked_card_is_told_as_such_before_any_service(hands: Hands) -> None:
    for _ in range(3):
        hands.desk.insert().verify_pin(Pin("999999"))

    till = ready(hands)

    assert till.screen.declined == Declined(Reason.PIN_BLOCKED, tries_left=0)
    assert till.screen.panel is not None and till.screen.panel.tries_left == 0


def test_the_third_wrong_pin_shows_no_try_left(hands: Hands) -> None:
    till = ready(hands)
    till.ask(Purpose.BALANCE)

    for _ in range(3):
        till.enter_pin(Pin("000000"))

    assert till.screen.step is Step.REFUSED
    assert till.screen.panel is not None and till.screen.panel.tries_left == 0


@pytest.mark.parametrize("purpose", [Purpose.BALANCE, Purpose.DETAILS])
def test_once_the_pin_is_right_the_panel_holds_the_balance_until_the_card_goes(
    purpose: Purpose, hands: Hands
) -> None:
    till = ready(hands)
    before = till.screen.panel
    till.ask(purpose)
    till.enter_pin(Pin("123456"))
    told = till.screen.panel
    till.confirm()

    assert before is not None and before.balance is None
    assert told is not None and told.balance == OPENING
    assert till.screen.panel == told


def test_after_a_sale_the_panel_holds_what_is_left(hands: Hands) -> None:
    screen = sold(hands, ready(hands))

    assert screen.panel is not None and screen.panel.balance == OPENING - 1234


def test_an_unknown_outcome_stays_on_the_screen_until_the_same_card_is_back(hands: Hands) -> None:
    till = ready(hands)
    hands.fault = answer_lost(LinkReason.CARD_REMOVED)
    till.sell(Order(AMOUNTS))
    till.confirm()
    hands.fault = answer_lost(LinkReason.CARD_REMOVED)

    till.enter_pin(Pin("123456"))
    unknown = till.screen
    till.card_went()
    still = till.screen
    till.card_came()

    assert unknown.step is still.step is Step.TO_BE_VERIFIED
    assert unknown.unsettled is not None
    assert unknown.panel is not None and unknown.panel.balance is None, "nobody knows it now"
    assert till.screen.step is Step.DONE
    assert [settlement.state for settlement in till.screen.settled] == [SaleState.CHARGED]
    assert hands.desk.balance() == OPENING - 1234


def test_an_open_sale_asks_for_the_pin_at_the_next_insertion_and_nothing_else_is_sold(hands: Hands) -> None:
    hands.desk.sell(answer_lost(LinkReason.CARD_REMOVED))
    hands.desk.psam = hands.desk.powered_psam()
    hands.desk.psam.open_environment(0x99, replace_suite(hands))
    till = hands.till()

    till.card_came()
    asked = till.screen
    till.sell(Order(AMOUNTS))
    till.enter_pin(Pin("123456"))

    assert (asked.step, asked.purpose) == (Step.ENTER_PIN, Purpose.RECOVER)
    assert till.screen.step is Step.DONE
    assert [settlement.state for settlement in till.screen.settled] == [SaleState.CHARGED]


def test_a_card_put_on_the_hotlist_since_settles_its_open_sale_and_is_then_refused(hands: Hands) -> None:
    hands.desk.sell(answer_lost(LinkReason.CARD_REMOVED))
    hands.desk.psam = hands.desk.powered_psam()
    hands.desk.psam.open_environment(0x99, replace_suite(hands))
    listed = Policy(hotlist=Hotlist(1, NOON, frozenset(), (("D2143569", "D2143569"),)))
    till = hands.till(policy=listed)

    till.card_came()
    till.enter_pin(Pin("123456"))
    settled = till.screen
    till.card_went()
    till.card_came()

    assert [settlement.state for settlement in settled.settled] == [SaleState.CHARGED]
    assert till.screen.declined == Declined(Reason.CARD_ON_HOTLIST)


def replace_suite(hands: Hands):  # type: ignore[no-untyped-def]
    """Any suite, so that the PSAM forgets the purchase it holds."""
    return hands.desk.identified(pin=None).suite


def test_another_card_is_served_while_one_is_to_be_verified(hands: Hands) -> None:
    hands.desk.sell(answer_lost(LinkReason.CARD_REMOVED))
    hands.desk.card = another_card()

    till = hands.till()
    till.card_came()

    assert till.screen.step is Step.READY


def test_a_reader_that_fails_is_a_refusal_with_the_reason(hands: Hands) -> None:
    till = hands.till()
    hands.shut = LinkReason.MUTE_CARD

    till.card_came()

    assert till.screen.step is Step.REFUSED
    declined = till.screen.declined
    assert declined is not None and (declined.reason, declined.link) == (
        Reason.LINK_BROKEN,
        LinkReason.MUTE_CARD,
    )


def test_after_an_outcome_the_next_service_begins_without_the_pin_of_the_last(hands: Hands) -> None:
    till = ready(hands)
    sold(hands, till)

    till.confirm()
    till.ask(Purpose.BALANCE)

    assert till.screen.step is Step.ENTER_PIN
    assert till.screen.voucher is None


@pytest.mark.parametrize("step", [Step.ENTER_PIN, Step.READY])
def test_a_pin_is_wiped_whether_it_was_wanted_or_not(step: Step, hands: Hands) -> None:
    till = ready(hands)
    if step is Step.ENTER_PIN:
        till.ask(Purpose.BALANCE)
    pin = Pin("123456")

    till.enter_pin(pin)

    assert len(pin) == 0


def test_a_card_on_the_hotlist_is_let_in_to_settle_and_then_refused(hands: Hands) -> None:
    hands.desk.sell(answer_lost(LinkReason.CARD_REMOVED))
    hands.desk.psam = hands.desk.powered_psam()
    sale = hands.desk.last_sale()
    hotlist = Hotlist(1, NOON, frozenset({(sale.identification, sale.card_number)}), ())
    till = hands.till(policy=Policy(hotlist=hotlist))

    till.card_came()
    till.enter_pin(Pin("123456"))
    settled = till.screen
    till.confirm()

    assert [settlement.state for settlement in settled.settled] == [SaleState.CHARGED]
    assert till.screen.step is Step.REFUSED
    assert till.screen.declined is not None and till.screen.declined.reason is Reason.CARD_ON_HOTLIST


KEYS = st.sampled_from(
    ["came", "went", "sell", "confirm", "cancel", "pin", "wrong", "new", "balance", "change", "lose", "swap"]
)


@settings(max_examples=60, deadline=None)
@given(keys=st.lists(KEYS, max_size=30))
def test_whatever_is_pressed_in_whatever_order_the_journal_and_the_card_agree(
    keys: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    desk = Desk.at(tmp_path_factory.mktemp("till"), card=new_card(balance=OPENING))
    hands = Hands(desk)
    till = hands.till()
    mine, others = desk.card, another_card()
    acts = {
        "came": till.card_came,
        "went": till.card_went,
        "sell": lambda: till.sell(Order(AMOUNTS)),
        "confirm": till.confirm,
        "cancel": till.cancel,
        "pin": lambda: till.enter_pin(Pin("123456")),
        "wrong": lambda: till.enter_pin(Pin("999999")),
        "new": lambda: till.enter_new_pin(Pin("135791")),
        "balance": lambda: till.ask(Purpose.BALANCE),
        "change": lambda: till.ask(Purpose.CHANGE_PIN),
        "lose": lambda: setattr(hands, "fault", answer_lost(LinkReason.CARD_REMOVED)),
        "swap": lambda: setattr(desk, "card", others if desk.card is mine else mine),
    }

    for key in keys:
        acts[key]()

    entries = list(desk.journal.entries())
    assert all(after in NEXT[before] or after is before for before, after in _pairs(hands.steps))
    assert sum(entry.state is not SaleState.NOT_CHARGED for entry in entries) * 1234 == spent(mine, others)
    assert all(len(desk.journal.open_sales(entry.sale.identification)) <= 1 for entry in entries)
    desk.journal.close()


def _pairs(steps: list[Step]) -> list[tuple[Step, Step]]:
    return list(zip([Step.INSERT_CARD, *steps], steps, strict=False))


def spent(*cards: Chip) -> int:
    """What these cards really paid, by what stands in their memories (a locked PIN would not let us ask)."""
    return sum(OPENING - amounts_of(card._machine).cia for card in cards)


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_giving_up_leads_from_any_step_back_to_the_beginning(steps: int, hands: Hands) -> None:
    till = ready(hands)
    for act in (lambda: till.sell(Order(AMOUNTS)), till.confirm, lambda: till.enter_pin(Pin("123456")))[
        :steps
    ]:
        act()

    till.give_up()

    assert till.screen == Screen(Step.INSERT_CARD) == hands.seen[-1]
