"""Void (撤销) and refund (退货): what a shop asks of the centre, for it cannot credit a chip itself.

A request is an event of its sale. It travels to the centre (upload.py), which loads the amount back when the card next
meets an on-line terminal, or refuses; until then the money is on its way. Not here: who may ask (the caller has made
sure of the supervisor), and the slip (slips/forms.py).
Source: counter.md, "The flow people know": void on the same day, before it is closed, with supervisor and voucher number;
refund after that, with a day limit, by voucher or by card. That a void gives back the whole account part, a refund any
part of it, and never both together more than was paid, is our reading.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sscard_terminal.cardspec.money import Fen

from .clock_rules import objection_to_clock
from .identification import IdentifiedCard
from .journal import Journal
from .journal_events import Event, EventKind, JournalEntry, Request, SaleState
from .outcomes import Declined, Reason, Sale
from .ports import Clock
from .sale_rules import NO_RULES, SaleRules

NOTHING = Fen(0)
MOST_OF_CARD = 50
"""How many sales of one card are looked through for a refund. Our choice."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: `operator` and `supervisor` are their numbers, "" where nobody signs in.

    `again`: a person has said that the same amount is meant a second time.
    """

    operator: str = ""
    supervisor: str = ""
    again: bool = False


NOBODY = Asker()


def request_void(
    journal: Journal, voucher: int, clock: Clock, asker: Asker = NOBODY, rules: SaleRules = NO_RULES
) -> Request | Declined:
    """Ask for all that the account paid in this sale, on the sale's own day.

    Raises:
        JournalTrouble: the journal cannot be read or written; nothing was asked.
    """
    now = clock().replace(microsecond=0)
    found = _sale_to_give_back(journal, voucher, now, rules)
    if isinstance(found, Declined):
        return found
    if not is_of_today(journal, found.sale, now):
        return Declined(Reason.VOID_TOO_LATE, voucher=voucher)
    if found.requested:
        return _asked_already(found)
    return _asked(journal, found, EventKind.VOID_REQUESTED, now, found.sale.amounts.account, asker)


def request_refund(
    journal: Journal,
    voucher: int,
    clock: Clock,
    amount: Fen | None = None,
    asker: Asker = NOBODY,
    rules: SaleRules = NO_RULES,
) -> Request | Declined:
    """Ask for `amount` of what the account paid in this sale (None: all that was not asked for yet), after its day.

    Raises:
        JournalTrouble: the journal cannot be read or written; nothing was asked.
    """
    now = clock().replace(microsecond=0)
    found = _sale_to_give_back(journal, voucher, now, rules)
    if isinstance(found, Declined):
        return found
    left = left_to_ask(found)
    if not left or (_asks_again(found, amount) and not asker.again):
        return _asked_already(found)
    if is_of_today(journal, found.sale, now):
        return Declined(Reason.VOID_INSTEAD, voucher=voucher)
    last_day = found.sale.time.date() + timedelta(days=rules.refund_days)
    if now.date() > last_day:
        return Declined(Reason.REFUND_TOO_LATE, voucher=voucher, expired_on=last_day)
    if amount == NOTHING:
        return Declined(Reason.NOTHING_TO_GIVE_BACK, voucher=voucher)
    if amount is not None and amount > left:
        return Declined(Reason.REFUND_TOO_LARGE, voucher=voucher, left=left)
    return _asked(journal, found, EventKind.REFUND_REQUESTED, now, left if amount is None else amount, asker)


def left_to_ask(entry: JournalEntry) -> Fen:
    """How much of a sale can still be asked back: nothing of one that is not, or not certainly, charged."""
    if entry.state is not SaleState.CHARGED:
        return NOTHING
    return Fen(entry.sale.amounts.account - entry.requested)


def sales_of_card(journal: Journal, card: IdentifiedCard) -> tuple[JournalEntry, ...]:
    """The newest sales of this card of which something can still be asked back, newest first.

    Raises:
        JournalTrouble: the journal cannot be read.
    """
    entries = journal.entries_of_card(card.identification, MOST_OF_CARD)
    return tuple(
        entry for entry in entries if entry.sale.card_number == card.number and left_to_ask(entry) > 0
    )


def requests_on_their_way(journal: Journal) -> tuple[Request, ...]:
    """Every request the centre has not answered, oldest first.

    Raises:
        JournalTrouble: the journal cannot be read.
    """
    return _requests(journal, "AND NOT EXISTS (SELECT 1 FROM events AS a WHERE a.answers = events.id)")


def all_requests(journal: Journal) -> tuple[Request, ...]:
    """Every request there ever was, oldest first.

    Raises:
        JournalTrouble: the journal cannot be read.
    """
    return _requests(journal)


def _requests(journal: Journal, condition: str = "") -> tuple[Request, ...]:
    with journal.reading() as database:
        rows = database.execute(
            "SELECT id, voucher FROM events WHERE kind IN ('void-requested', 'refund-requested')"
            f" {condition} ORDER BY id"
        ).fetchall()
    return tuple(_request_of(journal, row["voucher"], row["id"]) for row in rows)


def _request_of(journal: Journal, voucher: int, number: int) -> Request:
    entry = journal.entry(voucher)
    assert entry is not None
    return next(request for request in entry.requests if request.event.number == number)


def _sale_to_give_back(
    journal: Journal, voucher: int, now: datetime, rules: SaleRules
) -> JournalEntry | Declined:
    """The sale, if it can be asked back at all: charged for certain, and for more than nothing."""
    if (doubt := objection_to_clock(journal, now, rules.longest_closure)) is not None:
        return doubt
    entry = journal.entry(voucher)
    if entry is None:
        return Declined(Reason.NO_SUCH_SALE, voucher=voucher)
    match entry.state:
        case SaleState.OPEN:
            return Declined(Reason.SALE_TO_BE_VERIFIED, voucher=voucher)
        case SaleState.NOT_CHARGED:
            return Declined(Reason.SALE_NOT_CHARGED, voucher=voucher)
        case SaleState.CHARGED if not entry.sale.amounts.account:
            return Declined(Reason.NOTHING_TO_GIVE_BACK, voucher=voucher)
        case _:
            return entry


def is_of_today(journal: Journal, sale: Sale, now: datetime) -> bool:
    """Whether the sale's day still lasts: the day that is open, else, where none was closed behind it, the calendar's."""
    match journal.newest_day_events():
        case (opened,):
            return sale.voucher > opened.after_voucher
        case (_, closed) if sale.voucher <= closed.after_voucher:
            return False
        case _:
            return sale.time.date() == now.date()


def _asks_again(entry: JournalEntry, amount: Fen | None) -> bool:
    """The classic accident, in the other direction: the same amount of the same sale, asked for and not refused."""
    return any(request.event.amount == amount and not request.is_refused for request in entry.requests)


def _asked_already(entry: JournalEntry) -> Declined:
    return Declined(
        Reason.ASKED_ALREADY, voucher=entry.sale.voucher, asked=entry.requested, left=left_to_ask(entry)
    )


def _asked(
    journal: Journal, entry: JournalEntry, kind: EventKind, now: datetime, amount: Fen, asker: Asker
) -> Request:
    voucher = entry.sale.voucher
    event = Event(kind, now, amount=amount, operator=asker.operator, supervisor=asker.supervisor)
    journal.record(voucher, event)
    written = journal.entry(voucher)
    assert written is not None
    return written.requests[-1]
