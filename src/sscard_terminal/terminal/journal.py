"""The append-only record of debits: written before DEBIT leaves, completed after, kept for slips and settlement.

Not here: names, identity numbers, PINs (counter.md, "Privacy"); what a record means for the card (recovery).
One SQLite file, WAL, synchronous FULL: a commit has reached the disk before `record_intent` or `record` returns.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.iso7816.status import StatusWord

from .day_records import DayEvent, DayEventKind, Sum
from .journal_file import JournalFault, JournalTrouble, open_database
from .journal_rows import row_of_intent, sale_of
from .journal_schema import NOT_UNCHARGED, STATE
from .outcomes import DebitIntent, Sale


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


ENDS: dict[EventKind, SaleState] = {
    EventKind.CONFIRMED: SaleState.CHARGED,
    EventKind.SETTLED_CHARGED: SaleState.CHARGED,
    EventKind.REFUSED: SaleState.NOT_CHARGED,
    EventKind.NOT_SENT: SaleState.NOT_CHARGED,
    EventKind.SETTLED_NOT_CHARGED: SaleState.NOT_CHARGED,
}
"""The events that end a sale; the schema lets each sale have one of them (journal_schema.py)."""


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
        return next((ENDS[event.kind] for event in self.events if event.kind in ENDS), SaleState.OPEN)

    @property
    def tac(self) -> bytes | None:
        """The newest TAC the card gave for this sale."""
        return next((event.tac for event in reversed(self.events) if event.tac), None)

    @property
    def mac2(self) -> bytes | None:
        """The newest MAC2 the card gave for this sale."""
        return next((event.mac2 for event in reversed(self.events) if event.mac2), None)


class Journal:
    """One terminal's journal: a file no second terminal can open while this one has it."""

    def __init__(self, path: Path, database: sqlite3.Connection) -> None:
        """For `open` only."""
        self._path = path
        self._database = database

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the journal, or create it where there is no file (or an empty one).

        Raises:
            JournalTrouble: no journal (NOT_A_JOURNAL) or a newer program's (TOO_NEW), both left untouched;
                open elsewhere (IN_USE); CANNOT_OPEN.
        """
        return cls(path, open_database(path))

    def close(self) -> None:
        self._database.close()

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
        row = row_of_intent(intent)
        columns, marks = ", ".join(row), ", ".join("?" * len(row))
        with self._writing():
            cursor = self._database.execute(
                f"INSERT INTO debits ({columns}) VALUES ({marks})", tuple(row.values())
            )
            voucher = cursor.lastrowid
        assert voucher is not None
        return Sale(voucher=voucher, **{item.name: getattr(intent, item.name) for item in fields(intent)})

    def record(self, voucher: int, event: Event) -> None:
        """Add what happened, durably.

        Raises:
            JournalTrouble: it could not be written, or the sale has ended already (CANNOT_WRITE).
        """
        sw = None if event.sw is None else str(event.sw)
        row = (voucher, event.kind, event.at.isoformat(), event.tac, event.mac2, sw, event.detail)
        with self._writing():
            self._database.execute(
                "INSERT INTO events (voucher, kind, at, tac, mac2, sw, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
                row,
            )

    def entry(self, voucher: int) -> JournalEntry | None:
        """The sale with this voucher number, None if there is none."""
        return next(self._entries("WHERE voucher = ?", voucher), None)

    def entries(self, since: datetime | None = None) -> Iterator[JournalEntry]:
        """Every sale (from `since` on, by the time in DEBIT), oldest first."""
        return self._entries("WHERE time >= ?", "" if since is None else since.isoformat())

    def last_entry(self) -> JournalEntry | None:
        """The newest sale, for a reprint."""
        return next(self._entries("WHERE voucher = (SELECT max(voucher) FROM debits)"), None)

    def open_sales(self, identification: str | None = None) -> tuple[JournalEntry, ...]:
        """The sales 待核实, of one card (32 hex digits) or of all, oldest first."""
        if identification is None:
            return tuple(self._entries(table="open_debits"))
        return tuple(self._entries("WHERE identification = ?", identification, table="open_debits"))

    def charged_since(self, since: datetime, identification: str | None = None) -> int:
        """Fen the account has paid, or may have, in sales from `since` on: of one card (32 hex digits) or of all."""
        condition, values = (
            ("", ()) if identification is None else ("AND identification = ?", (identification,))
        )
        with self._reading():
            row = self._database.execute(
                f"SELECT coalesce(sum(account), 0) FROM debits WHERE time >= ? {condition} AND {NOT_UNCHARGED}",
                (since.isoformat(), *values),
            ).fetchone()
        return int(row[0])

    def same_sale_since(self, since: datetime, identification: str, amounts: PurchaseAmounts) -> int | None:
        """The voucher of the newest sale from `since` on to this card with all three amounts, charged or perhaps so."""
        with self._reading():
            row = self._database.execute(
                "SELECT max(voucher) FROM debits WHERE time >= ? AND identification = ? AND account = ?"
                f" AND self_paid = ? AND pooled = ? AND {NOT_UNCHARGED}",
                (since.isoformat(), identification, amounts.account, amounts.self_paid, amounts.pooled),
            ).fetchone()
        return None if row[0] is None else int(row[0])

    def record_day(self, kind: DayEventKind, at: datetime, operator: str, despite: str = "") -> None:
        """Open or close the day, durably, behind the newest sale there is.

        Raises:
            JournalTrouble: it could not be written (CANNOT_WRITE).
        """
        with self._writing():
            self._database.execute(
                "INSERT INTO days (kind, at, after_voucher, operator, despite)"
                " VALUES (?, ?, (SELECT coalesce(max(voucher), 0) FROM debits), ?, ?)",
                (kind, at.isoformat(), operator, despite),
            )

    def newest_day_events(self) -> tuple[DayEvent, ...]:
        """How the newest day was opened and (if it is) closed; empty where none ever was."""
        with self._reading():
            rows = self._database.execute(
                "SELECT *, (SELECT count(*) FROM days WHERE kind = 'opened') AS day FROM days"
                " WHERE id >= (SELECT max(id) FROM days WHERE kind = 'opened') ORDER BY id"
            ).fetchall()
        return tuple(_day_event_of(row) for row in rows)

    def is_day_open(self) -> bool:
        """Whether a day was opened and not yet closed."""
        events = self.newest_day_events()
        return bool(events) and events[-1].kind is DayEventKind.OPENED

    def sums(self, after: int, last: int | None = None) -> tuple[Sum, ...]:
        """The sales behind voucher `after`, up to `last` where there is one, by operator and state as it is now."""
        with self._reading():
            rows = self._database.execute(
                f"SELECT operator, {STATE} AS state, count(*), sum(account), sum(self_paid), sum(pooled)"
                " FROM debits WHERE voucher > ? AND (? IS NULL OR voucher <= ?)"
                " GROUP BY operator, state ORDER BY operator, state",
                (after, last, last),
            ).fetchall()
        return tuple(Sum(*row) for row in rows)

    def _entries(self, condition: str = "", *values: object, table: str = "debits") -> Iterator[JournalEntry]:
        with self._reading():
            rows = self._database.execute(
                f"SELECT * FROM {table} {condition} ORDER BY voucher", values
            ).fetchall()
        for row in rows:
            sale = sale_of(row)
            yield JournalEntry(sale, self._events(sale.voucher))

    def _events(self, voucher: int) -> tuple[Event, ...]:
        with self._reading():
            rows = self._database.execute(
                "SELECT * FROM events WHERE voucher = ? ORDER BY id", (voucher,)
            ).fetchall()
        return tuple(map(_event_of, rows))

    def copy_to(self, target: Path) -> None:
        """A whole copy in a new file, its owner's alone, for a back-up or another PC.

        Raises:
            JournalTrouble: there is a file of that name, or it cannot be written (CANNOT_WRITE).
        """
        try:
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            with closing(sqlite3.connect(target)) as copy:
                self._database.backup(copy)
        except (OSError, sqlite3.Error) as error:
            raise JournalTrouble(JournalFault.CANNOT_WRITE, target) from error

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One durable transaction: whatever happens inside or at its commit, all of it or nothing is on the disk."""
        try:
            self._database.execute("BEGIN IMMEDIATE")
            yield
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise JournalTrouble(JournalFault.CANNOT_WRITE, self._path) from error
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        try:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
        except sqlite3.Error:
            self._database.close()  # a journal that cannot even roll back is used no more

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise JournalTrouble(JournalFault.CANNOT_READ, self._path) from error


def _event_of(row: sqlite3.Row) -> Event:
    return Event(
        kind=EventKind(row["kind"]),
        at=datetime.fromisoformat(row["at"]),
        tac=row["tac"],
        mac2=row["mac2"],
        sw=None if row["sw"] is None else StatusWord(int(row["sw"], 16)),
        detail=row["detail"],
    )


def _day_event_of(row: sqlite3.Row) -> DayEvent:
    return DayEvent(
        day=row["day"],
        kind=DayEventKind(row["kind"]),
        at=datetime.fromisoformat(row["at"]),
        after_voucher=row["after_voucher"],
        operator=row["operator"],
        despite=row["despite"],
    )
