"""The journal as a queue: what the centre has not acknowledged yet, in order, and what it said.

The queue is the stream of the journal's events behind the newest one acknowledged; nothing is copied anywhere, so nothing
can be lost on the way into it. Not here: when it is sent (upload.py) and the form of a record (cardspec/upload_record.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sscard_terminal.cardspec.upload_record import (
    Kind,
    News,
    Outcome,
    State,
    UploadRecord,
    What,
    event_of,
    key_of,
)

from .journal import Journal
from .journal_events import Event, EventKind, JournalEntry, Request

INTENT_ONLY = "intent-only"
"""The detail of a LOST event: the journal holds the intent and not a word about what came of it, because the process
ended between the two. What the card did is unknown. Source: reliability.md, "Recovery" (service restarted, process
killed)."""
LOOK_BACK = 1000
"""How many acknowledged events are looked through for the newest sale they belong to. Our choice."""

_NEWS = {Outcome.CREDITED: EventKind.REQUEST_CREDITED, Outcome.REFUSED: EventKind.REQUEST_REFUSED}


@dataclass(frozen=True, slots=True)
class Waiting:
    """The queue at a glance: how many events wait, since when the oldest does; the newest one acknowledged, and when."""

    count: int
    since: datetime | None
    acknowledged: int
    acknowledged_at: datetime | None


def waiting(journal: Journal) -> Waiting:
    """How far the centre is behind.

    Raises:
        JournalTrouble: the journal cannot be read.
    """
    with journal.reading() as database:
        newest = database.execute(
            "SELECT event, at FROM acknowledgements WHERE event = (SELECT max(event) FROM acknowledgements)"
        ).fetchone()
        event, at = newest or (0, None)
        count = database.execute("SELECT count(*) FROM events WHERE id > ?", (event,)).fetchone()[0]
        oldest = database.execute(
            "SELECT at FROM events WHERE id > ? ORDER BY id LIMIT 1", (event,)
        ).fetchone()
    return Waiting(
        count, oldest and datetime.fromisoformat(oldest[0]), event, at and datetime.fromisoformat(at)
    )


def acknowledged(journal: Journal) -> int:
    """The newest event the centre is known to have, with all before it; 0 for none.

    Raises:
        JournalTrouble: the journal cannot be read.
    """
    with journal.reading() as database:
        newest = database.execute("SELECT max(event) FROM acknowledgements").fetchone()[0]
    return int(newest or 0)


def name_of(journal: Journal) -> str | None:
    """What the centre calls this journal: the terminal number of its first sale; None before that."""
    entry = journal.first_entry()
    return None if entry is None else entry.sale.terminal


def key_in(journal: Journal, event: int) -> str:
    """By which the centre knows an event of this journal, and the request in it.

    Raises:
        JournalTrouble: the journal cannot be read.
    """
    return key_of(name_of(journal) or "", event)


def name_the_unknown(journal: Journal, at: datetime) -> int:
    """Give each sale of which the journal has nothing but the intent a LOST event, so that it reaches the centre as what
    it is: unknown. How many there were.

    Not in the middle of a sale. Those before the sales the centre knows of were named when these were sent.

    Raises:
        JournalTrouble: the journal cannot be read or written.
    """
    with journal.reading() as database:
        known = database.execute(
            "SELECT coalesce(max(voucher), 0) FROM (SELECT voucher FROM events"
            " WHERE id <= (SELECT max(event) FROM acknowledgements) ORDER BY id DESC LIMIT ?)",
            (LOOK_BACK,),
        ).fetchone()[0]
        unknown = database.execute(
            "SELECT voucher FROM debits WHERE voucher > ?"
            " AND NOT EXISTS (SELECT 1 FROM events WHERE events.voucher = debits.voucher) ORDER BY voucher",
            (known,),
        ).fetchall()
    for row in unknown:
        journal.record(row["voucher"], Event(EventKind.LOST, at, detail=INTENT_ONLY))
    return len(unknown)


def records_behind(journal: Journal, name: str, event: int, most: int) -> tuple[UploadRecord, ...]:
    """The next `most` events behind that one as records, oldest first.

    Raises:
        JournalTrouble: the journal cannot be read.
    """
    with journal.reading() as database:
        rows = database.execute(
            "SELECT id, voucher FROM events WHERE id > ? ORDER BY id LIMIT ?", (event, most)
        ).fetchall()
    entries = {voucher: journal.entry(voucher) for voucher in {row["voucher"] for row in rows}}
    return tuple(_record_of(name, entry, row["id"]) for row in rows if (entry := entries[row["voucher"]]))


def acknowledge(journal: Journal, event: int, at: datetime) -> None:
    """The centre has this event and all before it: durable, and never asked again.

    Raises:
        JournalTrouble: it could not be written (CANNOT_WRITE).
    """
    with journal.writing() as database:
        database.execute("INSERT INTO acknowledgements (event, at) VALUES (?, ?)", (event, at.isoformat()))


def take_news(journal: Journal, name: str, news: News, sent: int, at: datetime) -> bool | None:
    """Write down what became of a request, once: True if it is news, False if it was known, None if it cannot be.

    It cannot be about what is no request of ours, about one the centre was not sent (behind event `sent`), or the
    contrary of what was known.

    Raises:
        JournalTrouble: the journal cannot be read or written.
    """
    theirs, number = event_of(news.request)
    request = _request(journal, number) if theirs == name and number <= sent else None
    if request is None:
        return None
    kind = _NEWS[news.outcome]
    if request.answer is not None:
        return False if request.answer.kind is kind else None
    asked = request.event
    told = Event(kind, at, detail=news.reason, amount=asked.amount, answers=asked.number)
    journal.record(request.entry.sale.voucher, told)
    return True


def _request(journal: Journal, number: int) -> Request | None:
    """The request that is this event, None where it is another event."""
    with journal.reading() as database:
        row = database.execute("SELECT voucher FROM events WHERE id = ?", (number,)).fetchone()
    entry = None if row is None else journal.entry(row["voucher"])
    requests = () if entry is None else entry.requests
    return next((request for request in requests if request.event.number == number), None)


def _record_of(name: str, entry: JournalEntry, number: int) -> UploadRecord:
    """One event with what was known of its sale by then, so that it is the same whenever it is sent."""
    sale = entry.sale
    by_then = JournalEntry(sale, tuple(event for event in entry.events if event.number <= number))
    event = by_then.events[-1]
    return UploadRecord(
        journal=name,
        event=number,
        at=event.at,
        what=What(event.kind),
        sw=event.sw,
        detail=event.detail,
        amount=event.amount,
        operator=event.operator,
        supervisor=event.supervisor,
        answers=event.answers,
        voucher=sale.voucher,
        state=State(by_then.state),
        kind=Kind(sale.kind),
        identification=sale.identification,
        card_number=sale.card_number,
        account=sale.amounts.account,
        self_paid=sale.amounts.self_paid,
        pooled=sale.amounts.pooled,
        balance_before=sale.balance_before,
        counter=sale.counter,
        key_index=sale.key_index,
        terminal=sale.terminal,
        sequence=sale.sequence,
        time=sale.time,
        mac1=sale.mac1,
        mac2=by_then.mac2,
        tac=by_then.tac,
    )
