"""The part of the journal that is other programs' sales: each request by its name, what for, and what came of it.

A request that is repeated because its answer was lost must not sell twice: the debit it led to bears its name (the
database takes each once), and a refusal before any debit is kept here. Not here: who may ask (counter) and the sale
itself (debit.py). Source: counter.md, "The local service"; issue 5 (idempotency keys).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sscard_terminal.reader.connection import LinkReason

from .attempt import DEBIT_FOR_PURCHASE
from .journal import Journal
from .journal_events import Event, EventKind, JournalEntry, SaleState
from .outcomes import Approved, Declined, Doubt, Reason, Unsettled

LONGEST_NAME = 128
"""Characters of a request's name. Our choice."""


@dataclass(frozen=True, slots=True)
class SaleRequest:
    """One request: `asked` is what for, `answer` why it came to no debit, `entry` the debit it came to.

    With neither it is at work, or the program ended in the middle of it: before the intent, so nothing was paid.
    """

    request: str
    asked: str
    answer: str | None = None
    entry: JournalEntry | None = None


class SaleRequests:
    """The requests of one terminal's journal. Every method may raise JournalTrouble; every write is durable."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def begin(self, request: str, asked: str, at: datetime) -> None:
        """Before anything is done about it.

        Raises:
            JournalTrouble: it stands there already (CANNOT_WRITE): `find` first.
        """
        with self._journal.writing() as database:
            database.execute(
                "INSERT INTO sale_requests (request, asked, at) VALUES (?, ?, ?)",
                (request, asked, at.isoformat()),
            )

    def answer(self, request: str, answer: str, at: datetime) -> None:
        """It came to no debit, and never will: whoever repeats it hears the same."""
        with self._journal.writing() as database:
            database.execute(
                "INSERT INTO sale_answers (request, answer, at) VALUES (?, ?, ?)",
                (request, answer, at.isoformat()),
            )

    def find(self, request: str) -> SaleRequest | None:
        """The request of that name as it stands now, None where nobody made it."""
        with self._journal.reading() as database:
            row = database.execute(
                "SELECT asked, answer FROM sale_requests LEFT JOIN sale_answers USING (request) WHERE request = ?",
                (request,),
            ).fetchone()
        if row is None:
            return None
        entry = self._journal.entry_of_request(request)
        return SaleRequest(request, row["asked"], row["answer"], entry)


def first_outcome(entry: JournalEntry) -> Approved | Declined | Unsettled:
    """What a sale of the journal came to, as `debit` says it: for whoever asks for the same sale once more.

    The TAC is empty where recovery has found the sale in the card's log alone.
    """
    sale, events = entry.sale, entry.events
    match entry.state:
        case SaleState.CHARGED:
            return Approved(sale, entry.tac or b"")
        case SaleState.NOT_CHARGED:
            refused = next((event for event in events if event.kind is EventKind.REFUSED), None)
            if refused is not None:
                return Declined(
                    Reason.DEBIT_REFUSED, sw=refused.sw, command=DEBIT_FOR_PURCHASE, voucher=sale.voucher
                )
            return Declined(Reason.LINK_BROKEN, link=_link_of(events), voucher=sale.voucher)
    return Unsettled(sale, _doubt_of(events), tac=entry.tac, mac2=entry.mac2)


def _link_of(events: tuple[Event, ...]) -> LinkReason:
    """The broken link of a debit that never left, or whose answer never came."""
    details = {event.detail for event in events if event.kind in (EventKind.NOT_SENT, EventKind.LOST)}
    return next((reason for reason in LinkReason if reason.value in details), LinkReason.UNKNOWN)


def _doubt_of(events: tuple[Event, ...]) -> Doubt:
    details = {event.detail for event in events if event.kind is EventKind.UNPROVED}
    return next((doubt for doubt in Doubt if doubt.value in details), Doubt.ANSWER_LOST)
