"""The declared APDU frame against the hand-written one: the same commands, the same refusals, for any bytes."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sscard_terminal.iso7816.apdu import CommandApdu
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.layouts import parse_declared


def outcome_of_parse(raw: bytes) -> CommandApdu | type[FormatError]:
    try:
        return CommandApdu.parse(raw)
    except FormatError:
        return FormatError


def outcome_of_declared(raw: bytes) -> CommandApdu | type[FormatError]:
    try:
        return parse_declared(raw)
    except FormatError:
        return FormatError


def framed(data: bytes, lc: int, tail: bytes) -> bytes:
    """A header, an Lc that may lie, data, and whatever follows."""
    return bytes.fromhex("00D60000") + bytes((lc,)) + data + tail


@given(st.binary(max_size=24))
@example(bytes.fromhex("00A40000"))
@example(bytes.fromhex("00A4000000"))
@example(bytes.fromhex("00A400000001"))
@example(bytes.fromhex("00A40000000000"))
@example(bytes.fromhex("00A4000000000000"))
@example(bytes.fromhex("00A40000000001FF00"))
def test_both_parsers_agree_on_any_bytes(raw: bytes) -> None:
    assert outcome_of_declared(raw) == outcome_of_parse(raw)


@given(st.binary(max_size=20), st.integers(-2, 2), st.binary(max_size=3))
def test_both_parsers_agree_when_lc_lies(data: bytes, lie: int, tail: bytes) -> None:
    raw = framed(data, max(0, len(data) + lie), tail)

    assert outcome_of_declared(raw) == outcome_of_parse(raw)


@given(st.binary(max_size=300), st.integers(-2, 2), st.binary(max_size=3))
def test_both_parsers_agree_when_an_extended_lc_lies(data: bytes, lie: int, tail: bytes) -> None:
    coded_lc = max(0, len(data) + lie).to_bytes(2, "big")
    raw = framed(coded_lc + data, 0, tail)

    assert outcome_of_declared(raw) == outcome_of_parse(raw)


@pytest.mark.parametrize("length", range(13))
@pytest.mark.parametrize("fill", [0x00, 0x01, 0x02, 0xFF])
def test_both_parsers_agree_on_every_short_length(length: int, fill: int) -> None:
    raw = bytes((fill,)) * length

    assert outcome_of_declared(raw) == outcome_of_parse(raw)
