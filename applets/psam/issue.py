"""Description, terminal number and root keys → the image of one PSAM.

Source: card.md §5.1, §10 A10 and row PSAM.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sscard_applets.psam.environment import ENVIRONMENTS, MASTER_KEY, SUITES, absent_key_object, psam_key_name
from sscard_terminal.card.chip import ATR
from sscard_terminal.card.image import build_image
from sscard_terminal.card.machine import STATE
from sscard_terminal.card.objects import PROFILE
from sscard_terminal.card.secure_messaging import key_object
from sscard_terminal.cardspec import layouts
from sscard_terminal.cardspec.bcd import bcd_of_date, bcd_of_digits
from sscard_terminal.cardspec.ciphers import CipherSuite
from sscard_terminal.cardspec.keys import KeySet, root_of_length
from sscard_terminal.cardspec.profile import CardProfile, PsamKeySpec
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.tlv import BerTlv

DIRECTORY = "0001"
FACTOR_LENGTH = 8
LEVELS = 3


@dataclass(frozen=True, slots=True)
class PsamFacts:
    """What one PSAM says. The defaults are the synthetic one of card.md §10."""

    terminal_number: str = "370900000001"
    serial: str = "00000000000000000001"
    issuer: int = 0x37
    valid_from: date = date(2020, 1, 1)
    valid_to: date = date(2040, 12, 31)
    sequence: int = 0


def issue_psam(
    profile: CardProfile, facts: PsamFacts, roots: KeySet, factors_done: bytes = b"", blank: bool = False
) -> bytes:
    """The bytes of a new, sealed image. `factors_done`: the levels above this PSAM's, province first, 8 bytes each;
    none for a national PSAM. `blank`: only the master keys are put in, an issuer loads the others (84 D4).

    Raises:
        FormatError: a wrong number or a missing key, or a key whose levels do not fit `factors_done`.
    """
    objects = {
        PROFILE: profile.name.encode("ascii"),
        ATR: profile.atr.build(),
        STATE: bytes(1 + len(profile.dfs)),
    }
    files = _file_contents(facts)
    for spec in profile.files:
        content = _directory(profile, spec.df) if spec.name == DIRECTORY else files.get(spec.name)
        objects[spec.key] = content or bytes(spec.size)
    for key in profile.psam_keys:
        empty = blank and key.root != MASTER_KEY
        filled = absent_key_object(key.length) if empty else key_object(_key(key, roots, factors_done), None)
        objects[psam_key_name(key)] = filled
    return build_image(objects)


def _file_contents(facts: PsamFacts) -> dict[str, bytes]:
    """By name: every environment has the same (card.md §5.1). A file that is not named is empty."""
    return {
        "0015": layouts.build(
            layouts.PSAM_PUBLIC_INFORMATION, "0015", issuer=facts.issuer, serial=bcd_of_digits(facts.serial, 10),
            version=1, key_card_type=0, fci_data=bytes(2),
        ),
        "0016": _twelve_digits(facts.terminal_number),
        "0019": facts.sequence.to_bytes(4, "big"),
        "001A": layouts.build(
            layouts.PSAM_APPLICATION_INFORMATION, "001A", dpk_index=1, authentication_key_version=1,
            valid_from=bcd_of_date(facts.valid_from), valid_to=bcd_of_date(facts.valid_to),
        ),
    }  # fmt: skip


def _directory(profile: CardProfile, home: str) -> bytes:
    """The template of the DF01 below, coded as in a card's EF DIR (our choice; P9 §5.1 leaves the records open)."""
    found = (df for df in profile.dfs if df.parent == home and df.name in ENVIRONMENTS)
    return b"".join(BerTlv(0x61, BerTlv(0x4F, df.aid).build()).build() for df in found)


def _twelve_digits(number: str) -> bytes:
    if len(number) != 12 or not (number.isascii() and number.isdecimal()):
        raise FormatError("a terminal number has 12 digits")
    return bytes.fromhex(number)


def _key(spec: PsamKeySpec, roots: KeySet, factors_done: bytes) -> bytes:
    if spec.root == MASTER_KEY:
        return roots[spec.root]
    if spec.levels + len(factors_done) // FACTOR_LENGTH != LEVELS:
        raise FormatError(f"key {spec.root}: {spec.levels} levels to do do not fit the ones done")
    suite: CipherSuite = SUITES[spec.df]
    key = root_of_length(roots[spec.root], spec.length)
    for at in range(0, len(factors_done), FACTOR_LENGTH):
        key = suite.diversify(key, factors_done[at : at + FACTOR_LENGTH])
    return key
