"""The part of the journal that is PIN services: whose PIN, who has sighted the document, how it ended. No PIN, ever.

Not here: the service itself (service_window.py) and the document's number, which is nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sscard_terminal.cardspec.issuing import IdentitySighting, PinService
from sscard_terminal.iso7816.status import StatusWord

from .journal_store import JournalStore


class PinServiceEventKind(StrEnum):
    """How a PIN service went on after its request was written."""

    DONE = "done"
    NOT_DONE = "not-done"
    """Card, host or link said no before the card was asked to act; `detail` is the reason's key."""
    LOST = "lost"
    """The card was asked and its answer is lost: do it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PinServiceEntry:
    """One PIN service; `end` is None while it runs, or where the program died in it."""

    request: str
    service: PinService
    identification: str
    card_number: str
    terminal: str
    sighting: IdentitySighting
    at: datetime
    end: PinServiceEventKind | None = None
    detail: str = ""


class PinServiceJournal:
    """The PIN services of one terminal's journal. Every method may raise JournalTrouble; every write is durable."""

    def __init__(self, store: JournalStore) -> None:
        self._store = store

    def record_request(self, entry: PinServiceEntry) -> int:
        """Before anything is asked of host or card; its number."""
        sighting = entry.sighting
        row = (
            *(entry.request, entry.service, entry.identification, entry.card_number, entry.terminal),
            *(sighting.by, sighting.at.isoformat(), entry.at.isoformat()),
        )
        with self._store.writing() as database:
            number = database.execute(
                "INSERT INTO pin_services (request, service, identification, card_number, terminal, sighted_by,"
                " sighted_at, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            ).lastrowid
        assert number is not None
        return number

    def record(
        self,
        number: int,
        kind: PinServiceEventKind,
        at: datetime,
        sw: StatusWord | None = None,
        detail: str = "",
    ) -> None:
        """Add what happened; `detail` is a key."""
        word = None if sw is None else str(sw)
        with self._store.writing() as database:
            database.execute(
                "INSERT INTO pin_service_events (number, kind, at, sw, detail) VALUES (?, ?, ?, ?, ?)",
                (number, kind, at.isoformat(), word, detail),
            )

    def entries(self) -> tuple[PinServiceEntry, ...]:
        """Every PIN service, oldest first, as it stands."""
        with self._store.reading() as database:
            rows = database.execute(
                "SELECT pin_services.*, kind, detail FROM pin_services LEFT JOIN pin_service_events AS event"
                " ON event.id = (SELECT max(id) FROM pin_service_events WHERE number = pin_services.number)"
                " ORDER BY pin_services.number"
            ).fetchall()
        return tuple(
            PinServiceEntry(
                request=row["request"],
                service=PinService(row["service"]),
                identification=row["identification"],
                card_number=row["card_number"],
                terminal=row["terminal"],
                sighting=IdentitySighting(row["sighted_by"], datetime.fromisoformat(row["sighted_at"])),
                at=datetime.fromisoformat(row["at"]),
                end=None if row["kind"] is None else PinServiceEventKind(row["kind"]),
                detail=row["detail"] or "",
            )
            for row in rows
        )
