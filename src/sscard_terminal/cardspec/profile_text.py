"""Reads a card's description out of its TOML texts, strictly: nothing unknown, nothing without a source.

Not here: files on disk (the caller gives the texts) and what the description means (profile).
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar, get_args

from sscard_terminal.iso7816.atr import Atr
from sscard_terminal.iso7816.errors import FormatError

from .access import AccessRule
from .description import Entry
from .profile import (
    DEFAULT_TRIES,
    CardProfile,
    DfSpec,
    FieldType,
    FileSpec,
    KeySpec,
    KeyUse,
    PinSpec,
    PsamKeySpec,
    RecordSpec,
    Rules,
    Structure,
)

_S = TypeVar("_S")


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
    tables_of_rules = [table.table("rules") for table in tables if table.has("rules")]
    rules = _rules(tables_of_rules[0]) if tables_of_rules else Rules()
    parts = _Parts(tables, rules.options)
    profile = CardProfile(
        name=card.text("name"),
        capacity=card.number("capacity"),
        algorithm=card.choice("algorithm", ("3DES", "SM4")),
        version=card.text("version"),
        atr=Atr.parse(card.hex("atr")),
        applets=card.texts("applets"),
        source=card.text("source"),
        dfs=_in_tree_order([_df(entry) for table in tables for entry in table.tables("df")]),
        files=parts.read("file", _file),
        keys=parts.read("key", _key),
        pin=_pin(pins[0]) if pins else None,
        rules=rules,
        psam_keys=parts.read("psam_key", _psam_key),
    )
    parts.finish(card.text("name"))
    for entry in (card, *tables):
        entry.finish()
    return profile


class _Parts:
    """What a description has for some cities only: `optional = "shandong"` counts where [rules] options names it."""

    def __init__(self, tables: list[Entry], options: tuple[str, ...]) -> None:
        self._tables = tables
        self._options = options
        self._known: set[str] = set()

    def read(self, kind: str, parse: Callable[[Entry], _S]) -> tuple[_S, ...]:
        """All entries of a kind, checked, less those that are not switched on."""
        found = []
        for entry in (entry for table in self._tables for entry in table.tables(kind)):
            optional = entry.text("optional", None)
            spec = parse(entry)
            if optional is None or optional in self._options:
                found.append(spec)
            self._known.add(optional)
        return tuple(found)

    def finish(self, name: str) -> None:
        """
        Raises:
            FormatError: an option that no part has.
        """
        missing = sorted(set(self._options) - self._known)
        if missing:
            raise FormatError(f"{name}: no part of the description has the option {missing[0]!r}")


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


def _in_tree_order(dfs: list[DfSpec]) -> tuple[DfSpec, ...]:
    """A DF before those below it, siblings by file identifier, whichever part of the description they come from.

    SELECT by partial name and EF DIR go by this order. Source: card.md §1.1, §10 B24.

    Raises:
        FormatError: one lies below a DF that is not there.
    """
    ordered = tuple(_below(None, dfs))
    lost = [spec for spec in dfs if spec not in ordered]
    if lost:
        raise FormatError(f"{lost[0].name} lies in {lost[0].parent}, which the description does not have")
    return ordered


def _below(parent: str | None, dfs: list[DfSpec]) -> Iterator[DfSpec]:
    for spec in sorted((spec for spec in dfs if spec.parent == parent), key=lambda spec: spec.fid):
        yield spec
        yield from _below(spec.name, dfs)


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
    for df, name in [(file.df, file.name) for file in profile.files] + [
        (key.df, key.name) for key in profile.keys
    ]:
        if df not in dfs:
            raise FormatError(f"{profile.name}: {name} lies in {df}, which the description does not have")
    for file in profile.files:
        missing = (file.read.keys | file.update.keys) - keys
        if missing:
            raise FormatError(
                f"{profile.name}: an access rule of {file.key} names no key: {sorted(missing)[0]}"
            )
    needed = sum(file.capacity for file in profile.files)
    if needed > profile.capacity:
        raise FormatError(f"{profile.name}: the files need {needed} bytes, the card has {profile.capacity}")
