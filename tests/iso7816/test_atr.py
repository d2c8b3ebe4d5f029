"""The answer to reset: those of the cards, the rules of its form, and any bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sscard_terminal.iso7816.atr import Atr, CheckByteError, InterfaceBytes
from sscard_terminal.iso7816.errors import FormatError

# Origin: card.md §7, the three synthetic cards and the real example of a 3.00 card; card.md §10 for the PSAM.
SOCIAL_SECURITY_CARDS = [
    pytest.param("3B6D00000081543116866037090000 0001", "81543116866037090000 0001", id="16K"),
    pytest.param("3B6D00000081543132866037090000 0002", "81543132866037090000 0002", id="32K"),
    pytest.param("3B6D000000814A4446866037090000 0003", "814A4446866037090000 0003", id="gen 3"),
    pytest.param("3B6D000000814A444686605199000001AC", "814A444686605199000001AC", id="real 3.00 card"),
    pytest.param("3B6D00000081543100866037090000 00A1", "81543100866037090000 00A1", id="PSAM"),
]


@pytest.mark.parametrize(("coded", "historical"), SOCIAL_SECURITY_CARDS)
def test_the_atr_of_a_social_security_card_is_understood(coded: str, historical: str) -> None:
    raw = bytes.fromhex(coded)

    atr = Atr.parse(raw)

    assert atr == Atr(0x3B, bytes.fromhex("00" + historical), (InterfaceBytes(tb=0, tc=0),))
    assert len(raw) == 17
    assert len(atr.historical) == 13
    assert atr.offers_only_t0
    assert atr.protocols == (0,)
    assert atr.tck is None
    assert atr.build() == raw


def test_both_conventions_are_read() -> None:
    assert Atr.parse(bytes.fromhex("3F00")).ts == 0x3F
    assert Atr.parse(bytes.fromhex("3B00")).ts == 0x3B


@pytest.mark.parametrize(
    ("coded", "protocols", "only_t0"),
    [
        pytest.param("3B00", (0,), True, id="no TD1 means T=0"),
        pytest.param("3B8000", (0,), True, id="TD1 says T=0"),
        pytest.param("3B800181", (1,), False, id="T=1 only"),
        pytest.param("3B80800101", (0, 1), False, id="both"),
        pytest.param("3B800F8F", (15,), True, id="T=15 is no protocol of its own"),
    ],
)
def test_the_protocols_are_told_in_order(coded: str, protocols: tuple[int, ...], only_t0: bool) -> None:
    atr = Atr.parse(bytes.fromhex(coded))

    assert atr.protocols == protocols
    assert atr.offers_only_t0 is only_t0


def test_a_right_check_byte_is_kept() -> None:
    atr = Atr.parse(bytes.fromhex("3B80800101"))

    assert atr.tck == 0x01
    assert atr.build().hex().upper() == "3B80800101"


@pytest.mark.parametrize(
    ("coded", "problem"),
    [
        pytest.param("", "2 to 33", id="empty"),
        pytest.param("3B", "2 to 33", id="one byte"),
        pytest.param("3B" + "00" * 33, "2 to 33", id="34 bytes"),
        pytest.param("3A00", "starts with", id="unknown TS"),
        pytest.param("3B6D0000", "announces", id="historical bytes missing"),
        pytest.param("3B6D00", "interface bytes", id="cut in the interface bytes"),
        pytest.param("3B0000FF", "announces", id="bytes left over"),
        pytest.param("3B800100", "TCK", id="wrong check byte"),
    ],
)
def test_an_atr_of_wrong_form_is_refused(coded: str, problem: str) -> None:
    with pytest.raises(FormatError, match=problem):
        Atr.parse(bytes.fromhex(coded))


@pytest.mark.parametrize("index", range(1, 17))
def test_an_atr_cut_short_anywhere_is_refused(index: int) -> None:
    whole = bytes.fromhex("3B6D00000081543132866037090000 0002")

    with pytest.raises(FormatError):
        Atr.parse(whole[:index])


@given(st.binary(max_size=33).map(lambda rest: b"\x3b" + rest))
def test_an_atr_that_parses_builds_to_the_same_bytes(raw: bytes) -> None:
    try:
        atr = Atr.parse(raw)
    except FormatError:
        return

    assert atr.build() == raw
    assert str(atr) == raw.hex().upper()


def test_an_atr_with_more_than_15_historical_bytes_is_not_built() -> None:
    with pytest.raises(FormatError, match="historical"):
        Atr(0x3B, bytes(16)).build()


def test_a_wrong_check_byte_is_told_apart_from_a_wrong_form() -> None:
    with pytest.raises(CheckByteError):
        Atr.parse(bytes.fromhex("3B800100"))


def test_groups_are_counted_from_one_and_empty_where_there_is_none() -> None:
    atr = Atr.parse(bytes.fromhex("3F8081217F5F"))

    assert (atr.ts, atr.group(1)) == (0x3F, InterfaceBytes(td=0x81))
    assert [atr.group(number) for number in (2, 3, 4)] == [
        InterfaceBytes(td=0x21),
        InterfaceBytes(tb=0x7F),
        InterfaceBytes(),
    ]
