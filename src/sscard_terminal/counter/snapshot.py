"""What the counter looks like at one moment, whole and unchanging: every page shows one of these and nothing else.

Not here: the words (view.py), who publishes them (station.py), who may see them (security.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.terminal.errands import Note
from sscard_terminal.terminal.hotlist import Hotlist
from sscard_terminal.terminal.slips.trouble import SlipFault
from sscard_terminal.terminal.till.steps import Screen, Step

from .beside import Line
from .services import Service


class Became(StrEnum):
    """What became of a slip."""

    ON_SCREEN = "on-screen"
    """No printer is configured."""
    PRINTING = "printing"
    PRINTED = "printed"
    NOT_PRINTED = "not-printed"


@dataclass(frozen=True, slots=True)
class Paper:
    """A slip as text; `fault` and `where` with NOT_PRINTED, `lost` the characters the printer does not have."""

    voucher: int
    text: str
    became: Became
    fault: SlipFault | None = None
    where: str = ""
    lost: str = ""


@dataclass(frozen=True, slots=True)
class OpenSale:
    """A sale 待核实: enough to find the customer's receipt by, and no more."""

    voucher: int
    amount: Fen
    card: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Books:
    """What the journal says beside the sale at hand. `opened_at` is None while no day is open; `day` 0 where none was."""

    day: int = 0
    opened_at: datetime | None = None
    open_sales: tuple[OpenSale, ...] = ()
    waiting: int = 0
    """Records the centre has not acknowledged."""
    is_readable: bool = True
    hotlist: Hotlist | None = None
    """The one in use."""
    notes: tuple[Note, ...] = ()
    """What of the counter's own errands (upload, back-up) fails at present."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`number` rises with every one; `since` is the number of the first that showed this very `screen`.

    What a person does is done on a snapshot: on one from `since` up to `number` they saw the screen that still stands,
    on any other it is stale.
    """

    number: int = 0
    since: int = 0
    screen: Screen = Screen(Step.INSERT_CARD)  # noqa: RUF009 - immutable
    paper: Paper | None = None
    beside: tuple[Line, ...] = ()
    """With a screen that shows details."""
    books: Books = Books()
    service: Service | None = None
    """What a program has begun, until its end."""
    card_is_in: bool = False
    first_pin_used: bool = False
    """The PIN that was right is one everybody knows."""
    reader_trouble: LinkReason | None = None

    def is_current(self, number: int) -> bool:
        """Whether whoever saw snapshot `number` saw this screen."""
        return self.since <= number <= self.number
