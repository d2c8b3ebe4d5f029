"""Virtual cards and PSAMs made on the spot, in memory: a description, somebody who ships with us, and the test keys.

Not here: the slot they go to (card/loopback_slot.py, a virtual reader) and images in files (cli).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path

from sscard_applets.catalogue import load_applets, load_profile, profile_names
from sscard_applets.medical_account.account import fresh_objects
from sscard_applets.psam.issue import FACTOR_LENGTH, LEVELS, PsamFacts, issue_psam
from sscard_terminal.card.chip import Chip
from sscard_terminal.card.memory import ByteStore
from sscard_terminal.card.nvm import Nvm
from sscard_terminal.card.objects import PROFILE
from sscard_terminal.card.person import Person, parse_person
from sscard_terminal.card.personalise import personalise
from sscard_terminal.cardspec.amount_settings import with_settings
from sscard_terminal.cardspec.keys import DiversificationFactors, KeySet
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.profile import CardProfile
from sscard_terminal.cardspec.records import AmountFile
from sscard_terminal.iso7816.errors import FormatError

MEDICAL_ACCOUNT, PSAM_APPLET = "medical_account", "psam"
USUAL_CARD, USUAL_PERSON, USUAL_PSAM = "gen2-32k", "zhang-san", "psam-national"
FIRST_STARTING_DAY = bytes.fromhex("0101")
"""A new card holds the year of its issue and this day. Source: card.md §10 B44."""
REGION = "370900"
"""Tai'an: what a PSAM of less than three levels was brought down through."""
HISTORICAL_LENGTH = 13
_PEOPLE, _SUFFIX = "cards", ".toml"


def card_profiles() -> tuple[str, ...]:
    """The descriptions of cards with a medical account."""
    return tuple(name for name in profile_names() if MEDICAL_ACCOUNT in load_profile(name).applets)


def psam_profiles() -> tuple[str, ...]:
    return tuple(name for name in profile_names() if PSAM_APPLET in load_profile(name).applets)


def people() -> tuple[str, ...]:
    """The invented people who ship with us, by name: "zhang-san", …"""
    folder = files("sscard_fixtures").joinpath(_PEOPLE)
    return tuple(
        sorted(part.name.removesuffix(_SUFFIX) for part in folder.iterdir() if part.name.endswith(_SUFFIX))
    )


@cache
def shipped_keys() -> KeySet:
    """The root keys every card and PSAM here is made with; they are published and open nothing real."""
    return KeySet.parse(_shipped("keys/test.toml"))


def person(name: str | Path, profile: str) -> Person:
    """Somebody who ships with us, by name; or, by path, the person of a file.

    Raises:
        FormatError: there is nobody of that name, or (PersonError) a field is wrong, or there is no such card of theirs.
        OSError: the file cannot be read.
    """
    if isinstance(name, Path) or name.endswith(_SUFFIX):
        return parse_person(Path(name).read_text(encoding="utf-8"), profile)
    if name not in people():
        raise FormatError(f"there is nobody called {name!r} here; there are {', '.join(people())}")
    return parse_person(_shipped(f"{_PEOPLE}/{name}{_SUFFIX}"), profile)


def card_image(
    profile: str = USUAL_CARD,
    holder: str | Path | Person = USUAL_PERSON,
    balance: Fen = Fen(0),  # noqa: B008  # an int that does not change
    settings: Iterable[tuple[str, str]] = (),
) -> bytes:
    """The memory of a new card whose account holds `balance`; `settings` overrule any field of the amount file.

    Raises:
        FormatError: no such description or person, or something does not fit the card.
        OSError: the person's file cannot be read.
    """
    described = _card_profile(profile)
    somebody = holder if isinstance(holder, Person) else person(holder, profile)
    year = bytes.fromhex(f"{somebody.card.issued.year:04d}")
    amounts = AmountFile(0, 0, balance, Fen(0), Fen(0), year, FIRST_STARTING_DAY)
    return personalise(described, somebody, shipped_keys(), fresh_objects(with_settings(amounts, settings)))


def psam_image(profile: str = USUAL_PSAM) -> bytes:
    """The memory of a new PSAM of Tai'an whose keys fit these cards: national, provincial or the city's own.

    Raises:
        FormatError: no such description.
    """
    if profile not in psam_profiles():
        raise FormatError(f"there is no PSAM {profile!r}; there are {', '.join(psam_profiles())}")
    described = load_profile(profile)
    to_do = max(key.levels for key in described.psam_keys)
    region = DiversificationFactors.of(REGION, bytes(HISTORICAL_LENGTH))
    done = (region.province + region.city)[: FACTOR_LENGTH * (LEVELS - to_do)]
    return issue_psam(described, PsamFacts(), shipped_keys(), done)


def chip_over(store: ByteStore, *, at_once: bool = False) -> Chip:
    """The chip of an image, by the description it names itself. `at_once`: it answers as over T=1, without 61xx and 6Cxx.

    Raises:
        ImageError: it is no image, or damaged.
        FormatError: it was made by a description that is not here.
    """
    nvm = Nvm(store)
    profile = load_profile(nvm.read(PROFILE).decode("ascii"))
    if at_once:
        profile = dataclasses.replace(profile, rules=dataclasses.replace(profile.rules, answers_at_once=True))
    return Chip(profile, load_applets(profile), nvm)


def _card_profile(name: str) -> CardProfile:
    if name not in card_profiles():
        raise FormatError(f"there is no card {name!r}; there are {', '.join(card_profiles())}")
    return load_profile(name)


def _shipped(name: str) -> str:
    return files("sscard_fixtures").joinpath(name).read_text(encoding="utf-8")
