"""What a card's issuer and host compute, against the numbers of card.md §6.10: the 1.0 card has the card factor they are of."""

from random import Random

import pytest

from sscard_terminal.lab import virtual
from sscard_terminal.lab.run.card_functions import CARD_FUNCTIONS
from sscard_terminal.lab.run.targets import Target
from sscard_terminal.lab.run.virtual_target import VirtualTarget
from sscard_terminal.lab.script.functions import FUNCTIONS, ArgumentError, called

CHALLENGE, FRESH, ORIGINAL = "0011223344556677", "8899AABBCCDDEEFF", "A0A1A2A3A4A5A6A7"
TERMINAL, LOADED, BOUGHT = "370900000001", "20260105083000", "20260105101530"
AMOUNTS = ("000004D2", "000007D0", "00001F40")


@pytest.fixture
def target() -> Target:
    """The 1.0 card of card.md §10, powered."""
    card = VirtualTarget("card", lambda: virtual.card_image("gen1-16k"), Random(1), lambda name: b"")
    card.power_on()
    return card


@pytest.mark.parametrize(
    ("function", "texts", "values", "result"),
    [
        ("external", ["PUK"], [CHALLENGE, ORIGINAL], "2E7FE9CB197969CB" + ORIGINAL),
        ("external", ["UKSSSE"], [CHALLENGE, ORIGINAL], "ABC31F86A815151A" + ORIGINAL),
        ("external", ["DSK"], [CHALLENGE, ORIGINAL], "A12DC64B6601EE1B" + ORIGINAL),
        ("internal", [], ["B0B1B2B3B4B5B6B7", "C0C1C2C3C4C5C6C7"], "642D1B3A063FFD60"),
        ("mac", ["SSSE"], [FRESH, "8424000004"], "F561C84A"),
        ("mac", ["SSSE"], [FRESH, "8416000004"], "15A55399"),
        ("mac", ["SSSE"], [FRESH, "04DC0A30070A0131"], "A14A629B"),
        ("encrypt", ["SSSE"], [FRESH, "123456"], "F0E36D72AB68C275"),
        ("encipher", ["SSSE"], [FRESH, "0312345680000000"], "F0E36D72AB68C275"),
        ("load_mac1", [], ["11223344", "0000", "00000000", "00002710", TERMINAL], "38151960"),
        ("load_mac2", [], ["11223344", "0000", "00002710", TERMINAL, LOADED], "A4B41BBA"),
        ("load_tac", [], ["00002710", "0000", "00002710", TERMINAL, LOADED], "90737B5E"),
        ("purchase_mac1", [], ["AABBCCDD", "0000", "00000001", *AMOUNTS, TERMINAL, BOUGHT], "409CAC6A"),
        ("purchase_mac2", [], ["AABBCCDD", "0000", "00000001", *AMOUNTS], "37F86753"),
        ("purchase_tac", [], [*AMOUNTS, TERMINAL, "00000001", BOUGHT], "CEA3FB75"),
        ("pin_field", [], [], "021234"),
    ],
)  # fmt: skip
def test_it_is_the_number_of_the_document(
    target: Target, function: str, texts: list[str], values: list[str], result: str
) -> None:
    arguments = [*texts, *map(bytes.fromhex, values)]

    value = CARD_FUNCTIONS[function].called(target, *arguments)

    assert value[""].hex().upper() == result


def test_half_a_block_cannot_be_enciphered(target: Target) -> None:
    with pytest.raises(ArgumentError, match="whole blocks of 8"):
        CARD_FUNCTIONS["encipher"].called(target, "SSSE", bytes(8), bytes(7))


def test_of_a_card_whose_pin_nobody_knows_there_is_no_pin_field() -> None:
    with pytest.raises(ArgumentError, match="not known"):
        CARD_FUNCTIONS["pin_field"].called(Target("card", lambda: None))  # type: ignore[arg-type,return-value]


def test_same_gives_the_value_or_says_that_the_two_differ_without_telling_them() -> None:
    same = FUNCTIONS["same"]

    assert called(same, (b"\x01\x02", b"\x01\x02")) == {"": b"\x01\x02"}
    with pytest.raises(ArgumentError, match=r"^value and expected differ$"):
        called(same, (b"\x01\x02", b"\x01\x03"))
