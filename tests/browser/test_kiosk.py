"""The kiosk as a card holder uses it, in Chromium, by keyboard or touch alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from sscard_terminal.counter.kiosk import IDLE_S, WARNING_S
from tests.browser.people import Way, by_keyboard, by_touch, line_of
from tests.browser.sight import OpenPage, looks_right
from tests.counter.house import PIN, House, Watch

pytestmark = pytest.mark.parametrize("settings", [{"is_kiosk": True}])
BALANCE = "100.00"


@pytest.fixture
def kiosk(open_page: OpenPage) -> Page:
    page = open_page("/")
    line_of(page, "kiosk.insert-card")
    return page


def choose(page: Page, key: str, language: str = "en") -> None:
    """A service by its key."""
    line_of(page, "kiosk.ready", language)
    page.keyboard.press(key)
    line_of(page, "pad.line.pin", language)


def enter(page: Page, digits: str, way: Way = by_keyboard) -> None:
    way(page, digits)
    way(page, "ok")


@pytest.mark.parametrize("way", [by_keyboard, by_touch])
def test_a_holder_sees_the_balance_and_leaves_nothing_behind(kiosk: Page, house: House, way: Way) -> None:
    house.reader.insert()
    if way is by_touch:
        kiosk.get_by_role("button", name="Balance").click()
    else:
        choose(kiosk, "1")
    line_of(kiosk, "pad.line.pin")
    enter(kiosk, PIN, way)
    line_of(kiosk, "kiosk.done.balance")
    expect(kiosk.locator("#balances")).to_contain_text(BALANCE)

    house.reader.remove()

    line_of(kiosk, "kiosk.insert-card")
    assert BALANCE not in kiosk.content() and "张" not in kiosk.content()


def test_by_keyboard_alone_from_one_service_to_the_next_and_out(kiosk: Page, house: House) -> None:
    house.reader.insert()
    choose(kiosk, "2")
    enter(kiosk, PIN)
    line_of(kiosk, "kiosk.done.details")
    kiosk.keyboard.press("Enter")
    choose(kiosk, "3")
    for line, digits in (
        ("pad.line.new-pin", PIN),
        ("pad.line.new-pin-again", "246813"),
        ("kiosk.done.change-pin", "246813"),
    ):
        enter(kiosk, digits)
        line_of(kiosk, line)
    kiosk.keyboard.press("Escape")

    line_of(kiosk, "kiosk.finished")
    expect(kiosk.get_by_role("button", name="Continue with this card")).to_be_visible()


def test_focus_is_where_the_next_key_is_wanted(kiosk: Page, house: House) -> None:
    house.reader.insert()
    line_of(kiosk, "kiosk.ready")

    expect(kiosk.get_by_role("button", name="Balance")).to_be_focused()


def test_who_needs_more_time_says_so_with_one_key(kiosk: Page, house: House, watch: Watch) -> None:
    house.reader.insert()
    choose(kiosk, "1")
    enter(kiosk, PIN)
    line_of(kiosk, "kiosk.done.balance")

    watch.pass_(IDLE_S - WARNING_S)
    expect(kiosk.locator("#still")).to_be_visible()
    kiosk.keyboard.press("Enter")

    expect(kiosk.locator("#still")).to_be_hidden()
    watch.pass_(IDLE_S - WARNING_S - 1)
    expect(kiosk.locator("#balances")).to_contain_text(BALANCE)


def test_who_does_not_answer_is_forgotten(kiosk: Page, house: House, watch: Watch) -> None:
    house.reader.insert()
    choose(kiosk, "1")
    enter(kiosk, PIN)
    line_of(kiosk, "kiosk.done.balance")

    watch.pass_(IDLE_S)

    line_of(kiosk, "kiosk.timed-out")
    expect(kiosk.locator("#still")).to_be_hidden()
    assert BALANCE not in kiosk.content() and "张" not in kiosk.content()


def test_back_and_reload_bring_nothing_of_the_last_holder(kiosk: Page, house: House) -> None:
    house.reader.insert()
    choose(kiosk, "1")
    enter(kiosk, PIN)
    line_of(kiosk, "kiosk.done.balance")
    house.reader.remove()
    line_of(kiosk, "kiosk.insert-card")

    for _ in range(2):
        kiosk.go_back()
        kiosk.go_forward()
    kiosk.reload()

    line_of(kiosk, "kiosk.insert-card")
    assert BALANCE not in kiosk.content()


def test_the_holders_language_goes_with_the_card(kiosk: Page, house: House) -> None:
    house.reader.insert()
    line_of(kiosk, "kiosk.ready")
    kiosk.get_by_role("link", name="中文").click()
    line_of(kiosk, "kiosk.ready", "zh")

    house.reader.remove()

    line_of(kiosk, "kiosk.insert-card")
    expect(kiosk.locator("html")).to_have_attribute("lang", "en")


def test_a_kiosk_whose_server_was_away_comes_back_by_itself(kiosk: Page, house: House) -> None:
    port = house.desk.address.port
    house.close()
    house.open(port)

    house.reader.insert()

    line_of(kiosk, "kiosk.ready")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_state_of_the_kiosk_can_be_seen_heard_and_read_at_both_sizes(
    open_page: OpenPage, house: House, watch: Watch, language: str
) -> None:
    house.sold_while_closed()
    page = open_page("/kiosk")
    line_of(page, "kiosk.insert-card", language)
    looks_right(page, f"kiosk-start-{language}")

    house.reader.insert()
    line_of(page, "kiosk.ready", language)
    looks_right(page, f"kiosk-ready-{language}")

    choose(page, "1", language)
    by_keyboard(page, "123")
    expect(page.locator("#dots")).to_have_text("●●●")
    looks_right(page, f"kiosk-pin-{language}")

    by_keyboard(page, "456")
    by_keyboard(page, "ok")
    line_of(page, "kiosk.done.balance", language)
    looks_right(page, f"kiosk-balance-{language}")

    watch.pass_(IDLE_S - WARNING_S)
    expect(page.locator("#still")).to_be_visible()
    looks_right(page, f"kiosk-more-time-{language}")
    page.keyboard.press("Enter")

    page.locator('[data-may="next"]').click()
    choose(page, "2", language)
    enter(page, PIN)
    line_of(page, "kiosk.done.details", language)
    looks_right(page, f"kiosk-details-{language}")

    page.keyboard.press("Enter")
    choose(page, "1", language)
    for tries_left in "21":
        enter(page, "000000")
        expect(page.locator("#tries")).to_contain_text(tries_left)
    enter(page, "000000")
    line_of(page, "kiosk.refused", language)
    looks_right(page, f"kiosk-locked-{language}")

    page.keyboard.press("Escape")
    line_of(page, "kiosk.finished", language)
    looks_right(page, f"kiosk-finished-{language}")
