"""Walks for tests: a card or PSAM in RAM, and an explorer over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sscard_terminal.card.chip import Chip
from sscard_terminal.card.loopback import LoopbackConnection
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.iso7816.status import Language
from sscard_terminal.lab.explorer.sale import SaleDesk
from sscard_terminal.lab.explorer.session import Explorer, Surroundings
from sscard_terminal.reader.connection import Connection
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.policy import Policy
from sscard_terminal.terminal.sale_rules import NO_RULES
from tests.cards import new_card, new_psam
from tests.terminal.doubles import NOON


def no_pin(_words: str) -> Pin:
    raise AssertionError("nobody was to be asked for a PIN")


def pins(*digits: str) -> Callable[[str], Pin]:
    """What is typed, in turn."""
    waiting = list(digits)
    return lambda _words: Pin(waiting.pop(0))


def desk_at(folder: Path) -> SaleDesk:
    """A PSAM, and a journal in `folder`."""

    @contextmanager
    def psam() -> Iterator[Connection]:
        yield LoopbackConnection(new_psam())

    @contextmanager
    def journal() -> Iterator[Journal]:
        with Journal.open(folder / "journal.db") as opened:
            yield opened

    return SaleDesk(psam, journal, Policy(), NO_RULES, clock=lambda: NOON)


def explorer_over(
    chip: Chip | None = None,
    language: Language = "en",
    ask_pin: Callable[[str], Pin] = no_pin,
    make_desk: Callable[[], SaleDesk] | None = None,
    *,
    reveals: bool = False,
) -> Explorer:
    card = chip or new_card(balance=10_000)
    return Explorer(
        Surroundings(lambda: LoopbackConnection(card), ask_pin, "a reader", language, make_desk, reveals)
    )


def told(explorer: Explorer, *lines: str) -> list[str]:
    """What the last of the lines tells."""
    said: list[str] = []
    for line in lines:
        said = list(explorer.run(line))
    return said
