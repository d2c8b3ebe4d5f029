"""What browser tests share: Debian's Chromium, a counter behind its real server, and pages as people see them.

`language` ("en") and `settings` (of the Configuration) are fixtures, so that a test parametrizes them. What is asked of
a page once it stands (axe, overflow, a picture) is in sight.py.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.sight import PATIENCE_MS, SMALL, OpenPage, Size
from tests.counter.house import Browser as Clerk
from tests.counter.house import House, Watch

NAMES = ("chromium", "chromium-browser", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""It runs as whoever runs the tests, root in a container too, and speaks to nobody but the counter."""


expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser a test process, with a profile of its own that goes with it. Not having one is a failure."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    assert program is not None, "no Chromium: run `make install`"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS), headless=True)
        yield browser
        browser.close()


@pytest.fixture
def language() -> str:
    return "en"


@pytest.fixture
def settings() -> dict[str, Any]:
    return {}


@pytest.fixture
def watch() -> Watch:
    """The server's time-outs pass when the test says so."""
    return Watch()


@pytest.fixture
def house(tmp_path: Path, language: str, settings: dict[str, Any], watch: Watch) -> Iterator[House]:
    """A counter over the loopback card, where nobody needs to sign in; `house.reader` takes the card."""
    with House(tmp_path, language=language, now=watch, **settings) as open_house:
        yield open_house


@pytest.fixture
def clerk(house: House) -> Iterator[Clerk]:
    """A clerk who asks over HTTP, without a page to look at."""
    with house.browser() as browser:
        browser.load()
        yield browser


@pytest.fixture
def open_page(chromium: Browser, house: House) -> Iterator[OpenPage]:
    """`open_page("/pad", size=SMALL)`: a page in a browser of its own, with its own cookies.

    What a page logs as an error (a script's, or the Content-Security-Policy's) fails the test; a refusal of HTTP that
    the page was told, 4xx, and a line that broke are no errors of the page.
    """
    opened, errors = [], []

    def open_one(path: str, size: Size = SMALL, **how: Any) -> Page:
        context = chromium.new_context(base_url=house.url, viewport=size, **how)
        context.set_default_timeout(PATIENCE_MS)
        opened.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if _is_error(said.type, said.text) else None)
        page.goto(path)
        return page

    yield open_one
    for context in opened:
        context.close()
    assert not errors, errors


def _is_error(kind: str, text: str) -> bool:
    told = ("the server responded", "net::ERR_CONNECTION_", "net::ERR_INCOMPLETE_CHUNKED_ENCODING")
    return kind == "error" and not text.startswith(tuple(f"Failed to load resource: {what}" for what in told))
