"""The software HSM against the literal values of card.md §6.10, in both ciphers."""

from datetime import datetime

import pytest

from sscard_terminal.cardspec.ciphers import AlgorithmName
from sscard_terminal.cardspec.issuing import CardReference, LoadRequest, PinCommand
from sscard_terminal.cardspec.keys import KeySet
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.centre.hsm import SoftwareHsm
from sscard_terminal.iso7816.errors import FormatError
from tests.cards import KEYS

HSM = SoftwareHsm(KEYS)
HOST_TIME = datetime(2026, 1, 5, 8, 30)
CHALLENGE = bytes.fromhex("8899AABBCCDDEEFF")
each_cipher = pytest.mark.parametrize("algorithm", ["3DES", "SM4"])


def card(algorithm: AlgorithmName) -> CardReference:
    """The card of the vectors: factor F3 8660370900000001."""
    historical = bytes.fromhex("00815431168660370900000001")
    return CardReference("370900D15600000500000001B6233D35", "D2143569X", historical, algorithm)


def load(algorithm: AlgorithmName, mac1: str, key_index: int = 1) -> LoadRequest:
    return LoadRequest(
        request="r1",
        card=card(algorithm),
        terminal="370900000001",
        time=HOST_TIME,
        amount=Fen(10_000),
        key_index=key_index,
        balance=Fen(0),
        counter=0,
        random=bytes.fromhex("11223344"),
        mac1=bytes.fromhex(mac1),
    )


@pytest.mark.parametrize(
    ("algorithm", "mac1", "mac2", "tac"),
    [("3DES", "38151960", "A4B41BBA", "90737B5E"), ("SM4", "8275DC94", "BF91411F", "B0D0254E")],
)
def test_a_load_of_the_specification(algorithm: AlgorithmName, mac1: str, mac2: str, tac: str) -> None:
    asked = load(algorithm, mac1)

    assert HSM.accepts_mac1(asked)
    assert HSM.mac2(asked, HOST_TIME) == bytes.fromhex(mac2)
    assert HSM.accepts_load_tac(asked, HOST_TIME, bytes.fromhex(tac))


@each_cipher
def test_another_mac1_and_another_tac_are_refused(algorithm: AlgorithmName) -> None:
    asked = load(algorithm, "00000000")

    assert not HSM.accepts_mac1(asked)
    assert not HSM.accepts_load_tac(asked, HOST_TIME, bytes(4))


@pytest.mark.parametrize(("algorithm", "answer"), [("3DES", "642D1B3A063FFD60"), ("SM4", "DC2424D7A32AD375")])
def test_the_internal_authentication_of_the_specification(algorithm: AlgorithmName, answer: str) -> None:
    factor, original = bytes.fromhex("B0B1B2B3B4B5B6B7"), bytes.fromhex("C0C1C2C3C4C5C6C7")

    assert HSM.accepts_internal_authentication(card(algorithm), factor, original, bytes.fromhex(answer))
    assert not HSM.accepts_internal_authentication(card(algorithm), factor, original, bytes(8))


@pytest.mark.parametrize(("algorithm", "data"), [("3DES", "2E7FE9CB197969CB"), ("SM4", "3FBDA0FF57FEA41E")])
def test_the_external_authentication_of_the_specification(algorithm: AlgorithmName, data: str) -> None:
    challenge, original = bytes.fromhex("0011223344556677"), bytes.fromhex("A0A1A2A3A4A5A6A7")

    assert HSM.external_authentication_data(card(algorithm), challenge, original) == bytes.fromhex(data)


@pytest.mark.parametrize(("algorithm", "mac"), [("3DES", "F561C84A"), ("SM4", "6EBF4ADE")])
def test_the_unblock_command_of_the_specification(algorithm: AlgorithmName, mac: str) -> None:
    assert HSM.unblock_command(card(algorithm), CHALLENGE) == PinCommand(bytes.fromhex(mac))


@pytest.mark.parametrize(
    ("algorithm", "pin", "cryptogram", "mac"),
    [
        ("3DES", "123456", "F0E36D72AB68C275", "AED3CBE8"),
        ("3DES", "1234", "0BE925BFF54D254F", "5D42A5D8"),
        ("SM4", "123456", "1F287FF5449E7F7CF5AF352497E2D419", "E4572F58"),
        ("SM4", "1234", "78C0936AF019099B33FE05CFDFF20A40", "D32F8596"),
    ],
)
def test_the_reload_command_of_the_specification(
    algorithm: AlgorithmName, pin: str, cryptogram: str, mac: str
) -> None:
    command = HSM.reload_command(card(algorithm), CHALLENGE, Pin(pin))

    assert (command.cryptogram, command.mac) == (bytes.fromhex(cryptogram), bytes.fromhex(mac))


def test_a_key_index_or_a_key_it_does_not_hold_is_said_so() -> None:
    with pytest.raises(FormatError, match="load key of index 2"):
        HSM.accepts_mac1(load("3DES", "38151960", key_index=2))
    with pytest.raises(FormatError, match="no key PUK"):
        SoftwareHsm(KeySet({})).external_authentication_data(card("3DES"), bytes(8), bytes(8))


def test_no_key_is_in_its_repr() -> None:
    shown = repr(HSM) + str(HSM)

    assert "4041" not in shown and "PUK" not in shown
