"""A card's description as values: applications, files, keys, PIN and the rulings it follows.

Not here: reading it from disk (the caller gives the TOML text) and obeying it (card, applets).
Every entry of a description carries its source. Source of the shape: style.md, "applets/".
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from sscard_terminal.iso7816.atr import Atr
from sscard_terminal.iso7816.errors import FormatError

from .access import AccessRule
from .description import Entry

Structure = Literal["linear", "cyclic", "transparent"]
FieldType = Literal["an", "cn", "b", "tlv"]
KeyUse = Literal["external", "internal", "session", "load", "purchase", "tac", "starting-day"]

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
    """One EF. `size` in bytes for transparent files and linear ones of no fixed records (EF DIR);
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
    fcp_for_ef: bool = False
    """Off: real cards answer nothing to SELECT EF (card.md §1.2)."""


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

    def file(self, key: str) -> FileSpec:
        """A file by "DF/NAME"."""
        return next(spec for spec in self.files if spec.key == key)

    def key(self, name: str) -> KeySpec:
        return _by_name(self.keys, name)

    @property
    def first_pin(self) -> str | None:
        return self.pin.first if self.pin else None


def _by_name(specs: Iterable[Any], name: str) -> Any:
    found = next((spec for spec in specs if spec.name == name), None)
    if found is None:
        raise FormatError(f"the description names no {name}")
    return found


def parse_profile(texts: Mapping[str, str]) -> CardProfile:
    """Read a description out of its parts: file name → TOML text; one part has the table [card].

    Raises:
        FormatError: no TOML, an unknown or missing entry, a missing source, a reference to nothing, a wrong number;
            the text names the part and the entry.
    """
    parts = {name: _toml(name, text) for name, text in texts.items()}
    tables = {name: Entry(name, document) for name, document in parts.items()}
    cards = [(name, table) for name, table in tables.items() if table.has("card")]
    if len(cards) != 1:
        raise FormatError(f"a description has one table [card], here are {len(cards)}")
    profile = _profile(cards[0][1], list(tables.values()))
    _check(profile)
    return profile


def _toml(name: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FormatError(f"{name}: no TOML: {error}") from None


def _profile(main: Entry, tables: list[Entry]) -> CardProfile:
    card = main.table("card")
    pins = [table.table("pin") for table in tables if table.has("pin")]
    rules = [table.table("rules") for table in tables if table.has("rules")]
    profile = CardProfile(
        name=card.text("name"),
        capacity=card.number("capacity"),
        algorithm=card.choice("algorithm", ("3DES", "SM4")),
        version=card.text("version"),
        atr=Atr.parse(card.hex("atr")),
        applets=card.texts("applets"),
        source=card.text("source"),
        dfs=tuple(_df(entry) for table in tables for entry in table.tables("df")),
        files=tuple(_file(entry) for table in tables for entry in table.tables("file")),
        keys=tuple(_key(entry) for table in tables for entry in table.tables("key")),
        pin=_pin(pins[0]) if pins else None,
        rules=_rules(rules[0]) if rules else Rules(),
        psam_keys=tuple(_psam_key(entry) for table in tables for entry in table.tables("psam_key")),
    )
    for entry in (card, *tables):
        entry.finish()
    return profile


def _df(entry: Entry) -> DfSpec:
    spec = DfSpec(
        name=entry.text("name"),
        fid=entry.fid("fid"),
        aid=entry.hex("aid"),
        parent=entry.text("parent", None),
        label=entry.text("label", ""),
        fci=entry.hex("fci", b""),
        message_key=entry.text("message_key", None),
        source=entry.text("source"),
    )
    entry.finish()
    return spec


def _file(entry: Entry) -> FileSpec:
    spec = FileSpec(
        df=entry.text("df"),
        name=entry.text("name"),
        fid=entry.fid("fid"),
        sfi=entry.number("sfi", 0),
        structure=entry.choice("structure", get_args(Structure)),
        read=AccessRule.parse(entry.text("read")),
        update=AccessRule.parse(entry.text("update")),
        source=entry.text("source"),
        records=tuple(_record(record) for record in entry.tables("records")),
        record_length=entry.number("record_length", 0),
        record_count=entry.number("record_count", 0),
        size=entry.number("size", 0),
    )
    entry.finish()
    return spec


def _record(entry: Entry) -> RecordSpec:
    spec = RecordSpec(
        tag=int.from_bytes(entry.hex("tag"), "big"),
        length=entry.number("length"),
        type=entry.choice("type", get_args(FieldType)),
        item=entry.text("item"),
    )
    entry.finish()
    return spec


def _key(entry: Entry) -> KeySpec:
    tries = entry.number("tries", DEFAULT_TRIES)
    spec = KeySpec(
        name=entry.text("name"),
        df=entry.text("df"),
        id=int.from_bytes(entry.hex("id"), "big"),
        use=entry.choice("use", get_args(KeyUse)),
        length=entry.number("length", 16),
        tries=tries or None,
        groups=tuple(entry.numbers("groups", (1,))),
        source=entry.text("source"),
    )
    entry.finish()
    return spec


def _psam_key(entry: Entry) -> PsamKeySpec:
    usage = int.from_bytes(entry.hex("usage"), "big")
    spec = PsamKeySpec(
        df=entry.text("df"),
        root=entry.text("root"),
        type=usage & 0x1F,
        id=int.from_bytes(entry.hex("id"), "big"),
        levels=usage >> 5,
        length=entry.number("length", 16),
        source=entry.text("source"),
    )
    entry.finish()
    return spec


def _pin(entry: Entry) -> PinSpec:
    spec = PinSpec(entry.text("df"), entry.text("first"), entry.number("try_limit"), entry.text("source"))
    entry.finish()
    return spec


def _rules(entry: Entry) -> Rules:
    known = Rules.__dataclass_fields__
    values = {name: entry.rule(name, known[name].default) for name in known if entry.has(name)}
    entry.finish()
    return Rules(**values)


def _check(profile: CardProfile) -> None:
    dfs = {spec.name for spec in profile.dfs}
    keys = {spec.name for spec in profile.keys}
    for spec in (*profile.files, *profile.keys):
        if spec.df not in dfs:
            raise FormatError(f"{profile.name}: {spec.name} lies in {spec.df}, which the description does not have")
    for file in profile.files:
        missing = (file.read.keys | file.update.keys) - keys
        if missing:
            raise FormatError(f"{profile.name}: an access rule of {file.key} names no key: {sorted(missing)[0]}")
    needed = sum(file.capacity for file in profile.files)
    if needed > profile.capacity:
        raise FormatError(f"{profile.name}: the files need {needed} bytes, the card has {profile.capacity}")
