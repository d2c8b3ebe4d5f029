"""New images of cards and PSAMs, and the files they go to.

Not here: the files they are made from (inputs.py) and opening one (images.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sscard_applets.catalogue import load_profile, profile_names
from sscard_applets.medical_account.account import fresh_objects
from sscard_applets.psam.issue import PsamFacts, issue_psam
from sscard_terminal.card.memory import create_whole
from sscard_terminal.card.person import Person
from sscard_terminal.card.personalise import personalise
from sscard_terminal.cardspec.amount_settings import with_settings
from sscard_terminal.cardspec.keys import KeySet
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.profile import CardProfile
from sscard_terminal.cardspec.records import AmountFile

from .exits import Exit, Stop

Settings = Iterable[tuple[str, str]]
"""Fields of the amount file with their values as typed (cardspec.amount_settings)."""
PSAM_PROFILE = "psam-national"
MEDICAL_ACCOUNT = "medical_account"
FIRST_STARTING_DAY = bytes.fromhex("0101")
"""A new card holds the year of its issue and this day. Source: card.md §10 B44."""


def card_profile(name: str) -> CardProfile:
    """The description of a card with a medical account.

    Raises:
        Stop: there is none of that name, or it is a PSAM's.
    """
    names = profile_names()
    if name not in names:
        raise Stop(Exit.USAGE, "usage.profile", value=name, known=", ".join(names))
    profile = load_profile(name)
    if MEDICAL_ACCOUNT not in profile.applets:
        raise Stop(Exit.USAGE, "usage.not-a-card", value=name)
    return profile


def card_image(
    profile: CardProfile, person: Person, keys: KeySet, balance: Fen, settings: Settings = ()
) -> bytes:
    """The bytes of a new card whose account holds `balance`; `settings` overrule any field of the amount file.

    Raises:
        FormatError: the person's records or a setting do not fit, or a key is missing.
    """
    year = bytes.fromhex(f"{person.card.issued.year:04d}")
    amounts = AmountFile(0, 0, balance, Fen(0), Fen(0), year, FIRST_STARTING_DAY)
    return personalise(profile, person, keys, fresh_objects(with_settings(amounts, settings)))


def psam_image(keys: KeySet, terminal_number: str, blank: bool = False) -> bytes:
    """The bytes of a new national PSAM; `blank`: with master keys only, for an issuer to load (card.md §5.5)."""
    facts = PsamFacts(terminal_number=terminal_number)
    return issue_psam(load_profile(PSAM_PROFILE), facts, keys, blank=blank)


def save_new(file: Path, content: bytes) -> None:
    """Put a new image in place, whole or not at all.

    Raises:
        Stop: there is a file of that name; it was left as it is.
    """
    try:
        create_whole(file, content)
    except FileExistsError as error:
        raise Stop(Exit.USAGE, "image.exists", file=file) from error
