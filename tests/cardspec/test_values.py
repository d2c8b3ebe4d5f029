"""Money, PIN, BCD, numbers and names: small values with sharp edges."""

import pickle
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sscard_terminal.cardspec.bcd import (
    bcd_of_date,
    bcd_of_digits,
    bcd_of_time,
    date_of_bcd,
    digits_of_bcd,
    time_of_bcd,
)
from sscard_terminal.cardspec.commands.security import ChangePin, VerifyPin
from sscard_terminal.cardspec.keys import DiversificationFactors, KeySet
from sscard_terminal.cardspec.money import Fen, fen_of_items, fen_of_yuan, yuan_of_fen
from sscard_terminal.cardspec.numbers import card_number_check, identity_check
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.cardspec.records import masked_name, masked_number, text_of, version_of
from sscard_terminal.iso7816.errors import FormatError


@pytest.mark.parametrize(
    ("text", "fen"), [("12.34", 1234), ("12.3", 1230), ("12", 1200), ("0.01", 1), ("42949672.95", 0xFFFFFFFF)]
)
def test_yuan_as_typed_become_fen(text: str, fen: int) -> None:
    assert fen_of_yuan(text) == fen


@pytest.mark.parametrize(
    "text", ["12.345", "-1", "+1", "1e3", "", ".5", "12,34", "42949672.96", "１２", "abc", "1 2"]
)
def test_other_amounts_are_refused_never_rounded(text: str) -> None:
    with pytest.raises(FormatError, match="an amount is"):
        fen_of_yuan(text)


@pytest.mark.parametrize(
    ("text", "fen"),
    [("12.50+3.20*2", 1890), (" 1 + 2 * 3 ", 700), ("12.34", 1234), ("0.1*3", 30), ("5*0", 0)],
)
def test_items_as_typed_are_added_up(text: str, fen: int) -> None:
    assert fen_of_items(text) == fen


@pytest.mark.parametrize(
    "text",
    ["", "+", "1+", "+1", "1**2", "*2", "1*-2", "1*1.5", "1.234*2", "1*99999", "42949672.95+0.01", "(1+2)*3"],
)
def test_items_that_are_none_are_refused_never_rounded(text: str) -> None:
    with pytest.raises(FormatError):
        fen_of_items(text)


@given(st.integers(0, 0xFFFFFFFF))
def test_yuan_text_and_fen_go_round(fen: int) -> None:
    assert fen_of_yuan(yuan_of_fen(fen)) == fen


@pytest.mark.parametrize("wrong", [-1, 0x1_0000_0000])
def test_an_amount_of_more_than_four_bytes_is_refused(wrong: int) -> None:
    with pytest.raises(FormatError, match="outside"):
        Fen(wrong)


@pytest.mark.parametrize(("digits", "coded"), [("123456", "123456"), ("1234", "1234"), ("12345", "12345F")])
def test_pin_is_packed_bcd_with_a_closing_f(digits: str, coded: str) -> None:
    assert Pin(digits).to_bcd().hex().upper() == coded
    assert Pin.from_bcd(bytes.fromhex(coded)) == Pin(digits)


@pytest.mark.parametrize("wrong", ["123", "12345678901234567", "12345a", "１２３４５６", "", "12 456"])
def test_wrong_pins_are_refused_without_showing_a_digit(wrong: str) -> None:
    with pytest.raises(FormatError) as refused:
        Pin(wrong)

    assert "a PIN has" in str(refused.value)
    assert not wrong or wrong not in str(refused.value)


def test_a_pin_shows_itself_nowhere() -> None:
    pin = Pin("918273")
    shown = [repr(pin), str(pin), f"{pin}", repr(VerifyPin.of(pin)), repr(ChangePin.of(pin, pin))]
    shown += [repr(VerifyPin.of(pin).to_apdu()), repr(ChangePin.of(pin, pin).to_apdu())]

    assert not any("918273" in text for text in shown)
    with pytest.raises(TypeError, match="not to be stored"):
        pickle.dumps(pin)


