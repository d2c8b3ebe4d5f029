"""The till of a service window, step by step: loads, refunds and PINs, and what is open comes first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sscard_terminal.cardspec.issuing import HostReason, IdentitySighting, LossChange, LossReport
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.terminal.issuer_host import IssuerHost
from sscard_terminal.terminal.load_records import Credited, LoadState, LoadUnsettled
from sscard_terminal.terminal.outcomes import Declined, Reason
from sscard_terminal.terminal.pin_service_journal import PinServiceJournal
from sscard_terminal.terminal.policy import Policy
from sscard_terminal.terminal.sale_rules import SaleRules
from sscard_terminal.terminal.till.steps import AtWindow, Purpose, Screen, Step
from sscard_terminal.terminal.till.till import Shop
from sscard_terminal.terminal.till.window import Errand, WindowTill
from tests.terminal.doubles import DEBIT, NOON, OPENING, Fault, Faulty, another_card, answer_lost
from tests.terminal.till.test_till import Breath
from tests.terminal.window_doubles import CREDIT, FUNDS, SIGHTED, FailingHost, ServiceDesk, SilentHost

RELOAD = bytes.fromhex("84240001")


@dataclass
class Hands:
    """Card and PSAM of a window's desk; `fault` happens to the next command with `header`."""

    desk: ServiceDesk
    fault: Fault | None = None
    header: bytes = CREDIT
    seen: list[Screen] = field(default_factory=list)

    @contextmanager
    def at_work(self) -> Iterator[Breath]:
        fault, self.fault = self.fault, None
        card = self.desk.insert(lambda inner: Faulty(inner, self.header, fault))
        yield Breath(card, self.desk.psam)

    def till(self, host: IssuerHost | None = None) -> WindowTill:
        desk = self.desk
        shop = Shop(Policy(accept_expired=True), SaleRules())
        till = WindowTill(
            host or desk.host, self, desk.journal, shop, desk.clock, desk.random, self.seen.append
        )
        till.operator = "07"
        till.card_came()
        return till

    @property
    def steps(self) -> list[Step]:
        return [screen.step for screen in self.seen]


@pytest.fixture
def hands(tmp_path: Path) -> Hands:
    return Hands(ServiceDesk.open(tmp_path))


def load(till: WindowTill, yuan: int = 10, pin: str = "123456") -> Screen:
    till.ask_at_window(Errand(Purpose.LOAD, Fen(100 * yuan)))
    till.confirm()
    till.enter_pin(Pin(pin))
    return till.screen


def part(screen: Screen) -> AtWindow:
    assert screen.window is not None
    return screen.window


def lock(till: WindowTill) -> None:
    till.ask(Purpose.BALANCE)
    for _ in range(3):
        till.enter_pin(Pin("000000"))
    assert till.screen.step is Step.REFUSED
    till.card_came()


# Money onto the card --------------------------------------------------------------------------------------


def test_a_loads_amount_is_confirmed_before_the_pin_and_then_credited(hands: Hands) -> None:
    screen = load(hands.till())

    assert hands.steps == [
        *(Step.READING, Step.READY, Step.CONFIRM_AMOUNT, Step.ENTER_PIN, Step.CHARGING, Step.DONE),
    ]
    ((credit, outcome),) = part(screen).loads
    assert credit is None and isinstance(outcome, Credited) and outcome.load.operator == "07"
    assert (hands.desk.chip_balance(), hands.desk.available()) == (OPENING + 1000, FUNDS - 1000)


def test_more_than_the_account_holds_is_refused_with_the_hosts_reason(hands: Hands) -> None:
    screen = load(hands.till(), 100_000)

    assert screen.step is Step.REFUSED
    assert screen.declined == Declined(Reason.HOST_REFUSED, host=HostReason.FUNDS_TOO_SMALL)
    assert hands.desk.chip_balance() == OPENING


def test_a_wrong_pin_is_asked_for_again_and_the_load_goes_on(hands: Hands) -> None:
    till = hands.till()

    wrong = load(till, pin="000000")
    till.enter_pin(Pin("123456"))

    assert (wrong.step, wrong.panel and wrong.panel.tries_left) == (Step.ENTER_PIN, 2)
    assert (till.screen.step, hands.desk.chip_balance()) == (Step.DONE, OPENING + 1000)


