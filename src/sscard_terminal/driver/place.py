"""What the driver's functions are handed: the readers, the journal, the shop's rules, the clock, and where PINs are keyed.

Not here: where any of it comes from (the counter, the C ABI), and what is done with it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Protocol

from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.iso7816.status import Language
from sscard_terminal.reader.pinpad import PinPad
from sscard_terminal.terminal.client import SocialSecurityCard
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.outcomes import Declined
from sscard_terminal.terminal.ports import Clock, RandomBytes
from sscard_terminal.terminal.psam import Psam
from sscard_terminal.terminal.till.till import Shop


class Interface(Enum):
    """How a card is reached."""

    CONTACT = 1
    CONTACTLESS = 2


class Opened(Protocol):
    """A card, powered and ours, with the PSAM that lies beside it; None where there is none."""

    @property
    def card(self) -> SocialSecurityCard: ...

    @property
    def psam(self) -> Psam | None: ...

    def exclusively(self) -> AbstractContextManager[None]:
        """Keep other programs off both for one unbroken exchange.

        Raises:
            LinkError: the card is gone, or another program does not let go of it.
        """

    def find_pad(self) -> PinPad | None:
        """The reader's own pad, None where it has none or is not to use it."""


class Readers(Protocol):
    """The readers of this place."""

    def opened(self, interface: Interface) -> AbstractContextManager[Opened]:
        """Open card and PSAM until the block ends.

        Raises:
            LinkError: there is no such reader, or no card in it. A PSAM that cannot be opened is none.
        """


class PinWish(StrEnum):
    """Which PIN the holder is asked for."""

    CURRENT = "current"
    OLD = "old"
    NEW = "new"
    REPEAT = "repeat"


class PinEntry(Protocol):
    """Where the holder keys a PIN that this process may see: a page or a pad of ours; never a parameter."""

    def ask(
        self, wish: PinWish, tries_left: int | None = None, amounts: PurchaseAmounts | None = None
    ) -> Pin | Declined:
        """Wait for the holder; CANCELLED, PIN_ENTRY_TIMED_OUT or PIN_WRONG_LENGTH where none was keyed.

        `amounts`: what is paid, confirmed before. The PIN is wiped by whoever asked.
        """


@dataclass(frozen=True, slots=True)
class Place:
    """One place's driver. `device` is the number its maker gave the terminal, "" where it has none; `operator` goes to
    the journal; without `pins` only a reader's own pad serves."""

    readers: Readers
    journal: Journal
    shop: Shop
    clock: Clock
    random: RandomBytes
    pins: PinEntry | None = None
    device: str = ""
    operator: str = ""
    language: Language = "zh"
