"""Command and response APDUs: every case, short and extended, both ways. Layout by declaration: test_layouts.py."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sscard_terminal.iso7816.apdu import ApduCase, CommandApdu, ResponseApdu
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.status import StatusWord

bytes_of_header = st.integers(0, 255)
commands = st.builds(
    CommandApdu,
    cla=bytes_of_header,
    ins=bytes_of_header,
    p1=bytes_of_header,
    p2=bytes_of_header,
    data=st.binary(max_size=300),
    ne=st.one_of(st.just(0), st.integers(1, 65_536), st.sampled_from((1, 255, 256, 257, 65_535, 65_536))),
)

# Origin: the coding rules of ISO/IEC 7816-4 §5.1, written out by hand; commands from card.md §2.4 where they exist.
CODINGS = [
    pytest.param(CommandApdu(0x00, 0xA4, 0x00, 0x00), "00A40000", ApduCase.CASE_1, id="case 1"),
    pytest.param(CommandApdu(0xB0, 0x26, 0, 1, ne=4), "B026000104", ApduCase.CASE_2, id="case 2"),
    pytest.param(CommandApdu(0x00, 0xB0, 0, 0, ne=255), "00B00000FF", ApduCase.CASE_2, id="case 2, Ne 255"),
    pytest.param(CommandApdu(0x00, 0xB0, 0, 0, ne=256), "00B0000000", ApduCase.CASE_2, id="case 2, Ne 256"),
    pytest.param(
        CommandApdu(0x00, 0xB0, 0, 0, ne=257),
        "00B00000000101",
        ApduCase.CASE_2,
        id="case 2, Ne 257 is extended",
    ),
    pytest.param(
        CommandApdu(0x00, 0xB0, 0, 0, ne=65_536), "00B00000000000", ApduCase.CASE_2, id="case 2, Ne 65536"
    ),
    pytest.param(
        CommandApdu(0x00, 0xA4, 0x02, 0x00, b"\xef\x05"), "00A4020002EF05", ApduCase.CASE_3, id="case 3"
    ),
    pytest.param(
        CommandApdu(0x00, 0xD6, 0, 0, bytes(255)),
        "00D60000FF" + "00" * 255,
        ApduCase.CASE_3,
        id="case 3, Nc 255",
    ),
    pytest.param(
        CommandApdu(0x00, 0xD6, 0, 0, bytes(256)),
        "00D60000000100" + "00" * 256,
        ApduCase.CASE_3,
        id="case 3, Nc 256 is extended",
    ),
    pytest.param(
        CommandApdu(0x00, 0xD6, 0, 0, bytes(65_535)),
        "00D6000000FFFF" + "00" * 65_535,
        ApduCase.CASE_3,
        id="case 3, Nc 65535",
    ),
    pytest.param(
        CommandApdu(0xB0, 0x2E, 0, 0x32, b"\x00\x00", 8), "B02E003202000008", ApduCase.CASE_4, id="case 4"
    ),
    pytest.param(
        CommandApdu(0x00, 0xA4, 0, 0, b"\x3f\x00", 256),
        "00A40000023F0000",
        ApduCase.CASE_4,
        id="case 4, Ne 256",
    ),
    pytest.param(
        CommandApdu(0x00, 0xA4, 0, 0, b"\x3f\x00", 257),
        "00A400000000023F000101",
        ApduCase.CASE_4,
        id="case 4, short data with an extended Ne",
    ),
    pytest.param(
        CommandApdu(0x00, 0xA4, 0, 0, bytes(256), 1),
        "00A40000000100" + "00" * 256 + "0001",
        ApduCase.CASE_4,
        id="case 4, long data with a short Ne",
    ),
]


@pytest.mark.parametrize(("command", "coded", "case"), CODINGS)
def test_a_command_is_built_and_parsed_as_the_standard_codes_it(
    command: CommandApdu, coded: str, case: ApduCase
) -> None:
    raw = bytes.fromhex(coded)

    assert command.build() == raw
    assert CommandApdu.parse(raw) == command
    assert command.case is case


@given(commands)
def test_what_is_built_parses_to_the_same_command(command: CommandApdu) -> None:
    assert CommandApdu.parse(command.build()) == command


def test_verify_with_lc_00_and_a_case_2_command_with_le_00_are_the_same_five_bytes() -> None:
    query = CommandApdu.parse(bytes.fromhex("0020000000"))

    assert query == CommandApdu(0x00, 0x20, 0x00, 0x00, ne=256)


@pytest.mark.parametrize(
    "coded",
    [
        pytest.param("", id="nothing"),
        pytest.param("00A400", id="three bytes"),
        pytest.param("00A40000023F", id="data cut short"),
        pytest.param("00A40000023F00000000", id="bytes behind Le"),
        pytest.param("00A400000001", id="extended length cut short"),
        pytest.param("00A40000000000FF", id="extended Lc of zero"),
        pytest.param("00A4000000000201", id="extended data cut short"),
        pytest.param("00A400000000023F0000", id="one byte of an extended Le"),
        pytest.param("00A400000000023F00000000", id="bytes behind an extended Le"),
    ],
)
def test_bytes_that_fit_no_case_are_refused(coded: str) -> None:
    with pytest.raises(FormatError):
        CommandApdu.parse(bytes.fromhex(coded))


@pytest.mark.parametrize(
    "wrong",
    [
        {"cla": 256},
        {"ins": -1},
        {"p1": 0x100},
        {"p2": -256},
        {"ne": -1},
        {"ne": 65_537},
        {"data": bytes(65_536)},
    ],
    ids=repr,
)
def test_a_command_that_cannot_be_coded_cannot_be_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        replace(CommandApdu(0, 0, 0, 0), **wrong)


def test_a_sensitive_command_hides_its_data_in_repr() -> None:
    command = CommandApdu(0x00, 0x20, 0x00, 0x00, b"\x12\x34\x56", sensitive=True)

    assert "123456" not in repr(command)
    assert "3 masked bytes" in repr(command)


def test_the_sensitive_flag_makes_no_other_command() -> None:
    open_command = CommandApdu(0x00, 0x20, 0x00, 0x00, b"\x12\x34\x56")

    assert open_command == replace(open_command, sensitive=True)


@pytest.mark.parametrize(
    ("coded", "data", "sw"),
    [("9000", "", 0x9000), ("63C2", "", 0x63C2), ("000027109000", "00002710", 0x9000)],
)
def test_an_answer_is_data_and_a_status_word(coded: str, data: str, sw: int) -> None:
    answer = ResponseApdu.parse(bytes.fromhex(coded))

    assert answer == ResponseApdu(bytes.fromhex(data), StatusWord(sw))
    assert answer.build() == bytes.fromhex(coded)


@pytest.mark.parametrize("raw", [b"", b"\x90"], ids=["empty", "one byte"])
def test_an_answer_without_a_status_word_is_no_answer(raw: bytes) -> None:
    with pytest.raises(FormatError):
        ResponseApdu.parse(raw)


def test_an_answer_hides_its_data_in_repr() -> None:
    assert "12345678" not in repr(ResponseApdu.parse(bytes.fromhex("123456789000")))
