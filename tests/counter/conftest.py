"""What the page's tests share: a counter with its server, a clerk's browser and a customer's pad."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.counter.house import Browser, House, Pad


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A counter where nobody needs to sign in."""
    with House(tmp_path) as open_house:
        yield open_house


@pytest.fixture
def clerk(house: House) -> Iterator[Browser]:
    """A browser that shows the clerk's page."""
    with house.browser() as browser:
        browser.load()
        yield browser


@pytest.fixture
def pad(house: House, clerk: Browser) -> Iterator[Pad]:
    """The customer's browser, paired with this counter."""
    with house.browser() as browser:
        yield Pad.paired(browser, clerk.post("/clerk/pad-code").json()["code"])
