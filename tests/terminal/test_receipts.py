"""Slips: every fact on them comes from the journal, every line fits the paper."""

from datetime import datetime

import pytest

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.iso7816.status import Language
from sscard_terminal.terminal.journal_events import Event, EventKind, JournalEntry
from sscard_terminal.terminal.outcomes import Sale
from sscard_terminal.terminal.receipts import WIDTH, columns, in_two_columns, slip, wrapped
from tests.terminal.doubles import AMOUNTS, NOON

TAC = bytes.fromhex("CEA3FB75")
SALE = Sale(
    voucher=12,
    identification="370900D15600000500000001B6233D35",
    card_number="D2143569X",
    amounts=AMOUNTS,
    counter=0,
    key_index=1,
    balance_before=Fen(10_000),
    terminal="370900000001",
    sequence=bytes.fromhex("0000000A"),
    time=NOON,
    mac1=bytes.fromhex("409CAC6A"),
    place="泰安药店",
    operator="01",
)
ANSWERED, CONFIRMED = Event(EventKind.ANSWERED, NOON, TAC, bytes(4)), Event(EventKind.CONFIRMED, NOON)
CHARGED = JournalEntry(SALE, (ANSWERED, CONFIRMED))
OPEN = JournalEntry(SALE, (ANSWERED, Event(EventKind.UNPROVED, NOON)))
NOT_CHARGED = JournalEntry(SALE, (Event(EventKind.REFUSED, NOON),))

CHINESE = """\
     社会保障卡医疗消费凭单
         *** 已扣款 ***
--------------------------------
定点机构                泰安药店
终端编号            370900000001
操作员                        01
凭证号                    000012
卡号                   D214*569X
AID                 D15600000503
交易时间     2026-01-05 10:15:30
终端交易序号            0000000A
TAC                     CEA3FB75
--------------------------------
个人账户支付               12.34
个人自付                   20.00
统筹支付                   80.00
合计                      112.34
账户余额                   87.66
--------------------------------

持卡人签名: ____________________

"""

ENGLISH = """\
 Social security card: purchase
        *** CHARGED ***
--------------------------------
Place                   泰安药店
Terminal            370900000001
Operator                      01
Voucher                   000012
Card number            D214*569X
AID                 D15600000503
Time         2026-01-05 10:15:30
Sequence                0000000A
TAC                     CEA3FB75
--------------------------------
From the account           12.34
Self-paid                  20.00
Pooled fund                80.00
Total                     112.34
Balance                    87.66
--------------------------------

Signature: _____________________

"""


@pytest.mark.parametrize(("language", "expected"), [("zh", CHINESE), ("en", ENGLISH)])
def test_the_slip_of_a_charged_sale(language: Language, expected: str) -> None:
    assert slip(CHARGED, language) == expected


def test_a_slip_found_charged_by_recovery_is_as_good() -> None:
    settled = JournalEntry(SALE, (Event(EventKind.LOST, NOON), Event(EventKind.SETTLED_CHARGED, NOON, TAC)))

    assert slip(settled) == CHINESE


@pytest.mark.parametrize(
    ("language", "reprint", "training"), [("zh", "重印", "培训"), ("en", "REPRINT", "TRAINING")]
)
def test_a_reprint_and_a_training_slip_say_so(language: Language, reprint: str, training: str) -> None:
    assert reprint in slip(CHARGED, language, reprint=True)
    assert training in slip(CHARGED, language, training=True)
    assert reprint not in slip(CHARGED, language)
    assert training not in slip(CHARGED, language)


@pytest.mark.parametrize(
    ("language", "mark", "advice"),
    [("zh", "待核实", "请勿重复支付"), ("en", "TO BE VERIFIED", "Do not pay twice")],
)
def test_an_open_sale_is_marked_and_says_what_to_do(language: Language, mark: str, advice: str) -> None:
    text = slip(OPEN, language)

    assert mark in text
    assert advice in text.replace("\n", " ").replace("  ", " ") or advice in text.replace("\n", "")


def test_an_open_sale_shows_neither_balance_nor_tac() -> None:
    text = slip(OPEN)

    assert "账户余额" not in text
    assert "CEA3FB75" not in text


@pytest.mark.parametrize(
    ("language", "mark", "signature"), [("zh", "未扣款", "签名"), ("en", "NOT CHARGED", "Signature")]
)
def test_a_sale_not_charged_is_not_signed_for(language: Language, mark: str, signature: str) -> None:
    text = slip(NOT_CHARGED, language)

    assert mark in text
    assert signature not in text


def test_a_slip_holds_no_whole_card_number() -> None:
    assert "D2143569X" not in slip(CHARGED)


def with_names(place: str, operator: str) -> JournalEntry:
    sale = Sale(
        **{name: getattr(SALE, name) for name in Sale.__dataclass_fields__}
        | {"place": place, "operator": operator}
    )
    return JournalEntry(sale, (ANSWERED, CONFIRMED))


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("entry", [CHARGED, OPEN, NOT_CHARGED])
@pytest.mark.parametrize(
    ("place", "operator"),
    [
        ("泰安市岱岳区人民医院东院区门诊药房第二窗口", "张三丰"),
        ("A pharmacy with a rather long name in the High Street of Tai'an", "x" * 90),
        ("a\nb\tc\x0bd", ""),
        ("", ""),
        ("𠮷野药店", "e\u0301"),
    ],
)
def test_every_line_fits_the_paper(
    entry: JournalEntry, language: Language, place: str, operator: str
) -> None:
    named = JournalEntry(with_names(place, operator).sale, entry.events)

    lines = slip(named, language, reprint=True, training=True).split("\n")

    assert max(map(columns, lines)) <= WIDTH
    assert lines[-1] == ""


@pytest.mark.parametrize(
    ("text", "width"), [("", 0), ("abc", 3), ("泰安", 4), ("，", 2), ("e\u0301", 1), ("Ａ", 2)]
)
def test_a_chinese_character_takes_two_columns(text: str, width: int) -> None:
    assert columns(text) == width


def test_a_value_too_long_for_its_line_stands_below_its_label() -> None:
    lines = list(in_two_columns("Place", "The pharmacy at the corner of two streets"))

    assert lines == ["Place", "   The pharmacy at the corner of", "                     two streets"]


def test_words_are_kept_whole_where_they_fit() -> None:
    assert list(wrapped("a" * 40 + " bc")) == ["a" * 32, "a" * 8 + " bc"]


def test_the_largest_amounts_fit() -> None:
    most = Fen(0xFFFF_FFFF)
    sale = Sale(
        **{name: getattr(SALE, name) for name in Sale.__dataclass_fields__}
        | {
            "amounts": PurchaseAmounts(most, most, most),
            "balance_before": most,
            "time": datetime(9999, 12, 31),
        }
    )

    lines = slip(JournalEntry(sale, (ANSWERED, CONFIRMED))).splitlines()

    assert max(map(columns, lines)) <= WIDTH
    assert any("128849018.85" in line for line in lines)
