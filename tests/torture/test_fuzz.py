"""Random and mutated APDUs: an answer to each, no secret in any, and money moves by valid commands alone."""

import logging

import pytest

from sscard_terminal.card.refusal import Refusal
from sscard_terminal.iso7816 import status
from tests.torture.fuzz import CARDS, MARKED_PIN, PSAM, Broken, Fuzzer
from tests.torture.planted import transactions

SEED, COUNT = 20260105, 6_000
"""`make torture` sends 100,000."""


@pytest.mark.parametrize("profile_name", [*CARDS, PSAM])
def test_fuzzed_chips_answer_keep_their_secrets_and_their_money(profile_name: str) -> None:
    fuzzer = Fuzzer(profile_name, SEED)

    fuzzer.run(COUNT)

    assert fuzzer.answers.total() == COUNT
    assert fuzzer.moved > 10
    assert len(fuzzer.answers) > 15, "the fuzzing got nowhere"
    assert len(fuzzer.texts) > 5


def test_a_chip_that_shows_its_pin_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    fuzzer = Fuzzer("gen2-32k", SEED)
    monkeypatch.setattr(fuzzer.chip, "respond", lambda raw: bytes.fromhex(MARKED_PIN) + b"\x90\x00")

    with pytest.raises(Broken, match="shows a secret"):
        fuzzer.run(1)


@pytest.mark.parametrize("where", ["log", "refusal"])
def test_a_chip_that_writes_its_pin_down_is_caught(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fuzzer = Fuzzer("gen2-32k", SEED)

    def careless(raw: bytes) -> bytes:
        if where == "log":
            logging.getLogger("card").debug("the PIN is %s", MARKED_PIN)
        else:
            Refusal(f"not {MARKED_PIN}")  # type: ignore[arg-type]
        return status.OK.to_bytes(2, "big")

    monkeypatch.setattr(fuzzer.chip, "respond", careless)

    with pytest.raises(Broken, match="a text shows a secret"):
        fuzzer.run(1)


def test_a_chip_that_debits_by_any_mac_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "_require_mac", lambda wanted, offered: None)

    with pytest.raises(Broken, match="moves money without a valid command"):
        Fuzzer("gen2-32k", SEED).run(COUNT)
