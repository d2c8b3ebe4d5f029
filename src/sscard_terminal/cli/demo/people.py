"""The invented person, the test keys and the cards of the demo; one copy of both, in fixtures/ of the repository.

Not here: the story (story.py). Installed, they are the package data of `sscard_fixtures`.
"""

from __future__ import annotations

from importlib.resources import files

from sscard_terminal.card.person import parse_person
from sscard_terminal.cardspec.keys import KeySet
from sscard_terminal.cardspec.money import Fen

from ..making import card_image, card_profile, psam_image

PROFILE = "gen2-32k"
PERSON = "cards/zhang-san.toml"
KEYS = "keys/test.toml"
BALANCE = Fen(100_00)
TERMINAL = "370900000001"


def demo_card_image() -> bytes:
    """A new card of the demo person with 100.00 yuan on it."""
    profile = card_profile(PROFILE)
    return card_image(profile, parse_person(_text(PERSON), PROFILE), _keys(), BALANCE)


def demo_psam_image() -> bytes:
    """A new PSAM whose keys fit that card."""
    return psam_image(_keys(), TERMINAL)


def _keys() -> KeySet:
    return KeySet.parse(_text(KEYS))


def _text(name: str) -> str:
    return files("sscard_fixtures").joinpath(name).read_text(encoding="utf-8")