def test_refunds_that_wait_are_seen_without_a_pin_and_loaded_with_it(hands: Hands) -> None:
    hands.desk.owe("refund-1", 1234)
    hands.desk.owe("refund-2", 50)
    till = hands.till()
    waiting = part(till.screen).waiting

    till.ask_at_window(Errand(Purpose.REFUNDS))
    till.enter_pin(Pin("123456"))

    assert waiting is not None and [credit.amount for credit in waiting] == [1234, 50]
    assert [type(outcome) for _, outcome in part(till.screen).loads] == [Credited, Credited]
    assert hands.desk.chip_balance() == OPENING + 1284
    till.confirm()
    assert (till.screen.step, part(till.screen).waiting) == (Step.READY, ())


def test_with_nothing_waiting_there_is_nothing_to_load(hands: Hands) -> None:
    till = hands.till()

    till.ask_at_window(Errand(Purpose.REFUNDS))
    till.enter_pin(Pin("123456"))

    assert (till.screen.step, part(till.screen).loads) == (Step.DONE, ())


def test_a_lost_answer_is_to_be_verified_and_settled_when_the_card_comes_back(hands: Hands) -> None:
    till = hands.till()
    hands.fault = answer_lost(LinkReason.CARD_REMOVED)
    unsettled = load(till)
    till.card_went()

    till.card_came()
    came_back = till.screen
    till.ask_at_window(Errand(Purpose.SETTLE))
    till.enter_pin(Pin("123456"))

    ((_, outcome),) = part(unsettled).loads
    assert unsettled.step is Step.TO_BE_VERIFIED and isinstance(outcome, LoadUnsettled)
    assert came_back.step is Step.READY
    settled = [*part(came_back).settled, *part(till.screen).settled]
    assert LoadState.CREDITED in [settlement.state for settlement in settled]
    assert (till.screen.step, part(till.screen).is_open) == (Step.DONE, False)
    assert hands.desk.chip_balance() == OPENING + 1000


def test_with_a_load_open_no_second_one_is_made(hands: Hands) -> None:
    till = hands.till()
    hands.fault = answer_lost(LinkReason.CARD_REMOVED)
    load(till)
    till.card_went()
    till.card_came()

    load(till)

    assert hands.desk.chip_balance() in (OPENING + 1000, OPENING + 2000)
    assert hands.desk.available() == FUNDS - (hands.desk.chip_balance() - OPENING)


def test_a_host_that_is_away_is_seen_before_anybody_asks_for_anything(hands: Hands) -> None:
    till = hands.till(SilentHost(hands.desk.host))

    screen = load(till)

    assert part(hands.seen[1]).waiting is None
    assert screen.declined == Declined(Reason.HOST_UNREACHABLE)


@pytest.mark.parametrize("number", range(1, 5))
@pytest.mark.parametrize("acts", [False, True])
def test_a_host_that_falls_silent_anywhere_costs_nobody_money(
    hands: Hands, number: int, *, acts: bool
) -> None:
    load(hands.till(FailingHost(hands.desk.host, number, acts)))

    till = hands.till()
    till.ask_at_window(Errand(Purpose.SETTLE))
    till.enter_pin(Pin("123456"))

    assert hands.desk.available() == FUNDS - (hands.desk.chip_balance() - OPENING)


# The PIN --------------------------------------------------------------------------------------------------


def test_a_locked_pin_is_reset_without_the_old_one(hands: Hands) -> None:
    till = hands.till()
    lock(till)

    till.ask_at_window(Errand(Purpose.PIN_RESET, sighting=SIGHTED))
    asked = till.screen
    new = Pin("246813")
    till.enter_new_pin(new)

    assert (asked.step, till.screen.step) == (Step.NEW_PIN, Step.DONE)
    assert not new
    till.confirm()
    assert till.screen.panel is not None and till.screen.panel.tries_left == 3
    assert load(till, pin="246813").step is Step.DONE


