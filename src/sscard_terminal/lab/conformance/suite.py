"""The conformance suite as it ships: one script a clause, and the list of all clauses of card.md.

A file of `sscard_fixtures/conformance` says in comments at its top whether it is about a card or a PSAM (`# subject: psam`), and which
other cards it needs beside (`# needs: psam`; `worn`, `full` and `overfull` are cards at the end of a counter or an amount).
Not here: running (running.py) and what follows from it (certificate.py).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from pathlib import Path

from ..script.parse import load
from ..script.syntax import Script, Section

FOLDER = "conformance"
CLAUSES = "clauses.toml"
SUFFIX = ".sscard"
BETWEEN = ";"
"""Between the clauses of one section's requirement."""
_HEADER = re.compile(r"# (subject|needs):[ \t]*([\w ]+)")


class Subject(StrEnum):
    """What is judged."""

    CARD = "card"
    PSAM = "psam"


@dataclass(frozen=True, slots=True)
class SuiteFile:
    """One script of the suite; `needs` are names of targets beside the subject."""

    name: str
    script: Script
    subject: Subject
    needs: frozenset[str]


def folder() -> Path:
    """Where the suite is installed."""
    return Path(str(files("sscard_fixtures").joinpath(FOLDER)))


@cache
def suite(subject: Subject) -> tuple[SuiteFile, ...]:
    """The files about that subject, in the order of the document.

    Raises:
        ScriptError: one is wrong; a test holds that none is.
    """
    paths = sorted(folder().glob(f"*{SUFFIX}"), key=lambda path: _in_order(path.name))
    return tuple(_read(path, told) for path, told in _headers(paths) if _subject_in(told) == subject)


def _headers(paths: Iterable[Path]) -> Iterator[tuple[Path, dict[str, str]]]:
    for path in paths:
        yield path, dict(_HEADER.findall(path.read_text(encoding="utf-8").partition("\nsection")[0]))


def _subject_in(told: Mapping[str, str]) -> Subject:
    return Subject(told.get("subject", Subject.CARD).strip())


def _read(path: Path, told: Mapping[str, str]) -> SuiteFile:
    return SuiteFile(path.stem, load(path), _subject_in(told), frozenset(told.get("needs", "").split()))


def clauses_of(section: Section) -> tuple[str, ...]:
    """The clauses that a section shows."""
    return tuple(name.strip() for name in section.requirement.split(BETWEEN) if name.strip())


@cache
def clauses() -> tuple[str, ...]:
    """Every clause of card.md by name, in the order of the document: `2.2 VERIFY`, `2.2 SW VERIFY 63Cx`, `10 B17`."""
    return tuple(_document()["clauses"])


@cache
def unscripted() -> Mapping[str, str]:
    """The clauses no script can show, each with the reason."""
    return dict(_document()["unscripted"])


def chapter_of(clause: str) -> str:
    """`2.2` of `2.2 VERIFY`."""
    return clause.partition(" ")[0]


@cache
def _document() -> Mapping[str, dict[str, str]]:
    return tomllib.loads((folder() / CLAUSES).read_text(encoding="utf-8"))


def _in_order(name: str) -> list[tuple[int, str]]:
    """By chapter as numbers: 2.2 before 10."""
    return [(int(part) if part.isdecimal() else 0, part) for part in re.split(r"(\d+)", name)]
