"""The text of a script read into values, and the files it includes.

Lines that are nothing but a command, most of a long script, are read by one regular expression; all else by the grammar
(grammar.lark). Both make the same values, and a test holds them to it. Not here: what the values mean (lab/run).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from .building import Builder, body_of
from .masks import parse_mask, parse_words
from .syntax import (
    Answer,
    Command,
    Include,
    Octets,
    On,
    Part,
    Position,
    Repeat,
    Script,
    ScriptError,
    Statement,
    TearBlock,
    Variable,
    walk,
)

MOST_BYTES = 16 * 1024 * 1024
"""Of one file. Our choice."""
DEEPEST = 16
"""Blocks within blocks. Our choice."""
DEEPEST_INCLUDE = 16
VERSION = "1"
SUFFIX = ".sscard"

_PIECE = r"(?:(?:[0-9A-Fa-f]{2})+(?![0-9A-Za-z_*])|\$[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?)"
_WORD = r"[0-9A-Fa-fxX]{4}(?![0-9A-Za-z_*])"
_COMMAND = re.compile(
    rf"[ \t]*(?:(?P<target>[A-Za-z_]\w*)[ \t]*:[ \t]*)?(?P<octets>{_PIECE}(?:[ \t]*{_PIECE})*)[ \t]*"
    rf"(?:->[ \t]*(?P<mask>\[[^\]\n#]*\])?[ \t]*(?P<words>{_WORD}(?:[ \t]*\|[ \t]*{_WORD})*)[ \t]*)?(?:#.*)?"
)
_PART = re.compile(r"\$(?P<name>\w+)(?:\.(?P<part>\w+))?|[0-9A-Fa-f][0-9A-Fa-f \t]*")
_ARROW_FIRST = re.compile(r"^[ \t]*->", re.MULTILINE)
_NOTHING = re.compile(r"[ \t\r\f]*(?:#.*)?")
_QUIET = re.compile(r'"[^"]*"|\[[^\]#]*\]|\{[ \t]*[A-Za-z_]\w*[ \t]*:[^{}]*\}|#.*')
"""What may hold braces that open and close nothing."""
_PRAGMA = re.compile(r"#![ \t]*sscard\b[ \t]*(?P<version>\S*)")


def load(path: Path) -> Script:
    """The script in a file, with all that it includes.

    Raises:
        ScriptError: it is wrong, it is no text, it is too long, or it includes itself.
        OSError: the file cannot be read.
    """
    text = read_text(path, Position(str(path)))
    return with_includes(parse(text, str(path)), path.parent)


def read_text(path: Path, at: Position) -> str:
    """The text of a file.

    Raises:
        ScriptError: no UTF-8, or more than any script has.
        OSError: it cannot be read.
    """
    with open(path, "rb") as stream:
        raw = stream.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise ScriptError(at, "too-long", most=MOST_BYTES)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        raise ScriptError(Position(at.file, line, column), "no-utf-8") from None


def parse(text: str, file: str = "-") -> Script:
    """The script in a text; what it includes is not looked for.

    Raises:
        ScriptError: it is wrong; the first thing that is.

    >>> parse("00 84 00 00 08 -> 9000").statements[0].parts
    (Octets(value=b'\\x00\\x84\\x00\\x00\\x08'),)
    """
    text = text.removeprefix("\ufeff")
    lines = text.split("\n")
    _check_pragma(file, lines[0])
    return Script(file, tuple(_statements(text, lines, file)), tuple(lines))


def _check_pragma(file: str, first: str) -> None:
    found = _PRAGMA.match(first)
    if found is not None and found["version"] not in ("", VERSION):
        at = Position(file, 1, found.start("version") + 1)
        raise ScriptError(at, "version", first, found=found["version"], known=VERSION)


def _statements(text: str, lines: list[str], file: str) -> Iterator[Statement]:
    goes_on = _continued(text, lines)
    number = 0
    while number < len(lines):
        line = lines[number]
        if number not in goes_on:
            found = _COMMAND.fullmatch(line.rstrip("\r"))
            if found is not None:
                yield _plain_command(found, file, number + 1, line)
                number += 1
                continue
            if _NOTHING.fullmatch(line):
                number += 1
                continue
        end = _end_of_piece(lines, number, goes_on, file)
        yield from body_of(Builder(file, lines, number), "\n".join(lines[number:end]) + "\n")
        number = end


def _plain_command(found: re.Match[str], file: str, number: int, line: str) -> Command:
    target, octets, mask, words = found["target"], found["octets"], found["mask"], found["words"]
    at = Position(file, number, found.start("octets" if target is None else "target") + 1)
    parts: tuple[Part, ...]
    if "$" in octets:
        parts = tuple(_parts(octets, file, number, found.start("octets") + 1))
    else:
        parts = (Octets(bytes.fromhex(octets)),)
    answer = None
    if words is not None:
        if mask is None or ("$" not in mask and "{" not in mask):
            answer = _same_answer(words, mask) or answer
        if answer is None:
            data = parse_mask(mask, Position(file, number, found.start("mask") + 1), line)
            answer = Answer(parse_words(words), data)
    return Command(at, parts, answer, target or "")


@lru_cache(maxsize=4096)
def _same_answer(words: str, mask: str | None) -> Answer | None:
    """The expectation of a text, one value for all lines that say the same; None where it must be read with its place."""
    if mask is None:
        return Answer(parse_words(words))
    try:
        return Answer(parse_words(words), parse_mask(mask, Position()))
    except ScriptError:
        return None


def _parts(octets: str, file: str, number: int, column: int) -> Iterator[Part]:
    for found in _PART.finditer(octets):
        if found["name"] is None:
            yield Octets(bytes.fromhex(found[0]))
        else:
            yield Variable(found["name"], found["part"] or "", Position(file, number, column + found.start()))


def _continued(text: str, lines: list[str]) -> set[int]:
    """Lines, counted from 0, whose expectation stands on a later line."""
    found: set[int] = set()
    for arrow in _ARROW_FIRST.finditer(text):
        number = text.count("\n", 0, arrow.start()) - 1
        while number >= 0 and number not in found:
            found.add(number)
            if not _NOTHING.fullmatch(lines[number]):
                break
            number -= 1
    return found


def _end_of_piece(lines: list[str], start: int, goes_on: set[int], file: str) -> int:
    """Where the piece that begins at `start` is over: all its blocks are closed and no line goes on."""
    depth = 0
    for number in range(start, len(lines)):
        line = lines[number]
        said = _QUIET.sub("", line)
        for sign in said:
            depth += (sign == "{") - (sign == "}")
            if depth > DEEPEST:
                raise ScriptError(Position(file, number + 1, 1), "too-deep", line, most=DEEPEST)
        if depth <= 0 and number not in goes_on and not said.rstrip().endswith("\\"):
            return number + 1
    return len(lines)


# Files included -----------------------------------------------------------------------------------------------


def with_includes(script: Script, folder: Path) -> Script:
    """The script with what it includes in place; a file's name is seen from `folder`.

    Raises:
        ScriptError: a file that is not there, is wrong, or is included within itself.
    """
    if not any(isinstance(statement, Include) for statement in walk(script.statements)):
        return script
    including = _Including({})
    chain = ((folder / Path(script.file).name).resolve(),)
    statements = including.filled(script.statements, script, folder, chain)
    return Script(script.file, statements, script.lines, including.files)


@dataclass(frozen=True, slots=True)
class _Including:
    """Puts files in place; `files` are their lines, by name."""

    files: dict[str, tuple[str, ...]]

    def filled(
        self, statements: tuple[Statement, ...], script: Script, folder: Path, chain: tuple[Path, ...]
    ) -> tuple[Statement, ...]:
        return tuple(self._one(statement, script, folder, chain) for statement in statements)

    def _one(self, statement: Statement, script: Script, folder: Path, chain: tuple[Path, ...]) -> Statement:
        match statement:
            case Include(at, file):
                return Include(at, file, self._included(at, file, script, folder, chain))
            case Repeat(at, count, body, name):
                return Repeat(at, count, self.filled(body, script, folder, chain), name)
            case On(at, name, body):
                return On(at, name, self.filled(body, script, folder, chain))
            case TearBlock(at, writes, body, target):
                return TearBlock(at, writes, self.filled(body, script, folder, chain), target)
            case _:
                return statement

    def _included(
        self, at: Position, file: str, script: Script, folder: Path, chain: tuple[Path, ...]
    ) -> tuple[Statement, ...]:
        line, path = script.line(at), (folder / file).resolve()
        if path in chain:
            way = " → ".join(part.name for part in (*chain[chain.index(path) :], path))
            raise ScriptError(at, "include-loop", line, way=way)
        if len(chain) >= DEEPEST_INCLUDE:
            raise ScriptError(at, "include-deep", line, most=DEEPEST_INCLUDE)
        shown = str(folder / file)
        try:
            text = read_text(path, Position(shown))
        except OSError as error:
            raise ScriptError(at, "include-unread", line, file=file, problem=error.strerror or "") from error
        inner = parse(text, shown)
        self.files[shown] = inner.lines
        return self.filled(inner.statements, inner, path.parent, (*chain, path))