def test_a_wiped_pin_has_no_digits_left_and_never_reaches_a_card() -> None:
    pin = Pin("918273")
    digits = pin._digits

    pin.wipe()

    assert digits == b"" and len(pin) == 0
    assert pin != Pin("918273")
    with pytest.raises(RuntimeError, match="wiped"):
        pin.to_bcd()


def test_a_pin_is_no_key_of_anything_since_it_can_be_wiped() -> None:
    with pytest.raises(TypeError):
        hash(Pin("918273"))


def test_change_pin_example_of_the_specification() -> None:
    command = ChangePin.of(Pin("123456"), Pin("654321")).to_apdu()

    assert command.build().hex().upper() == "805E010007123456FF654321"  # card.md §3


def test_a_key_set_shows_names_only_and_names_what_is_wrong() -> None:
    keys = KeySet.parse('[roots]\nIRK = "101112131415161718191A1B1C1D1E1F"\n')

    assert repr(keys) == "KeySet(IRK)"
    with pytest.raises(FormatError, match="no key DPK"):
        keys["DPK"]
    with pytest.raises(FormatError, match="key IRK: 32 hex digits") as refused:
        KeySet.parse('[roots]\nIRK = "1011"\n')
    assert "1011" not in str(refused.value)


def test_zhejiang_cards_have_a_city_factor_of_their_own() -> None:
    factors = DiversificationFactors.of("330102", bytes(13))

    assert factors.city == b"330100sx"  # card.md §6.1, SC §10.3
    assert factors.province == b"330000sh"


@pytest.mark.parametrize(
    ("body", "check"),
    [("D2143569", "X"), ("B0000013", "1"), ("00000000", "0")],
    ids=["published", "trace", "zero"],
)
def test_card_number_check_character(body: str, check: str) -> None:
    assert card_number_check(body) == check


def test_identity_check_digit_of_the_standards_example() -> None:
    assert identity_check("11010519491231002") == "X"  # GB 11643-1999, annex


def test_bcd_fields_fill_with_f_and_read_back() -> None:
    assert bcd_of_digits("370900", 4).hex().upper() == "370900FF"
    assert digits_of_bcd(bytes.fromhex("370900FF")) == "370900"
    assert digits_of_bcd(b"\xff\xff") == ""
    with pytest.raises(FormatError, match="no decimal digit"):
        digits_of_bcd(bytes.fromhex("3A"))


def test_times_and_dates_go_round_and_nonsense_is_refused() -> None:
    moment = datetime(2026, 1, 5, 10, 15, 30)

    assert bcd_of_time(moment).hex() == "20260105101530"
    assert time_of_bcd(bytes.fromhex("20260105101530")) == moment
    assert date_of_bcd(bcd_of_date(date(2026, 1, 5))) == date(2026, 1, 5)
    for wrong in ("20261305101530", "2026010510153A"):
        with pytest.raises(FormatError, match="no time"):
            time_of_bcd(bytes.fromhex(wrong))


@pytest.mark.parametrize(
    ("raw", "version"),
    [("312E3030", "1.0"), ("322E3000", "2.0"), ("332E3030", "3.0"), ("", "1.0"), ("00000000", "1.0")],
)
def test_version_compares_three_characters_and_empty_means_one(raw: str, version: str) -> None:
    assert version_of(bytes.fromhex(raw)) == version


def test_text_that_does_not_decode_shows_a_mark_and_never_raises() -> None:
    assert text_of(bytes.fromhex("D5C5C8FD0000")) == "张三"
    assert "\ufffd" in text_of(bytes.fromhex("D5FF"))


@pytest.mark.parametrize(
    ("name", "shown"), [("张三", "张*"), ("张小三", "张*三"), ("欧阳小三", "欧**三"), ("张", "张")]
)
def test_names_are_masked(name: str, shown: str) -> None:
    assert masked_name(name) == shown


def test_numbers_show_their_first_and_last_four() -> None:
    assert masked_number("370900199001010010") == "3709**********0010"
    assert masked_number("D2143569") == "********"
    assert masked_number("D2143569X") == "D2****69X"  # a card number: never half of it
