"""What the journal says about a sale: its events, and where it stands by them.

Not here: how they are kept (journal.py) and what a record means for the card (recovery).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.iso7816.status import StatusWord

from .outcomes import Sale


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
    VOID_REQUESTED = "void-requested"
    """撤销: the centre is asked to load `amount` back; the sale stays charged."""
    REFUND_REQUESTED = "refund-requested"
    """退货: likewise, after the day, perhaps of a part."""
    REQUEST_CREDITED = "request-credited"
    """The centre's LOAD has brought `amount` back onto the card: the request it `answers` is done."""
    REQUEST_REFUSED = "request-refused"
    """The centre will not give `amount` back: the request it `answers` is at an end."""


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


REQUESTS = (EventKind.VOID_REQUESTED, EventKind.REFUND_REQUESTED)
"""What a shop can do about a sale: ask. Source: counter.md, "The flow people know"."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a sale. `detail` is a key (a reason), never free text of a person.

    `amount`, `operator` and `supervisor` (numbers) stand with void and refund; `answers` with what the centre said to
    one: that event's number. `number` is the event's own place in the journal, from 1; 0 before it stands there.
    """

    kind: EventKind
    at: datetime
    tac: bytes | None = None
    mac2: bytes | None = None
    sw: StatusWord | None = None
    detail: str = ""
    amount: Fen | None = None
    operator: str = ""
    supervisor: str = ""
    answers: int | None = None
    number: int = field(default=0, compare=False)


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

    @property
    def requests(self) -> tuple[Request, ...]:
        """The voids and refunds asked for, oldest first."""
        return tuple(Request(self, event) for event in self.events if event.kind in REQUESTS)

    @property
    def requested(self) -> Fen:
        """How much of the account's part the centre was asked to give back and has not refused."""
        return Fen(self._sum(*REQUESTS) - self._sum(EventKind.REQUEST_REFUSED))

    @property
    def on_its_way(self) -> Fen:
        """How much of that the card has not been credited with yet."""
        return Fen(self.requested - self._sum(EventKind.REQUEST_CREDITED))

    def _sum(self, *kinds: EventKind) -> int:
        return sum(event.amount or 0 for event in self.events if event.kind in kinds)


@dataclass(frozen=True, slots=True)
class Request:
    """What the centre was asked about a sale: the sale, and the asking."""

    entry: JournalEntry
    event: Event

    @property
    def answer(self) -> Event | None:
        """What the centre said to it, None while it is on its way."""
        return next((event for event in self.entry.events if event.answers == self.event.number), None)

    @property
    def is_refused(self) -> bool:
        return self.answer is not None and self.answer.kind is EventKind.REQUEST_REFUSED
