"""The clerk's keys: what each does, what is asked next, and that nothing typed is lost, shown or sold twice."""

from datetime import timedelta
from pathlib import Path

import pytest

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cli.console import Console
from sscard_terminal.cli.counter.clerk import Asking, Clerk, Key
from sscard_terminal.cli.counter.office import Office
from sscard_terminal.cli.counter.view import View
from sscard_terminal.cli.settings import Settings
from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.terminal.amounts import NO_SHARES
from sscard_terminal.terminal.configuration import Configuration
from sscard_terminal.terminal.errands import Errands
from sscard_terminal.terminal.policy import Policy
from sscard_terminal.terminal.sale_rules import SaleRules
from sscard_terminal.terminal.slips.targets import parse_target
from sscard_terminal.terminal.till.steps import Step
from sscard_terminal.terminal.till.till import Shop, Till
from sscard_terminal.terminal.upload_file import records_in
from tests.terminal.doubles import OPENING, Desk, answer_lost, pattern
from tests.terminal.till.test_till import Hands

PIN = "123456"


class Counter:
    """A clerk at a till over a test's desk; every view is kept."""

    def __init__(
        self,
        hands: Hands,
        rules: SaleRules = SaleRules(),  # noqa: B008
        printer: str = "text",
    ) -> None:
        self.views: list[View] = []
        self.hands = hands
        journal, clock = hands.desk.journal, hands.desk.clock
        console = Console("en", as_json=False)
        settings = Settings(Configuration(slip_printer=parse_target(printer)), Policy(), rules)
        till = Till(hands, journal, Shop(Policy(), rules), clock, pattern, lambda s: self.clerk.on_screen(s))
        office = Office(journal, settings, console, clock)
        self.clerk = Clerk(till, office, console, NO_SHARES, self.views.append)

    @property
    def view(self) -> View:
        return self.views[-1]

    @property
    def said(self) -> str:
        return "\n".join(self.view.lines)

    def sell(self, total: str = "12.34", pin: str = PIN) -> None:
        self.clerk.press(Key.SALE)
        for line in (total, "", pin):
            self.clerk.enter(line)


@pytest.fixture
def hands(tmp_path: Path) -> Hands:
    return Hands(Desk.at(tmp_path))


def test_a_sale_by_keys_alone_ends_with_its_slip(hands: Hands) -> None:
    counter = Counter(hands)

    counter.clerk.card(True)
    counter.sell()

    assert counter.view.state == "Done; please take the card."
    assert "Charged; voucher 1." in counter.said
    assert "12.34" in counter.said and "REPRINT" not in counter.said
    assert counter.view.beeps
    assert hands.desk.balance() == OPENING - 1234


def test_the_clerk_sees_dots_where_the_customer_types(hands: Hands) -> None:
    counter = Counter(hands)
    counter.clerk.card(True)
    counter.clerk.press(Key.SALE)
    asked_total = counter.view
    counter.clerk.enter("1")
    counter.clerk.enter("")

    assert (asked_total.secret, counter.view.secret) == (False, True)
    assert counter.view.prompt == "PIN"


@pytest.mark.parametrize("total", ["", "0", "1.001", "abc", "-1", "1 2 3 4", "12,5"])
def test_an_amount_that_is_none_is_said_and_nothing_begins(total: str, hands: Hands) -> None:
    counter = Counter(hands)
    counter.clerk.card(True)
    counter.clerk.press(Key.SALE)

    counter.clerk.enter(total)

    assert counter.clerk.till.screen.step is Step.READY
    assert counter.said != ""


def test_a_total_may_have_a_self_paid_and_a_pooled_part_behind_it(hands: Hands) -> None:
    counter = Counter(hands)
    counter.clerk.card(True)
    counter.clerk.press(Key.SALE)

    counter.clerk.enter("58 8 20")

    assert counter.view.state.startswith("Confirm: 58.00 yuan (account 30.00, self-paid 8.00, pooled 20.00)")


