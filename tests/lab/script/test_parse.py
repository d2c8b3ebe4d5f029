"""The language read: every statement, the short way and the grammar alike, and errors that point at file, line and column."""

import re
from pathlib import Path

import pytest

from sscard_terminal.card.control.verbs import CutAnswer, Eject, Mute, Swap, Tear
from sscard_terminal.lab.script.building import Builder, body_of
from sscard_terminal.lab.script.parse import load, parse
from sscard_terminal.lab.script.syntax import (
    Answer,
    Break,
    Capture,
    Command,
    Complete,
    Fault,
    Let,
    Nibbles,
    Octets,
    On,
    Position,
    Repeat,
    Reset,
    Rest,
    ScriptError,
    Section,
    Set,
    Statement,
    TearBlock,
    Text,
    UseCard,
    UsePsam,
    UseReader,
    Variable,
    WordMask,
)

SPECIFICATION = """\
#! sscard 1
use card gen2-32k person zhang-san as card          # or: use reader "NAME" as card
use psam national as psam
complete on                                          # GET RESPONSE and 6C for the commands where it is safe
section "PIN lock" requirement "card.md 3"
reset cold
00 A4 04 00 0F 73 78 31 2E 73 68 2E C9 E7 BB E1 B1 A3 D5 CF    -> [6F xx*] 9000
repeat 2 { 00 20 00 00 03 99 99 99    -> 63Cx }
00 20 00 00 03 99 99 99               -> 63C0
section "debit" requirement "card.md 4.4"
fresh card                                           # a new one of the same kind
B0 28 01 01 13 01 $ACCOUNT $SELF $POOLED $TERMINAL
    -> [{cia:4} {spip:4} {spfp:4} {year:2} {n:2} {kv:1} {alg:1} {rnd:4}] 9000
let mac1 = psam.mac1($rnd, $n, $ACCOUNT, $SELF, $POOLED, $TIME)
B0 2C 01 00 0F $mac1.sequence $TIME $mac1.value    -> [{tac:4} {mac2:4}] 9000
tear after-write 3 { 00 84 00 00 08 }                           # virtual cards only
"""
"""The example of scripts.md §8."""


def statements(text: str) -> tuple[Statement, ...]:
    return parse(text, "f").statements


def only(text: str) -> Statement:
    (statement,) = statements(text)
    return statement


def error(text: str) -> ScriptError:
    with pytest.raises(ScriptError) as caught:
        parse(text, "f")
    return caught.value


def test_the_example_of_the_specification_is_read() -> None:
    found = statements(SPECIFICATION)

    assert found[0] == UseCard(Position("f", 2, 1), "gen2-32k", "zhang-san")
    assert found[1] == UsePsam(Position("f", 3, 1), "national", "psam")
    assert found[2] == Complete(Position("f", 4, 1), True)
    assert found[3] == Section(Position("f", 5, 1), "PIN lock", "card.md 3")
    assert found[4] == Reset(Position("f", 6, 1), cold=True)
    assert isinstance(found[6], Repeat) and found[6].count == 2
    debit = found[10]
    assert isinstance(debit, Command) and debit.at == Position("f", 12, 1)
    assert isinstance(debit.expectation, Answer) and debit.expectation.data is not None
    assert [part.name for part in debit.expectation.data if isinstance(part, Capture)] == (
        ["cia", "spip", "spfp", "year", "n", "kv", "alg", "rnd"]
    )
    assert isinstance(found[-1], TearBlock) and found[-1].writes == 3


def test_bytes_are_what_is_written_with_or_without_blanks() -> None:
    expected = (Octets(bytes.fromhex("00A40000023F00")),)

    for text in (
        "00A40000023F00",
        "00 A4 00 00 02 3F 00",
        "00a4 0000 02\t3f00",
        "  00 A4 00 00 02 3F 00 # x",
    ):
        command = only(text)
        assert isinstance(command, Command)
        assert command.parts == expected


def test_variables_stand_between_bytes_with_their_parts() -> None:
    command = only("B0 2C 01 00 0F $mac1.sequence 20$TIME")

    assert isinstance(command, Command)
    assert command.parts == (
        Octets(bytes.fromhex("B02C01000F")),
        Variable("mac1", "sequence"),
        Octets(b"\x20"),
        Variable("TIME"),
    )


