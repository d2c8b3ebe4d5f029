"""Every vector of card.md §6.10: published and self-computed, for both suites."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from sscard_terminal.cardspec import transaction
from sscard_terminal.cardspec.ciphers import TRIPLE_DES, CipherSuite, suite_named
from sscard_terminal.cardspec.keys import DiversificationFactors, diversified, root_of_length
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.numbers import card_number_check
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from tests.cards import KEYS

VECTORS = Path(__file__).parents[2] / "fixtures/vectors"
FACTORS = DiversificationFactors.of("370900", bytes.fromhex("00815431168660370900000001"))
TERMINAL = bytes.fromhex("370900000001")


def vectors(name: str) -> dict[str, list[dict[str, Any]]]:
    return tomllib.loads((VECTORS / f"{name}.toml").read_text(encoding="utf-8"))


PUBLISHED = vectors("published")
OPERATIONS = vectors("operations")["operation"]


def root(suite: CipherSuite, name: str) -> bytes:
    return root_of_length(KEYS[name], 8 if (suite.name, name) == ("3DES", "STK") else 16)


def card_key(suite: CipherSuite, name: str) -> bytes:
    return diversified(suite, root(suite, name), FACTORS)


def of_suite(entry: Any, suite: CipherSuite) -> bytes:
    return bytes.fromhex(entry[suite.name] if isinstance(entry, dict) else entry)


@pytest.mark.parametrize("row", PUBLISHED["session_key"], ids=lambda row: row["source"])
def test_published_session_key(row: dict[str, str]) -> None:
    key, seed = bytes.fromhex(row["key"]), bytes.fromhex(row["seed"])

    assert TRIPLE_DES.session_key(key, seed) == bytes.fromhex(row["result"])


@pytest.mark.parametrize("row", PUBLISHED["mac"], ids=lambda row: row["name"])
def test_published_mac(row: dict[str, str]) -> None:
    assert (
        TRIPLE_DES.mac(bytes.fromhex(row["key"]), bytes.fromhex(row["data"])).hex().upper() == row["result"]
    )


@pytest.mark.parametrize("row", PUBLISHED["tac_key"], ids=lambda row: row["source"])
def test_published_tac_key(row: dict[str, str]) -> None:
    assert TRIPLE_DES.tac_key(bytes.fromhex(row["key"])).hex().upper() == row["result"]


@pytest.mark.parametrize("row", PUBLISHED["sm4_block"], ids=lambda row: row["source"])
def test_published_sm4_block(row: dict[str, str]) -> None:
    sm4 = suite_named("SM4")

    cipher = sm4.encrypt(bytes.fromhex(row["key"]), bytes.fromhex(row["data"]))

    assert cipher.hex().upper() == row["result"]
    assert sm4.decrypt(bytes.fromhex(row["key"]), cipher).hex().upper() == row["data"]


@pytest.mark.parametrize("row", PUBLISHED["card_number"], ids=lambda row: row["number"])
def test_published_card_number_check(row: dict[str, str]) -> None:
    assert card_number_check(row["number"]) == row["check"]


@pytest.mark.parametrize("row", PUBLISHED["one_block_mac"], ids=lambda row: row["suite"])
def test_a_full_block_gets_a_block_of_padding(row: dict[str, str]) -> None:
    suite = suite_named(row["suite"])

    assert suite.mac(bytes.fromhex(row["key"]), bytes.fromhex(row["data"])).hex().upper() == row["result"]


@pytest.mark.parametrize("row", vectors("keys")["key"], ids=lambda row: f"{row['suite']}-{row['name']}")
def test_diversified_key_at_every_level(row: dict[str, str]) -> None:
    suite = suite_named(row["suite"])

    level_1 = suite.diversify(root(suite, row["name"]), FACTORS.province)
    level_2 = suite.diversify(level_1, FACTORS.city)
    card = suite.diversify(level_2, FACTORS.card)

    assert [key.hex().upper() for key in (level_1, level_2, card)] == [
        row["level_1"],
        row["level_2"],
        row["card"],
    ]
    assert card_key(suite, row["name"]) == card


@pytest.mark.parametrize("suite", [suite_named("3DES"), suite_named("SM4")], ids=lambda suite: suite.name)
@pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: row["name"].replace(" ", "-"))
def test_operation(row: dict[str, Any], suite: CipherSuite) -> None:
    key, seed, data = card_key(suite, row["key"]), bytes.fromhex(row["seed"]), of_suite(row["data"], suite)

    match row["kind"]:
        case "session_key":
            result = suite.session_key(key, seed)
        case "session_mac":
            result = suite.mac(suite.session_key(key, seed), data)
        case "tac_key":
            result = suite.tac_key(key)
        case "tac":
            result = suite.mac(suite.tac_key(key), data)
        case "authentication_data":
            result = suite.authentication_data(suite.session_key(key, seed), data)
        case "encrypted_data":
            result = suite.encrypt_data(suite.session_key(key, seed), data)
            assert suite.decrypt_data(suite.session_key(key, seed), result) == data
        case "card_authentication_code":
            result = suite.direct_mac(key, data, b"")

    assert result == of_suite(row["result"], suite)


@pytest.mark.parametrize(
    ("name", "mac1", "mac2", "tac"),
    [("3DES", "409CAC6A", "37F86753", "CEA3FB75"), ("SM4", "AF06E388", "B58E820E", "5C8FB663")],
)
def test_purchase_macs_from_typed_values(name: str, mac1: str, mac2: str, tac: str) -> None:
    suite, time = suite_named(name), bytes.fromhex("20260105101530")
    amounts = PurchaseAmounts(Fen(1234), Fen(2000), Fen(8000)).build()
    sequence = bytes.fromhex("00000001")
    session_key = transaction.purchase_session_key(
        suite, card_key(suite, "DPK"), bytes.fromhex("AABBCCDD"), 0, sequence
    )

    made = (
        transaction.purchase_mac1(suite, session_key, amounts, TERMINAL, time),
        transaction.purchase_mac2(suite, session_key, amounts),
        transaction.purchase_tac(suite, card_key(suite, "DTK"), amounts, TERMINAL, sequence, time),
    )

    assert [mac.hex().upper() for mac in made] == [mac1, mac2, tac]


@pytest.mark.parametrize(
    ("name", "mac1", "mac2", "tac"),
    [("3DES", "38151960", "A4B41BBA", "90737B5E"), ("SM4", "8275DC94", "BF91411F", "B0D0254E")],
)
def test_load_macs_from_typed_values(name: str, mac1: str, mac2: str, tac: str) -> None:
    suite, amount, time = suite_named(name), Fen(10000), bytes.fromhex("20260105083000")
    session_key = transaction.load_session_key(suite, card_key(suite, "DLK"), bytes.fromhex("11223344"), 0)

    made = (
        transaction.load_mac1(suite, session_key, Fen(0), amount, TERMINAL),
        transaction.load_mac2(suite, session_key, amount, TERMINAL, time),
        transaction.load_tac(suite, card_key(suite, "DTK"), amount, 0, amount, TERMINAL, time),
    )

    assert [mac.hex().upper() for mac in made] == [mac1, mac2, tac]
