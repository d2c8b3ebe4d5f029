"""Sales at the page: by their steps, never twice, never on a screen that is no more, and the truth after a restart."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sscard_terminal.counter import station
from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.reader.connection import Connection, LinkReason
from sscard_terminal.terminal.hotlist import Hotlist
from sscard_terminal.terminal.policy import Policy
from sscard_terminal.terminal.sale_rules import SaleRules
from tests.counter.house import PATIENCE_S, PIN, Browser, House, Pad
from tests.terminal.doubles import OPENING, another_card, answer_lost


def ready(house: House, clerk: Browser) -> Browser:
    house.reader.insert()
    clerk.until("ready")
    return clerk


def to_pin(house: House, clerk: Browser, total: str = "12.34") -> Browser:
    ready(house, clerk)
    clerk.do("sell", total=total)
    clerk.do("confirm")
    assert clerk.state["step"] == "enter-pin"
    return clerk


def test_a_sale_goes_from_the_card_to_the_slip(house: House, clerk: Browser, pad: Pad) -> None:
    ready(house, clerk)
    clerk.do("sell", total="12.34")
    asked = clerk.state
    clerk.do("confirm")

    pad.enter(PIN)

    done = clerk.look()
    assert (asked["step"], asked["amounts"]["total"]) == ("confirm-amount", "12.34")
    assert (done["step"], done["money"], done["voucher"]) == ("done", "charged", 1)
    assert "12.34" in done["paper"]["text"]
    assert house.balance() == OPENING - 1234


def test_the_panel_is_masked_and_its_balance_comes_after_the_pin(
    house: House, clerk: Browser, pad: Pad
) -> None:
    before = ready(house, clerk).state["panel"]
    clerk.do("ask", purpose="balance")

    pad.enter(PIN)

    assert (before["name"], before["tries"], before["balance"]) == ("张*", "3", "after the PIN")
    assert "*" in before["number"] and "*" in before["social_security_number"]
    assert clerk.look()["panel"]["balance"] == "100.00"


@pytest.mark.parametrize("typed", ["１２．３４", "12.34", " 12.34 ", "12。34"])
def test_full_width_digits_are_taken_for_what_they_are(typed: str, house: House, clerk: Browser) -> None:
    ready(house, clerk)

    clerk.do("sell", total=typed)

    assert clerk.state["amounts"]["total_fen"] == 1234


@pytest.mark.parametrize("typed", ["10.14+1.10*2", "１０．１４＋１．１０×２"])
def test_items_are_added_up_and_none_of_them_is_kept(
    typed: str, house: House, clerk: Browser, pad: Pad
) -> None:
    ready(house, clerk)

    clerk.do("sell", total=typed)
    clerk.do("confirm")
    pad.enter(PIN)

    assert clerk.look()["amounts"]["total_fen"] == 1234 and house.balance() == OPENING - 1234
    house.close()
    assert b"10.14" not in (house.folder / "journal.db").read_bytes()


@pytest.mark.parametrize(
    "typed",
    ["abc", "12.345", "1,234", "-5", "1e3", "12.3.4", "٣", "12元", "<b>1</b>", "9" * 60, "99999999.99"],
)
def test_an_amount_that_is_none_is_refused_in_one_sentence(typed: str, house: House, clerk: Browser) -> None:
    ready(house, clerk)

    answer = clerk.do("sell", total=typed)

    assert (answer.status_code, answer.json()["error"]) == (422, "amount")
    assert answer.json()["sentence"].count(".") - answer.json()["sentence"].count("12.34") == 1
    assert clerk.look()["step"] == "ready"


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ({}, "price"),
        ({"total": "1", "account": "1"}, "price"),
        ({"total": "0"}, "amount-zero"),
        ({"total": "10", "self_paid": "6", "pooled": "5"}, "declined.parts-exceed-total"),
    ],
)
def test_amounts_that_do_not_fit_together_are_refused(
    typed: dict[str, str], error: str, house: House, clerk: Browser
) -> None:
    ready(house, clerk)

    answer = clerk.do("sell", **typed)

    assert (answer.status_code, answer.json()["error"]) == (422, error)


def test_three_amounts_are_sold_as_typed(house: House, clerk: Browser, pad: Pad) -> None:
    ready(house, clerk)
    clerk.do("sell", account="12.34", self_paid="20", pooled="80.00")
    clerk.do("confirm")

    pad.enter(PIN)

    amounts = clerk.look()["amounts"]
    assert (amounts["account"], amounts["self_paid"], amounts["pooled"], amounts["total"]) == (
        *("12.34", "20.00", "80.00", "112.34"),
    )


def test_of_a_total_the_rest_is_paid_in_cash_after_a_question(house: House, clerk: Browser, pad: Pad) -> None:
    to_pin(house, clerk, "107.00")
    pad.enter(PIN)
    asked = clerk.look()

    clerk.do("confirm")

    assert (asked["step"], asked["missing"]) == ("rest-in-cash", "7.00")
    assert clerk.state["step"] == "done" and house.balance() == 0


def test_a_sale_that_is_all_in_cash_says_that_the_account_was_not_charged(
    house: House, clerk: Browser, pad: Pad
) -> None:
    to_pin(house, clerk, "100.00")
    pad.enter(PIN)
    clerk.do("confirm")  # on to the next service, at an empty account
    clerk.do("sell", total="7.00")
    clerk.do("confirm")
    pad.enter(PIN)

    clerk.do("confirm")
    done = clerk.state
    house.reader.remove()
    after = clerk.until("insert-card")

    assert done["amounts"]["account"] == "0.00" and done["step"] == "done"
    assert done["line"] == "Account not charged; take the cash, and please take the card"
    for shown in (done, after):
        assert shown["money"] == "not-charged"
        assert any("was not charged" in line for line in shown["lines"])


def clicked_twice(house: House, clerk: Browser) -> list[int]:
    """What two clicks on Confirm, both on the screen that is there, are answered."""
    number = clerk.look()["number"]
    house.hands.pause = threading.Event()
    with ThreadPoolExecutor(2) as twice:
        clicks = [twice.submit(clerk.post, "/clerk/confirm", {"number": number}) for _ in range(2)]
        house.hands.pause.set()
    return sorted(click.result().status_code for click in clicks)


def test_a_double_click_on_confirm_asks_for_one_pin(house: House, clerk: Browser) -> None:
    ready(house, clerk)
    clerk.do("sell", total="5.00")

    assert clicked_twice(house, clerk) == [200, 409]
    assert clerk.look()["step"] == "enter-pin"


def test_a_double_click_on_the_confirm_that_charges_sells_once(
    house: House, clerk: Browser, pad: Pad
) -> None:
    to_pin(house, clerk, "107.00")
    pad.enter(PIN)

    codes = clicked_twice(house, clerk)

    assert codes == [200, 409]
    assert clerk.look()["step"] == "done"
    house.close()
    assert [entry.sale.voucher for entry in house.entries()] == [1]


def test_a_stale_action_is_refused_and_does_nothing(house: House, clerk: Browser) -> None:
    ready(house, clerk)
    old = clerk.state["number"]
    clerk.do("sell", total="5.00")

    answer = clerk.post("/clerk/sell", {"number": old, "total": "7.00"})
    from_the_future = clerk.post("/clerk/confirm", {"number": clerk.state["number"] + 1})

    assert (answer.status_code, answer.json()["error"]) == (409, "stale")
    assert from_the_future.status_code == 409
    assert clerk.look()["amounts"]["total"] == "5.00"


def test_what_does_not_fit_the_step_is_refused(house: House, clerk: Browser) -> None:
    answer = clerk.do("confirm")

    assert (answer.status_code, answer.json()["error"]) == (409, "does-not-fit")


def test_two_tabs_show_the_same_and_only_one_acts(house: House, clerk: Browser) -> None:
    ready(house, clerk)
    with house.browser() as tab:
        tab.client.cookies = clerk.client.cookies
        tab.load()
        seen = tab.look()["number"]
        clerk.do("sell", total="5.00")

        stale = tab.post("/clerk/ask", {"number": seen, "purpose": "balance"})

        assert stale.status_code == 409
        assert tab.look() == clerk.look()


def test_a_reload_in_the_middle_of_a_sale_shows_where_it_is(house: House, clerk: Browser) -> None:
    to_pin(house, clerk)

    clerk.load()

    assert clerk.look()["step"] == "enter-pin"


def test_a_card_pulled_while_people_think_ends_what_they_were_at(house: House, clerk: Browser) -> None:
    to_pin(house, clerk)
    number = clerk.state["number"]

    house.reader.remove()
    clerk.until("insert-card")

    assert clerk.post("/clerk/cancel", {"number": number}).status_code == 409
    assert clerk.look()["panel"] is None and clerk.state["card_is_in"] is False


def test_a_card_swapped_between_two_steps_stops_the_sale(house: House, clerk: Browser, pad: Pad) -> None:
    to_pin(house, clerk)
    house.goods.card = another_card()

    pad.enter(PIN)

    state = clerk.look()
    assert (state["step"], state["money"]) == ("refused", "not-charged")


def test_the_same_sale_again_needs_a_word(tmp_path: Path) -> None:
    with (
        House(tmp_path, rules=SaleRules(repeat_within=timedelta(minutes=5))) as house,
        house.browser() as clerk,
    ):
        clerk.load()
        with house.browser() as customer:
            pad = Pad.paired(customer, clerk.post("/clerk/pad-code").json()["code"])
            to_pin(house, clerk)
            pad.enter(PIN)
            clerk.do("sell", total="12.34")
            refused = clerk.state
            clerk.do("sell-again")
            clerk.do("confirm")
            pad.enter(PIN)

        assert refused["step"] == "refused" and "sell-again" in refused["may"]
        assert clerk.look()["voucher"] == 2


def test_a_card_with_its_first_pin_is_told_so_until_the_next_screen(
    house: House, clerk: Browser, pad: Pad
) -> None:
    to_pin(house, clerk)
    pad.enter(PIN)
    told = clerk.look()["lines"]
    clerk.do("confirm")

    assert any("first PIN" in line for line in told)
    assert not any("first PIN" in line for line in clerk.look()["lines"])


def test_newer_rules_hold_from_the_next_card_on(house: House, clerk: Browser) -> None:
    listed = Hotlist(2, house.goods.clock.now, frozenset(), (("D2143569", "D2143569"),))
    newer = replace(house.fittings.shop, policy=Policy(hotlist=listed), rules=SaleRules(hotlist=listed))
    served = ready(house, clerk).state["step"]
    house.shops.append(newer)
    house.reader.remove()
    clerk.until("insert-card")
    house.reader.insert()

    refused = clerk.until("refused")

    assert served == "ready"
    assert "reported lost" in refused["lines"][0] and "2" in refused["hotlist"]["says"]


def test_hex_stands_under_details_alone(house: House, clerk: Browser, pad: Pad) -> None:
    to_pin(house, clerk)

    pad.enter("999999")

    state = clerk.look()
    assert state["step"] == "enter-pin" and state["panel"]["tries"] == "2"
    assert "63C2" not in "".join(state["lines"]) and "sw 63C2" in state["technical"]


def test_an_unknown_outcome_is_to_be_verified_and_names_itself_after_a_restart(
    house: House, clerk: Browser, pad: Pad
) -> None:
    to_pin(house, clerk)
    house.hands.fault = answer_lost(LinkReason.CARD_REMOVED)
    pad.enter(PIN)
    unknown = clerk.look()
    house.reader.remove()
    house.close()
    house.goods.psam = house.goods.powered_psam()
    house.open()

    with house.browser() as anew, house.browser() as customer:
        anew.load()
        told = anew.look()["books"]["open_sales"]
        paired = Pad.paired(customer, anew.post("/clerk/pad-code").json()["code"])
        house.reader.insert()
        with anew.listening() as events:
            back = next(
                value for name, value in events if name == "state" and value["step"] in ("enter-pin", "done")
            )
        if back["step"] == "enter-pin":
            paired.enter(PIN)
        settled = anew.look()

    assert (unknown["step"], unknown["money"]) == ("to-be-verified", "to-be-verified")
    assert "To be verified" in unknown["line"] and [sale["voucher"] for sale in told] == [1]
    assert settled["step"] == "done" and settled["books"]["open_sales"] == []
    assert house.balance() == OPENING - 1234


class Killed(BaseException):
    """The process is no more: nobody catches this, and nothing is written any more."""


@pytest.mark.parametrize(("obeys", "paid"), [(True, 1234), (False, 0)])
def test_a_server_killed_in_the_middle_of_a_sale_tells_the_truth_after_its_restart(
    obeys: bool, paid: int, house: House, clerk: Browser, pad: Pad
) -> None:
    def killed(inner: Connection, command: CommandApdu) -> ResponseApdu:
        if obeys:
            inner.transmit(command)
        raise Killed

    to_pin(house, clerk)
    house.hands.fault = killed
    pad.enter(PIN)
    house.reader.remove()
    house.close()
    house.goods.psam = house.goods.powered_psam()
    house.open()
    with house.browser() as anew, house.browser() as customer:
        anew.load()
        told = anew.look()
        paired = Pad.paired(customer, anew.post("/clerk/pad-code").json()["code"])
        house.reader.insert()
        asked = anew.until("enter-pin")
        paired.enter(PIN)
        settled = anew.look()

    assert [sale["voucher"] for sale in told["books"]["open_sales"]] == [1]
    assert "To be verified" in told["books"]["open_sales"][0]["says"]
    assert asked["purpose"] == "recover" and any("charges nothing" in line for line in asked["lines"])
    assert settled["step"] == "done" and settled["books"]["open_sales"] == []
    assert ("not charged" in settled["lines"][0]) is not obeys
    assert house.balance() == OPENING - paid


def test_a_server_that_stops_brings_the_running_sale_to_its_end(
    house: House, clerk: Browser, pad: Pad
) -> None:
    to_pin(house, clerk)
    house.hands.pause = threading.Event()
    pad.type(PIN)
    with ThreadPoolExecutor(2) as hands:
        ok = hands.submit(pad.press, "ok")
        assert house.hands.at_it.wait(PATIENCE_S)
        closing = hands.submit(house.close)
        house.hands.pause.set()
        closing.result()

    assert ok.result().status_code == 200
    assert [str(entry.state) for entry in house.entries()] == ["charged"]
    assert house.balance() == OPENING - 1234


def test_two_who_ask_at_once_are_told_that_the_counter_is_busy(
    house: House, clerk: Browser, pad: Pad, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(station, "PATIENCE_S", 0.2)
    to_pin(house, clerk)
    house.hands.pause = threading.Event()
    pad.type(PIN)
    with ThreadPoolExecutor(1) as hands:
        ok = hands.submit(pad.press, "ok")
        assert house.hands.at_it.wait(PATIENCE_S)
        answer = clerk.post("/clerk/reprint")
        house.hands.pause.set()
        ok.result()

    assert (answer.status_code, answer.json()["error"]) == (503, "busy")
    assert clerk.look()["step"] == "done" and clerk.state["paper"]["voucher"] == 1


def test_a_reader_that_goes_away_is_told(house: House, clerk: Browser) -> None:
    house.reader.trouble = LinkReason.NO_SERVICE
    house.reader.remove()
    with clerk.listening() as events:
        away = next(value for name, value in events if name == "state" and "away" in value["line"])
    house.reader.trouble = None
    house.reader.insert()

    assert any("charged" in line for line in away["lines"])
    assert clerk.until("ready")["card_is_in"]