def test_escape_leaves_a_sale_uncharged(hands: Hands) -> None:
    counter = Counter(hands)
    counter.clerk.card(True)
    counter.clerk.press(Key.SALE)
    counter.clerk.enter("12.34")

    counter.clerk.press(Key.CANCEL)
    counter.clerk.enter(PIN)

    assert counter.clerk.till.screen.step is Step.READY
    assert hands.desk.balance() == OPENING


def test_the_same_sale_again_has_to_be_meant(hands: Hands) -> None:
    counter = Counter(hands, SaleRules(repeat_within=timedelta(minutes=5)))
    counter.clerk.card(True)
    counter.sell()
    counter.clerk.press(Key.SALE)
    counter.clerk.enter("12.34")
    asked = counter.view

    counter.clerk.enter("y")
    counter.clerk.enter("")
    counter.clerk.enter(PIN)

    assert asked.prompt.startswith("Sell it a second time?")
    assert hands.desk.balance() == OPENING - 2 * 1234


def test_the_new_pin_is_typed_twice_and_must_not_differ(hands: Hands) -> None:
    counter = Counter(hands)
    counter.clerk.card(True)
    counter.clerk.press(Key.CHANGE_PIN)
    for line in (PIN, "246810", "246811"):
        counter.clerk.enter(line)
    differ = counter.said
    for line in ("246810", "246810"):
        counter.clerk.enter(line)

    assert "The two new PINs differ" in differ
    assert counter.clerk.till.screen.step is Step.DONE
    assert "The PIN has been changed" in counter.said


def test_a_wrong_pin_says_how_many_tries_are_left_and_the_last_one_warns(hands: Hands) -> None:
    counter = Counter(hands)
    counter.clerk.card(True)
    counter.clerk.press(Key.BALANCE)

    counter.clerk.enter("999999")
    first = counter.said
    counter.clerk.enter("999999")

    assert "63C2" in first
    assert "one more wrong PIN locks the card" in counter.said


def test_balance_and_log_are_shown_after_the_pin(hands: Hands) -> None:
    counter = Counter(hands)
    counter.clerk.card(True)
    counter.sell()
    counter.clerk.press(Key.DETAILS)
    counter.clerk.enter(PIN)
    log = counter.said
    counter.clerk.press(Key.BALANCE)
    counter.clerk.enter(PIN)

    assert "12.34" in log
    assert "87.66" in counter.said


def test_an_unknown_outcome_gets_its_slip_and_the_same_card_settles_it(hands: Hands) -> None:
    counter = Counter(hands)
    counter.clerk.card(True)
    counter.clerk.press(Key.SALE)
    counter.clerk.enter("12.34")
    counter.clerk.enter("")
    hands.fault = answer_lost(LinkReason.CARD_REMOVED)
    counter.clerk.enter(PIN)
    unknown = (counter.view.state, counter.said)

    counter.clerk.card(False)
    counter.clerk.card(True)

    assert unknown[0].startswith("To be verified")
    assert "TO BE VERIFIED" in unknown[1]
    assert counter.view.state == "Done; please take the card."
    assert len(hands.desk.journal.open_sales()) == 0


def test_a_slip_is_printed_again_and_marked_so(hands: Hands) -> None:
    counter = Counter(hands)
    counter.clerk.card(True)
    counter.sell()

    counter.clerk.press(Key.REPRINT)
    counter.clerk.enter("")

    assert "REPRINT" in counter.said
    counter.clerk.press(Key.REPRINT)
    counter.clerk.enter("99")
    assert "no such sale" in counter.said


def test_the_day_is_opened_sold_in_voided_in_and_closed(hands: Hands) -> None:
    counter = Counter(hands)
    counter.clerk.press(Key.OPEN_DAY)
    opened = counter.said
    counter.clerk.card(True)
    counter.sell()
    counter.clerk.press(Key.VOID)
    counter.clerk.enter("1")
    voided = counter.said
    counter.clerk.press(Key.CLOSE_DAY)
    counter.clerk.enter("")

    assert "Day 1, opened" in opened
    entry = hands.desk.journal.entry(1)
    assert entry is not None and entry.on_its_way == Fen(1234), voided
    assert "Closed" in counter.said and "void" in counter.said


def test_help_names_the_keys(hands: Hands) -> None:
    counter = Counter(hands)

    counter.clerk.press(Key.HELP)

    assert "F3 sale" in counter.said


