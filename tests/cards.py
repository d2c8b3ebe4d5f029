"""Virtual cards and PSAMs for tests: made from the fixtures, in RAM, with the randomness of the test's choice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from sscard_applets.catalogue import load_applets, load_profile
from sscard_applets.medical_account.account import fresh_objects
from sscard_applets.psam.issue import PsamFacts, issue_psam
from sscard_terminal.card.chip import Chip
from sscard_terminal.card.memory import ByteStore, RamStore
from sscard_terminal.card.nvm import Nvm
from sscard_terminal.card.person import parse_person
from sscard_terminal.card.personalise import personalise
from sscard_terminal.cardspec.keys import KeySet
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.profile import CardProfile
from sscard_terminal.cardspec.records import AmountFile

FIXTURES = Path(__file__).parent.parent / "fixtures"
KEYS = KeySet.parse((FIXTURES / "keys/test.toml").read_text(encoding="utf-8"))
PERSON_TEXT = (FIXTURES / "cards/zhang-san.toml").read_text(encoding="utf-8")
SSSE_NAME = bytes.fromhex("7378312E73682EC9E7BBE1B1A3D5CF")
PIN = "123456"
NEW_CARD = AmountFile(0, 0, Fen(0), Fen(0), Fen(0), bytes.fromhex("2012"), bytes.fromhex("0101"))
"""A new card holds the year of its issue and starting day 0101 (card.md §10 B44)."""


class Dice:
    """Random bytes that are not: what was put in first, then a counting pattern."""

    def __init__(self, *prepared: str) -> None:
        self._prepared = [bytes.fromhex(text) for text in prepared]
        self._turn = 0

    def __call__(self, length: int) -> bytes:
        if self._prepared:
            rolled = self._prepared.pop(0)
            assert len(rolled) == length
            return rolled
        self._turn += 1
        return bytes((self._turn + index) & 0xFF for index in range(length))


def card_image(profile_name: str = "gen2-32k", balance: int = 0, **amounts: Any) -> bytes:
    """张三's card, just handed out, with these amounts."""
    profile = load_profile(profile_name)
    held = replace(NEW_CARD, cia=Fen(balance), **amounts)
    return personalise(profile, parse_person(PERSON_TEXT, profile_name), KEYS, fresh_objects(held))


def profile_with(name: str, **rules: Any) -> CardProfile:
    profile = load_profile(name)
    return replace(profile, rules=replace(profile.rules, **rules))


def chip_over(
    store: ByteStore, dice: Dice | None = None, profile_name: str = "gen2-32k", **rules: Any
) -> Chip:
    """A chip over a memory that the test keeps; `rules` overrule the description."""
    profile = profile_with(profile_name, **rules)
    return Chip(profile, load_applets(profile), Nvm(store), dice or Dice())


def chip_of(image: bytes, dice: Dice | None = None, profile_name: str = "gen2-32k", **rules: Any) -> Chip:
    """A chip over an image in RAM."""
    return chip_over(RamStore(image), dice, profile_name, **rules)


def new_card(
    dice: Dice | None = None,
    balance: int = 0,
    profile_name: str = "gen2-32k",
    rules: dict[str, Any] | None = None,
    **amounts: Any,
) -> Chip:
    return chip_of(card_image(profile_name, balance, **amounts), dice, profile_name, **(rules or {}))


def psam_image() -> bytes:
    """The national PSAM of card.md §10."""
    return issue_psam(load_profile("psam-national"), PsamFacts(), KEYS)


def new_psam(dice: Dice | None = None, **rules: Any) -> Chip:
    """That PSAM as a chip in RAM; `rules` overrule the description."""
    profile = profile_with("psam-national", **rules)
    return Chip(profile, load_applets(profile), Nvm(RamStore(psam_image())), dice or Dice())


def ask(chip: Chip, text: str) -> str:
    """Hex in, hex out; GET RESPONSE is the test's business."""
    return chip.respond(bytes.fromhex(text)).hex().upper()


def fetch(chip: Chip, text: str) -> str:
    """As `ask`, with the answer fetched where it waits."""
    answer = ask(chip, text)
    return ask(chip, f"00C00000{answer[2:4]}") if len(answer) == 4 and answer.startswith("61") else answer


def ask_all(chip: Chip, *texts: str) -> list[str]:
    return [fetch(chip, text) for text in texts]
