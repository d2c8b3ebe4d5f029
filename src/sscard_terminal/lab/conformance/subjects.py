"""What the suite is run against: a virtual card or PSAM with what its files need beside, or what is in a reader.

Not here: running (running.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from random import Random

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.status import OK
from sscard_terminal.reader.connection import Connection

from .. import virtual
from ..run.exact import exact
from ..run.targets import Target
from ..run.virtual_target import VirtualTarget
from .suite import Subject

CARD, PSAM = str(Subject.CARD), str(Subject.PSAM)
BALANCE = Fen(100_00)
FULL, LAST = "4294967295", "65535"
"""What an amount and a counter can hold at most."""
AT_THE_END: dict[str, tuple[tuple[str, str], ...]] = {
    "worn": (("load-counter", LAST), ("purchase-counter", LAST)),
    "full": (("cia", FULL), ("spip", FULL), ("spfp", FULL)),
}
AT_THE_END["overfull"] = (*AT_THE_END["worn"], *AT_THE_END["full"])
"""Cards at the end of a counter or an amount, by the names files need them under."""
VERSIONS = {"1.0": "gen1-16k", "2.0": "gen2-32k", "3.0": "gen3"}
"""Which description a real card is judged by; the first three characters count. Source: card.md §1.5, tag 03."""
UNKNOWN_PSAM = "psam"
"""The description of a real PSAM: how many levels its keys have left nobody is told."""
_SELECT_SSSE = bytes.fromhex("00A404000F7378312E73682EC9E7BBE1B1A3D5CF")
_VERSION = bytes.fromhex("00B2032C06")
_SELECT_MF, _TERMINAL_NUMBER = bytes.fromhex("00A40000023F00"), bytes.fromhex("00B0960006")


class Foreign(Exception):
    """What is in the reader is no card or PSAM that card.md speaks of; `version` is what its version record says, "" nothing."""

    def __init__(self, version: str) -> None:
        super().__init__(version)
        self.version = version


def virtual_subject(profile: str, seed: int) -> tuple[Subject, dict[str, Target]]:
    """A new card or PSAM of that description and what files need beside it; challenges come from `seed`.

    Raises:
        FormatError: there is no such description.
    """
    random = Random(seed)
    if profile in virtual.psam_profiles():
        return Subject.PSAM, {PSAM: _psam(profile, random)}
    if profile not in virtual.card_profiles():
        known = ", ".join((*virtual.card_profiles(), *virtual.psam_profiles()))
        raise FormatError(f"there is no card {profile!r}; there are {known}")
    targets: dict[str, Target] = {CARD: _card(CARD, profile, random), PSAM: _psam(virtual.USUAL_PSAM, random)}
    for name, settings in AT_THE_END.items():
        targets[name] = _card(name, profile, random, settings)
    return Subject.CARD, targets


def reader_subject(
    opening: Callable[[], Connection], reader: str, pin: bytes = b""
) -> tuple[Subject, dict[str, Target]]:
    """What is in a reader: a card by its version record, or a PSAM. `pin`: the card's, in BCD, where it may be verified.

    Raises:
        LinkError: it cannot be connected.
        Foreign: it is neither, or a card of a version nobody here knows.
    """
    target = Target(CARD, opening, kind="reader", says=reader, is_real=True)
    target.power_on()
    if target.transmit(exact(_SELECT_MF)).sw.is_success and target.transmit(exact(_TERMINAL_NUMBER)).sw == OK:
        target.power_off()
        return Subject.PSAM, {PSAM: _renamed(opening, reader, PSAM, UNKNOWN_PSAM)}
    target.reset(cold=True)
    target.transmit(exact(_SELECT_SSSE))
    answer = target.transmit(exact(_VERSION))
    target.power_off()
    version = answer.data[2:5].decode("ascii", errors="replace") if answer.sw == OK else ""
    if version not in VERSIONS:
        raise Foreign(version)
    return Subject.CARD, {CARD: _renamed(opening, reader, CARD, VERSIONS[version], pin)}


def _renamed(
    opening: Callable[[], Connection], reader: str, name: str, profile: str, pin: bytes = b""
) -> Target:
    return Target(name, opening, kind="reader", says=reader, profile=profile, pin=pin, is_real=True)


def _card(name: str, profile: str, random: Random, settings: Iterable[tuple[str, str]] = ()) -> VirtualTarget:
    @cache
    def image() -> bytes:
        return virtual.card_image(profile, virtual.USUAL_PERSON, BALANCE, settings)

    says = f"{profile} {virtual.USUAL_PERSON}"
    return VirtualTarget(name, image, random, _no_other, kind=CARD, says=says)


def _psam(profile: str, random: Random) -> VirtualTarget:
    @cache
    def image() -> bytes:
        return virtual.psam_image(profile)

    return VirtualTarget(PSAM, image, random, _no_other, kind=PSAM, says=profile)


def _no_other(name: str) -> bytes:
    raise FormatError(f"no script of the suite swaps cards, and not for {name!r}")
