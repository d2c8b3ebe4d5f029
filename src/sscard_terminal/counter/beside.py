"""The card's own log beside the journal, line by line, and where the two differ.

Not here: reading either (terminal), how it is shown (view.py).
Source: card.md §4.6 (the log; its number is the counter before the transaction); issue "Clerk screen".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sscard_terminal.cardspec.bcd import time_of_bcd
from sscard_terminal.cardspec.records import LogRecord
from sscard_terminal.cardspec.transaction import PURCHASE_TYPE, PurchaseAmounts
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.terminal.journal_events import JournalEntry, SaleState

LOOKED_THROUGH = 50
"""How many of a card's newest sales are looked through; the card's log holds fewer. Our choice."""


class Match(StrEnum):
    """What the journal says to a line of the card, or the card to one of the journal."""

    SAME = "same"
    OTHER_PLACE = "other-place"
    """A sale somewhere else: the journal cannot know it."""
    LOAD = "load"
    """The centre's, not a sale."""
    DIFFERS = "differs"
    """Both know it, with other amounts, or the journal holds it for not charged or still open."""
    NOT_IN_JOURNAL = "not-in-journal"
    NOT_ON_CARD = "not-on-card"


@dataclass(frozen=True, slots=True)
class Line:
    """One transaction, newest first; `voucher` where the journal has it, `at` None where a clock wrote nonsense."""

    match: Match
    at: datetime | None
    terminal: str
    counter: int
    amounts: PurchaseAmounts
    voucher: int | None = None

    @property
    def is_difference(self) -> bool:
        return self.match in (Match.DIFFERS, Match.NOT_IN_JOURNAL, Match.NOT_ON_CARD)


def beside(records: Sequence[LogRecord], entries: Sequence[JournalEntry], terminal: str) -> tuple[Line, ...]:
    """The card's `records` (newest first) beside the journal's `entries` of that card; `terminal`: our number.

    A charged sale of ours that is newer than the card's oldest line, and not among them, is missing on the card.
    """
    known = {(entry.sale.terminal, entry.sale.counter, entry.sale.time): entry for entry in entries}
    ours = {terminal, *(entry.sale.terminal for entry in entries)}
    lines = [_line(record, known, ours) for record in records]
    times = [line.at for line in lines if line.at is not None]
    seen = {line.voucher for line in lines}
    missing = list(_missing(entries, seen, min(times, default=datetime.min)))
    return tuple(sorted([*lines, *missing], key=lambda line: line.at or datetime.min, reverse=True))


def _line(record: LogRecord, known: dict[tuple[str, int, datetime], JournalEntry], ours: set[str]) -> Line:
    at, terminal = _time_of(record), record.terminal.hex()
    amounts = PurchaseAmounts(record.account, record.self_paid, record.pooled)
    if record.kind != PURCHASE_TYPE:
        return Line(Match.LOAD, at, terminal, record.number, amounts)
    entry = None if at is None else known.get((terminal, record.number, at))
    if entry is None:
        match = Match.NOT_IN_JOURNAL if terminal in ours else Match.OTHER_PLACE
        return Line(match, at, terminal, record.number, amounts)
    is_same = entry.sale.amounts == amounts and entry.state is SaleState.CHARGED
    match = Match.SAME if is_same else Match.DIFFERS
    return Line(match, at, terminal, record.number, amounts, entry.sale.voucher)


def _missing(entries: Sequence[JournalEntry], seen: set[int | None], oldest: datetime) -> Iterator[Line]:
    for entry in entries:
        sale = entry.sale
        if entry.state is SaleState.CHARGED and sale.voucher not in seen and sale.time > oldest:
            yield Line(Match.NOT_ON_CARD, sale.time, sale.terminal, sale.counter, sale.amounts, sale.voucher)


def _time_of(record: LogRecord) -> datetime | None:
    try:
        return time_of_bcd(record.time)
    except FormatError:
        return None
