"""The clauses of card.md: every row of every table of §1 to §5, every ruling of §10, each with a name of its own.

Not here: the tests that show them (test_section_*.py), which clauses no test can show (excluded), and the count at
the end of a run (report). A name is made of the text alone, so a row that is added to the document is a clause that
nothing covers.

    1.5 tag 03                     a record          2.3 state purchase x DEBIT FOR PURCHASE    a cell of the state table
    2.2 READ RECORD                a row             2.2 SW VERIFY 6983      a status word of a command's list
    10 B31, B32                    a ruling          10 B31, B32 6A85        a status word, where a row names several
    4.5 Atomic update …            a subsection that has no table
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

clause = pytest.mark.clause
"""Names the clauses a test shows: @clause("2.2 READ RECORD", "10 B20")."""

SPECIFICATION = Path(__file__).parents[2] / "docs/spec/card.md"
SECTIONS = ("1", "2", "3", "4", "5", "10")
STATUS_WORD = re.compile(
    r"(?<![0-9A-Za-z])(?:6[0-9A-F]{3}|9[0-4][0-9A-F]{2}|6(?:1|3C|C)(?:xx|yy|x))(?![0-9A-Za-z])"
)
ORDER_OF_CHECKS = "A4"

Row = list[str]


@dataclass(frozen=True, slots=True)
class Clause:
    """One thing the document says. `line` is where it says it."""

    name: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """Header and rows under one heading; a row that stands alone has no header."""

    section: str
    header: Row
    rows: list[tuple[int, Row]]


@cache
def clauses_present() -> dict[str, Clause]:
    """All clauses by name, in the document's order.

    Raises:
        ValueError: two of them would bear one name.
    """
    found: dict[str, Clause] = {}
    for clause in _clauses():
        if clause.name in found:
            raise ValueError(f"card.md:{clause.line}: there is a clause {clause.name!r} already")
        found[clause.name] = clause
    return found


def _clauses() -> Iterator[Clause]:
    parts = list(_parts(SPECIFICATION.read_text(encoding="utf-8").splitlines()))
    with_table = {part.section for part in parts if isinstance(part, Table)}
    for part in parts:
        if isinstance(part, Table):
            yield from _clauses_of(part)
        elif "." in (number := part.name.split(" ")[0]) and number not in with_table:
            yield part


def _parts(lines: list[str]) -> Iterator[Table | Clause]:
    """The headings (as clauses) and tables of the sections that count."""
    section, fenced, at = "", False, 0
    while at < len(lines):
        line = lines[at]
        fenced ^= line.startswith("```")
        heading = re.match(r"#{2,3} (\d+(?:\.\d+)?)\.? (.*)", line)
        if heading and not fenced:
            section = heading[1]
            if section.split(".")[0] in SECTIONS:
                yield Clause(f"{section} {_plain(heading[2])}", at + 1, line)
        elif line.startswith("#"):
            section = section if fenced else ""
        elif line.startswith("|") and not fenced:
            end = next(
                n for n in range(at, len(lines) + 1) if n == len(lines) or not lines[n].startswith("|")
            )
            if section.split(".")[0] in SECTIONS:
                yield _table(section, lines, at, end)
            at = end - 1
        at += 1


def _table(section: str, lines: list[str], start: int, end: int) -> Table:
    rows = [(number + 1, _cells(lines[number])) for number in range(start, end)]
    if len(rows) > 1 and set("".join(rows[1][1])) <= set("-: "):
        return Table(section, rows[0][1], rows[2:])
    return Table(section, [], rows)


def _cells(line: str) -> Row:
    return [_plain(cell) for cell in line.strip().strip("|").split("|")]


def _plain(text: str) -> str:
    """Without marks of emphasis, code and confidence."""
    return re.sub(r"\s*\[[^]]*\]", "", text.replace("**", "").replace("`", "")).strip()


def _clauses_of(table: Table) -> Iterator[Clause]:
    described: dict[str, list[str]] = {}
    for line, row in table.rows:
        for name in _names(table, row, described):
            yield Clause(f"{table.section} {name}", line, " | ".join(row))


def _names(table: Table, row: Row, described: dict[str, list[str]]) -> Iterator[str]:
    match table.header:
        case ["SW", *_]:
            yield from _status_words(row[0]) + _status_words(row[2])
        case [_, sw] if sw.lower().endswith("error sw"):
            described[row[0]] = words = _inherited(row[1], described) + _status_words(row[1])
            yield from (f"SW {row[0]} {word}" for word in words)
        case ["Command", "idle", *states]:
            yield from (f"state {state} x {row[0]}" for state in ("idle", *states))
        case ["Rec" | "Tag", *_]:
            yield f"tag {row[1] if table.header[0] == 'Rec' else row[0]}"
        case ["Offset", *_]:
            yield f"log offset {row[0]}"
        case ["Step", *_]:
            yield from _with_status_words(f"step {row[0]}", row[1:])
        case ["", *_] if table.section == "10":
            yield f"synthetic {row[0]}"
        case _ if row[0] == ORDER_OF_CHECKS:
            yield from _adjacent_checks(row[1])
        case _ if table.section.startswith("1."):
            yield row[0]
        case _:
            yield from _with_status_words(row[0], row[1:])


def _status_words(text: str) -> list[str]:
    return list(dict.fromkeys(STATUS_WORD.findall(text)))


def _inherited(text: str, described: dict[str, list[str]]) -> list[str]:
    """ "as load plus 9401": the words of the row that is named so."""
    named = re.match(r"as (\w+) plus", text)
    return [] if named is None else described[f"INITIALIZE FOR {named[1].upper()}"]


def _with_status_words(name: str, rest: Row) -> Iterator[str]:
    yield name
    words = _status_words(" ".join(rest))
    if len(words) > 1:
        yield from (f"{name} {word}" for word in words)


def _adjacent_checks(text: str) -> Iterator[str]:
    checks = [re.sub(r"\s*\([^)]*\)|\.$", "", check).strip() for check in text.split(": ", 1)[1].split("→")]
    for earlier, later in pairwise(checks):
        yield f"{ORDER_OF_CHECKS} {earlier} → {later}"
