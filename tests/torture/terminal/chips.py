"""Cards and PSAMs that come to life from an image at once, and a PSAM that is put back as one session left it.

Not here: what is done with them (session). A chip is a new object each time; only bytes and, for a PSAM that stays
powered, its session go from one to the next.
"""

from __future__ import annotations

from copy import copy
from dataclasses import fields, replace
from functools import cache, lru_cache
from typing import Any

from sscard_applets.medical_account import account
from sscard_applets.psam.issue import PsamFacts, issue_psam
from sscard_terminal.card.chip import Chip
from sscard_terminal.card.memory import RamStore
from sscard_terminal.card.nvm import Nvm
from sscard_terminal.card.person import parse_person
from sscard_terminal.card.personalise import personalise
from sscard_terminal.card.volatile import Volatile
from sscard_terminal.cardspec.money import Fen
from tests.cards import KEYS, NEW_CARD, PERSON_TEXT, Dice
from tests.torture.counterpart import profile_and_applets

PSAM = "psam-national"
PsamSession = dict[str, Any]
"""What a powered PSAM has not forgotten: the fields of its Volatile."""


@lru_cache(maxsize=2000)
def _memory(image: bytes) -> Nvm:
    return Nvm(RamStore(image))


class Rolls(Dice):
    """Another pattern in each session, so that no two purchases get the same random from the card."""

    def __init__(self, session: int) -> None:
        super().__init__()
        self._turn = 16 * session


def chip_from(image: bytes, profile_name: str, session: int = 0, **rules: Any) -> Chip:
    """A chip over its own copy of these bytes; what can be made once (what was parsed, the table of commands) is."""
    parsed = _memory(image)
    memory = copy(parsed)
    memory._store = RamStore(parsed._store.read_all())
    memory._mirror = bytearray(memory._mirror)
    chip = copy(_blank(image, profile_name, tuple(rules.items())))
    chip._nvm, chip._random_bytes = memory, Rolls(session)
    chip.power_on()
    return chip


@lru_cache(maxsize=100)
def _blank(image: bytes, profile_name: str, rules: tuple[tuple[str, Any], ...]) -> Chip:
    profile, applets = profile_and_applets(profile_name)
    if rules:
        profile = replace(profile, rules=replace(profile.rules, **dict(rules)))
    return Chip(profile, applets, _memory(image))


def image_of(chip: Chip) -> bytes:
    return chip._nvm._store.read_all()


def proof_of(card: Chip) -> str:
    """The TAC of the newest transaction, as it lies in the card's memory."""
    return account.proof_of(card._machine).tac.hex().upper()


def session_of(psam: Chip) -> PsamSession:
    volatile = psam._machine.volatile
    return {item.name: copy(getattr(volatile, item.name)) for item in fields(Volatile)}


def put_back(psam: Chip, session: PsamSession) -> None:
    """This chip has been powered all along."""
    psam.power_on()
    for name, value in session.items():
        setattr(psam._machine.volatile, name, copy(value))


def told_apart(session: PsamSession | None) -> object:
    """What distinguishes one session from another, as plain values."""
    if session is None:
        return None
    purchase, opened = session["transaction"], session["application"]
    return (
        session["current_df"].name,
        session["current_ef"] and session["current_ef"].key,
        purchase and (purchase.session_key, purchase.amounts),
        opened and (opened.key, opened.key_type, opened.used_for_mac, opened.mac_chain),
        session["waiting"],
    )


@cache
def card_of(profile_name: str, balance: int, counters: int = 0, *changes: tuple[str, str]) -> bytes:
    """张三's card, or one whose person's text is changed; both counters alike, and no log."""
    text = PERSON_TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    held = replace(NEW_CARD, cia=Fen(balance), load_counter=counters, purchase_counter=counters)
    profile, _ = profile_and_applets(profile_name)
    return personalise(profile, parse_person(text, profile_name), KEYS, account.fresh_objects(held))


@cache
def psam_of(terminal: str, sequence: int = 0) -> bytes:
    facts = PsamFacts(terminal_number=terminal, sequence=sequence)
    return issue_psam(profile_and_applets(PSAM)[0], facts, KEYS)
