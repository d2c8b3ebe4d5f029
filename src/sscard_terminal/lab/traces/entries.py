"""What a recording consists of, whoever made it: bytes that passed, some of them perhaps withheld; resets; remarks.

Not here: any file format (formats/) and the words (words.py). Everything streams: a recording is an iterator of entries
and is never held whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.reader.connection import LinkReason

Range = tuple[int, int]
MASK = "**"
CACHED = 4096
"""Texts whose bytes are remembered."""
_RUN = re.compile(r"\*+")


class TraceError(FormatError):
    """A recording does not fit its format; `line` from 1 (of bytes: the packet's number), `column` from 1, 0 for the whole line.

    The text never quotes the line: a PIN might stand in it.
    """

    def __init__(self, line: int, problem: str, column: int = 0) -> None:
        super().__init__(line, problem, column)
        self.line = line
        self.problem = problem
        self.column = column

    def __str__(self) -> str:
        place = f"line {self.line}" + (f", column {self.column}" if self.column else "")
        return f"{place}: {self.problem}"


@dataclass(frozen=True, slots=True)
class Shown:
    """Bytes as a recording shows them; those in `hidden` (start, stop) are not told and stand as 00."""

    raw: bytes
    hidden: tuple[Range, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Shown:
        """Read hex with `**` for a byte that is not told; blanks between bytes are allowed.

        Raises:
            FormatError: anything else.
        """
        return _parsed(text)

    def __len__(self) -> int:
        return len(self.raw)

    def __str__(self) -> str:
        told = self.raw.hex().upper()
        for start, stop in self.hidden:
            told = told[: 2 * start] + MASK * (stop - start) + told[2 * stop :]
        return told

    def __repr__(self) -> str:
        return f"Shown({len(self.raw)} bytes)"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One command and its answer, or None and the reason why none came.

    `card` is the name of the card in a recording of several, `time_us` the moment of the command in microseconds since
    1970 (None: not recorded), `line` where the command stood.
    """

    command: Shown
    answer: Shown | None
    link: LinkReason | None = None
    card: str = ""
    time_us: int | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Reset:
    """The card was powered or (`is_warm`) reset; its answer to reset."""

    atr: bytes
    is_warm: bool = False
    card: str = ""
    time_us: int | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment line of a recording."""

    text: str
    line: int = 0


Entry = Exchange | Reset | Remark
Entries = Iterator[Entry]


@lru_cache(CACHED)
def _parsed(text: str) -> Shown:
    """As `Shown.parse`: recordings repeat themselves, commands above all."""
    try:
        if "*" not in text:
            return Shown(bytes.fromhex(text))
        packed = "".join(text.split())
        hidden = tuple((run.start() // 2, run.end() // 2) for run in _RUN.finditer(packed) if _is_even(run))
        for start, stop in hidden:
            packed = packed[: 2 * start] + "00" * (stop - start) + packed[2 * stop :]
        return Shown(bytes.fromhex(packed), hidden)  # a * left over is refused as any other sign
    except ValueError:
        raise FormatError("expected pairs of hexadecimal digits, or ** for a masked byte") from None


def _is_even(run: re.Match[str]) -> bool:
    """Whether a run of * stands for whole bytes."""
    return not (run.start() | run.end()) & 1


def shown(text: str, line: int, least: int, what: str) -> Shown:
    """`text` as bytes of a line.

    Raises:
        TraceError: no bytes, or fewer than `least`.
    """
    try:
        found = Shown.parse(text)
    except FormatError as error:
        raise TraceError(line, str(error)) from None
    if len(found) < least:
        raise TraceError(line, f"{what} has at least {least} bytes, this one {len(found)}")
    return found