def test_what_is_asked_is_forgotten_when_the_card_goes(hands: Hands) -> None:
    counter = Counter(hands)
    counter.clerk.card(True)
    counter.clerk.press(Key.SALE)

    counter.clerk.card(False)
    counter.clerk.enter("12.34")

    assert counter.clerk.asking is Asking.NOTHING
    assert counter.view.state == "Insert the card."


def test_a_printer_that_fails_undoes_no_sale(hands: Hands) -> None:
    counter = Counter(hands, printer="device:/dev/full")

    counter.clerk.card(True)
    counter.sell()

    assert counter.view.state == "Done; please take the card."
    assert "Charged; voucher 1." in counter.said
    assert "F8 prints it again" in counter.said


def test_between_cards_the_counter_uploads_by_itself_and_never_in_a_sale(
    hands: Hands, tmp_path: Path
) -> None:
    counter, centre = Counter(hands), tmp_path / "centre"
    counter.clerk.errands = Errands(Configuration(upload=centre), hands.desk.clock)
    counter.clerk.card(True)
    counter.sell()
    counter.clerk.press(Key.SALE)

    counter.clerk.see_to_errands()
    in_a_sale = centre.exists()
    counter.clerk.press(Key.CANCEL)
    counter.clerk.see_to_errands()

    assert not in_a_sale
    assert [record.voucher for record in records_in(centre)] == [1, 1]


def test_a_card_in_a_file_need_not_be_inserted(hands: Hands) -> None:
    counter = Counter(hands)
    counter.clerk.card_in_file = True

    counter.clerk.publish()
    before = counter.view.state
    counter.clerk.press(Key.READ)

    assert (before, counter.clerk.till.screen.step) == ("The card is in its file; F2 reads it.", Step.READY)


def test_an_upload_that_fails_is_a_line_and_no_more(hands: Hands, tmp_path: Path) -> None:
    counter = Counter(hands)
    counter.clerk.errands = Errands(Configuration(upload=tmp_path), hands.desk.clock)
    counter.clerk.card(True)
    counter.sell()

    counter.clerk.see_to_errands()

    assert counter.view.state == "Done; please take the card."
    assert counter.view.lines[-1].startswith("The upload has failed since")


@pytest.mark.parametrize("word", ["n", "no", "NO", "否", "不", "x", PIN])
def test_only_an_empty_line_confirms_an_amount(word: str, hands: Hands) -> None:
    counter = Counter(hands)
    counter.clerk.card(True)
    counter.clerk.press(Key.SALE)
    counter.clerk.enter("12.34")

    counter.clerk.enter(word)
    said, step = counter.said, counter.clerk.till.screen.step

    if word in ("x", PIN):
        assert (step, "no answer here" in said, PIN in said) == (Step.CONFIRM_AMOUNT, True, False)
    else:
        assert step is Step.READY
    assert hands.desk.balance() == OPENING


@pytest.mark.parametrize("word", ["n", "不", "x"])
def test_only_an_empty_line_takes_the_rest_in_cash(word: str, hands: Hands) -> None:
    counter = Counter(hands)
    counter.clerk.card(True)
    counter.sell("150")
    asked = counter.clerk.till.screen.step

    counter.clerk.enter(word)

    expected = Step.REST_IN_CASH if word == "x" else Step.READY
    assert (asked, counter.clerk.till.screen.step) == (Step.REST_IN_CASH, expected)
    assert hands.desk.balance() == OPENING


@pytest.mark.parametrize("word", ["", "n", "no", "否", "again", "12.34"])
def test_no_word_but_yes_sells_a_second_time(word: str, hands: Hands) -> None:
    counter = Counter(hands, SaleRules(repeat_within=timedelta(minutes=5)))
    counter.clerk.card(True)
    counter.sell()
    counter.clerk.press(Key.SALE)
    counter.clerk.enter("12.34")
    refused = counter.said

    for line in (word, PIN):
        counter.clerk.enter(line)

    assert counter.clerk.till.screen.step in (Step.READY, Step.REFUSED)
    assert "type y" in refused and "--again" not in refused
    assert hands.desk.balance() == OPENING - 1234


