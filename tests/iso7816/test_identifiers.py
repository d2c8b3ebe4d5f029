"""AIDs, file identifiers and short file identifiers: what is one and what is not."""

import pytest

from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.identifiers import Aid, FileId, ShortFileId


@pytest.mark.parametrize("length", [5, 6, 15, 16])
def test_a_df_name_has_5_to_16_bytes(length: int) -> None:
    assert Aid(bytes(length)) == bytes(length)


@pytest.mark.parametrize("length", [0, 4, 17])
def test_any_other_length_is_no_df_name(length: int) -> None:
    with pytest.raises(FormatError):
        Aid(bytes(length))


@pytest.mark.parametrize("number", [0x0000, 0x3F00, 0xFFFF])
def test_a_file_identifier_has_two_bytes(number: int) -> None:
    assert FileId(number) == number


@pytest.mark.parametrize("number", [-1, 0x10000])
def test_any_other_number_is_no_file_identifier(number: int) -> None:
    with pytest.raises(FormatError):
        FileId(number)


@pytest.mark.parametrize("number", range(1, 31))
def test_a_short_file_identifier_is_1_to_30(number: int) -> None:
    assert ShortFileId(number) == number


@pytest.mark.parametrize("number", [-1, 0, 31, 256])
def test_any_other_number_is_no_short_file_identifier(number: int) -> None:
    with pytest.raises(FormatError):
        ShortFileId(number)


def test_identifiers_are_printed_as_the_standards_print_them() -> None:
    assert str(Aid(bytes.fromhex("D15600000503"))) == "D15600000503"
    assert str(FileId(0xEF05)) == "EF05"
    assert str(ShortFileId(0x1E)) == "1E"
