"""What a counter is fitted with: handed in by whoever composes it, for this room finds no reader and reads no file.

Not here: where they come from (cli).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sscard_terminal.iso7816.status import Language
from sscard_terminal.terminal.configuration import Configuration
from sscard_terminal.terminal.issuer_host import IssuerHost
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.ports import Clock, RandomBytes
from sscard_terminal.terminal.slots import Slots
from sscard_terminal.terminal.till.till import Shop

from .known_driver import DriverMaker
from .simulator import Bench


class CardWatch(Protocol):
    """Looks at the card's reader, from a thread of its own."""

    def wait_for_card(self, timeout_s: float) -> bool:
        """True as soon as there is a card; False when `timeout_s` seconds pass without one.

        Raises:
            LinkError: the reader or its service is away.
        """

    def wait_for_removal(self, timeout_s: float) -> bool:
        """True as soon as the reader is empty; otherwise as `wait_for_card`."""


@dataclass(frozen=True, slots=True)
class Fittings:
    """One counter's parts. `open_journal` is called in the thread that will use the journal: SQLite wants it so."""

    slots: Slots
    watch: CardWatch
    open_journal: Callable[[], AbstractContextManager[Journal]]
    shop: Shop
    configuration: Configuration
    clock: Clock
    random: RandomBytes
    language: Language = "zh"
    """Of slips, and of a page that has not been told another."""
    newer_shop: Callable[[Shop], Shop] = lambda shop: shop
    """What holds now, where it may have changed since (a hotlist is replaced while the counter runs); else the same."""
    reader: str = ""
    """What the card's reader is called, for the settings page."""
    is_kiosk: bool = False
    """A self-service terminal: no clerk, no pad, no shop software."""
    bench: Bench | None = None
    """The simulator, at virtual readers in training; None wherever a card may be real."""
    programs: Path | None = None
    """The file of the programs that may ask, None where none may."""
    driver: DriverMaker | None = None
    """The known driver's functions, None where they are not offered."""

    open_host: Callable[[], AbstractContextManager[IssuerHost]] | None = None
    """The issuer's host, opened in the thread that asks it: with one, this counter is also a service window."""

    def __post_init__(self) -> None:
        if self.bench is not None and not self.configuration.training:
            raise ValueError("a bench is for training only")

    @property
    def has_window(self) -> bool:
        return self.open_host is not None and not self.is_kiosk