def test_what_is_typed_shows_only_where_a_number_or_a_reason_is_asked_for(hands: Hands) -> None:
    counter = Counter(hands)
    secrets = []
    for act in (
        lambda: counter.clerk.card(True),
        lambda: counter.clerk.press(Key.SALE),
        lambda: counter.clerk.enter("150"),
        lambda: counter.clerk.enter(""),
        lambda: counter.clerk.enter(PIN),
        lambda: counter.clerk.enter(""),
        lambda: counter.clerk.press(Key.REPRINT),
    ):
        act()
        secrets.append(counter.view.secret)

    assert secrets == [True, False, True, True, True, True, False]


def test_a_total_nobody_can_mean_is_asked_for_again(hands: Hands) -> None:
    counter = Counter(hands)
    counter.clerk.card(True)
    counter.clerk.press(Key.SALE)

    counter.clerk.enter("12.345")
    asked = counter.view.prompt
    counter.clerk.enter("12.34")

    assert asked.startswith("Total in yuan")
    assert counter.clerk.till.screen.step is Step.CONFIRM_AMOUNT


@pytest.mark.parametrize("key", [Key.SALE, Key.CHANGE_PIN, Key.DETAILS, Key.BALANCE])
def test_a_service_without_a_card_says_that_there_is_none(key: Key, hands: Hands) -> None:
    counter = Counter(hands)

    counter.clerk.press(key)

    assert "No card has been read" in counter.said


def test_a_service_in_the_middle_of_a_sale_says_that_it_has_not_ended(hands: Hands) -> None:
    counter = Counter(hands)
    counter.clerk.card(True)
    counter.clerk.press(Key.SALE)
    counter.clerk.enter("12.34")

    counter.clerk.press(Key.BALANCE)

    assert "What was begun has not ended" in counter.said


def test_after_a_sale_the_panel_holds_the_balance_and_a_first_pin_is_hinted_at(hands: Hands) -> None:
    counter = Counter(hands)
    counter.clerk.card(True)

    counter.sell()
    sold = counter.said
    counter.clerk.card(False)

    assert "the account holds 87.66 yuan" in sold and "balance after the PIN" not in sold
    assert "first PIN" in sold and "F4" in sold
    assert "first PIN" not in counter.said


def test_a_pin_of_the_customers_own_is_not_hinted_at(hands: Hands) -> None:
    counter = Counter(hands)
    counter.clerk.card(True)
    counter.clerk.press(Key.CHANGE_PIN)
    for line in (PIN, "246810", "246810"):
        counter.clerk.enter(line)

    counter.sell(pin="246810")

    assert "voucher 1" in counter.said and "first PIN" not in counter.said


def test_a_new_pin_typed_once_is_forgotten_with_the_change(hands: Hands) -> None:
    counter = Counter(hands)
    counter.clerk.card(True)
    counter.clerk.press(Key.CHANGE_PIN)
    for line in (PIN, "246810"):
        counter.clerk.enter(line)

    counter.clerk.press(Key.CANCEL)

    assert counter.clerk.first_new_pin is None


def test_a_day_not_opened_names_its_key(hands: Hands) -> None:
    counter = Counter(hands, SaleRules(needs_open_day=True))
    counter.clerk.card(True)
    counter.clerk.press(Key.SALE)

    counter.clerk.enter("12.34")

    assert "open it first with F7" in counter.said


def test_sales_to_be_verified_are_named_at_the_start_until_the_first_key(hands: Hands) -> None:
    before = Counter(hands)
    before.clerk.card(True)
    before.clerk.press(Key.SALE)
    before.clerk.enter("12.34")
    before.clerk.enter("")
    hands.fault = answer_lost(LinkReason.CARD_REMOVED)
    before.clerk.enter(PIN)

    counter = Counter(hands)
    counter.clerk.at_start = tuple(counter.clerk.office.to_be_verified())
    counter.clerk.publish()
    at_start = counter.said
    counter.clerk.press(Key.HELP)

    assert "Sale 1 of" in at_start and "Sales to be verified: 1" in at_start
    assert "sscard" not in at_start and "Sales to be verified" not in counter.said
