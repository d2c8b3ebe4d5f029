"""Card and PSAM images as files: open one as a chip, read one; each error names the file.

Not here: making one (making.py), what it holds (card, applets) and readers. Kept light: a card is in its reader fast.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from sscard_applets.catalogue import load_applets, load_profile, profile_names
from sscard_terminal.card.chip import Chip
from sscard_terminal.card.image import FORMAT_VERSION, MAGIC, ImageError
from sscard_terminal.card.memory import ByteStore, FileStore, RamStore
from sscard_terminal.card.nvm import Nvm
from sscard_terminal.card.objects import PROFILE
from sscard_terminal.cardspec.profile import CardProfile
from sscard_terminal.iso7816.status import Language
from sscard_terminal.voice.messages import text

from .details import detail_in
from .exits import Exit, Stop

Kind = Literal["card", "psam"]
HEAD_LENGTH = len(MAGIC) + 2
"""Of an image: what says that it is one, and of which format."""


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
        profile = require_image(store, file, kind, language)
        nvm = _memory(store, file, language, writable=True)
    except BaseException:
        store.close()
        raise
    chip = _chip(profile, nvm, at_once)
    try:
        yield OpenedChip(chip, profile, nvm)
    finally:
        chip.close()


def require_image(store: ByteStore, file: Path, kind: Kind | None, language: Language) -> CardProfile:
    """The description of what is in `store`, which is only looked at; `file` is its name.

    Raises:
        Stop: no image, one of another kind, damaged or too new.
    """
    profile = _profile_of(_memory(store, file, language, writable=False), file)
    if kind is not None and kind_of(profile) != kind:
        raise _other_kind(file, profile, kind, language)
    return profile


def chip_over(store: ByteStore, *, at_once: bool = False) -> Chip:
    """The chip of an image that is one, by the description it names itself."""
    nvm = Nvm(store)
    return _chip(load_profile(nvm.read(PROFILE).decode("ascii")), nvm, at_once)


def _chip(profile: CardProfile, nvm: Nvm, at_once: bool) -> Chip:
    if at_once:
        profile = dataclasses.replace(profile, rules=dataclasses.replace(profile.rules, answers_at_once=True))
    return Chip(profile, load_applets(profile), nvm)


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
