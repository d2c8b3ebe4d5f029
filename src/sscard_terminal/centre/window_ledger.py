"""The book behind the window's host: accounts, refunds owed, authorised loads and what became of each, append only.

One SQLite file whose commits have reached the disk, or ":memory:". Not here: what follows from an entry
(window_host.py), and the bureau's whole ledger with its settlement, which comes with the centre.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from sscard_terminal.cardspec.issuing import (
    CardReference,
    LoadOutcome,
    LoadRequest,
    LossChange,
    LossReport,
    LossStanding,
    PendingCredit,
    PinPermissionRequest,
)
from sscard_terminal.cardspec.money import Fen

from .ledger_rows import AuthorisedLoad, load_of, row_of_load
from .ledger_schema import APPLICATION_ID, AVAILABLE, LOSSES, PENDING, SCHEMA, STANDING

IN_MEMORY = ":memory:"


class LedgerTrouble(Exception):
    """The ledger's file cannot be used: another file, open elsewhere, or the disk."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"the ledger cannot be used: {self.path}"


@dataclass(frozen=True, slots=True)
class Flag:
    """Something a person has to look at: `kind` is a key. Source: system.md, "Forgery, alteration, misuse"."""

    identification: str
    request: str
    kind: str


class WindowLedger:
    """The book, open in one process alone."""

    def __init__(self, database: sqlite3.Connection) -> None:
        """For `open` only."""
        self._database = database

    @classmethod
    def open(cls, path: Path | None = None) -> Self:
        """Open the book, or make a new one where there is no file; without a path it lives in memory.

        Raises:
            LedgerTrouble: no ledger, open elsewhere, or it cannot be opened; left as it is.
        """
        name = IN_MEMORY if path is None else str(path)
        try:
            if path is not None and not path.exists():
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            database = sqlite3.connect(name, timeout=0, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise LedgerTrouble(name) from error
        try:
            _prepare(database)
        except sqlite3.Error as error:
            database.close()
            raise LedgerTrouble(name) from error
        return cls(database)

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def deciding(self) -> Iterator[None]:
        """One durable transaction around a look and what is written upon it: all of it or nothing.

        Raises:
            sqlite3.Error: nothing was written.
        """
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        finally:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")

    # Money that may be loaded -----------------------------------------------------------------------------

    def deposit(self, identification: str, amount: Fen, at: datetime) -> None:
        """Money comes into a card's account at the centre (划入, by the bureau)."""
        self._insert("deposits", identification=identification, amount=amount, at=at.isoformat())

    def owe(self, identification: str, credit: PendingCredit, at: datetime) -> None:
        """A refund waits for its card. The same id a second time changes nothing."""
        self._database.execute(
            "INSERT INTO credits (id, identification, amount, reference, at) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO NOTHING",
            (credit.id, identification, credit.amount, credit.reference, at.isoformat()),
        )

    def available(self, identification: str) -> int:
        """Fen that may still be loaded: deposits less the loads that took or may have taken of them.

        Below zero only where a load proved to have happened after its money was given back (flagged).
        """
        return int(self._database.execute(AVAILABLE, {"card": identification}).fetchone()[0])

    def pending(self, identification: str) -> tuple[PendingCredit, ...]:
        """The refunds the card has not been credited with for certain, oldest first."""
        rows = self._database.execute(PENDING, {"card": identification}).fetchall()
        return tuple(
            PendingCredit(row["id"], Fen(row["amount"]), row["reference"], bool(row["in_doubt"]))
            for row in rows
        )

    # Loads ------------------------------------------------------------------------------------------------

    def authorise(self, asked: LoadRequest, host_time: datetime) -> None:
        """The load takes its money from now on."""
        self._insert("loads", **row_of_load(asked, host_time))

    def load(self, request: str) -> AuthorisedLoad | None:
        """The load of this request id, with its standing."""
        row = self._one("SELECT * FROM loads WHERE request = :request", {"request": request})
        return self._load(row) if row else None

    def newest_load(self, identification: str) -> AuthorisedLoad | None:
        """The load this card was authorised last."""
        row = self._one(
            "SELECT * FROM loads WHERE identification = :card ORDER BY number DESC", {"card": identification}
        )
        return self._load(row) if row else None

    def was_credited(self, identification: str, counter: int) -> bool:
        """Whether a load with this counter is held to have brought the card its money."""
        rows = self._database.execute(
            "SELECT request FROM loads WHERE identification = ? AND counter = ?", (identification, counter)
        )
        return any(self.outcome(row["request"]) is LoadOutcome.CREDITED for row in rows.fetchall())

    def loads_of_credit(self, credit: str) -> tuple[AuthorisedLoad, ...]:
        """The attempts to load a refund, oldest first."""
        rows = self._database.execute("SELECT * FROM loads WHERE credit = ? ORDER BY number", (credit,))
        return tuple(map(self._load, rows.fetchall()))

    def outcome(self, request: str) -> LoadOutcome:
        """What is held of a request, whether or not it was ever authorised."""
        row = self._one(STANDING, {"request": request})
        return LoadOutcome(row["outcome"]) if row else LoadOutcome.UNKNOWN

    def has_tac(self, request: str) -> bool:
        """Whether the card's proof of this load is held."""
        query = "SELECT 1 FROM load_outcomes WHERE request = :request AND tac IS NOT NULL"
        return self._one(query, {"request": request}) is not None

    def conclude(
        self, request: str, outcome: LoadOutcome, evidence: str, at: datetime, tac: bytes | None = None
    ) -> None:
        """What became of a request; the newest entry counts. `evidence` is a key."""
        values = {"request": request, "outcome": outcome, "evidence": evidence, "tac": tac}
        self._insert("load_outcomes", **values, at=at.isoformat())

    # The PIN, and what a person must see --------------------------------------------------------------------

    def permit(self, asked: PinPermissionRequest, at: datetime) -> bool:
        """Who may do what about whose PIN, and on whose word that the document was sighted.

        False where the request id stands for something else; the same permission again changes nothing.
        """
        query = "SELECT identification, service FROM permissions WHERE request = :request"
        held = self._one(query, {"request": asked.request})
        if held is not None:
            return tuple(held) == (asked.card.identification, asked.service)
        self._insert(
            "permissions",
            request=asked.request,
            identification=asked.card.identification,
            service=asked.service,
            terminal=asked.terminal,
            sighted_by=asked.sighting.by,
            sighted_at=asked.sighting.at.isoformat(),
            at=at.isoformat(),
        )
        return True

    def use_permission(self, request: str, card: CardReference, service: str, at: datetime) -> bool:
        """Use up the permission of this request; False where there is none, or none left."""
        row = self._one(
            "SELECT identification, service FROM permissions WHERE request = :request"
            " AND NOT EXISTS (SELECT 1 FROM permission_uses WHERE request = :request)",
            {"request": request},
        )
        if row is None or tuple(row) != (card.identification, service):
            return False
        self._insert("permission_uses", request=request, at=at.isoformat())
        return True

    def loss_report(self, request: str) -> tuple[str, LossChange] | None:
        """Number and change of a report that is held."""
        query = "SELECT number, change FROM losses WHERE request = :request"
        row = self._one(query, {"request": request})
        return None if row is None else (row["number"], LossChange(row["change"]))

    def loss(self, number: str) -> LossStanding | None:
        """What is held of a number: its newest report counts; None where there never was one."""
        query = "SELECT change, at FROM losses WHERE number = :number ORDER BY id DESC LIMIT 1"
        row = self._one(query, {"number": number})
        if row is None:
            return None
        return LossStanding(row["change"] == LossChange.REPORTED, datetime.fromisoformat(row["at"]))

    def record_loss(self, report: LossReport, at: datetime) -> None:
        """A temporary loss, or its end."""
        self._insert(
            "losses",
            request=report.request,
            number=report.number,
            change=report.change,
            place=report.place,
            sighted_by=report.sighting.by,
            sighted_at=report.sighting.at.isoformat(),
            at=at.isoformat(),
        )

    def flag(self, identification: str, request: str, kind: str, at: datetime) -> None:
        """Something contradicts itself."""
        values = {"identification": identification, "request": request, "kind": kind}
        self._insert("flags", **values, at=at.isoformat())

    def flags(self) -> tuple[Flag, ...]:
        """What a person has to look at, oldest first."""
        rows = self._database.execute("SELECT identification, request, kind FROM flags ORDER BY id")
        return tuple(Flag(*row) for row in rows.fetchall())

    # --------------------------------------------------------------------------------------------------------

    def _load(self, row: sqlite3.Row) -> AuthorisedLoad:
        return load_of(row, self.outcome(row["request"]))

    def _one(self, query: str, values: dict[str, str]) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._database.execute(query, values).fetchone()
        return row

    def _insert(self, table: str, **values: str | int | bytes | None) -> None:
        columns, marks = ", ".join(values), ", ".join("?" * len(values))
        self._database.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(values.values()))


def _prepare(database: sqlite3.Connection) -> None:
    database.row_factory = sqlite3.Row
    for setting in ("locking_mode = EXCLUSIVE", "synchronous = FULL", "fullfsync = ON", "foreign_keys = ON"):
        database.execute(f"PRAGMA {setting}")
    mark = database.execute("PRAGMA application_id").fetchone()[0]
    if mark == 0 and not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        database.executescript(SCHEMA)
    elif mark != APPLICATION_ID:
        raise sqlite3.DatabaseError("no ledger")
    database.executescript(LOSSES)
    database.execute("PRAGMA journal_mode = WAL")
