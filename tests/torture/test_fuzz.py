"""Random and mutated APDUs: an answer to each, no secret in any, and money moves by valid commands alone."""

import logging

import pytest

from tests.torture.fuzz import CARDS, MARKED_PIN, PSAM, Broken, Fuzzer, recorded_texts
from tests.torture.planted import transactions

SEED, COUNT = 20260105, 6_000
"""`make torture` sends 100,000."""


@pytest.mark.parametrize("profile_name", [*CARDS, PSAM])
def test_fuzzed_chips_answer_keep_their_secrets_and_their_money(
    profile_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fuzzer = Fuzzer(profile_name, SEED)

    with recorded_texts() as texts:
        fuzzer.run(COUNT)

    assert fuzzer.answers.total() == COUNT
    assert fuzzer.moved > 10
    assert len(fuzzer.answers) > 15, "the fuzzing got nowhere"
    assert texts
    for text in (*texts, *(record.getMessage() for record in caplog.records)):
        assert not fuzzer.shows_secret(text.encode())
        assert not any(secret.hex() in text.lower() for secret in fuzzer.secrets)


def test_a_chip_that_shows_its_pin_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    fuzzer = Fuzzer("gen2-32k", SEED)
    monkeypatch.setattr(fuzzer.chip, "respond", lambda raw: bytes.fromhex(MARKED_PIN) + b"\x90\x00")

    with pytest.raises(Broken, match="shows a secret"):
        fuzzer.run(1)


def test_a_chip_that_debits_by_any_mac_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "_require_mac", lambda wanted, offered: None)

    with pytest.raises(Broken, match="moves money without a valid command"):
        Fuzzer("gen2-32k", SEED).run(COUNT)
