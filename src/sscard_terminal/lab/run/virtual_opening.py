"""Virtual cards and PSAMs as a script names them: made anew, or from an image.

Not here: readers and recordings (opening.py), the making of images (lab/virtual.py).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

from sscard_terminal.cardspec.money import Fen, fen_of_yuan
from sscard_terminal.iso7816.errors import FormatError

from .. import virtual
from ..script.syntax import UseCard, UseImage, UsePsam
from .opening import PSAM_PREFIX
from .virtual_target import VirtualTarget, profile_of

USUAL_BALANCE = Fen(100_00)
"""What a new card holds where the script does not say: something to buy with. Our choice."""
CARD, PSAM = "card", "psam"


def virtual_target(
    use: UseCard | UsePsam | UseImage, name: str, random: Random, folder: Path
) -> VirtualTarget:
    """The target of such a statement; files are seen from `folder`.

    Raises:
        FormatError, ImageError: there is no such card, or it is no image.
        OSError: a file cannot be read.
    """
    match use:
        case UseCard(_, profile, person, balance):
            return _card(name, profile, person, balance, random, folder)
        case UsePsam(_, profile):
            full = profile if profile.startswith(PSAM_PREFIX) else PSAM_PREFIX + profile
            return VirtualTarget(name, _psam_image(full), random, _no_other, kind=PSAM, says=full)
        case UseImage(_, file):
            path = folder / file
            kind = PSAM if profile_of(path.read_bytes()).startswith(PSAM_PREFIX) else CARD
            return VirtualTarget(name, path.read_bytes, random, _finder("", folder), kind=kind, says=file)


def _psam_image(profile: str) -> Callable[[], bytes]:
    return lambda: virtual.psam_image(profile)


def _card(name: str, profile: str, person: str, balance: str, random: Random, folder: Path) -> VirtualTarget:
    held = fen_of_yuan(balance) if balance else USUAL_BALANCE
    whose = person or virtual.USUAL_PERSON

    def image() -> bytes:
        return virtual.card_image(profile, _holder(whose, folder), held)

    return VirtualTarget(name, image, random, _finder(profile, folder), kind=CARD, says=f"{profile} {whose}")


def _holder(person: str, folder: Path) -> str | Path:
    """A shipped person by name, or a file of the script's folder."""
    return person if person in virtual.people() else folder / person


def _finder(profile: str, folder: Path) -> Callable[[str], bytes]:
    """How `swap NAME` finds another card: somebody's of the same kind, or an image file."""

    def find(name: str) -> bytes:
        if name in virtual.people():
            return virtual.card_image(profile or virtual.USUAL_CARD, name, USUAL_BALANCE)
        return (folder / name).read_bytes()

    return find


def _no_other(name: str) -> bytes:
    raise FormatError("a PSAM is not swapped")