def test_an_unblocked_pin_is_the_one_it_was(hands: Hands) -> None:
    till = hands.till()
    lock(till)

    till.ask_at_window(Errand(Purpose.UNBLOCK, sighting=SIGHTED))
    till.confirm()

    assert load(till).step is Step.DONE


def test_who_sighted_the_document_stands_in_the_journal(hands: Hands) -> None:
    till = hands.till()

    till.ask_at_window(Errand(Purpose.UNBLOCK, sighting=IdentitySighting("Li at window 3", NOON)))

    (entry,) = PinServiceJournal(hands.desk.journal).entries()
    assert entry.sighting.by == "Li at window 3"


def test_a_first_pin_is_nobodys_new_one(hands: Hands) -> None:
    till = hands.till()

    till.ask_at_window(Errand(Purpose.PIN_RESET, sighting=SIGHTED))
    till.enter_new_pin(Pin("123456"))

    assert till.screen.declined == Declined(Reason.NEW_PIN_IS_A_FIRST_PIN)


def test_a_reset_whose_answer_is_lost_says_that_nobody_knows(hands: Hands) -> None:
    till = hands.till()
    till.ask_at_window(Errand(Purpose.PIN_RESET, sighting=SIGHTED))

    hands.header, hands.fault = RELOAD, answer_lost(LinkReason.CARD_REMOVED)
    till.enter_new_pin(Pin("246813"))

    assert till.screen.declined is not None
    assert till.screen.declined.reason is Reason.PIN_CHANGE_UNKNOWN


def test_another_card_in_the_reader_gets_nobody_elses_pin(hands: Hands) -> None:
    till = hands.till()
    till.ask_at_window(Errand(Purpose.PIN_RESET, sighting=SIGHTED))

    hands.desk.card = another_card()
    till.enter_new_pin(Pin("246813"))

    assert till.screen.declined == Declined(Reason.CARD_SWAPPED)


def test_a_card_reported_lost_gets_nothing(hands: Hands) -> None:
    number = hands.desk.identified(pin=None).number
    hands.desk.host.report_loss(
        LossReport(request="loss-1", number=number, change=LossChange.REPORTED, sighting=SIGHTED)
    )
    till = hands.till()

    loaded = load(till)
    till.confirm()
    till.ask_at_window(Errand(Purpose.UNBLOCK, sighting=SIGHTED))

    lost = Declined(Reason.HOST_REFUSED, host=HostReason.CARD_LOST)
    assert (loaded.declined, till.screen.declined) == (lost, lost)


# Nothing else ---------------------------------------------------------------------------------------------


def test_a_window_sells_and_reads_as_every_counter_does(hands: Hands) -> None:
    till = hands.till()

    till.ask(Purpose.BALANCE)
    till.enter_pin(Pin("123456"))

    assert till.screen.balances is not None


def test_an_open_sale_comes_before_any_errand(hands: Hands) -> None:
    hands.desk.sell(answer_lost(LinkReason.CARD_REMOVED), DEBIT)
    hands.desk.psam = hands.desk.powered_psam()
    till = hands.till()
    asked = till.screen

    till.ask_at_window(Errand(Purpose.LOAD, Fen(100)))

    assert (asked.step, asked.purpose) == (Step.ENTER_PIN, Purpose.RECOVER)
    assert till.screen is asked


@pytest.mark.parametrize(
    "errand",
    [
        lambda: Errand(Purpose.SALE),
        lambda: Errand(Purpose.LOAD),
        lambda: Errand(Purpose.LOAD, Fen(0)),
        lambda: Errand(Purpose.UNBLOCK),
        lambda: Errand(Purpose.PIN_RESET, Fen(1), SIGHTED),
        lambda: Errand(Purpose.REFUNDS, sighting=SIGHTED),
    ],
)
def test_an_errand_without_what_it_needs_is_none(errand: object) -> None:
    with pytest.raises(ValueError, match="errand"):
        errand()  # type: ignore[operator]


@pytest.mark.parametrize("purpose", [purpose for purpose in Purpose if purpose.is_of_window])
def test_a_counter_without_a_host_has_none_of_the_windows_services(hands: Hands, purpose: Purpose) -> None:
    till = hands.till()
    ready = till.screen

    till.ask(purpose)

    assert till.screen is ready
