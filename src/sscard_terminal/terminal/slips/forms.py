"""What stands on which slip of a sale: one table of forms, filled in from the journal and from nothing else.

A kind of sale, or of request about one, is one entry in a table below. Not here: the day's slip (day_form.py), the
words (words.py), and how wide the paper is (layout.py).
Source: counter.md screen rules 8, 9, 13, "Privacy"; terminal.md "Parts a terminal has" (slip printer: card number, AID,
date and time, place for signature).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from sscard_terminal.cardspec.money import yuan_of_fen
from sscard_terminal.cardspec.records import masked_number
from sscard_terminal.iso7816.status import Language

from ..client import MEDICAL_ACCOUNT
from ..journal_events import EventKind, JournalEntry, Request, SaleState
from ..outcomes import SaleKind
from .contents import Mark, Note, Piece, Row, Rule, Signature, Slip, Title
from .words import WORDS

VOUCHER_DIGITS = 6

Subject = TypeVar("Subject")
Fact = Callable[[Subject], str]
"""What the journal says of a subject; "" leaves the row out."""
Rows = tuple[tuple[str, Fact[Subject]], ...]
"""The key of a label, and the fact beside it."""


@dataclass(frozen=True, slots=True)
class Form(Generic[Subject]):
    """One kind of slip. `title` and the labels are keys of words.WORDS, and so is what `state` and `advice` answer.

    `advice` may answer ""; `is_signed` says whether somebody has to sign.
    """

    title: str
    state: Fact[Subject]
    facts: Rows[Subject]
    amounts: Rows[Subject]
    advice: Fact[Subject]
    is_signed: Callable[[Subject], bool]


def filled_in(
    form: Form[Subject],
    subject: Subject,
    language: Language,
    *,
    reprint: bool = False,
    training: bool = False,
) -> Slip:
    """The slip of one subject of the journal; `reprint` adds 重印, `training` 培训."""
    return tuple(_pieces(form, subject, WORDS[language], reprint, training))


def _pieces(
    form: Form[Subject], subject: Subject, words: dict[str, str], reprint: bool, training: bool
) -> Iterator[Piece]:
    yield Title(words[form.title])
    yield from marks(words, reprint, training)
    yield Mark(words[form.state(subject)])
    for rows in (form.facts, form.amounts):
        yield Rule()
        for label, fact in rows:
            if value := fact(subject):
                yield Row(words[label], value)
    yield Rule()
    if advice := form.advice(subject):
        yield Note(words[advice])
    if form.is_signed(subject):
        yield Signature(words["signature.holder"])


def marks(words: dict[str, str], reprint: bool, training: bool) -> Iterator[Piece]:
    """培训 first, for a training slip is worth nothing."""
    if training:
        yield Mark(words["mark.training"])
    if reprint:
        yield Mark(words["mark.reprint"])


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def slip_of_sale(
    entry: JournalEntry, language: Language, *, reprint: bool = False, training: bool = False
) -> Slip:
    """The slip of a sale as it stands now: 已扣款, 待核实 or 未扣款.

    Balance and TAC stand on the slip of a charged sale only: until then they may not be so.
    """
    return filled_in(SALES[entry.sale.kind], entry, language, reprint=reprint, training=training)


def _if_charged(fact: Fact[JournalEntry]) -> Fact[JournalEntry]:
    return lambda entry: fact(entry) if entry.state is SaleState.CHARGED else ""


def _is_not_refused(entry: JournalEntry) -> bool:
    return entry.state is not SaleState.NOT_CHARGED


def _state(family: str) -> Fact[JournalEntry]:
    return lambda entry: f"{family}.{entry.state}"


def _advice(entry: JournalEntry) -> str:
    return "advice.open" if entry.state is SaleState.OPEN else ""


_OF_THE_PLACE: Rows[JournalEntry] = (
    ("place", lambda entry: entry.sale.place),
    ("terminal", lambda entry: entry.sale.terminal),
)
_OF_THE_SALE: Rows[JournalEntry] = (
    *_OF_THE_PLACE,
    ("operator", lambda entry: entry.sale.operator),
    ("voucher", lambda entry: f"{entry.sale.voucher:0{VOUCHER_DIGITS}d}"),
    ("card", lambda entry: masked_number(entry.sale.card_number)),
    ("aid", lambda entry: str(MEDICAL_ACCOUNT)),
    ("time", lambda entry: moment(entry.sale.time)),
    ("sequence", lambda entry: entry.sale.sequence.hex().upper()),
    ("tac", _if_charged(lambda entry: (entry.tac or b"").hex().upper())),
)


def _total(entry: JournalEntry) -> str:
    amounts = entry.sale.amounts
    return yuan_of_fen(amounts.account + amounts.self_paid + amounts.pooled)


SALES: dict[SaleKind, Form[JournalEntry]] = {
    SaleKind.PURCHASE: Form(
        title="title.purchase",
        state=_state("state"),
        facts=_OF_THE_SALE,
        amounts=(
            ("account", lambda entry: yuan_of_fen(entry.sale.amounts.account)),
            ("self-paid", lambda entry: yuan_of_fen(entry.sale.amounts.self_paid)),
            ("pooled", lambda entry: yuan_of_fen(entry.sale.amounts.pooled)),
            ("total", _total),
            ("balance", _if_charged(lambda entry: yuan_of_fen(entry.sale.balance_after))),
            ("given-back", lambda entry: yuan_of_fen(entry.requested) if entry.requested else ""),
        ),
        advice=_advice,
        is_signed=_is_not_refused,
    ),
    # The fields mean other things here: self-paid the total cost, pooled what account and pool paid (card.md §4.8).
    SaleKind.RECORD_KEEPING: Form(
        title="title.record-keeping",
        state=_state("recorded"),
        facts=_OF_THE_SALE,
        amounts=(
            ("cost", lambda entry: yuan_of_fen(entry.sale.amounts.self_paid)),
            ("paid-by-host", lambda entry: yuan_of_fen(entry.sale.amounts.pooled)),
        ),
        advice=_advice,
        is_signed=_is_not_refused,
    ),
}
"""The slips of sales, by what the debit does to the card."""


def newest_request(entry: JournalEntry) -> Request | None:
    """The void or refund asked for last, None where there was none."""
    return entry.requests[-1] if entry.requests else None


def slip_of_request(
    request: Request, language: Language, *, reprint: bool = False, training: bool = False
) -> Slip:
    """The slip of a void (撤销) or refund (退货): "refund on its way" until the centre has loaded it or refused."""
    return filled_in(
        FORMS_OF_REQUESTS[request.event.kind], request, language, reprint=reprint, training=training
    )


def _answer_to(request: Request) -> str:
    if request.answer is None:
        return "request.on-its-way"
    return "request.refused" if request.is_refused else "request.credited"


def _advice_about(request: Request) -> str:
    return "advice.on-its-way" if request.answer is None else ""


def _request_form(title: str) -> Form[Request]:
    return Form(
        title=title,
        state=_answer_to,
        facts=(
            ("place", lambda asked: asked.entry.sale.place),
            ("terminal", lambda asked: asked.entry.sale.terminal),
            ("operator", lambda asked: asked.event.operator),
            ("supervisor", lambda asked: asked.event.supervisor),
            ("voucher.before", lambda asked: f"{asked.entry.sale.voucher:0{VOUCHER_DIGITS}d}"),
            ("card", lambda asked: masked_number(asked.entry.sale.card_number)),
            ("aid", lambda asked: str(MEDICAL_ACCOUNT)),
            ("time.before", lambda asked: moment(asked.entry.sale.time)),
            ("time.asked", lambda asked: moment(asked.event.at)),
        ),
        amounts=(
            ("paid", lambda asked: yuan_of_fen(asked.entry.sale.amounts.account)),
            ("asked", lambda asked: yuan_of_fen(asked.event.amount or 0)),
            (
                "on-its-way",
                lambda asked: yuan_of_fen(asked.entry.on_its_way) if asked.entry.on_its_way else "",
            ),
        ),
        advice=_advice_about,
        is_signed=lambda asked: asked.answer is None,
    )


FORMS_OF_REQUESTS: dict[EventKind, Form[Request]] = {
    EventKind.VOID_REQUESTED: _request_form("title.void"),
    EventKind.REFUND_REQUESTED: _request_form("title.refund"),
}
"""The slips of requests; a shop cannot credit a chip (counter.md, "The flow people know")."""
