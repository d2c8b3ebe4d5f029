"""The append-only record of debits: written before DEBIT leaves, completed after, kept for slips and settlement.

Not here: names, identity numbers, PINs (counter.md, "Privacy"); what a record means for the card (recovery).
One SQLite file, WAL, synchronous FULL: a commit has reached the disk before `record_intent` or `record` returns.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from typing import TypeVar

from sscard_terminal.cardspec.transaction import PurchaseAmounts

from .journal_days import DayJournal
from .journal_events import Event, JournalEntry
from .journal_file import JournalFault, JournalTrouble
from .journal_rows import (
    DEBIT_COLUMNS,
    EVENT_COLUMNS,
    Value,
    event_of,
    is_whole,
    row_of_event,
    row_of_intent,
    sale_of,
)
from .journal_schema import NOT_UNCHARGED
from .outcomes import DebitIntent, Sale

_Value = TypeVar("_Value")


class Journal(DayJournal):
    """One terminal's journal: its sales, what happened to them, and the days they belong to."""

    def record_intent(self, intent: DebitIntent) -> Sale:
        """Write the intent durably and give it a voucher number. Only then may DEBIT leave.

        Raises:
            JournalTrouble: it could not be written (CANNOT_WRITE); DEBIT must not leave.
        """
        with self.writing() as database:
            voucher = _insert(database, "debits", row_of_intent(intent))
        return Sale(voucher=voucher, **{item.name: getattr(intent, item.name) for item in fields(intent)})

    def record(self, voucher: int, event: Event) -> None:
        """Add what happened, durably.

        Raises:
            JournalTrouble: it could not be written, or the sale has ended already (CANNOT_WRITE).
        """
        with self.writing() as database:
            _insert(database, "events", row_of_event(voucher, event))

    def entry(self, voucher: int) -> JournalEntry | None:
        """The sale with this voucher number, None if there is none."""
        return next(self._entries("WHERE voucher = ?", voucher), None)

    def entry_of_request(self, request: str) -> JournalEntry | None:
        """The sale that was asked for under this name (`outcomes.DebitIntent`), None where it came to none."""
        return next(self._entries("WHERE request = ?", request), None)

    def entries(self, since: datetime | None = None) -> Iterator[JournalEntry]:
        """Every sale (from `since` on, by the time in DEBIT), oldest first."""
        return self._entries("WHERE time >= ?", "" if since is None else since.isoformat())

    def last_entry(self) -> JournalEntry | None:
        """The newest sale, for a reprint."""
        return next(self._entries("WHERE voucher = (SELECT max(voucher) FROM debits)"), None)

    def first_entry(self) -> JournalEntry | None:
        """The oldest sale."""
        return next(self._entries("WHERE voucher = (SELECT min(voucher) FROM debits)"), None)

    def entries_of_card(self, identification: str, most: int) -> tuple[JournalEntry, ...]:
        """The newest `most` sales of one card (32 hex digits), newest first."""
        newest = "SELECT voucher FROM debits WHERE identification = ? ORDER BY voucher DESC LIMIT ?"
        return tuple(self._entries(f"WHERE voucher IN ({newest})", identification, most))[::-1]

    def open_sales(self, identification: str | None = None) -> tuple[JournalEntry, ...]:
        """The sales 待核实, of one card (32 hex digits) or of all, oldest first."""
        if identification is None:
            return tuple(self._entries("WHERE voucher IN (SELECT voucher FROM open_vouchers)"))
        return tuple(self._entries("WHERE identification = ?", identification, table="open_debits"))

    def charged_since(self, since: datetime, identification: str | None = None) -> int:
        """Fen the account has paid, or may have, in sales from `since` on: of one card (32 hex digits) or of all."""
        condition, values = (
            ("", ()) if identification is None else ("AND identification = ?", (identification,))
        )
        with self.reading() as database:
            row = database.execute(
                f"SELECT coalesce(sum(account), 0) FROM debits WHERE time >= ? {condition} AND {NOT_UNCHARGED}",
                (since.isoformat(), *values),
            ).fetchone()
        return int(row[0])

    def same_sale_since(self, since: datetime, identification: str, amounts: PurchaseAmounts) -> int | None:
        """The voucher of the newest sale from `since` on to this card with all three amounts, charged or perhaps so."""
        with self.reading() as database:
            row = database.execute(
                "SELECT max(voucher) FROM debits WHERE time >= ? AND identification = ? AND account = ?"
                f" AND self_paid = ? AND pooled = ? AND {NOT_UNCHARGED}",
                (since.isoformat(), identification, amounts.account, amounts.self_paid, amounts.pooled),
            ).fetchone()
        return None if row[0] is None else int(row[0])

    def _entries(self, condition: str = "", *values: object, table: str = "debits") -> Iterator[JournalEntry]:
        with self.reading() as database:
            rows = database.execute(f"SELECT * FROM {table} {condition} ORDER BY voucher", values).fetchall()
        for row in rows:
            sale = self._understood(sale_of, row, DEBIT_COLUMNS)
            yield JournalEntry(sale, self._events(sale.voucher))

    def _events(self, voucher: int) -> tuple[Event, ...]:
        with self.reading() as database:
            rows = database.execute(
                "SELECT * FROM events WHERE voucher = ? ORDER BY id", (voucher,)
            ).fetchall()
        return tuple(self._understood(event_of, row, EVENT_COLUMNS) for row in rows)

    def _understood(
        self, parse: Callable[[sqlite3.Row], _Value], row: sqlite3.Row, columns: tuple[str, ...]
    ) -> _Value:
        """
        Raises:
            JournalTrouble: the row is not what was written (DAMAGED).
        """
        try:
            if is_whole(row, columns):
                return parse(row)
        except (
            ValueError,
            TypeError,
        ):  # FormatError among them: no value of ours, in a row without a check code
            pass
        raise JournalTrouble(JournalFault.DAMAGED, self._path)


def _insert(database: sqlite3.Connection, table: str, row: Mapping[str, Value]) -> int:
    """The number of the new row."""
    columns, marks = ", ".join(row), ", ".join("?" * len(row))
    cursor = database.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(row.values()))
    assert cursor.lastrowid is not None
    return cursor.lastrowid
