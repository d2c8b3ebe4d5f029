"""The clerk's page as staff see and use it, in Chromium, by keyboard alone: from the card to the slip, and through the day."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.terminal.sale_rules import SaleRules
from tests.browser import sight
from tests.browser.people import by_keyboard, line_of
from tests.browser.sight import OpenPage
from tests.browser.test_window import enter, sign_in
from tests.counter.house import PIN, House
from tests.counter.test_staff import CLERK, operators_in
from tests.terminal.doubles import OPENING, another_card, answer_lost

LANGUAGES = pytest.mark.parametrize("language", ["zh", "en"])
NEW_PIN = "246813"


@pytest.fixture
def page(open_page: OpenPage, language: str) -> Page:
    """The clerk's, before any card."""
    page = open_page("/")
    line_of(page, "step.insert-card", language)
    return page


@pytest.fixture
def pad(open_page: OpenPage, page: Page) -> Page:
    """The customer's."""
    return paired_by_f7(page, open_page("/pad"))


def paired_by_f7(page: Page, pad: Page) -> Page:
    page.keyboard.press("F7")
    expect(page.locator("#code")).to_have_text(re.compile(r"\d{6}"))
    expect(pad.locator("#code")).to_be_visible()
    by_keyboard(pad, page.locator("#code").inner_text())
    by_keyboard(pad, "ok")
    expect(page.locator("#pairing")).to_be_hidden()
    return pad


def looks_right(page: Page, name: str) -> None:
    """As every page, and the next key has a place to go (counter.md, screen rule 5)."""
    sight.looks_right(page, name)
    assert sight.is_focus_seen(page), name


def card_in(house: House, page: Page, language: str = "en") -> None:
    house.reader.insert()
    line_of(page, "step.ready", language)


def to_pin(house: House, page: Page, typed: str = "12.34", language: str = "en") -> None:
    """A sale up to the PIN: the first digit opens it."""
    card_in(house, page, language)
    page.keyboard.type(typed)
    page.keyboard.press("Enter")
    line_of(page, "step.confirm-amount", language)
    page.keyboard.press("Enter")
    line_of(page, "step.enter-pin", language)


def test_a_sale_by_keyboard_alone_from_the_card_to_the_slip(page: Page, pad: Page, house: House) -> None:
    to_pin(house, page)

    enter(pad, PIN, "pad.line.pin")

    line_of(page, "step.sold")
    expect(page.locator("#paper pre")).to_contain_text("12.34")
    assert house.balance() == OPENING - 1234


def test_balance_and_details_by_one_key_and_the_pin(page: Page, pad: Page, house: House) -> None:
    card_in(house, page)

    page.keyboard.press("F6")
    enter(pad, PIN, "pad.line.pin")
    line_of(page, "step.done")
    expect(page.locator("[data-balance=account]")).to_have_text("100.00")
    page.keyboard.press("F5")
    enter(pad, PIN, "pad.line.pin")

    line_of(page, "step.done")
    expect(page.locator("#details")).to_be_visible()


def test_the_customer_changes_the_pin_while_the_clerk_sees_nothing_but_a_count(
    page: Page, pad: Page, house: House
) -> None:
    card_in(house, page)

    page.keyboard.press("F4")
    enter(pad, PIN, "pad.line.pin")
    enter(pad, NEW_PIN, "pad.line.new-pin")
    line_of(pad, "pad.line.new-pin-again")
    by_keyboard(pad, NEW_PIN)
    expect(page.locator("#dots")).to_have_text("●●●●●●")
    seen = page.content()
    by_keyboard(pad, "ok")

    line_of(page, "step.done")
    assert NEW_PIN not in seen and PIN not in seen


def test_a_slip_is_reprinted_by_its_number_and_marked_so(page: Page, pad: Page, house: House) -> None:
    to_pin(house, page)
    enter(pad, PIN, "pad.line.pin")
    line_of(page, "step.sold")

    page.keyboard.press("F8")
    page.keyboard.type("1")
    page.keyboard.press("Enter")

    expect(page.locator("#reprint")).to_be_hidden()
    expect(page.locator("#paper pre")).to_contain_text("REPRINT")


