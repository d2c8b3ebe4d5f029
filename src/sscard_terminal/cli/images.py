"""Card and PSAM images as files: make one, open one as a chip, read one; each error names the file.

Not here: what an image holds (card, applets) and readers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from sscard_applets.catalogue import load_applets, load_profile, profile_names
from sscard_applets.medical_account.account import fresh_objects
from sscard_applets.psam.issue import PsamFacts, issue_psam
from sscard_terminal.card.chip import Chip
from sscard_terminal.card.image import FORMAT_VERSION, MAGIC, ImageError
from sscard_terminal.card.memory import ByteStore, FileStore, RamStore, create_whole
from sscard_terminal.card.nvm import Nvm
from sscard_terminal.card.person import Person
from sscard_terminal.card.personalise import PROFILE, personalise
from sscard_terminal.cardspec.amount_settings import with_settings
from sscard_terminal.cardspec.keys import KeySet
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.profile import CardProfile
from sscard_terminal.cardspec.records import AmountFile
from sscard_terminal.iso7816.status import Language

from .details import detail_in
from .exits import Exit, Stop
from .messages import text

Kind = Literal["card", "psam"]
Settings = Iterable[tuple[str, str]]
"""Fields of the amount file with their values as typed (cardspec.amount_settings)."""
PSAM_PROFILE = "psam-national"
MEDICAL_ACCOUNT = "medical_account"
HEAD_LENGTH = len(MAGIC) + 2
"""Of an image: what says that it is one, and of which format."""
FIRST_STARTING_DAY = bytes.fromhex("0101")
"""A new card holds the year of its issue and this day. Source: card.md §10 B44."""


@dataclasses.dataclass(frozen=True, slots=True)
class OpenedChip:
    """A chip over an image, powered off, and the description it was made by."""

    chip: Chip
    profile: CardProfile
    nvm: Nvm

    @property
    def kind(self) -> Kind:
        return kind_of(self.profile)


def kind_of(profile: CardProfile) -> Kind:
    return "psam" if "psam" in profile.applets else "card"


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


@contextmanager
def opened(
    file: Path, kind: Kind | None, language: Language, *, at_once: bool = False
) -> Iterator[OpenedChip]:
    """The chip of an image (of this kind, None for either), alone in it; sealed when the block ends.

    Raises:
        Stop: no image, one of another kind, damaged or too new; it was left as it is.
        ImageInUse, OSError: as FileStore.
    """
    with _chip_over(FileStore(file), file, kind, language, at_once) as found:
        yield found


@contextmanager
def thrown_away(image: bytes, *, at_once: bool = False) -> Iterator[OpenedChip]:
    """The chip of an image that lives in this process only."""
    with _chip_over(RamStore(image), Path("-"), None, "en", at_once) as found:
        yield found


@contextmanager
def shown(file: Path, language: Language) -> Iterator[tuple[CardProfile, Nvm]]:
    """The memory of an image, only to look at; nothing is written, not even recovered pages."""
    store = FileStore(file, writable=False)
    try:
        nvm = _memory(store, file, language, writable=False)
        yield _profile_of(nvm, file), nvm
    finally:
        store.close()


@contextmanager
def _chip_over(
    store: ByteStore, file: Path, kind: Kind | None, language: Language, at_once: bool
) -> Iterator[OpenedChip]:
    try:
        profile = _profile_of(_memory(store, file, language, writable=False), file)
        if kind is not None and kind_of(profile) != kind:
            raise _other_kind(file, profile, kind, language)
        nvm = _memory(store, file, language, writable=True)
    except BaseException:
        store.close()
        raise
    if at_once:
        profile = dataclasses.replace(profile, rules=dataclasses.replace(profile.rules, answers_at_once=True))
    chip = Chip(profile, load_applets(profile), nvm)
    try:
        yield OpenedChip(chip, profile, nvm)
    finally:
        chip.close()


def _memory(store: ByteStore, file: Path, language: Language, *, writable: bool) -> Nvm:
    head = store.read_all()[:HEAD_LENGTH]
    if not head.startswith(MAGIC):
        raise Stop(Exit.USAGE, "image.foreign", file=file)
    if len(head) == HEAD_LENGTH and int.from_bytes(head[len(MAGIC) :], "big") > FORMAT_VERSION:
        raise Stop(Exit.USAGE, "image.newer", file=file)
    try:
        return Nvm(store, writable=writable)
    except ImageError as error:
        detail = detail_in(language, str(error))
        raise Stop(Exit.USAGE, "image.damaged", file=file, detail=detail) from error


def _profile_of(nvm: Nvm, file: Path) -> CardProfile:
    """An image says which description it was made by; one we lack is a newer program's."""
    name = nvm.read(PROFILE).decode("ascii", errors="replace") if PROFILE in nvm else ""
    if name not in profile_names():
        raise Stop(Exit.USAGE, "image.newer", file=file)
    return load_profile(name)


def _other_kind(file: Path, profile: CardProfile, wanted: Kind, language: Language) -> Stop:
    words = {name: text(language, f"image.kind.{name}") for name in ("card", "psam")}
    return Stop(
        Exit.USAGE, "image.other-kind", file=file, found=words[kind_of(profile)], wanted=words[wanted]
    )
