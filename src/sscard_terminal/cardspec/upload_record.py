"""What a terminal tells the centre, and what the centre answers, as JSON with one form only: parse and build.

It stands here because both speak it and never import each other. Not here: what is sent when (terminal/upload.py), how
it travels, and what the centre does with it. A batch, with one record in it, and the answer to it:

    {"behind":"370900000001-1","journal":"370900000001","records":[{"account":1234,…,"what":"confirmed"}],"version":1}
    {"held":"370900000001-2","news":[{"outcome":"credited","reason":"","request":"370900000001-1"}],"version":1}

ASCII, keys sorted, no blanks, every key there, null where a fact is missing; bytes are hex in capitals, money is fen,
times are the terminal's local ones. A text that says the same in another form is refused: what is compared byte for
byte (a record sent twice) must have one form. A record is one event of one sale with all that was known of that sale by
then, so that sent again it is the same bytes; no name, no identity number (counter.md, "Privacy").

A record's key is its journal and its number there; a journal is called after the terminal number of its first sale (a
PSAM may be replaced later). What a centre does:

- It holds what lies durably with itself, not with a gateway on the way (counter.md, last paragraph).
- The same key with the same bytes is a repeat and changes nothing. The same key with other bytes is another fact (a
  journal restored from an old copy counts on from there): it is kept beside the first and shown to a person.
- A batch whose `behind` it does not hold leaves a hole: it takes nothing and says what it holds before the hole.

Source of all of it: our choice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.status import StatusWord

from .canonical_json import (
    fen,
    four_bytes,
    list_of,
    loaded,
    matching,
    members_of,
    moment,
    number,
    one_of,
    or_none,
    status,
    string,
    text_of,
)
from .money import Fen

VERSION = 1
"""Raised with every change of these messages; a reader refuses what it does not know."""
_KEY = re.compile(r"(\d{12})-([1-9]\d{0,17})", re.ASCII)


class What(StrEnum):
    """What happened to a sale. Source: the terminal's journal (terminal/journal_events.py, EventKind)."""

    ANSWERED = "answered"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    NOT_SENT = "not-sent"
    LOST = "lost"
    UNPROVED = "unproved"
    STILL_OPEN = "still-open"
    SETTLED_CHARGED = "settled-charged"
    SETTLED_NOT_CHARGED = "settled-not-charged"
    VOID_REQUESTED = "void-requested"
    REFUND_REQUESTED = "refund-requested"
    REQUEST_CREDITED = "request-credited"
    REQUEST_REFUSED = "request-refused"


class State(StrEnum):
    """待核实, 已扣款, 未扣款: where the sale stood once it had happened."""

    OPEN = "open"
    CHARGED = "charged"
    NOT_CHARGED = "not-charged"


class Kind(StrEnum):
    """What the debit does to the card. Source: card.md §4.4, §4.8."""

    PURCHASE = "purchase"
    RECORD_KEEPING = "record-keeping"


class Outcome(StrEnum):
    """What became of a request (void or refund)."""

    CREDITED = "credited"
    REFUSED = "refused"


def key_of(journal: str, event: int) -> str:
    """By which the centre knows a record, and the request in it, for ever: "370900000001-17"."""
    return f"{journal}-{event}"


