"""The card service window as its staff see and use it, in Chromium, by keyboard alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from sscard_terminal.cardspec.issuing import PendingCredit
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.reader.connection import LinkReason
from tests.browser.people import by_keyboard, line_of, pair
from tests.browser.sight import OpenPage, looks_right
from tests.counter.house import PIN, Browser, House
from tests.counter.test_staff import CLERK, SUPERVISOR, operators_in
from tests.terminal.doubles import OPENING, answer_lost
from tests.terminal.window_doubles import CREDIT

CARD = "D2143569X"


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"has_host": True}


@pytest.fixture
def house(house: House) -> House:
    """Two refunds wait for the card."""
    if not house.credits:
        house.in_station(lambda work: _owe(house))
    return house


def _owe(house: House) -> None:
    card = house.goods.insert()
    card.enter_ssse()
    for credit in (PendingCredit("r1", Fen(1234), "voucher 7"), PendingCredit("r2", Fen(50), "voucher 9")):
        house.host.ledger.owe(str(card.issuer_data().identification), credit, house.goods.clock())


@pytest.fixture
def window(open_page: OpenPage) -> Page:
    page = open_page("/window")
    line_of(page, "step.insert-card")
    return page


@pytest.fixture
def pad(open_page: OpenPage, clerk: Browser) -> Page:
    return pair(open_page("/pad"), clerk)


def card_in(house: House, page: Page, language: str = "en") -> None:
    house.reader.insert()
    line_of(page, "step.ready", language)


def enter(pad: Page, digits: str, line: str, language: str = "en") -> None:
    line_of(pad, line, language)
    by_keyboard(pad, digits)
    by_keyboard(pad, "ok")


def test_a_load_by_keyboard_alone(window: Page, pad: Page, house: House) -> None:
    card_in(house, window)

    window.keyboard.press("F3")
    window.keyboard.type("10.00")
    window.keyboard.press("Enter")
    line_of(window, "step.confirm-amount")
    window.keyboard.press("Enter")
    enter(pad, PIN, "pad.line.pin")

    line_of(window, "window.done.load")
    expect(window.locator("#paper pre")).to_contain_text("10.00")
    assert house.balance() == OPENING + 1000


def test_refunds_by_one_key_and_the_pin(window: Page, pad: Page, house: House) -> None:
    card_in(house, window)
    expect(window.locator("#waiting li")).to_have_count(2)

    window.keyboard.press("F6")
    enter(pad, PIN, "pad.line.pin")

    line_of(window, "window.done.refunds")
    assert house.balance() == OPENING + 1284


def test_a_pin_is_reset_only_with_the_box_ticked_and_a_name(window: Page, pad: Page, house: House) -> None:
    card_in(house, window)

    window.keyboard.press("F4")
    window.keyboard.press("Enter")
    alert = window.locator("#pin-reset [role=alert]")
    expect(alert).to_contain_text("must both be here")
    window.locator("#pin-reset [name=sighted]").focus()
    window.keyboard.press("Space")
    window.keyboard.press("Tab")
    window.keyboard.type("Li")
    window.keyboard.press("Enter")
    enter(pad, "246813", "pad.line.new-pin")
    enter(pad, "246813", "pad.line.new-pin-again")

    line_of(window, "window.done.pin-reset")
    expect(window.locator("#pin-reset")).to_be_hidden()


def test_a_loss_is_reported_and_lifted_by_keyboard(window: Page) -> None:
    window.keyboard.press("F9")
    window.keyboard.type(CARD)
    window.keyboard.press("Tab")
    window.keyboard.press("Space")
    window.keyboard.press("Tab")
    window.keyboard.type("Li")
    window.keyboard.press("Enter")
    expect(window.locator("#loss [role=status]")).to_contain_text("Reported lost since")

    window.locator("#loss-holder").fill(CARD)
    window.locator("#loss [name=sighted]").check()
    window.locator("#loss-sighted_by").fill("Li")
    window.get_by_role("button", name="Lift the report").click()

    expect(window.locator("#loss [role=status]")).to_contain_text("was lifted")


def test_the_data_in_full_go_with_the_dialog_and_with_the_card(
    open_page: OpenPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "staffed"
    folder.mkdir()
    with House(folder, has_host=True, operators=operators_in(folder, monkeypatch)) as staffed:
        page = open_page(f"{staffed.url}/window")
        sign_in(page)
        card_in(staffed, page)
        page.keyboard.press("F10")
        page.locator("#full-supervisor").fill("01")
        page.locator("#full-password").fill(SUPERVISOR)
        page.keyboard.press("Enter")
        expect(page.locator("#full")).to_contain_text("张三")
        looks_right(page, "window-in-full-en")

        staffed.reader.remove()

        expect(page.locator("#in-full")).to_be_hidden()
        assert "张三" not in page.content() and SUPERVISOR not in page.content()
        page.locator("#lock").click()
        expect(page.locator("#sign")).to_be_visible()
        looks_right(page, "window-locked-en")
        page.close()


def sign_in(page: Page) -> None:
    expect(page.locator("#sign")).to_be_visible()
    page.keyboard.type("07")
    page.keyboard.press("Tab")
    page.keyboard.type(CLERK)
    page.keyboard.press("Enter")
    expect(page.locator("#sign")).to_be_hidden()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_state_of_the_window_can_be_seen_heard_and_read_at_both_sizes(
    open_page: OpenPage, house: House, clerk: Browser, language: str
) -> None:
    page, pad = open_page("/window"), pair(open_page("/pad"), clerk)
    line_of(page, "step.insert-card", language)
    looks_right(page, f"window-start-{language}")

    card_in(house, page, language)
    looks_right(page, f"window-ready-{language}")

    for key, dialog in (("F1", "help"), ("F4", "pin-reset"), ("F8", "unblock"), ("F9", "loss")):
        page.keyboard.press(key)
        expect(page.locator(f"#{dialog}")).to_be_visible()
        looks_right(page, f"window-{dialog}-{language}")
        page.keyboard.press("Escape")

    page.keyboard.press("F3")
    page.keyboard.type("10.00")
    looks_right(page, f"window-load-{language}")
    page.keyboard.press("Enter")
    line_of(page, "step.confirm-amount", language)
    looks_right(page, f"window-confirm-{language}")

    page.keyboard.press("Enter")
    line_of(pad, "pad.line.pin", language)
    looks_right(pad, f"pad-load-{language}")
    enter(pad, PIN, "pad.line.pin", language)
    line_of(page, "window.done.load", language)
    looks_right(page, f"window-loaded-{language}")

    page.keyboard.press("Enter")
    line_of(page, "step.ready", language)
    house.hands.header, house.hands.fault = CREDIT, answer_lost(LinkReason.CARD_REMOVED)
    page.keyboard.press("F3")
    page.keyboard.type("10.00")
    page.keyboard.press("Enter")
    line_of(page, "step.confirm-amount", language)
    page.keyboard.press("Enter")
    enter(pad, PIN, "pad.line.pin", language)
    line_of(page, "step.to-be-verified", language)
    looks_right(page, f"window-to-be-verified-{language}")
