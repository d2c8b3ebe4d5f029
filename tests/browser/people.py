"""The people at a counter, as browser tests need them: a clerk who asks over HTTP, a holder at a pad in Chromium."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.counter.house import Browser, House

Way = Callable[[Page, str], None]
KEYS = {"ok": "Enter", "clear": "Backspace", "cancel": "Escape"}


def by_keyboard(page: Page, keys: str) -> None:
    """Digits, or one of ok, clear, cancel."""
    for key in [KEYS[keys]] if keys in KEYS else keys:
        page.keyboard.press(key)


def by_touch(page: Page, keys: str) -> None:
    """The same on the screen's keys, wherever the digits lie."""
    for key in [f'[data-do="{keys}"]'] if keys in KEYS else [f'[data-digit="{digit}"]' for digit in keys]:
        page.locator(f"#keypad {key}").click()


def pair(page: Page, clerk: Browser, way: Way = by_keyboard) -> Page:
    """Type the clerk's code on a page that shows /pad."""
    expect(page.locator("#code")).to_be_visible()
    way(page, clerk.post("/clerk/pad-code").json()["code"])
    way(page, "ok")
    expect(page.locator("#code")).to_be_hidden()
    return page


def card_in(house: House, clerk: Browser) -> None:
    house.reader.insert()
    clerk.until("ready")


def ask_for_pin(house: House, clerk: Browser, total: str = "12.34") -> None:
    """A sale up to the PIN."""
    card_in(house, clerk)
    clerk.do("sell", total=total)
    clerk.do("confirm")


def line_of(page: Page, key: str, language: str = "en", **facts: Any) -> None:
    """Wait for the line that `key` is in the pages' words."""
    from sscard_terminal.voice.pages import word

    expect(page.locator("#line")).to_have_text(word(language, key, **facts))
