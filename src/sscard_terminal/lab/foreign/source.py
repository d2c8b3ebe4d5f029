"""The text of a foreign script with its places: errors that point, lines that can be shown, bytes and words read from them.

Not here: any format. A line is shown without what follows the header of a PIN command: an error never quotes a PIN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ..script.syntax import Command, Expectation, Octets, Position, Remark, Script, ScriptError, Statement
from .masking import masked_lines

HEX = frozenset("0123456789abcdefABCDEF")
BLANKS = " \t\r"
LEAST = 4
"""Bytes of a command: its header."""


def never(_line: str) -> bool:
    """No line of this format is continued on the next."""
    return False


def by_backslash(line: str) -> bool:
    """Whether a line is continued on the next: it ends in a backslash."""
    return line.rstrip().endswith("\\")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a line; `column` is where it begins, its quote included."""

    text: str
    column: int
    is_quoted: bool = False


@dataclass(slots=True)
class Source:
    """A text that is being read; gathers what it says, and remarks on where the original tool would differ."""

    file: str
    lines: tuple[str, ...]
    shown: tuple[str, ...]
    statements: list[Statement] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)

    @classmethod
    def of(cls, text: str, file: str, continues: Callable[[str], bool] = never) -> Source:
        """`continues` tells whether a line goes on in the next one: a PIN that stands there is not shown either."""
        lines = tuple(line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n"))
        return cls(file, lines, masked_lines(lines, continues))

    def numbered(self) -> Iterator[tuple[int, str]]:
        """Every line with its number, from 1."""
        return enumerate(self.lines, start=1)

    def at(self, line: int, column: int = 1) -> Position:
        return Position(self.file, line, column)

    def wrong(self, line: int, column: int, key: str, **facts: object) -> ScriptError:
        """The error to raise; `key` without its "foreign-". Facts are never taken from data."""
        return ScriptError(self.at(line, column), f"foreign-{key}", self.shown[line - 1], **facts)

    def remark(self, line: int, column: int, key: str, **facts: str) -> None:
        self.remarks.append(Remark(self.at(line, column), key, facts))

    def add(self, *statements: Statement) -> None:
        self.statements += statements

    def command(self, line: int, column: int, raw: bytes, expectation: Expectation | None = None) -> None:
        """
        Raises:
            ScriptError: fewer bytes than a command has.
        """
        if len(raw) < LEAST:
            raise self.wrong(line, column, "short", count=len(raw))
        self.add(Command(self.at(line, column), (Octets(raw),), expectation))

    def script(self) -> Script:
        return Script(self.file, tuple(self.statements), self.shown, remarks=tuple(self.remarks))

    def octets(self, line: int, column: int, text: str, between: str = BLANKS) -> bytes:
        """The bytes in `text`, which begins at `column`; characters of `between` may stand between two bytes.

        Raises:
            ScriptError: a sign that is no digit, or half a byte.
        """
        digits: list[str] = []
        for at, sign in enumerate(text, start=column):
            if sign in HEX:
                digits.append(sign)
            elif sign not in between:
                raise self.wrong(line, at, "hex")
            elif len(digits) % 2:
                raise self.wrong(line, at - 1, "odd")
        if len(digits) % 2:
            raise self.wrong(line, column + len(text.rstrip(between)) - 1, "odd")
        return bytes.fromhex("".join(digits))

    def words(
        self, line: int, text: str, column: int = 1, quotes: str = '"', comment: str = "#"
    ) -> list[Word]:
        """The words of `text`, which begins at `column`, up to a word that begins with `comment`.

        Raises:
            ScriptError: a quote that is not closed.
        """
        found: list[Word] = []
        at = 0
        while at < len(text):
            sign = text[at]
            if sign in BLANKS:
                at += 1
            elif comment and text.startswith(comment, at):
                break
            elif sign in quotes:
                end = text.find(sign, at + 1)
                if end < 0:
                    raise self.wrong(line, column + at, "quote")
                found.append(Word(text[at + 1 : end], column + at, True))
                at = end + 1
            else:
                start = at
                while at < len(text) and text[at] not in BLANKS and text[at] not in quotes:
                    at += 1
                found.append(Word(text[start:at], column + start))
        return found


def lowest(data: bytes) -> bytes:
    """The length of data as one byte; what is too long for that does not fit a short command."""
    return bytes((len(data),))
