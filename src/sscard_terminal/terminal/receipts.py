"""The slip as plain text, made from the journal and from nothing else.

Not here: printers, and what a screen shows.
Source: counter.md screen rules 8, 9, 13, "Privacy"; terminal.md "Parts a terminal has" (slip printer: card number, AID,
date and time, place for signature).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from unicodedata import combining, east_asian_width

from sscard_terminal.cardspec.money import yuan_of_fen
from sscard_terminal.cardspec.records import masked_number
from sscard_terminal.iso7816.status import Language

from .client import MEDICAL_ACCOUNT
from .journal_events import JournalEntry, SaleState

WIDTH = 32
"""Columns of a 58 mm printer; a Chinese character takes two."""

VOUCHER_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a slip in one language."""

    title: str
    reprint: str
    training: str
    place: str
    terminal: str
    operator: str
    voucher: str
    card: str
    time: str
    account: str
    self_paid: str
    pooled: str
    total: str
    balance: str
    sequence: str
    states: dict[SaleState, str]
    advice: dict[SaleState, str]
    signature: str


WORDS: dict[Language, Words] = {
    "zh": Words(
        title="社会保障卡医疗消费凭单",
        reprint="重印",
        training="培训",
        place="定点机构",
        terminal="终端编号",
        operator="操作员",
        voucher="凭证号",
        card="卡号",
        time="交易时间",
        account="个人账户支付",
        self_paid="个人自付",
        pooled="统筹支付",
        total="合计",
        balance="账户余额",
        sequence="终端交易序号",
        states={SaleState.CHARGED: "已扣款", SaleState.OPEN: "待核实", SaleState.NOT_CHARGED: "未扣款"},
        advice={SaleState.OPEN: "请持本凭单和原卡到本机构核实，核实前请勿重复支付。"},
        signature="持卡人签名",
    ),
    "en": Words(
        title="Social security card: purchase",
        reprint="REPRINT",
        training="TRAINING",
        place="Place",
        terminal="Terminal",
        operator="Operator",
        voucher="Voucher",
        card="Card number",
        time="Time",
        account="From the account",
        self_paid="Self-paid",
        pooled="Pooled fund",
        total="Total",
        balance="Balance",
        sequence="Sequence",
        states={
            SaleState.CHARGED: "CHARGED",
            SaleState.OPEN: "TO BE VERIFIED",
            SaleState.NOT_CHARGED: "NOT CHARGED",
        },
        advice={SaleState.OPEN: "Bring this slip and the same card back here. Do not pay twice before that."},
        signature="Signature",
    ),
}


def slip(
    entry: JournalEntry, language: Language = "zh", *, reprint: bool = False, training: bool = False
) -> str:
    """The slip of one sale, lines of at most WIDTH columns, each ended by a newline.

    An open sale gets a slip marked 待核实, one that was not charged 未扣款; `reprint` adds 重印, `training` 培训. Balance
    and TAC stand on the slip of a charged sale only: until then they may not be so.
    """
    return "".join(line + "\n" for line in _lines(entry, WORDS[language], reprint, training))


def _lines(entry: JournalEntry, words: Words, reprint: bool, training: bool) -> Iterator[str]:
    state = entry.state
    yield centred(words.title)
    if training:
        yield centred(f"*** {words.training} ***")
    if reprint:
        yield centred(f"*** {words.reprint} ***")
    yield centred(f"*** {words.states[state]} ***")
    yield "-" * WIDTH
    for label, value in _facts(entry, words):
        yield from in_two_columns(label, value)
    yield "-" * WIDTH
    for label, value in _amounts(entry, words):
        yield from in_two_columns(label, value)
    yield "-" * WIDTH
    yield from wrapped(words.advice.get(state, ""))
    if state is not SaleState.NOT_CHARGED:
        label = f"{words.signature}: "
        yield from ("", label + "_" * (WIDTH - columns(label)), "")


def _facts(entry: JournalEntry, words: Words) -> Iterator[tuple[str, str]]:
    sale = entry.sale
    if sale.place:
        yield words.place, " ".join(sale.place.split())
    yield words.terminal, sale.terminal
    if sale.operator:
        yield words.operator, " ".join(sale.operator.split())
    yield words.voucher, f"{sale.voucher:0{VOUCHER_DIGITS}d}"
    yield words.card, masked_number(sale.card_number)
    yield "AID", str(MEDICAL_ACCOUNT)
    yield words.time, f"{sale.time:%Y-%m-%d %H:%M:%S}"
    yield words.sequence, sale.sequence.hex().upper()
    if entry.state is SaleState.CHARGED and entry.tac is not None:
        yield "TAC", entry.tac.hex().upper()


def _amounts(entry: JournalEntry, words: Words) -> Iterator[tuple[str, str]]:
    amounts = entry.sale.amounts
    yield words.account, yuan_of_fen(amounts.account)
    yield words.self_paid, yuan_of_fen(amounts.self_paid)
    yield words.pooled, yuan_of_fen(amounts.pooled)
    yield words.total, yuan_of_fen(amounts.account + amounts.self_paid + amounts.pooled)
    if entry.state is SaleState.CHARGED:
        yield words.balance, yuan_of_fen(entry.sale.balance_after)


def columns(text: str) -> int:
    """How many columns a printer needs: two for a full-width character, none for a combining mark."""
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def centred(text: str) -> str:
    return " " * ((WIDTH - columns(text)) // 2) + text


def in_two_columns(label: str, value: str) -> Iterator[str]:
    """Label left, value right; a value too long for the line stands below it, at the right margin."""
    gap = WIDTH - columns(label) - columns(value)
    if gap >= 1:
        yield label + " " * gap + value
        return
    yield label
    for line in wrapped(value):
        yield " " * (WIDTH - columns(line)) + line


def wrapped(text: str) -> Iterator[str]:
    """Lines of at most WIDTH columns, broken at a blank where there is one, else between two characters."""
    line = ""
    for word in _words(text):
        if line and columns(line) + columns(word) > WIDTH:
            yield line.rstrip()
            line = ""
        line += word if line else word.lstrip()
    if line.strip():
        yield line.rstrip()


def _words(text: str) -> Iterator[str]:
    """Pieces that stay whole: a Chinese character, or a run of others of at most WIDTH with the blank before it."""
    word = ""
    for char in text:
        if columns(char) == 2 or char == " " or len(word) >= WIDTH:
            if word:
                yield word
            word = ""
        if columns(char) == 2:
            yield char
        else:
            word += char
    if word:
        yield word
