"""Columns: two for a full-width character, none for a mark, and never more on a line than the paper has."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.iso7816.status import Language
from sscard_terminal.terminal.journal_events import JournalEntry
from sscard_terminal.terminal.slips.contents import Heading, Mark, Note, Row, Signature, Slip, Title
from sscard_terminal.terminal.slips.forms import slip_of_sale
from sscard_terminal.terminal.slips.layout import (
    COLUMNS,
    columns,
    in_two_columns,
    laid_out,
    printable,
    text_of,
    wrapped,
)
from tests.terminal.slips.samples import CHARGED, NOT_CHARGED, OPEN, SALE

MOST = Fen(0xFFFF_FFFF)
WIDTHS = list(COLUMNS.values())
AMOUNT = st.integers(0, MOST).map(Fen)
TEXT = st.text(st.characters() | st.sampled_from("泰安市大药房𠮷㐀，。 \u0301\U000e0100ｱ"), max_size=80)


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("", 0),
        ("abc", 3),
        ("泰安", 4),
        ("，", 2),
        ("Ａ", 2),
        ("e\u0301", 1),
        ("葛\U000e0100", 2),
        ("𠮷", 2),
        ("㐀", 2),
        ("·", 2),
        ("é", 2),
        ("ｱ", 1),
    ],
)
def test_a_character_takes_the_columns_a_chinese_printer_gives_it(text: str, width: int) -> None:
    assert columns(text) == width


def test_a_value_too_long_for_its_line_stands_below_its_label() -> None:
    lines = list(in_two_columns("Place", "The pharmacy at the corner of two streets", 32))

    assert lines == ["Place", "   The pharmacy at the corner of", "                     two streets"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a" * 10 + " bc", ["a" * 8, "aa bc"]),
        ("one two three", ["one two", "three"]),
        ("泰安市大，药房", ["泰安市", "大，药房"]),
        ("abcdef，gh", ["abcdef，", "gh"]),
        ("泰安市葛\U000e0100a", ["泰安市葛\U000e0100", "a"]),
        ("，，，，，", ["，，，，", "，"]),
        ("   ", []),
    ],
)
def test_lines_break_between_words_and_han_and_not_before_a_mark(text: str, lines: list[str]) -> None:
    assert list(wrapped(text, 8)) == lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\tc\x0bd", "a b c d"),
        ("a\x1b@b\x00c", "a@bc"),
        ("a\u202eb\u200dc\ufeff", "abc"),
        ("\ud800药", "〓药"),
    ],
)
def test_nothing_in_a_name_reaches_a_printer_as_a_command(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize("width", WIDTHS)
def test_the_largest_amounts_fit(width: int) -> None:
    sale = replace(SALE, amounts=PurchaseAmounts(MOST, MOST, MOST), balance_before=MOST)

    lines = text_of(slip_of_sale(JournalEntry(sale, CHARGED.events), "zh"), width).splitlines()

    assert max(map(columns, lines)) <= width
    assert any("128849018.85" in line for line in lines)


def fits(slip: Slip, width: int) -> bool:
    return max(columns(line.text) for line in laid_out(slip, width)) <= width


@settings(deadline=None)
@given(TEXT, TEXT, AMOUNT, AMOUNT, AMOUNT, st.sampled_from(WIDTHS), st.sampled_from(["zh", "en"]))
def test_whatever_place_operator_and_amounts_no_line_leaves_the_paper(
    place: str, operator: str, account: Fen, self_paid: Fen, pooled: Fen, width: int, language: Language
) -> None:
    amounts = PurchaseAmounts(account, self_paid, pooled)
    sale = replace(SALE, place=place, operator=operator, amounts=amounts, balance_before=MOST)

    for entry in (CHARGED, OPEN, NOT_CHARGED):
        slip = slip_of_sale(JournalEntry(sale, entry.events), language, reprint=True, training=True)
        assert fits(slip, width)
        assert all(max(map(columns, line.split("\n"))) <= width for line in text_of(slip, width).splitlines())


@settings(deadline=None)
@given(st.lists(st.one_of(*(st.builds(kind, TEXT) for kind in (Title, Mark, Heading, Note)))), TEXT, TEXT)
def test_whatever_the_words_are_no_line_leaves_the_paper(
    pieces: list[object], label: str, value: str
) -> None:
    slip = (*pieces, Row(label, value), Row(label, value, indented=True), Signature("持卡人签名"))

    assert all(fits(slip, width) for width in WIDTHS)  # type: ignore[arg-type]


@settings(deadline=None)
@given(TEXT, st.sampled_from(WIDTHS))
def test_wrapping_loses_nothing_but_blanks(text: str, width: int) -> None:
    shown = printable(text)

    assert "".join(wrapped(shown, width)).replace(" ", "") == shown.replace(" ", "")
