"""What a load is in the journal, what happened to it, and what it can end in.

Not here: how it is kept (load_journal.py) and made (load.py), and sentences for people (cli/messages).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.iso7816.status import StatusWord
from sscard_terminal.reader.connection import LinkReason


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadIntent:
    """What is known of a load before CREDIT leaves; `time` is the host's, in CREDIT and in the card's log.

    `identification` is the card identification code, 32 hex digits; `counter` the load counter before the load;
    `terminal` 12 digits; `mac1` and `mac2` 4 bytes each; `request` the id by which the host knows it. Source: card.md §4.3.
    """

    request: str
    identification: str
    card_number: str
    amount: Fen
    counter: int
    key_index: int
    balance_before: Fen
    terminal: str
    time: datetime
    mac1: bytes
    mac2: bytes
    operator: str = ""

    @property
    def balance_after(self) -> Fen:
        """What the card holds once the load has happened."""
        return Fen(self.balance_before + self.amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load(LoadIntent):
    """An intent that stands in the journal under its number, from a sequence of its own."""

    number: int


class LoadEventKind(StrEnum):
    """What happened to a load after its intent was written."""

    ANSWERED = "answered"
    """The card answered CREDIT (or gave its proof): `tac`."""
    CONFIRMED = "confirmed"
    """Nothing speaks against it: the host accepted the TAC, or could not be asked. Ends the load: credited."""
    REFUSED = "refused"
    """The card refused CREDIT, and has no proof of it. Ends the load: not credited."""
    NOT_SENT = "not-sent"
    """CREDIT never left the terminal. Ends the load: not credited."""
    LOST = "lost"
    """CREDIT's answer is lost."""
    UNPROVED = "unproved"
    """The card says it was credited and the host refuses its TAC."""
    STILL_OPEN = "still-open"
    """Recovery asked card and host and could not tell."""
    SETTLED_CREDITED = "settled-credited"
    """Recovery: it happened. Ends the load."""
    SETTLED_NOT_CREDITED = "settled-not-credited"
    """Recovery: it did not happen. Ends the load."""


class LoadState(StrEnum):
    """Where a load stands: 待核实, 已入账, 未入账."""

    OPEN = "open"
    CREDITED = "credited"
    NOT_CREDITED = "not-credited"


LOAD_ENDS: dict[LoadEventKind, LoadState] = {
    LoadEventKind.CONFIRMED: LoadState.CREDITED,
    LoadEventKind.SETTLED_CREDITED: LoadState.CREDITED,
    LoadEventKind.REFUSED: LoadState.NOT_CREDITED,
    LoadEventKind.NOT_SENT: LoadState.NOT_CREDITED,
    LoadEventKind.SETTLED_NOT_CREDITED: LoadState.NOT_CREDITED,
}
"""The events that end a load; the schema lets each load have one of them (journal_schema.py)."""


@dataclass(frozen=True, slots=True)
class LoadEvent:
    """One thing that happened to a load. `detail` is a key, never free text of a person."""

    kind: LoadEventKind
    at: datetime
    tac: bytes | None = None
    sw: StatusWord | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LoadEntry:
    """A load with everything that happened to it, oldest first."""

    load: Load
    events: tuple[LoadEvent, ...]

    @property
    def state(self) -> LoadState:
        return next(
            (LOAD_ENDS[event.kind] for event in self.events if event.kind in LOAD_ENDS), LoadState.OPEN
        )

    @property
    def tac(self) -> bytes | None:
        """The newest TAC the card gave for this load."""
        return next((event.tac for event in reversed(self.events) if event.tac), None)

    @property
    def unrefused_tac(self) -> bytes | None:
        """The same, unless the host has refused it: then it proves nothing the second time either."""
        return None if any(event.kind is LoadEventKind.UNPROVED for event in self.events) else self.tac


@dataclass(frozen=True, slots=True)
class Credited:
    """已入账: the card says so. `tac` 4 bytes; `reported`: the host has heard of it and accepted the TAC."""

    load: Load
    tac: bytes
    reported: bool


class LoadDoubt(StrEnum):
    """Why a load is not settled. The value is the key of its sentence in cli/messages."""

    ANSWER_LOST = "answer-lost"
    TAC_REFUSED = "tac-refused"
    JOURNAL_FAILED = "journal-failed"


@dataclass(frozen=True, slots=True)
class LoadUnsettled:
    """待核实: CREDIT was sent and what the card did is unknown, or known and not proved.

    `tac` where the card gave one; `sw` a status word that settles nothing; `link` the broken link. The card gets no
    other load until `load_recovery.settle_loads` has closed this one.
    """

    load: Load
    doubt: LoadDoubt
    link: LinkReason | None = None
    sw: StatusWord | None = None
    tac: bytes | None = None