def test_a_sale_is_voided_by_keyboard_and_tells_that_the_refund_is_on_its_way(
    page: Page, pad: Page, house: House
) -> None:
    to_pin(house, page)
    enter(pad, PIN, "pad.line.pin")
    line_of(page, "step.sold")

    page.keyboard.press("F9")
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    expect(page.locator("[data-found=account]")).to_have_text("12.34")
    expect(page.locator("#way-back button.main")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator("#back .says")).to_contain_text("refund on its way")
    assert house.balance() == OPENING - 1234


def test_the_day_is_opened_and_closed_by_f10(page: Page, pad: Page, house: House) -> None:
    page.keyboard.press("F10")
    expect(page.locator("#day button.main")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#day-fact")).to_contain_text("opened at")
    page.keyboard.press("Escape")
    to_pin(house, page)
    enter(pad, PIN, "pad.line.pin")
    line_of(page, "step.sold")

    page.keyboard.press("F10")
    expect(page.locator("#sums tbody")).to_contain_text("12.34")
    page.keyboard.press("Enter")

    expect(page.locator("#day-fact")).to_have_text("The day is not open")


def test_escape_goes_back_one_step_and_leaves_the_card_as_it_was(page: Page, house: House) -> None:
    card_in(house, page)
    page.keyboard.type("5")
    page.keyboard.press("Escape")
    expect(page.locator("#sale")).to_be_hidden()
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    line_of(page, "step.confirm-amount")

    page.keyboard.press("Escape")

    line_of(page, "step.ready")
    assert house.balance() == OPENING


@pytest.mark.parametrize("typed", ["abc", "1.234", "12,34", "<b>1</b>", "1e3", "-5", "99999999999999999"])
def test_a_pasted_amount_that_is_none_is_refused_and_stays_to_be_mended(
    typed: str, page: Page, house: House
) -> None:
    card_in(house, page)
    page.keyboard.press("F3")
    page.locator("#total").fill(typed)

    page.keyboard.press("Enter")

    expect(page.locator("#notice")).to_contain_text("not charged")
    expect(page.locator("#total")).to_have_value(typed)
    line_of(page, "step.ready")


def test_full_width_digits_begin_a_sale_and_are_taken_for_what_they_are(page: Page, house: House) -> None:
    card_in(house, page)
    page.keyboard.press("F3")
    page.keyboard.insert_text("１２．３４")

    page.keyboard.press("Enter")

    line_of(page, "step.confirm-amount")
    expect(page.locator("[data-amount=total]")).to_have_text("12.34")


def test_a_double_click_on_confirm_does_it_once(page: Page, pad: Page, house: House) -> None:
    card_in(house, page)
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    line_of(page, "step.confirm-amount")

    page.locator("[data-do=confirm]").dblclick()

    line_of(page, "step.enter-pin")
    expect(page.locator("#notice")).to_be_hidden()
    enter(pad, PIN, "pad.line.pin")
    line_of(page, "step.sold")
    assert house.balance() == OPENING - 500


def test_a_key_pressed_before_the_answer_to_the_one_before_is_not_lost(page: Page, house: House) -> None:
    card_in(house, page)
    page.evaluate(
        """() => { const real = fetch; window.fetch = async (path, request) => {
            const answer = await real(path, request);
            if (path === "/clerk/sell") await new Promise((done) => setTimeout(done, 700));
            return answer; }; }"""
    )
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    line_of(page, "step.confirm-amount")

    page.keyboard.press("Enter")

    line_of(page, "step.enter-pin")


def test_a_reload_and_the_back_button_show_the_sale_where_it_is(page: Page, pad: Page, house: House) -> None:
    to_pin(house, page)

    page.reload()
    line_of(page, "step.enter-pin")
    page.goto("about:blank")
    page.go_back()

    line_of(page, "step.enter-pin")
    enter(pad, PIN, "pad.line.pin")
    line_of(page, "step.sold")
    assert house.balance() == OPENING - 1234


def test_of_two_tabs_the_stale_one_is_told_and_does_nothing(page: Page, house: House) -> None:
    card_in(house, page)
    tab = page.context.new_page()
    tab.goto("/")
    line_of(tab, "step.ready")
    held: list[Route] = []
    tab.route("**/clerk/sell", lambda route: held.append(route))
    tab.keyboard.type("7")
    tab.keyboard.press("Enter")
    tab.wait_for_function("() => document.querySelector('#total').value === '7'")
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    line_of(tab, "step.confirm-amount")

    held[0].continue_()

    expect(tab.locator("#notice")).to_contain_text("The screen has changed")
    expect(tab.locator("[data-amount=total]")).to_have_text("5.00")
    line_of(page, "step.confirm-amount")


NOT_CHARGED = "taken out before it was asked to pay; not charged"
PULLED = {
    "ready": "",
    "sale-form": "",
    "confirm-amount": NOT_CHARGED,
    "enter-pin": NOT_CHARGED,
    "new-pin": NOT_CHARGED,
    "rest-in-cash": NOT_CHARGED,
    "refused": "",
    "sold": "Charged; voucher 1.",
    "balance": "",
    "help": "",
}
"""State → what is said of it once its card is pulled."""


def get_to(state: str, page: Page, pad: Page, house: House) -> None:
    card_in(house, page)
    match state:
        case "sale-form":
            page.keyboard.type("5")
        case "help":
            page.keyboard.press("F1")
        case "balance":
            page.keyboard.press("F6")
            enter(pad, PIN, "pad.line.pin")
            line_of(page, "step.done")
        case "new-pin":
            page.keyboard.press("F4")
            enter(pad, PIN, "pad.line.pin")
            line_of(page, "step.new-pin")
        case "confirm-amount" | "enter-pin" | "rest-in-cash" | "sold" | "refused":
            page.keyboard.type("107" if state == "rest-in-cash" else "12.34")
            page.keyboard.press("Enter")
            line_of(page, "step.confirm-amount")
            if state != "confirm-amount":
                page.keyboard.press("Enter")
                line_of(page, "step.enter-pin")
            if state == "refused":
                house.goods.card = another_card()
            if state in ("rest-in-cash", "sold", "refused"):
                enter(pad, PIN, "pad.line.pin")
                line_of(page, f"step.{state}")


@pytest.mark.parametrize("state", PULLED)
def test_a_card_pulled_in_any_state_leads_back_to_the_start_and_leaves_no_data(
    state: str, page: Page, pad: Page, house: House
) -> None:
    get_to(state, page, pad, house)

    house.reader.remove()

    line_of(page, "step.insert-card")
    expect(page.locator("#panel")).to_be_hidden()
    line_of(pad, "pad.step.insert-card")
    lines = page.locator("#lines")
    expect(lines).to_contain_text(PULLED[state]) if PULLED[state] else expect(lines).to_be_empty()
    assert house.balance() == OPENING - (1234 if state == "sold" else 0)


@pytest.mark.parametrize("state", ["reading", "charging"])
def test_a_card_pulled_while_the_chip_is_at_work_ends_in_what_the_chip_did(
    state: str, page: Page, pad: Page, house: House
) -> None:
    if state == "charging":
        to_pin(house, page)
    house.hands.pause = threading.Event()
    house.hands.fault = answer_lost(LinkReason.CARD_REMOVED)
    house.reader.insert() if state == "reading" else enter(pad, PIN, "pad.line.pin")
    line_of(page, f"step.{state}")

    house.reader.remove()
    house.hands.pause.set()

    line_of(page, "step.insert-card" if state == "reading" else "step.to-be-verified")
    assert house.balance() == OPENING - (1234 if state == "charging" else 0)


def test_a_server_killed_in_the_middle_of_a_sale_says_to_be_verified_and_then_the_truth(
    page: Page, pad: Page, house: House, open_page: OpenPage
) -> None:
    to_pin(house, page)
    house.hands.fault = answer_lost(LinkReason.CARD_REMOVED)
    enter(pad, PIN, "pad.line.pin")
    line_of(page, "step.to-be-verified")
    house.reader.remove()
    port = house.desk.address.port
    house.close()
    expect(page.locator("#notice")).to_contain_text("line to the local service is broken")
    house.goods.psam = house.goods.powered_psam()
    house.open(port)

    expect(page.locator("#pad")).to_contain_text("No pad is paired")
    expect(page.locator("#open-sales")).to_contain_text("To be verified: voucher 1")
    pad = paired_by_f7(page, open_page("/pad"))
    house.reader.insert()
    line_of(page, "step.enter-pin")
    enter(pad, PIN, "pad.line.pin")

    line_of(page, "step.done")
    expect(page.locator("#open-sales li")).to_have_count(0)
    assert house.balance() == OPENING - 1234


@pytest.fixture
def staffed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A counter where staff sign in."""
    folder = tmp_path / "staffed"
    folder.mkdir()
    with House(folder, operators=operators_in(folder, monkeypatch)) as staffed:
        yield staffed


def test_escape_twice_locks_the_page_and_the_password_opens_it(open_page: OpenPage, staffed: House) -> None:
    page = open_page(f"{staffed.url}/")
    sign_in(page)
    card_in(staffed, page)
    expect(page.locator("[data-panel=name]")).to_have_text("张*")

    page.keyboard.press("Escape")
    page.keyboard.press("Escape")

    expect(page.locator("#sign")).to_be_visible()
    looks_right(page, "clerk-locked-en")
    assert "张*" not in page.content()
    page.keyboard.type(CLERK)
    page.keyboard.press("Enter")
    line_of(page, "step.ready")
    page.close()


def test_a_wrong_password_is_said_once_and_too_many_have_to_wait(open_page: OpenPage, staffed: House) -> None:
    page = open_page(f"{staffed.url}/")
    expect(page.locator("#sign")).to_be_visible()
    looks_right(page, "clerk-sign-in-en")
    page.locator("#sign-operator").fill("07")
    alert = page.locator("#sign form [role=alert]")

    for _ in range(10):
        page.locator("#sign-password").fill("not this one")
        with page.expect_response("**/clerk/sign-in"):
            page.keyboard.press("Enter")
        expect(page.locator("#sign button.main")).to_be_enabled()
        expect(alert).to_contain_text("not charged")
        if "wait" in alert.inner_text():
            break

    expect(alert).to_contain_text("wait")
    assert "not this one" not in page.content()
    page.close()


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"rules": SaleRules(repeat_within=timedelta(minutes=5))}


@LANGUAGES
def test_every_state_of_the_sale_can_be_seen_heard_and_read_at_both_sizes(
    page: Page, pad: Page, house: House, language: str
) -> None:
    looks_right(page, f"clerk-start-{language}")
    card_in(house, page, language)
    looks_right(page, f"clerk-ready-{language}")
    page.keyboard.type("12.34")
    looks_right(page, f"clerk-sale-{language}")
    page.keyboard.press("Enter")
    line_of(page, "step.confirm-amount", language)
    looks_right(page, f"clerk-confirm-{language}")
    page.keyboard.press("Enter")
    line_of(page, "step.enter-pin", language)
    line_of(pad, "pad.line.pin", language)
    by_keyboard(pad, "000")
    expect(page.locator("#dots")).to_have_text("●●●")
    looks_right(page, f"clerk-pin-{language}")
    by_keyboard(pad, "000")
    by_keyboard(pad, "ok")
    expect(page.locator("[data-panel=tries]")).to_have_text("2")
    looks_right(page, f"clerk-wrong-pin-{language}")
    enter(pad, PIN, "pad.line.pin", language)
    line_of(page, "step.sold", language)
    looks_right(page, f"clerk-sold-{language}")
    page.keyboard.press("Enter")
    line_of(page, "step.ready", language)
    page.keyboard.type("12.34")
    page.keyboard.press("Enter")
    line_of(page, "step.refused", language)
    looks_right(page, f"clerk-again-{language}")
    page.keyboard.press("Enter")
    line_of(page, "step.ready", language)
    page.keyboard.type("107")
    page.keyboard.press("Enter")
    line_of(page, "step.confirm-amount", language)
    page.keyboard.press("Enter")
    enter(pad, PIN, "pad.line.pin", language)
    line_of(page, "step.rest-in-cash", language)
    looks_right(page, f"clerk-cash-{language}")
    house.hands.fault = answer_lost(LinkReason.CARD_REMOVED)
    page.keyboard.press("Enter")
    line_of(page, "step.to-be-verified", language)
    looks_right(page, f"clerk-to-be-verified-{language}")


@LANGUAGES
def test_every_dialog_of_the_clerk_can_be_seen_heard_and_read_at_both_sizes(
    page: Page, pad: Page, house: House, language: str
) -> None:
    page.keyboard.press("F10")
    expect(page.locator("#day button.main")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("[data-day=close]").first).to_be_visible()
    page.keyboard.press("Escape")
    to_pin(house, page, language=language)
    enter(pad, PIN, "pad.line.pin", language)
    line_of(page, "step.sold", language)
    page.keyboard.press("F6")
    enter(pad, PIN, "pad.line.pin", language)
    line_of(page, "step.done", language)
    looks_right(page, f"clerk-balance-{language}")
    page.keyboard.press("F5")
    enter(pad, PIN, "pad.line.pin", language)
    expect(page.locator("#details tbody tr")).to_have_count(1)
    page.locator("#technical").check()
    looks_right(page, f"clerk-details-{language}")
    page.keyboard.press("F4")
    line_of(page, "step.enter-pin", language)
    looks_right(page, f"clerk-change-pin-{language}")
    page.keyboard.press("Escape")

    for key, dialog in (("F1", "help"), ("F7", "pairing"), ("F8", "reprint"), ("F10", "day")):
        page.keyboard.press(key)
        expect(page.locator(f"#{dialog}")).to_be_visible()
        looks_right(page, f"clerk-{dialog}-{language}")
        page.keyboard.press("Escape")
    page.keyboard.press("F9")
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    expect(page.locator("#found")).to_be_visible()
    looks_right(page, f"clerk-void-{language}")
    page.keyboard.press("Escape")
    page.locator("[data-open=settings]").click()
    expect(page.locator("#settings tbody tr").first).to_be_visible()
    looks_right(page, f"clerk-settings-{language}")


@pytest.mark.parametrize("settings", [{"training": True}])
def test_training_has_its_own_colour_and_says_so(page: Page, house: House) -> None:
    expect(page.locator(".badge")).to_contain_text("TRAINING")

    card_in(house, page)

    looks_right(page, "clerk-training-en")


@LANGUAGES
def test_seldom_states_can_be_seen_heard_and_read_at_both_sizes(
    page: Page, pad: Page, house: House, language: str
) -> None:
    house.hands.pause = threading.Event()
    house.reader.insert()
    line_of(page, "step.reading", language)
    looks_right(page, f"clerk-reading-{language}")
    house.hands.pause.set()
    line_of(page, "step.ready", language)
    page.keyboard.press("F4")
    enter(pad, PIN, "pad.line.pin", language)
    line_of(page, "step.new-pin", language)
    looks_right(page, f"clerk-new-pin-{language}")
    page.keyboard.press("Escape")
    line_of(page, "step.ready", language)
    page.keyboard.type("12.34")
    page.keyboard.press("Enter")
    line_of(page, "step.confirm-amount", language)
    page.keyboard.press("Enter")
    for _ in range(2):
        enter(pad, "000000", "pad.line.pin", language)
        expect(pad.locator("#dots")).to_have_text("")
    expect(page.locator("[data-panel=tries]")).to_have_text("1")
    looks_right(page, f"clerk-last-try-{language}")
    house.hands.pause.clear()
    enter(pad, "000000", "pad.line.pin", language)
    line_of(page, "step.charging", language)
    looks_right(page, f"clerk-charging-{language}")
    house.hands.pause.set()
    line_of(page, "step.refused", language)
    looks_right(page, f"clerk-pin-locked-{language}")
    house.reader.remove()
    line_of(page, "step.insert-card", language)
    house.reader.trouble = LinkReason.READER_UNAVAILABLE
    line_of(page, "step.no-reader", language)
    looks_right(page, f"clerk-no-reader-{language}")
    house.close()
    expect(page.locator("#notice")).to_be_visible()
    looks_right(page, f"clerk-line-lost-{language}")
