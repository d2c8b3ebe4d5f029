"""GB18030 text on the card, by the table of 2022 on every Python."""

import pytest

from sscard_terminal.cardspec.chinese import decoded, encoded


@pytest.mark.parametrize(
    ("text", "coded"),
    [
        ("张三", "D5C5C8FD"),  # GBK, card.md §1.3
        ("㐀", "8139EE39"),  # outside GBK: four bytes
        ("𠀀", "95328236"),  # outside the basic plane
        ("\u9fb4", "FE59"),  # 龴, moved in 2022
        ("\u9fbb", "FEA0"),
        ("ḿ", "A8BC"),  # moved in 2005
        ("\ufe10", "A6D9"),
        ("\ufe12", "A6DA"),
        ("\ufe11", "A6DB"),
        ("\ufe19", "A6F3"),
    ],
)
def test_characters_have_the_bytes_of_the_2022_table(text: str, coded: str) -> None:
    assert encoded(text).hex().upper() == coded
    assert decoded(bytes.fromhex(coded)) == text


def test_the_old_private_use_characters_are_read_as_what_they_became() -> None:
    assert decoded("\ue81e".encode("gb18030")) in ("\u9fb4", "\ue81e")
    assert decoded(bytes.fromhex("82359037")) == "\u9fb4"  # the four-byte form written by older software


def test_every_character_of_the_plane_goes_round_but_the_ones_that_moved() -> None:
    moved = {
        chr(code)
        for code in (
            0xE7C7,
            *range(0xE78D, 0xE797),
            0xE81E,
            0xE826,
            0xE82B,
            0xE82C,
            0xE832,
            0xE843,
            0xE854,
            0xE864,
        )
    }
    wrong = [
        char
        for char in map(chr, range(0x10000))
        if not 0xD800 <= ord(char) < 0xE000 and char not in moved and decoded(encoded(char)) != char
    ]

    assert wrong == []


def test_bytes_that_are_no_text_never_raise() -> None:
    assert "\ufffd" in decoded(b"\x81")