def test_a_mask_is_by_the_half_byte_and_words_are_a_list() -> None:
    command = only("00 B0 95 00 00 -> [6F x1 2x xx {name:4} xx*] 9000|61xx|63Cx")

    assert isinstance(command, Command)
    assert command.expectation == Answer(
        (WordMask(0x9000), WordMask(0x6100, 0xFF00), WordMask(0x63C0, 0xFFF0)),
        (
            Nibbles(bytes.fromhex("6F012000"), bytes.fromhex("FF0FF000")),
            Capture("name", 4),
            Rest(),
        ),
    )


def test_an_expectation_may_stand_on_the_next_line_behind_comments() -> None:
    command = only("00 84 00 00 08\n  # eight bytes\n\n      -> [{rnd:8}] 9000\n")

    assert isinstance(command, Command)
    assert command.expectation == Answer((WordMask(0x9000),), (Capture("rnd", 8),))


def test_a_backslash_continues_a_line() -> None:
    command = only("00 A4 04 00 \\\n   02 3F 00 -> 9000")

    assert isinstance(command, Command)
    assert b"".join(part.value for part in command.parts if isinstance(part, Octets)) == bytes.fromhex(
        "00A40400023F00"
    )


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        ("eject", Fault(Position("f", 1, 1), Eject())),
        ("mute for 1.5 s", Fault(Position("f", 1, 1), Mute(1500))),
        ("cut answer after 3 bytes", Fault(Position("f", 1, 1), CutAnswer(3))),
        ('swap "my card.img"', Fault(Position("f", 1, 1), Swap("my card.img"))),
        ("tear after-write 2", Fault(Position("f", 1, 1), Tear(2))),
        ("psam: eject", Fault(Position("f", 1, 1), Eject(), "psam")),
        ('use reader "ACS 0" as card', UseReader(Position("f", 1, 1), "ACS 0")),
        ("set A = 00 01 $B", Set(Position("f", 1, 1), "A", (Octets(b"\x00\x01"), Variable("B")))),
        (
            'let x = bcd("12", $y 00)',
            Let(Position("f", 1, 1), "x", "bcd", (Text("12"), (Variable("y"), Octets(b"\x00")))),
        ),
        ("00 84 -> link card-removed", Command(Position("f", 1, 1), (Octets(b"\x00\x84"),), Break("card-removed"))),
        (
            'section "a" requirement "b" only gen3 gen2-32k',
            Section(Position("f", 1, 1), "a", "b", ("gen3", "gen2-32k")),
        ),
    ],
)  # fmt: skip
def test_each_statement_is_what_it_says(text: str, statement: Statement) -> None:
    assert only(text) == statement


def test_blocks_hold_blocks_and_lines_or_semicolons_part_statements() -> None:
    block = only("on psam {\n  repeat 3 as n { 00 B2 $n 04 00 -> 9000 ; 00 84 00 00 08 }\n}\n")

    assert isinstance(block, On) and block.name == "psam"
    (repeat,) = block.body
    assert isinstance(repeat, Repeat) and repeat.name == "n" and len(repeat.body) == 2
    assert repeat.body[1].at == Position("f", 2, 44)


PLAIN = """\
00 84 00 00 08
00A40000023F00 -> 9000
psam: 00 A4 00 00 02 3F 00 -> [6F xx*] 61xx | 9000   # comment
  $A 00 $b.c 11 -> [{x:2} $A {y:*}] 63Cx
B0 26 00 01 04 -> [] 9000
00 20 00 00 -> xxxx#
"""


def test_the_short_way_and_the_grammar_read_the_same() -> None:
    lines = PLAIN.split("\n")

    by_grammar = tuple(body_of(Builder("f", lines, 0), PLAIN))

    assert statements(PLAIN) == by_grammar
    assert [statement.at for statement in by_grammar] == [
        Position("f", number, 3 if number == 4 else 1) for number in range(1, 7)
    ]