def event_of(key: str) -> tuple[str, int]:
    """The journal's name and the number in it.

    Raises:
        FormatError: this is no key.
    """
    match = _KEY.fullmatch(key)
    if match is None:
        raise FormatError("a key is a journal's name of 12 digits, a dash and a number from 1")
    return match[1], int(match[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRecord:
    """One event of a sale, and the sale as it was known then.

    The event: `event` its number in the `journal`, `what`, `at`, `sw`, `detail` (a code); with a request `amount`,
    `operator` and `supervisor`; with the echo of the centre's answer to one `answers`, that event's number.
    The sale: `identification` the card identification code, 32 hex digits; `counter` n before the debit; `sequence`,
    `mac1` and, where the card gave them by then, `mac2` and `tac`, 4 bytes each; amounts and `balance_before` in fen.
    TAC is over account, self-paid, pooled, type 32, terminal, sequence and time (card.md §4.4 step 9).
    """

    journal: str
    event: int
    at: datetime
    what: What
    sw: StatusWord | None
    detail: str
    amount: Fen | None
    operator: str
    supervisor: str
    answers: int | None
    voucher: int
    state: State
    kind: Kind
    identification: str
    card_number: str
    account: Fen
    self_paid: Fen
    pooled: Fen
    balance_before: Fen
    counter: int
    key_index: int
    terminal: str
    sequence: bytes
    time: datetime
    mac1: bytes
    mac2: bytes | None
    tac: bytes | None

    @property
    def key(self) -> str:
        return key_of(self.journal, self.event)

    def build(self) -> str:
        """One line of ASCII, without its end."""
        return text_of(self._document())

    @classmethod
    def parse(cls, text: str) -> UploadRecord:
        """The same line read.

        Raises:
            FormatError: it is no record of this version, or not in its one form.
        """
        return _in_one_form(text, cls._of(loaded(text)))

    def _document(self) -> dict[str, object]:
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        word = None if self.sw is None else str(self.sw)  # a StatusWord is an int, and text to people
        return {**values, "version": VERSION, "sw": word}

    @classmethod
    def _of(cls, document: object) -> UploadRecord:
        given = members_of(document, {"version", *_READERS})
        _require_version(given)
        values: dict[str, Any] = {name: read(given[name]) for name, read in _READERS.items()}
        return cls(**values)


@dataclass(frozen=True, slots=True)
class UploadBatch:
    """Records in the order of the journal, perhaps none (a question whether there is news).

    `behind`: the key of the record before them, which the centre ought to hold; None at the journal's beginning.
    """

    journal: str
    behind: str | None = None
    records: tuple[UploadRecord, ...] = ()

    def build(self) -> str:
        """One line of ASCII, without its end."""
        records = [record._document() for record in self.records]
        head = {"version": VERSION, "journal": self.journal, "behind": self.behind}
        return text_of({**head, "records": records})

    @classmethod
    def parse(cls, text: str) -> UploadBatch:
        """The same line read.

        Raises:
            FormatError: it is no batch of this version, or not in its one form.
        """
        given = members_of(loaded(text), {"version", "journal", "behind", "records"})
        _require_version(given)
        records = tuple(map(UploadRecord._of, list_of(given["records"])))
        return _in_one_form(text, cls(_terminal(given["journal"]), or_none(_key)(given["behind"]), records))


@dataclass(frozen=True, slots=True)
class News:
    """What became of the `request` with that key; `reason` a code, with REFUSED."""

    request: str
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class UploadAnswer:
    """`held`: the key of the batch's last record that the centre holds with all before it: `behind` where it took nothing,
    and what stands before the hole (None: nothing at all) where it does not hold `behind`.

    `news` is said again with every answer until its echo (REQUEST_CREDITED, REQUEST_REFUSED) has come up.
    """

    held: str | None
    news: tuple[News, ...] = ()

    def build(self) -> str:
        """One line of ASCII, without its end."""
        news = [
            {"request": item.request, "outcome": item.outcome, "reason": item.reason} for item in self.news
        ]
        return text_of({"version": VERSION, "held": self.held, "news": news})

    @classmethod
    def parse(cls, text: str) -> UploadAnswer:
        """The same line read.

        Raises:
            FormatError: it is no answer of this version, or not in its one form.
        """
        given = members_of(loaded(text), {"version", "held", "news"})
        _require_version(given)
        held = or_none(_key)(given["held"])
        return _in_one_form(text, cls(held, tuple(map(_news, list_of(given["news"])))))


# Reading ------------------------------------------------------------------------------------------------

_Message = TypeVar("_Message", UploadRecord, UploadBatch, UploadAnswer)


def _in_one_form(text: str, message: _Message) -> _Message:
    if message.build() != text:
        raise FormatError("this message is not in its one form")
    return message


def _require_version(given: Mapping[str, object]) -> None:
    if given["version"] != VERSION:
        raise FormatError(f"this message is not of version {VERSION}")


def _key(value: object) -> str:
    key = string(value)
    event_of(key)
    return key


def _news(document: object) -> News:
    given = members_of(document, {"request", "outcome", "reason"})
    return News(_key(given["request"]), one_of(Outcome)(given["outcome"]), _code(given["reason"]))


_code = matching(r"[a-z0-9-]{0,40}")
_place = number(1, 2**63 - 1)
_terminal = matching(r"\d{12}")
_READERS: dict[str, Callable[[object], object]] = {
    "journal": _terminal,
    "event": _place,
    "at": moment,
    "what": one_of(What),
    "sw": or_none(status),
    "detail": string,
    "amount": or_none(fen),
    "operator": string,
    "supervisor": string,
    "answers": or_none(_place),
    "voucher": _place,
    "state": one_of(State),
    "kind": one_of(Kind),
    "identification": matching(r"[0-9A-F]{32}"),
    "card_number": string,
    "account": fen,
    "self_paid": fen,
    "pooled": fen,
    "balance_before": fen,
    "counter": number(0, 0xFFFF),
    "key_index": number(0, 0xFF),
    "terminal": _terminal,
    "sequence": four_bytes,
    "time": moment,
    "mac1": four_bytes,
    "mac2": or_none(four_bytes),
    "tac": or_none(four_bytes),
}
"""What reads each field of a record; the names are those of `UploadRecord`."""
