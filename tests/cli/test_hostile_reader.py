"""A reader, card or service that fails in the middle of a sale at the command line, over a private pcscd."""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from sscard_terminal.cli import reader_search
from sscard_terminal.reader import pcsc
from sscard_terminal.reader.private_pcscd import PrivatePcscd, Slot
from tests.cards import card_image, chip_of, psam_image
from tests.cli.conftest import PIN, Done, Sscard
from tests.terminal.served_chip import Happening, ServedChip, in_reader

pytestmark = pytest.mark.vpcd
DEADLINE_S = 0.6
SLACK_S = 4.0
MONEY = {
    "zh": {3: "未扣款", 4: "待核实"},
    "en": {3: "not charged", 4: "to be verified"},
}


@pytest.fixture
def psam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The PSAM as a file; readers have little patience."""
    monkeypatch.setattr(reader_search, "open_reader", partial(pcsc.open_reader, deadline_s=DEADLINE_S))
    file = tmp_path / "terminal.psam"
    file.write_bytes(psam_image())
    return file


@pytest.fixture
def service(pcscd: PrivatePcscd) -> Iterator[PrivatePcscd]:
    """A service that a test may stop; it runs again afterwards."""
    yield pcscd
    pcscd.stop_service()
    pcscd.start_service()


def ask(sscard: Sscard, slot: Slot, psam: Path, command: str, *more: str) -> Done:
    readers = ("--reader", slot.reader, "--psam-reader", f"image:{psam}")
    return sscard(
        *command.split(),
        *readers,
        "--journal",
        psam.with_name("j.db"),
        "--pin-stdin",
        *more,
        stdin=f"{PIN}\n",
    )


def falls_silent(served: ServedChip, command: bytes) -> None:
    served.obey(command)


def leaves(served: ServedChip, command: bytes) -> None:
    served.obey(command)
    served.leave()


ENDINGS: list[tuple[str, Happening, int, str]] = [
    ("00B2012D", falls_silent, 3, "link.deadline-passed"),
    ("00B2012D", leaves, 3, "link.empty-answer"),
    ("B028", falls_silent, 3, "declined.link-broken"),
    ("B028", leaves, 3, "declined.card-removed"),
    ("B02C", falls_silent, 4, "doubt.answer-lost"),
    ("B02C", leaves, 4, "doubt.answer-lost"),
]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("at", "happening", "code", "key"), ENDINGS)
def test_a_card_that_fails_ends_the_sale_in_time_with_one_sentence(
    at: str,
    happening: Happening,
    code: int,
    key: str,
    language: str,
    sscard: Sscard,
    pcscd: PrivatePcscd,
    slot: Slot,
    psam: Path,
) -> None:
    chip = chip_of(card_image(balance=10_000))
    begun = time.monotonic()
    with in_reader(ServedChip(chip, at, happening), pcscd, slot):
        done = ask(sscard, slot, psam, "debit --account 12.34", "--lang", language)
        took_s = time.monotonic() - begun

    assert done.code == code
    assert done.err.count("\n") == 1
    assert MONEY[language][code] in done.err
    assert took_s < DEADLINE_S + SLACK_S
    with in_reader(ServedChip(chip), pcscd, slot):
        settled = ask(sscard, slot, psam, "recover", "--json").json["settled"]
        again = ask(sscard, slot, psam, "debit --account 12.34 --again", "--json").json
    assert [row["state"] for row in settled] == (["charged"] if code == 4 else [])
    assert again["balance_fen"] == 10_000 - (2 if code == 4 else 1) * 1234


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_service_that_dies_in_a_sale_leaves_it_to_be_verified_until_it_is_back(
    language: str, sscard: Sscard, service: PrivatePcscd, slot: Slot, psam: Path
) -> None:
    chip = chip_of(card_image(balance=10_000))

    def dies(served: ServedChip, command: bytes) -> None:
        served.obey(command)
        service.stop_service()

    with in_reader(ServedChip(chip, "B02C", dies), service, slot):
        sale = ask(sscard, slot, psam, "debit --account 12.34", "--lang", language)
    away = ask(sscard, slot, psam, "recover", "--lang", language)
    service.start_service()
    with in_reader(ServedChip(chip), service, slot):
        back = ask(sscard, slot, psam, "recover", "--json").json["settled"]

    assert (sale.code, away.code) == (4, 4)
    assert MONEY[language][4] in sale.err
    assert ("仍待核实" if language == "zh" else "still to be verified") in away.sentence
    assert [(row["state"], row["evidence"]) for row in back] == [("charged", "log-shows-ours")]