@pytest.mark.parametrize(
    ("text", "place", "sentence"),
    [
        ("00 A4 xx 00", (1, 7), "a command cannot have x in it"),
        ("00 20 00 00 03 9x 99 99 -> 9000", (1, 16), "a command cannot have x in it"),
        ("\n\n  repeat { 00 84 }", (3, 10), "repeat needs a number of turns"),
        ("repeat forever { 00 84 }", (1, 8), "repeat needs a number of turns"),
        ("repeat 0 { 00 84 }", (1, 8), "from 1 to 1000000"),
        ("repeat 256 as n { 00 84 }", (1, 8), "from 1 to 255"),
        ("00 A4 0", (1, 7), "odd number of hexadecimal digits"),
        ("use crad gen3", (1, 5), 'expected "card" or "image"'),
        ("00 84 ->", (1, 9), "expected a mask such as [6F xx*]"),
        ("00 84 -> 90000", (1, 10), "a status word"),
        ("00 84 -> [6F zz] 9000", (1, 14), "expected pairs of hexadecimal digits or x"),
        ("00 84 -> [xx* 00] 9000", (1, 15), "nothing can come after xx*"),
        ("00 84 -> [{a:0}] 9000", (1, 11), "a capture has 1 to 65536 bytes"),
        ("00 84 -> link lost", (1, 15), "unknown reason for a broken link"),
        ("mute for x s", (1, 10), "expected seconds above 0"),
        ('echo "abc', (1, 6), "is not closed"),
        ("repeat 2 {\n00 84\n", (2, 6), 'expected "}"'),
        ("}", (1, 1), "expected a statement"),
        ('repeat 2 { section "a" }', (1, 12), "a section cannot begin inside a block"),
        ("#! sscard 2", (1, 11), "version 2"),
        ("{" * 40, (1, 1), "more than 16 blocks"),
        ("tear after-write $n", (1, 18), "needs a block"),
        ("wait 4000 s", (1, 6), "0 to 3600 s"),
        ("let x = 5", (1, 9), "expected a function"),
        ("00 84\n00 84 9", (2, 7), "odd number"),
    ],
)
def test_what_is_wrong_is_named_with_line_and_column(
    text: str, place: tuple[int, int], sentence: str
) -> None:
    found = error(text)

    assert (found.at.file, found.at.line, found.at.column) == ("f", *place)
    assert sentence in str(found)
    assert found.shown == text.split("\n")[place[0] - 1]


def test_the_line_is_shown_with_a_caret_under_the_column_also_behind_wide_characters() -> None:
    line, caret = error('echo "张三" 00').pointed()

    assert line == 'echo "张三" 00'
    assert caret == " " * len('echo "....') + "  " + "^"


def test_every_error_has_a_sentence_in_chinese() -> None:
    assert "掩码" in error("00 A4 xx").sentence("zh")


def test_a_file_that_is_no_utf_8_is_named_with_the_byte(tmp_path: Path) -> None:
    file = tmp_path / "a.sscard"
    file.write_bytes(b"00 84\n00 \xff")

    with pytest.raises(ScriptError, match=re.escape(f"{file}:2:4: this byte is no UTF-8")):
        load(file)


def test_a_file_included_stands_in_place_and_its_errors_are_its_own(tmp_path: Path) -> None:
    (tmp_path / "main.sscard").write_text('include "parts/one.sscard"\n00 84 00 00 08\n')
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts/one.sscard").write_text('include "two.sscard"\n')
    (tmp_path / "parts/two.sscard").write_text("00 A4 xx\n")

    with pytest.raises(ScriptError) as caught:
        load(tmp_path / "main.sscard")

    assert Path(caught.value.at.file).name == "two.sscard"
    assert (caught.value.at.line, caught.value.at.column) == (1, 7)


def test_a_loop_of_includes_is_named_with_its_way(tmp_path: Path) -> None:
    (tmp_path / "a.sscard").write_text('00 84\ninclude "b.sscard"\n')
    (tmp_path / "b.sscard").write_text('  include "a.sscard"\n')

    with pytest.raises(ScriptError) as caught:
        load(tmp_path / "a.sscard")

    assert Path(caught.value.at.file).name == "b.sscard"
    assert "this file includes itself: a.sscard → b.sscard → a.sscard" in str(caught.value)
    assert caught.value.shown == '  include "a.sscard"'


def test_a_file_that_is_not_there_is_named_where_it_is_included(tmp_path: Path) -> None:
    (tmp_path / "a.sscard").write_text('include "b.sscard"\n')

    with pytest.raises(ScriptError, match=r"a\.sscard:1:1: the file b\.sscard cannot be read"):
        load(tmp_path / "a.sscard")


def test_windows_line_ends_and_a_byte_order_mark_change_nothing() -> None:
    assert [type(found) for found in statements("\ufeff00 84 00 00 08 -> 9000\r\nreset cold\r\n")] == [
        Command,
        Reset,
    ]
