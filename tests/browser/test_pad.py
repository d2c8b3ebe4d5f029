"""The customer's pad as the customer sees and uses it, in Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import Way, ask_for_pin, by_keyboard, by_touch, card_in, line_of, pair
from tests.browser.sight import OpenPage, looks_right
from tests.counter.house import PIN, Browser, House
from tests.terminal.doubles import OPENING

LANGUAGES = pytest.mark.parametrize("language", ["zh", "en"])


@pytest.fixture
def pad(open_page: OpenPage, clerk: Browser) -> Page:
    return pair(open_page("/pad"), clerk)


@pytest.mark.parametrize("way", [by_keyboard, by_touch])
def test_a_sale_is_paid_by_keyboard_or_touch_alone(
    open_page: OpenPage, house: House, clerk: Browser, way: Way
) -> None:
    page = pair(open_page("/pad"), clerk, way)
    ask_for_pin(house, clerk)

    expect(page.locator("#amount")).to_have_text("12.34")
    way(page, PIN)
    expect(page.locator("#dots")).to_have_text("●●●●●●")
    way(page, "ok")

    line_of(page, "pad.step.done")
    assert house.balance() == OPENING - 1234


def test_keys_typed_faster_than_any_answer_all_arrive_in_their_order(
    pad: Page, house: House, clerk: Browser
) -> None:
    ask_for_pin(house, clerk)
    line_of(pad, "pad.line.pin")

    pad.evaluate(
        "keys => [...keys].forEach(key => document.dispatchEvent(new KeyboardEvent('keydown', {key})))", PIN
    )
    expect(pad.locator("#dots")).to_have_text("●●●●●●")
    by_keyboard(pad, "ok")

    line_of(pad, "pad.step.done")


def test_a_wrong_pin_says_how_many_tries_are_left_and_asks_again(
    pad: Page, house: House, clerk: Browser
) -> None:
    ask_for_pin(house, clerk)
    line_of(pad, "pad.line.pin")

    by_keyboard(pad, "000000")
    by_keyboard(pad, "ok")

    expect(pad.locator("#tries")).to_have_text("PIN tries left: 2")
    expect(pad.locator("#says")).not_to_be_empty()
    by_keyboard(pad, PIN)
    by_keyboard(pad, "ok")
    line_of(pad, "pad.step.done")


def test_clear_takes_back_what_was_typed_and_cancel_ends_the_service(
    pad: Page, house: House, clerk: Browser
) -> None:
    ask_for_pin(house, clerk)
    line_of(pad, "pad.line.pin")

    by_keyboard(pad, "9876")
    by_keyboard(pad, "clear")
    expect(pad.locator("#dots")).to_be_empty()
    by_keyboard(pad, "cancel")

    line_of(pad, "pad.step.ready")
    assert house.balance() == OPENING


def test_a_new_pin_is_typed_twice_and_only_twice_the_same_is_taken(
    pad: Page, house: House, clerk: Browser
) -> None:
    card_in(house, clerk)
    clerk.do("ask", purpose="change-pin")
    line_of(pad, "pad.line.pin")
    for line, digits in (
        ("pad.line.new-pin", PIN),
        ("pad.line.new-pin-again", "246813"),
        ("pad.line.new-pin", "246831"),
        ("pad.line.new-pin-again", "246813"),
        ("pad.step.done", "246813"),
    ):
        by_keyboard(pad, digits)
        by_keyboard(pad, "ok")
        line_of(pad, line)

    card = house.goods.insert()
    card.enter_ssse()
    assert card.tries_left() == 3


def test_shuffled_digits_lie_elsewhere_and_still_type_themselves(
    pad: Page, house: House, clerk: Browser
) -> None:
    ask_for_pin(house, clerk)
    line_of(pad, "pad.line.pin")
    before = pad.locator(".digits").inner_text()

    orders = set()
    for _ in range(8):
        pad.locator('[data-do="shuffle"]').click()
        orders.add(pad.locator(".digits").inner_text())
    pad.locator('[data-do="shuffle"]').click()
    by_touch(pad, PIN)
    by_touch(pad, "ok")

    line_of(pad, "pad.step.done")
    assert before in orders and len(orders) > 2


def test_a_wrong_code_pairs_nothing(open_page: OpenPage, clerk: Browser) -> None:
    page = open_page("/pad")
    line_of(page, "pad.code")
    code = clerk.post("/clerk/pad-code").json()["code"]

    by_keyboard(page, f"{(int(code) + 1) % 10**6:06d}")
    by_keyboard(page, "ok")

    expect(page.locator("#notice")).to_contain_text("The code is wrong")
    expect(page.locator("#code")).to_have_text("––––––")


def test_a_pad_whose_place_another_one_takes_forgets_the_customer(
    pad: Page, open_page: OpenPage, house: House, clerk: Browser
) -> None:
    ask_for_pin(house, clerk)
    line_of(pad, "pad.line.pin")

    pair(open_page("/pad"), clerk)

    line_of(pad, "pad.code")
    assert "12.34" not in pad.content()


def test_the_dom_holds_dots_and_never_a_digit_of_the_pin(pad: Page, house: House, clerk: Browser) -> None:
    ask_for_pin(house, clerk)
    line_of(pad, "pad.line.pin")

    by_keyboard(pad, "975310")

    expect(pad.locator("#dots")).to_have_text("●●●●●●")
    assert "975310" not in pad.content()


@LANGUAGES
def test_every_state_of_the_pad_can_be_seen_heard_and_read_at_both_sizes(
    open_page: OpenPage, house: House, clerk: Browser, language: str
) -> None:
    page = open_page("/pad")
    line_of(page, "pad.code", language)
    looks_right(page, f"pad-code-{language}")

    pair(page, clerk)
    line_of(page, "pad.step.insert-card", language)
    looks_right(page, f"pad-welcome-{language}")

    ask_for_pin(house, clerk)
    by_keyboard(page, "123")
    expect(page.locator("#dots")).to_have_text("●●●")
    looks_right(page, f"pad-pin-{language}")

    by_keyboard(page, "clear")
    for tries_left in "21":
        by_keyboard(page, "000000")
        by_keyboard(page, "ok")
        expect(page.locator("#tries")).to_contain_text(tries_left)
    looks_right(page, f"pad-last-try-{language}")

    by_keyboard(page, PIN)
    by_keyboard(page, "ok")
    line_of(page, "pad.step.done", language)
    looks_right(page, f"pad-done-{language}")

    clerk.do("ask", purpose="change-pin")
    by_keyboard(page, PIN)
    by_keyboard(page, "ok")
    line_of(page, "pad.line.new-pin", language)
    looks_right(page, f"pad-new-pin-{language}")


@pytest.mark.parametrize("settings", [{"training": True}])
def test_a_pad_in_training_says_so_in_words_and_colour(
    open_page: OpenPage, house: House, clerk: Browser
) -> None:
    page = pair(open_page("/pad"), clerk)
    ask_for_pin(house, clerk)

    line_of(page, "pad.line.pin")
    expect(page.locator(".badge")).to_be_visible()
    looks_right(page, "pad-training-en")


def test_the_holder_chooses_the_language_of_the_pad_alone(pad: Page, clerk: Browser) -> None:
    pad.get_by_role("link", name="中文").click()

    line_of(pad, "pad.step.insert-card", "zh")
    assert pad.locator("html").get_attribute("lang") == "zh-CN"
    assert clerk.look()["line"] == "Insert the card"
