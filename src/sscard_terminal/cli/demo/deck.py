"""The cards one practises with, made anew for each run from fixtures/deck.toml: images in memory, prepared by commands.

Not here: the slot they go to (cli/counter/practice.py) and the demo's one card (people.py).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from sscard_terminal.card.chip import Chip
from sscard_terminal.card.memory import RamStore
from sscard_terminal.card.person import parse_person
from sscard_terminal.cardspec.commands.basic import Select
from sscard_terminal.cardspec.commands.security import ChangePin, VerifyPin
from sscard_terminal.cardspec.keys import KeySet
from sscard_terminal.cardspec.money import fen_of_yuan
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.iso7816.status import OK

from ..images import chip_over
from ..making import card_image, card_profile

WRONG_PIN = Pin("999999")
SSSE_NAME = bytes.fromhex("7378312E73682EC9E7BBE1B1A3D5CF")


@dataclass(frozen=True, slots=True)
class DeckCard:
    """One card: whose, what is special about it (a key of words), its PIN, its memory."""

    name: str
    holder: str
    number: str
    profile: str
    state: str
    pin: str
    image: bytes
    is_on_hotlist: bool


def deck() -> tuple[DeckCard, ...]:
    """Every card of fixtures/deck.toml, in its order."""
    keys = KeySet.parse(_text("keys/test.toml"))
    return tuple(_made(row, keys) for row in tomllib.loads(_text("deck.toml"))["card"])


def _made(row: Mapping[str, Any], keys: KeySet) -> DeckCard:
    profile = card_profile(row["profile"])
    person = parse_person(_text(f"cards/{row['name']}.toml"), profile.name)
    store = RamStore(card_image(profile, person, keys, fen_of_yuan(row["balance"])))
    first_pin = profile.first_pin or ""
    pin = row.get("pin", first_pin)
    _prepare(chip_over(store), first_pin, pin, row.get("wrong_pins", 0))
    return DeckCard(
        name=row["name"],
        holder=person.name,
        number=person.card.card_number,
        profile=profile.name,
        state=row["state"],
        pin=pin,
        image=store.read_all(),
        is_on_hotlist=row.get("on_hotlist", False),
    )


def _prepare(chip: Chip, first_pin: str, pin: str, wrong_pins: int) -> None:
    """Bring the card into its state as its holder did, with commands."""
    chip.respond(Select.name(SSSE_NAME).to_apdu().build())
    if pin != first_pin:
        answer = chip.respond(ChangePin.of(Pin(first_pin), Pin(pin)).to_apdu().build())
        assert int.from_bytes(answer, "big") == OK, "the deck's PIN does not fit its card"
    for _ in range(wrong_pins):
        chip.respond(VerifyPin.of(WRONG_PIN).to_apdu().build())
    chip.close()


def _text(name: str) -> str:
    return files("sscard_fixtures").joinpath(name).read_text(encoding="utf-8")
