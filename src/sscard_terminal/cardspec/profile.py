"""A card's description as values: applications, files, keys, PIN and the rulings it follows.

Not here: its TOML text (profile_text) and obeying it (card, applets).
Source of the shape: style.md, "applets/".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeVar

from sscard_terminal.iso7816.atr import Atr
from sscard_terminal.iso7816.errors import FormatError

from .access import AccessRule

Structure = Literal["linear", "cyclic", "transparent"]
FieldType = Literal["an", "cn", "b", "tlv"]
KeyUse = Literal["external", "internal", "session", "load", "purchase", "tac"]

DEFAULT_TRIES = 15
"""Tries of an authentication key that names none. Source: card.md §9.26."""


@dataclass(frozen=True, slots=True)
class RecordSpec:
    """One record of a linear file: tag, value length in bytes, coding, the item's name."""

    tag: int
    length: int
    type: FieldType
    item: str

    @property
    def empty(self) -> bytes:
        """What the value holds when nothing was written. Source: card.md §1.3."""
        return (b"\xff" if self.type == "cn" else b"\x00") * self.length


@dataclass(frozen=True, slots=True)
class FileSpec:
    """One EF. `size` in bytes for transparent files and linear ones with room for more records (EF DIR);
    `record_length`, `record_count` for cyclic ones."""

    df: str
    name: str
    fid: int
    sfi: int
    structure: Structure
    read: AccessRule
    update: AccessRule
    source: str
    records: tuple[RecordSpec, ...] = ()
    record_length: int = 0
    record_count: int = 0
    size: int = 0

    @property
    def key(self) -> str:
        """Its name in the memory, "DF04/EF08"."""
        return f"{self.df}/{self.name}"

    @property
    def capacity(self) -> int:
        """Bytes of content."""
        match self.structure:
            case "linear":
                return max(self.size, sum(2 + record.length for record in self.records))
            case "cyclic":
                return self.record_length * self.record_count
        return self.size


@dataclass(frozen=True, slots=True)
class DfSpec:
    """One DF, DDF or the MF. `fci` is what follows tag 84 inside 6F."""

    name: str
    fid: int
    aid: bytes
    parent: str | None
    source: str
    label: str = ""
    fci: bytes = b""
    message_key: str | None = None
    """The STK of this DF, for secure messaging."""


@dataclass(frozen=True, slots=True)
class KeySpec:
    """One key: `id` as P2 of 0082 says it, `tries` None for a key that never locks, `groups` present."""

    name: str
    df: str
    id: int
    use: KeyUse
    length: int
    source: str
    tries: int | None = DEFAULT_TRIES
    groups: tuple[int, ...] = (1,)


@dataclass(frozen=True, slots=True)
class PsamKeySpec:
    """One key of a PSAM: `type` the low five bits of usage, `levels` the diversification still to do.

    The key is the root called `root`, brought down through the levels that are done already. Source: card.md §5.1.
    """

    df: str
    root: str
    type: int
    id: int
    levels: int
    length: int
    source: str

    @property
    def usage(self) -> int:
        return self.levels << 5 | self.type


@dataclass(frozen=True, slots=True)
class PinSpec:
    """The card's one PIN."""

    df: str
    first: str
    try_limit: int
    source: str


@dataclass(frozen=True, slots=True)
class Rules:
    """The inferred rules and rulings that plausibly vary, each with its default and source."""

    wrong_pin_clears_status: bool = True
    """card.md §9.15."""
    change_pin_clears_status: bool = False
    """card.md §9.14, CHANGE PIN with the right old PIN."""
    reset_pin_clears_status: bool = True
    """card.md §9.14, UNBLOCK and RELOAD."""
    answers_at_once: bool = False
    """card.md §10, row T=0: False answers 61xx and 6Cxx as a contact card."""
    class_80_unknown_ins: int = 0x6E00
    """card.md §10 A5."""
    blocked_select: int = 0x9303
    """card.md §10 A6."""
    psam_checks_validity: bool = False
    """Our choice: True lets a PSAM refuse (6985) a purchase outside the dates of its DPK file (card.md §5.1)."""
    fcp_for_ef: bool = False
    """Off: real cards answer nothing to SELECT EF (card.md §1.2)."""
    options: tuple[str, ...] = ()
    """Which optional parts of the description the card has (card.md §9.4); read once, with the description."""


@dataclass(frozen=True, slots=True)
class CardProfile:
    """A whole description, checked: names are unique, references hold, the files fit the capacity."""

    name: str
    capacity: int
    algorithm: str
    version: str
    atr: Atr
    applets: tuple[str, ...]
    source: str
    dfs: tuple[DfSpec, ...]
    files: tuple[FileSpec, ...]
    keys: tuple[KeySpec, ...]
    pin: PinSpec | None
    rules: Rules = field(default_factory=Rules)
    psam_keys: tuple[PsamKeySpec, ...] = ()

    def df(self, name: str) -> DfSpec:
        return _by_name(self.dfs, name)

    def key(self, name: str) -> KeySpec:
        return _by_name(self.keys, name)

    @property
    def first_pin(self) -> str | None:
        return self.pin.first if self.pin else None


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_N = TypeVar("_N", bound=_Named)


def _by_name(specs: Iterable[_N], name: str) -> _N:
    found = next((spec for spec in specs if spec.name == name), None)
    if found is None:
        raise FormatError(f"the description names no {name}")
    return found
