"""What pytest loads: options, marker, fixtures, assertion messages, and the conversation in the report of a failed test.

It costs nothing where nobody asks for a card: nothing of ours is imported before a fixture needs it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sscard_terminal.iso7816.status import Language
    from sscard_terminal.reader.private_pcscd import PrivatePcscd

    from .cards import VirtualCard, VirtualPsam
    from .conversation import Conversations
    from .readers import PcscReader
    from .tearing import Tearing
    from .terminal import Terminal

MARKER = (
    "sscard(profile, person, balance, pin, wrong_pins, at_once, baud, settings): what the card of this test is like "
    "(docs/pytest-plugin.md)"
)
SPOKEN_OF = ("ResponseApdu", "StatusWord", "Transcript")
CHIPS: pytest.StashKey[list[Any]] = pytest.StashKey()
"""The cards and PSAMs a test made, for its report and its end."""
FIRST_MOMENT = "2026-01-05T10:15:30"
"""What the clock of the fixture `terminal` says until a test sets it: within the life of the cards of 2.0 and 3.0."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("sscard", "virtual social security cards")
    group.addoption(
        "--sscard-accept",
        action="store_true",
        dest="sscard_accept",
        help="write golden conversations instead of comparing with them",
    )
    parser.addini(
        "sscard_language", "zh or en: what assertion messages speak; by default the locale's", default=""
    )
    parser.addini(
        "sscard_without_pcscd",
        "fail (default) or skip: tests that need pcscd where there is none",
        default="fail",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)


# Fixtures -----------------------------------------------------------------------------------------------


@pytest.fixture
def virtual_card(request: pytest.FixtureRequest) -> Iterator[Callable[..., VirtualCard]]:
    """A factory: `virtual_card(profile=, person=, balance=, pin=, wrong_pins=, at_once=, baud=, settings=)` is a new card.

    What is not given comes from the nearest `@pytest.mark.sscard(…)`, and what that leaves out is 张三's gen2-32k card,
    just handed out, its account empty.
    """
    from .cards import new_card

    marked = _marked(request)

    def make(**given: Any) -> VirtualCard:
        card = new_card(**{**marked, **given})
        _keep(request, card)
        return card

    yield make
    _close(request)


@pytest.fixture
def psam(request: pytest.FixtureRequest) -> Iterator[VirtualPsam]:
    """A national PSAM whose keys fit the cards."""
    from .cards import new_psam

    made = new_psam()
    _keep(request, made)
    yield made
    _close(request)


@pytest.fixture
def terminal(
    virtual_card: Callable[..., VirtualCard], psam: VirtualPsam, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Terminal]:
    """A terminal with the marked card in its reader, a PSAM, and a journal of its own: identify, verify_pin, balance, debit …"""
    from datetime import datetime

    from .terminal import Terminal

    made = Terminal(
        virtual_card(), psam, tmp_path_factory.mktemp("terminal"), now=datetime.fromisoformat(FIRST_MOMENT)
    )
    yield made
    made.close()


@pytest.fixture
def tear() -> Tearing:
    """`tear(card, 3)`: its power goes right after so many more writes. `tear.every_write(make, act)`: at each in turn."""
    from .tearing import Tearing

    return Tearing()


@pytest.fixture
def transcript(request: pytest.FixtureRequest) -> Conversations:
    """What was said to a card: `of(card)`, `words(card)`, `assert_same(card, "golden.apdu")`, `replay(text)`."""
    from .conversation import conversations_of

    return conversations_of(request, _language(request.config))


@pytest.fixture(scope="session")
def sscard_pcscd(request: pytest.FixtureRequest) -> Iterator[PrivatePcscd]:
    """A private pcscd with virtual readers; one a test process, so that xdist's workers do not meet."""
    from sscard_terminal.reader.private_pcscd import PcscdUnavailable

    from .readers import service

    with ExitStack() as stack:
        try:
            pcscd = stack.enter_context(service())
        except PcscdUnavailable as error:
            end = pytest.skip if request.config.getini("sscard_without_pcscd") == "skip" else pytest.fail
            end(str(error))
        yield pcscd


@pytest.fixture
def pcsc_reader(sscard_pcscd: PrivatePcscd) -> Iterator[PcscReader]:
    """A PC/SC reader, empty: `insert(card)`, `eject()`, `name`; `environment` for programs in a process of their own."""
    yield from _reader(sscard_pcscd, 0)


@pytest.fixture
def psam_reader(sscard_pcscd: PrivatePcscd, psam: VirtualPsam) -> Iterator[PcscReader]:
    """A second PC/SC reader, with the PSAM in it."""
    for reader in _reader(sscard_pcscd, 1):
        reader.insert(psam)
        yield reader


def _reader(pcscd: PrivatePcscd, place: int) -> Iterator[PcscReader]:
    from .readers import PcscReader

    reader = PcscReader(pcscd, pcscd.slots[place])
    yield reader
    reader.eject()


def _marked(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the marks say, the nearest first."""
    found: dict[str, Any] = {}
    for mark in request.node.iter_markers("sscard"):
        if mark.args:
            raise pytest.UsageError("@pytest.mark.sscard takes names: sscard(profile=…, person=…, balance=…)")
        found = {**mark.kwargs, **found}
    return found


def _keep(request: pytest.FixtureRequest, chip: Any) -> None:
    request.node.stash.setdefault(CHIPS, []).append(chip)


def _close(request: pytest.FixtureRequest) -> None:
    from .cards import close_all

    close_all(request.node.stash.get(CHIPS, []))
    request.node.stash[CHIPS] = []


# What a failed test tells -------------------------------------------------------------------------------


def pytest_assertrepr_compare(
    config: pytest.Config, op: str, left: object, right: object
) -> list[str] | None:
    """In words, where a value of ours is compared; told by its name, so that nothing is imported for others."""
    if not {type(left).__name__, type(right).__name__} & set(SPOKEN_OF):
        return None
    if "sscard_terminal.iso7816.status" not in sys.modules:
        return None
    from .words import difference

    lines = difference(op, left, right, _language(config))
    return lines or None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Adds the conversation with each card, in words, to the report of a test that failed."""
    report = yield
    chips = item.stash.get(CHIPS, [])
    if chips and report.failed:
        from .conversation import sections

        report.sections += [
            (f"card: {title}", words) for title, words in sections(chips, _language(item.config))
        ]
    return report


def _language(config: pytest.Config) -> Language:
    """`sscard_language`, else Chinese in a Chinese locale, else English."""
    wished = config.getini("sscard_language") or next(
        (os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "en"
    )
    return "zh" if str(wished).lower().startswith("zh") else "en"
