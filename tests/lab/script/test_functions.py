"""The closed set of `let`, against literal values of card.md and the service window's conversation."""

import pytest

from sscard_terminal.lab.script.functions import FUNCTIONS, ArgumentError, Value, called

ATR = bytes.fromhex("3B6D000000815431168660370900000001")
"""The card of fixtures/conversations, gen1-16k: region 370900."""
TERMINAL = bytes.fromhex("370900000001")


def value(name: str, *arguments: Value) -> str:
    return called(FUNCTIONS[name], arguments)[""].hex().upper()


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("bcd", ("370900",), "370900"),
        ("bcd", ("123", "3"), "123FFF"),
        ("number", ("1234", "4"), "000004D2"),
        ("fen", ("12.34",), "000004D2"),
        ("date", ("2026-01-05",), "20260105"),
        ("time", ("2026-01-05 10:15:30",), "20260105101530"),
        ("chinese", ("张三", "6"), "D5C5C8FD0000"),
        ("pin", ("123456",), "123456"),
        ("pin", ("12345",), "12345F"),
        ("change_pin", (bytes.fromhex("123456"), bytes.fromhex("654321")), "123456FF654321"),
        ("add", (bytes.fromhex("00FF"), "1"), "0100"),
        ("pad", (bytes.fromhex("1122"), "8"), "1122800000000000"),
    ],
)
def test_values_are_coded_as_the_card_has_them(
    name: str, arguments: tuple[Value, ...], expected: str
) -> None:
    assert value(name, *arguments) == expected


def test_the_factors_follow_from_the_answer_to_reset() -> None:
    found = called(FUNCTIONS["factors"], (ATR,))

    assert found["province"] == b"370000sh"
    assert found["city"] == b"370900sx"
    assert found["card"] == bytes.fromhex("8660370900000001")


def test_a_loads_macs_are_those_of_card_md_6_10() -> None:
    dlk, dtk = (called(FUNCTIONS["card_key"], (root, ATR))[""] for root in ("DLK", "DTK"))
    random, counter, amount = bytes.fromhex("11223344"), bytes(2), bytes.fromhex("00002710")
    time = bytes.fromhex("20260105083000")

    assert value("load_mac1", dlk, random, counter, bytes(4), amount, TERMINAL) == "38151960"
    assert value("load_mac2", dlk, random, counter, amount, TERMINAL, time) == "A4B41BBA"
    assert value("load_tac", dtk, amount, counter, amount, TERMINAL, time) == "90737B5E"


def test_a_purchases_macs_are_those_of_card_md_6_10() -> None:
    dpk, dtk = (called(FUNCTIONS["card_key"], (root, ATR))[""] for root in ("DPK", "DTK"))
    random, counter, sequence = bytes.fromhex("AABBCCDD"), bytes(2), bytes.fromhex("00000001")
    amounts = tuple(bytes.fromhex(text) for text in ("000004D2", "000007D0", "00001F40"))
    time = bytes.fromhex("20260105101530")

    assert value("mac1", dpk, random, counter, sequence, *amounts, TERMINAL, time) == "409CAC6A"
    assert value("mac2", dpk, random, counter, sequence, *amounts) == "37F86753"
    assert value("tac", dtk, *amounts, TERMINAL, sequence, time) == "CEA3FB75"


def test_authentication_and_a_protected_command_are_those_of_the_service_window() -> None:
    puk, stk = (called(FUNCTIONS["card_key"], (root, ATR))[""] for root in ("PUK", "STK"))
    original, factor = bytes.fromhex("A0A1A2A3A4A5A6A7"), bytes.fromhex("0011223344556677")
    challenge = bytes.fromhex("8899AABBCCDDEEFF")

    assert value("authentication", puk, factor, original) == "2E7FE9CB197969CB"
    assert value("message_mac", stk, challenge, bytes.fromhex("8424000004")) == "F561C84A"
    assert value("encrypt", stk, challenge, bytes.fromhex("123456")) == "F0E36D72AB68C275"


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("bcd", (b"\x12",), "digits is a text"),
        ("bcd", ("12x",), "digits only"),
        ("number", ("256", "1"), "up to 255"),
        ("fen", ("1.234",), "two decimals"),
        ("date", ("05.01.2026",), "2026-01-05"),
        ("pin", ("12",), "4 to 16 digits"),
        ("mac", (b"\x00" * 5, b""), "key has 8 or 16 bytes, here are 5"),
        ("mac1", ("DPK", b"\x00" * 3, b"", b"", b"", b"", b"", b"", b""), "random has 4 bytes, here are 3"),
        ("session_key", ("DPK", bytes(8), "AES"), "algorithm is one of 3DES, SM4"),
        ("factors", (bytes.fromhex("3B00"),), "tells no region"),
    ],
)
def test_an_argument_that_does_not_fit_is_named(name: str, arguments: tuple[Value, ...], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        called(FUNCTIONS[name], arguments)


def test_no_error_of_a_function_shows_the_pin() -> None:
    with pytest.raises(ArgumentError) as caught:
        called(FUNCTIONS["pin"], ("97531x",))

    assert "97531" not in str(caught.value)
