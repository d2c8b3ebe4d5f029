"""The bytes of PC/SC part 10, against what real readers and other programs say (fixtures/vectors/pinpad.toml)."""

import tomllib
from typing import Any

import pytest
from smartcard import scard

from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.reader import part10
from sscard_terminal.reader.part10 import (
    Feature,
    PadProperties,
    PinModifyStructure,
    PinVerifyStructure,
    parse_features,
    parse_pin_properties,
    parse_tlv_properties,
)
from tests.cards import FIXTURES
from tests.reader.pad_reader import keyed

VECTORS: dict[str, list[Any]] = tomllib.loads((FIXTURES / "vectors/pinpad.toml").read_text("utf-8"))


def vectors(kind: str) -> Any:
    return pytest.mark.parametrize("vector", VECTORS[kind], ids=lambda vector: vector["origin"][:40])


def test_the_feature_request_is_the_control_code_pyscard_makes() -> None:
    assert scard.SCARD_CTL_CODE(3400) == part10.GET_FEATURE_REQUEST


@vectors("features")
def test_a_readers_features_are_found_with_their_control_codes(vector: Any) -> None:
    found = parse_features(bytes.fromhex(vector["bytes"]))

    assert found == {Feature(int(tag)): code for tag, code in vector["codes"].items()}


def test_unknown_features_are_skipped() -> None:
    raw = bytes.fromhex("0504FFFFFFFF 0604 42330006 7704 00000001")

    assert parse_features(raw) == {Feature.VERIFY_PIN_DIRECT: 0x42330006}


@pytest.mark.parametrize(
    "raw",
    ["06", "0604", "0604423300", "0604423300060704", "06024233", "060442330006FF"],
    ids=["a tag", "no value", "cut short", "second cut short", "a short code", "a tag too many"],
)
def test_a_list_of_features_that_does_not_add_up_is_refused_whole(raw: str) -> None:
    with pytest.raises(FormatError):
        parse_features(bytes.fromhex(raw))


@vectors("tlv_properties")
def test_the_long_properties_of_a_pad(vector: Any) -> None:
    assert parse_tlv_properties(bytes.fromhex(vector["bytes"])) == PadProperties(**vector["told"])


@vectors("pin_properties")
def test_the_short_properties_of_a_pad(vector: Any) -> None:
    assert parse_pin_properties(bytes.fromhex(vector["bytes"])) == PadProperties(**vector["told"])


def test_a_pad_that_takes_at_most_no_digits_has_not_said_how_many() -> None:
    assert parse_tlv_properties(bytes.fromhex("060100 070100")).most is None


@pytest.mark.parametrize("raw", ["", "100207", "1002070000"])
def test_short_properties_are_four_bytes(raw: str) -> None:
    with pytest.raises(FormatError):
        parse_pin_properties(bytes.fromhex(raw))


@vectors("verify")
def test_a_structure_for_verify_is_built_byte_for_byte(vector: Any) -> None:
    structure = PinVerifyStructure(command=bytes.fromhex(vector["command"]), **vector["fields"])

    assert structure.build() == bytes.fromhex(vector["bytes"])


@vectors("modify")
def test_a_structure_for_modify_is_built_byte_for_byte(vector: Any) -> None:
    structure = PinModifyStructure(command=bytes.fromhex(vector["command"]), **vector["fields"])

    assert structure.build() == bytes.fromhex(vector["bytes"])


@vectors("keyed")
def test_the_stand_in_for_a_pad_makes_of_digits_what_a_real_one_makes(vector: Any) -> None:
    entries = list(zip(vector["at"], vector["digits"], strict=True))

    command = keyed(bytes.fromhex(vector["format"]), bytes.fromhex(vector["command"]), entries)

    assert command == bytes.fromhex(vector["sent"])
