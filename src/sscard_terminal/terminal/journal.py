"""The append-only record of debits: written before DEBIT leaves, completed after, kept for slips and settlement.

Not here: names, identity numbers, PINs (counter.md, "Privacy"); what a record means for the card (recovery).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.iso7816.status import StatusWord

from .outcomes import Sale


class JournalFault(StrEnum):
    """What is wrong with a journal. The value is the key of its sentence in cli/messages."""

    NOT_A_JOURNAL = "not-a-journal"
    TOO_NEW = "journal-too-new"
    IN_USE = "journal-in-use"
    CANNOT_OPEN = "journal-cannot-open"
    CANNOT_READ = "journal-cannot-read"
    CANNOT_WRITE = "journal-cannot-write"


class JournalTrouble(Exception):
    """The journal cannot be used; `fault` says how, `path` which. Nothing was changed in it."""

    def __init__(self, fault: JournalFault, path: Path) -> None:
        super().__init__(fault, path)
        self.fault = fault
        self.path = path


class EventKind(StrEnum):
    """What happened to a sale after its intent was written."""

    ANSWERED = "answered"
    """The card answered DEBIT (or, later, gave its proof): `tac`, `mac2`."""
    CONFIRMED = "confirmed"
    """The PSAM accepted MAC2. Ends the sale: charged."""
    REFUSED = "refused"
    """The card refused DEBIT, and has no proof of it. Ends the sale: not charged."""
    NOT_SENT = "not-sent"
    """DEBIT never left the terminal. Ends the sale: not charged."""
    LOST = "lost"
    """DEBIT's answer is lost."""
    UNPROVED = "unproved"
    """The card paid and could not prove it: MAC2 refused, or the PSAM failed."""
    STILL_OPEN = "still-open"
    """Recovery asked the card and could not tell."""
    SETTLED_CHARGED = "settled-charged"
    """Recovery: it happened. Ends the sale."""
    SETTLED_NOT_CHARGED = "settled-not-charged"
    """Recovery: it did not happen. Ends the sale."""


class SaleState(StrEnum):
    """Where a sale stands: 待核实, 已扣款, 未扣款."""

    OPEN = "open"
    CHARGED = "charged"
    NOT_CHARGED = "not-charged"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a sale. `detail` is a key (a reason), never free text of a person."""

    kind: EventKind
    at: datetime
    tac: bytes | None = None
    mac2: bytes | None = None
    sw: StatusWord | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A sale with everything that happened to it, oldest first."""

    sale: Sale
    events: tuple[Event, ...]

    @property
    def state(self) -> SaleState:
        raise NotImplementedError

    @property
    def tac(self) -> bytes | None:
        """The newest TAC the card gave for this sale."""
        raise NotImplementedError

    @property
    def mac2(self) -> bytes | None:
        """The newest MAC2 the card gave for this sale."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class DebitIntent:
    """A `Sale` before it has its voucher number."""

    identification: str
    card_number: str
    amounts: PurchaseAmounts
    counter: int
    key_index: int
    balance_before: Fen
    terminal: str
    sequence: bytes
    time: datetime
    mac1: bytes
    place: str = ""
    operator: str = ""


class Journal:
    """One terminal's journal: a file no second terminal can open while this one has it."""

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the journal, or create it where there is no file (or an empty one).

        Raises:
            JournalTrouble: no journal (NOT_A_JOURNAL) or a newer program's (TOO_NEW), both left untouched;
                open elsewhere (IN_USE); CANNOT_OPEN.
        """
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def record_intent(self, intent: DebitIntent) -> Sale:
        """Write the intent durably and give it a voucher number. Only then may DEBIT leave.

        Raises:
            JournalTrouble: it could not be written (CANNOT_WRITE); DEBIT must not leave.
        """
        raise NotImplementedError

    def record(self, voucher: int, event: Event) -> None:
        """Add what happened, durably.

        Raises:
            JournalTrouble: it could not be written, or the sale has ended already.
        """
        raise NotImplementedError

    def entry(self, voucher: int) -> JournalEntry | None:
        """The sale with this voucher number, None if there is none."""
        raise NotImplementedError

    def entries(self, since: datetime | None = None) -> Iterator[JournalEntry]:
        """Every sale (from `since` on, by the time in DEBIT), oldest first."""
        raise NotImplementedError

    def last_entry(self) -> JournalEntry | None:
        """The newest sale, for a reprint."""
        raise NotImplementedError

    def open_sales(self, identification: str | None = None) -> tuple[JournalEntry, ...]:
        """The sales 待核实, of one card (32 hex digits) or of all, oldest first."""
        raise NotImplementedError
