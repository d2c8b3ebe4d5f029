"""The simulator's drawer as a trainer sees it: by keyboard alone, in both languages, nothing cut off, nobody shut out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from sscard_terminal.voice.pages import word
from tests.browser.sight import OpenPage, looks_right
from tests.counter.bench import PracticeHouse


@pytest.fixture
def house(tmp_path: Path, language: str, settings: dict[str, Any]) -> Iterator[PracticeHouse]:
    with PracticeHouse(tmp_path, language=language, **settings) as open_house:
        yield open_house


def pressed(page: Page, name: str) -> None:
    """That button, found with the TAB key as whoever has no mouse finds it."""
    button = page.get_by_role("button", name=name, exact=True)
    for _ in range(60):
        if button.evaluate("element => element === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(button).to_be_focused()
    page.keyboard.press("Enter")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_drawer_shows_cards_and_conversation(
    house: PracticeHouse, language: Any, open_page: OpenPage
) -> None:
    page = open_page("/")
    drawer = page.locator("#simulator")

    pressed(page, word(language, "simulator.title"))
    expect(drawer.locator("option")).to_have_count(3)
    pressed(page, word(language, "simulator.insert"))

    expect(page.locator("#line")).to_have_text(word(language, "step.ready"))
    expect(drawer.locator("#simulator-line")).to_contain_text("张三 gen2-32k")
    expect(drawer.locator("tbody")).to_contain_text("SELECT")
    looks_right(page, f"simulator-{language}")


def test_a_fault_is_ordered_shown_and_forgotten_with_the_card(
    house: PracticeHouse, open_page: OpenPage
) -> None:
    page = open_page("/")
    page.locator("#simulator-open").click()
    pressed(page, "Put in")

    page.locator("#simulator-tear").fill("2")
    page.keyboard.press("Enter")
    expect(page.locator("#simulator-ordered")).to_contain_text("torn out after write 2")
    pressed(page, "Take out")

    expect(page.locator("#simulator-ordered li")).to_have_count(0)
    expect(page.locator("#line")).to_have_text("Insert the card")
    assert not house.bench.standing.is_in


def test_keys_in_the_drawer_do_not_reach_the_counter(house: PracticeHouse, open_page: OpenPage) -> None:
    house.say("insert")
    page = open_page("/")
    expect(page.locator("#line")).to_have_text("Choose a service")
    page.locator("#simulator-open").click()

    page.locator("#simulator-card").focus()
    page.keyboard.press("5")
    page.locator("#simulator-mute").fill("12x")
    page.keyboard.press("Enter")

    expect(page.locator("#simulator-notice")).to_contain_text("That value does not fit")
    expect(page.locator("#sale")).to_be_hidden()


def test_a_swap_from_the_list_reaches_the_till(house: PracticeHouse, open_page: OpenPage) -> None:
    house.say("insert")
    page = open_page("/")
    expect(page.locator("#line")).to_have_text("Choose a service")
    page.locator("#simulator-open").click()

    page.locator("#simulator-card").select_option("other")
    pressed(page, "Swap for this card")

    expect(page.locator("#simulator-line")).to_contain_text("李四")
    expect(page.locator("#line")).to_have_text("Choose a service")


def test_the_bytes_are_shown_when_asked_for_and_the_drawer_closes_empty(
    house: PracticeHouse, open_page: OpenPage
) -> None:
    house.say("insert")
    page = open_page("/")
    page.locator("#simulator-open").click()
    code = page.locator("#simulator tbody code", has_text="00A40400").first

    expect(code).to_be_hidden()
    page.locator("#simulator-bytes").check()
    expect(code).to_be_visible()
    page.locator("#simulator-open").click()

    expect(page.locator("#simulator-body")).to_be_hidden()
    expect(page.locator("#simulator tbody tr")).to_have_count(0)
