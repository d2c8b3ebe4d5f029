"""The part of the journal that is loads: asked for, sent, ended, told to the host. Every write is durable.

Not here: the file itself (journal_store.py), the tables (journal_schema.py), what an entry means (load_recovery.py).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime

from sscard_terminal.cardspec.issuing import LoadOutcome, LoadReport, LoadRequest
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.iso7816.status import StatusWord

from .journal_store import JournalStore
from .load_records import Load, LoadEntry, LoadEvent, LoadEventKind, LoadIntent, LoadState

_OUTCOMES = {LoadState.CREDITED: LoadOutcome.CREDITED, LoadState.NOT_CREDITED: LoadOutcome.NOT_CREDITED}


class LoadJournal:
    """The loads of one terminal's journal. Every method may raise JournalTrouble."""

    def __init__(self, store: JournalStore) -> None:
        self._store = store

    def record_request(self, asked: LoadRequest) -> None:
        """Before the host is asked: from now on this terminal owes it an outcome."""
        row = (
            *(asked.request, asked.card.identification, asked.amount, asked.credit),
            *(asked.operator, asked.time.isoformat()),
        )
        with self._store.writing() as database:
            database.execute(
                "INSERT INTO load_requests (request, identification, amount, credit, operator, at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                row,
            )

    def record_intent(self, intent: LoadIntent) -> Load:
        """Write the intent durably and give it a number. Only then may CREDIT leave."""
        row = {item.name: getattr(intent, item.name) for item in fields(intent)}
        columns, marks = ", ".join(row), ", ".join("?" * len(row))
        values = [value.isoformat() if isinstance(value, datetime) else value for value in row.values()]
        with self._store.writing() as database:
            cursor = database.execute(f"INSERT INTO loads ({columns}) VALUES ({marks})", values)
            number = cursor.lastrowid
        assert number is not None
        return Load(number=number, **row)

    def record(self, number: int, event: LoadEvent) -> None:
        """Add what happened; a second end of the same load is refused."""
        sw = None if event.sw is None else str(event.sw)
        row = (number, event.kind, event.at.isoformat(), event.tac, sw, event.detail)
        with self._store.writing() as database:
            database.execute(
                "INSERT INTO load_events (number, kind, at, tac, sw, detail) VALUES (?, ?, ?, ?, ?, ?)", row
            )

    def record_report(self, request: str, outcome: LoadOutcome, answer: str, at: datetime) -> None:
        """The host has been told, and what it said: nothing more is owed for this request."""
        with self._store.writing() as database:
            database.execute(
                "INSERT INTO load_reports (request, outcome, answer, at) VALUES (?, ?, ?, ?)",
                (request, outcome, answer, at.isoformat()),
            )

    def entry(self, number: int) -> LoadEntry | None:
        """The load with this number, None if there is none."""
        return next(self._entries("WHERE number = ?", number), None)

    def entries(self) -> Iterator[LoadEntry]:
        """Every load, oldest first."""
        return self._entries()

    def open_loads(self, identification: str | None = None) -> tuple[LoadEntry, ...]:
        """The loads 待核实, of one card (32 hex digits) or of all, oldest first."""
        condition, values = (
            ("", ()) if identification is None else ("WHERE identification = ?", (identification,))
        )
        found = self._entries(condition, *values)
        return tuple(entry for entry in found if entry.state is LoadState.OPEN)

    def unreported(self) -> tuple[LoadReport, ...]:
        """What the host is still owed, oldest first: of loads that have ended, and of requests that became none.

        A load still open owes its outcome later. Only to be asked between loads, never during one.
        """
        with self._store.reading() as database:
            rows = database.execute(
                "SELECT request, (SELECT number FROM loads WHERE loads.request = load_requests.request) AS number"
                " FROM load_requests WHERE request NOT IN (SELECT request FROM load_reports) ORDER BY rowid"
            ).fetchall()
        reports = (self._report(row["request"], row["number"]) for row in rows)
        return tuple(report for report in reports if report is not None)

    def reported(self) -> tuple[tuple[str, str], ...]:
        """Request and the host's answer to its report, oldest first."""
        with self._store.reading() as database:
            rows = database.execute("SELECT request, answer FROM load_reports ORDER BY rowid").fetchall()
        return tuple((row["request"], row["answer"]) for row in rows)

    def _report(self, request: str, number: int | None) -> LoadReport | None:
        entry = None if number is None else self.entry(number)
        if entry is None:
            return LoadReport(request, LoadOutcome.NOT_CREDITED)
        outcome = _OUTCOMES.get(entry.state)
        if outcome is None:
            return None
        return LoadReport(request, outcome, entry.unrefused_tac if outcome is LoadOutcome.CREDITED else None)

    def _entries(self, condition: str = "", *values: object) -> Iterator[LoadEntry]:
        with self._store.reading() as database:
            rows = database.execute(f"SELECT * FROM loads {condition} ORDER BY number", values).fetchall()
        for row in rows:
            yield LoadEntry(_load_of(row), self._events(row["number"]))

    def _events(self, number: int) -> tuple[LoadEvent, ...]:
        with self._store.reading() as database:
            rows = database.execute(
                "SELECT * FROM load_events WHERE number = ? ORDER BY id", (number,)
            ).fetchall()
        return tuple(map(_event_of, rows))


def _load_of(row: sqlite3.Row) -> Load:
    return Load(
        number=row["number"],
        request=row["request"],
        identification=row["identification"],
        card_number=row["card_number"],
        amount=Fen(row["amount"]),
        counter=row["counter"],
        key_index=row["key_index"],
        balance_before=Fen(row["balance_before"]),
        terminal=row["terminal"],
        time=datetime.fromisoformat(row["time"]),
        mac1=row["mac1"],
        mac2=row["mac2"],
        operator=row["operator"],
    )


def _event_of(row: sqlite3.Row) -> LoadEvent:
    return LoadEvent(
        kind=LoadEventKind(row["kind"]),
        at=datetime.fromisoformat(row["at"]),
        tac=row["tac"],
        sw=None if row["sw"] is None else StatusWord(int(row["sw"], 16)),
        detail=row["detail"],
    )
