"""Masks compared with answers: which half bytes differ, what is captured, too short and too long."""

import pytest

from sscard_terminal.lab.script.masks import compared, parse_mask, parse_word, written_mask
from sscard_terminal.lab.script.syntax import Position, Variable

AT = Position("f", 1, 1)


def resolve(variable: Variable) -> bytes:
    return {"tac": bytes.fromhex("CEA3FB75")}[variable.name]


@pytest.mark.parametrize(
    ("mask", "answer", "differing"),
    [
        ("[]", "", ()),
        ("[6F 18]", "6F18", ()),
        ("[6F 18]", "6E18", (1,)),
        ("[6F 18]", "7F19", (0, 3)),
        ("[6x x8]", "6F18", ()),
        ("[6x x8]", "7F19", (0, 3)),
        ("[xx xx]", "FFFF", ()),
        ("[6F xx*]", "6F", ()),
        ("[6F xx*]", "6F0102", ()),
        ("[6F xx*]", "700102", (0, 1)),
        ("[$tac 00]", "CEA3FB7500", ()),
        ("[$tac 00]", "CEA3FA7500", (5,)),
        ("[00 {a:2} 11]", "00AABB11", ()),
        ("[00 {a:2} 11]", "00AABB12", (7,)),
    ],
)
def test_the_half_bytes_that_differ_are_told(mask: str, answer: str, differing: tuple[int, ...]) -> None:
    found = compared(parse_mask(mask, AT), bytes.fromhex(answer), resolve)

    assert found.differing == differing
    assert found.fits == (not differing)


@pytest.mark.parametrize(
    ("mask", "answer", "is_short", "is_long"),
    [
        ("[6F 18]", "6F", True, False),
        ("[6F 18]", "6F1800", False, True),
        ("[]", "00", False, True),
        ("[6F xx*]", "", True, False),
        ("[{a:4}]", "0011", True, False),
        ("[00 {a:*}]", "", True, False),
    ],
)
def test_an_answer_of_another_length_does_not_fit(
    mask: str, answer: str, is_short: bool, is_long: bool
) -> None:
    found = compared(parse_mask(mask, AT), bytes.fromhex(answer), resolve)

    assert (found.is_short, found.is_long, found.fits) == (is_short, is_long, False)


def test_captures_take_so_many_bytes_and_the_last_may_take_the_rest() -> None:
    found = compared(parse_mask("[{a:2} FF {b:*}]", AT), bytes.fromhex("0102FF030405"), resolve)

    assert found.captured == {"a": b"\x01\x02", "b": b"\x03\x04\x05"}


@pytest.mark.parametrize("text", ["9000", "63Cx", "61xx", "xxxx", "6x8x"])
def test_a_status_word_is_written_as_it_was_read(text: str) -> None:
    assert str(parse_word(text)) == text


def test_a_word_fits_where_only_the_digits_that_do_not_matter_differ() -> None:
    word = parse_word("63Cx")

    assert word.fits(0x63C0) and word.fits(0x63CF)
    assert not word.fits(0x63D0) and not word.fits(0x6983)


@pytest.mark.parametrize("text", ["[6F xx*]", "[{a:4} $b.c x0 {d:*}]", "[]", "[6F 0x]"])
def test_a_mask_is_written_as_it_was_read(text: str) -> None:
    assert written_mask(parse_mask(text, AT)) == text
