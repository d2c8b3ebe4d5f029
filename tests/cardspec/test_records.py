"""What a card's own records may hold: what is read, what is shown as unreadable, what is refused as no card data."""

import pytest

from sscard_terminal.cardspec.records import Cardholder, CardIdentification, IssuerData, text_of, version_of
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.tlv import TagLengthRecord

IDENTIFICATION = bytes.fromhex("370900D15600000500000002B6233D35")


def issuer(**values: bytes) -> IssuerData:
    held = {"01": IDENTIFICATION, "03": b"2.00", "07": b"D2143569X"} | {
        tag[1:]: raw for tag, raw in values.items()
    }
    return IssuerData.of(TagLengthRecord(int(tag, 16), raw) for tag, raw in held.items())


@pytest.mark.parametrize(
    ("raw", "version"),
    [
        (b"1.00", "1.0"),
        (b"2.00", "2.0"),
        (b"2.0\x00", "2.0"),
        (b"3.00", "3.0"),
        (b"4.10", "4.1"),
        (b"", "1.0"),
        (bytes(4), "1.0"),
        (b"\xff\xff\xff\xff", "1.0"),
    ],
)
def test_a_version_is_its_first_three_characters_and_an_empty_field_is_1_0(raw: bytes, version: str) -> None:
    assert version_of(raw) == version


@pytest.mark.parametrize(
    "raw", [b"2", b"2.", b"20.0", b"two ", b"\x80\x81\x82\x83", b"-1.0", b" 2.0", b"\xff2.0"]
)
def test_a_version_that_is_no_version_is_not_guessed_at(raw: bytes) -> None:
    with pytest.raises(FormatError):
        version_of(raw)


@pytest.mark.parametrize("region", ["37AB00", "FFFFFF", "3709F0"])
def test_a_region_that_is_no_decimal_number_is_no_region(region: str) -> None:
    with pytest.raises(FormatError):
        CardIdentification(bytes.fromhex(region) + IDENTIFICATION[3:])


@pytest.mark.parametrize(
    "number",
    [b"", bytes(9), b"\xff" * 9, b"D2143\n69X", b"D2143 69X", b"\x1b[2J12345", b"\xd5\xc5\xc8\xfd12345"],
)
def test_a_card_number_that_is_no_letters_and_digits_is_refused(number: bytes) -> None:
    with pytest.raises(FormatError):
        issuer(_07=number)


def test_a_card_number_with_a_wrong_check_character_is_taken_as_it_is() -> None:
    """Real test cards bear such numbers (card.md §1.5)."""
    assert issuer(_07=b"AI666666X").card_number == "AI666666X"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"\xd5\xc5\xc8\xfd" + bytes(26), "张三"),
        (b"\xd5\xc5\xd5", "张�"),
        (b"\xff" * 30, ""),
        (b"Li\x1b[31m", "Li�[31m"),
        (b"a\r\nb\tc\x00d", "a��b�c�d"),
        ("甲\u202e乙\u2028".encode("gb18030"), "甲�乙�"),
    ],
)
def test_a_name_shows_what_can_be_read_and_never_moves_the_cursor(raw: bytes, shown: str) -> None:
    assert text_of(raw) == shown


def test_a_characters_private_code_is_kept() -> None:
    assert text_of("\ue000".encode("gb18030")) == "\ue000"


def test_a_cardholder_all_of_whose_records_are_ff_is_read_as_empty() -> None:
    lengths = {0x08: 18, 0x09: 30, 0x4E: 20, 0x0A: 1, 0x0B: 1, 0x0C: 3, 0x0D: 4}

    holder = Cardholder.of(TagLengthRecord(tag, b"\xff" * length) for tag, length in lengths.items())

    assert (holder.name, holder.social_security_number, holder.nation, holder.birth_date) == (
        "",
        "",
        "",
        None,
    )
