"""The first place where two recordings say different things, in words and to the nibble.

Remarks, times and the names of readers do not count; a byte that one side does not tell fits any.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest

from sscard_terminal.iso7816.status import Language
from sscard_terminal.voice.apdus import Line

from .entries import Entry, Exchange, Range, Remark, Reset, Shown
from .words import NOTHING, Told, told

HEADER = 4


class Where(StrEnum):
    """In what two recordings differ; the value is the end of the key of its words."""

    COMMAND = "command"
    DATA = "data"
    STATUS = "status"
    LINK = "link"
    ATR = "atr"
    KIND = "kind"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Side:
    """What one recording has there: its line (0: nothing any more), the bytes as they may be shown, the words."""

    line: int
    octets: str
    says: str


@dataclass(frozen=True, slots=True)
class Difference:
    """`number`: which entry it is, remarks not counted, from 1. `command` is what both asked before they differ."""

    number: int
    where: Where
    first: Side
    second: Side
    marks: str
    command: Line = NOTHING


def first_difference(
    first: Iterable[Entry], second: Iterable[Entry], language: Language, *, headers_only: bool = False
) -> Difference | None:
    """The first difference, None where there is none. `headers_only`: of a command its header counts, of an answer its
    status word; two sessions of a card, each with its own random numbers, clock and MACs, are the same then.

    Raises:
        TraceError: one of them does not fit its format.
    """
    pairs = zip_longest(_counted(told(first, language)), _counted(told(second, language)))
    for number, (one, other) in enumerate(pairs, start=1):
        if (found := _difference(number, one, other, headers_only)) is not None:
            return found
    return None


def _counted(found: Iterable[Told]) -> Iterator[Told]:
    return (one for one in found if not isinstance(one.entry, Remark))


def _difference(number: int, one: Told | None, other: Told | None, headers_only: bool) -> Difference | None:
    if one is None or other is None:
        return Difference(number, Where.ENDED, _side(one), _side(other), "")
    match one.entry, other.entry:
        case Reset(atr=a), Reset(atr=b):
            marks = nibbles(Shown(a), Shown(b))
            return Difference(number, Where.ATR, _side(one), _side(other), marks) if marks else None
        case Exchange(), Exchange():
            return _between(number, *(map(_head, (one, other)) if headers_only else (one, other)))
    return Difference(number, Where.KIND, _side(one), _side(other), "")


def _between(number: int, one: Told, other: Told) -> Difference | None:
    a, b = one.entry, other.entry
    assert isinstance(a, Exchange) and isinstance(b, Exchange)
    if marks := nibbles(a.command, b.command):
        return Difference(number, Where.COMMAND, _side(one), _side(other), marks)
    answers = Side(a.line, *one.answer), Side(b.line, *other.answer)
    if a.answer is None or b.answer is None:
        same = a.answer is b.answer and a.link == b.link
        return None if same else Difference(number, Where.LINK, *answers, "", one.command)
    if marks := nibbles(a.answer, b.answer):
        status = nibbles(_words_of(a.answer), _words_of(b.answer))
        where = Where.STATUS if status else Where.DATA
        return Difference(number, where, *answers, marks, one.command)
    return None


def _head(one: Told) -> Told:
    """An exchange of which only header and status word are there."""
    entry = one.entry
    assert isinstance(entry, Exchange)
    answer = None if entry.answer is None else _words_of(entry.answer)
    return Told(
        Exchange(Shown(entry.command.raw[:HEADER]), answer, entry.link, line=entry.line),
        Line(one.command.octets[: 2 * HEADER], one.command.says),
        Line(one.answer.octets[-4:], one.answer.says),
    )


def _side(one: Told | None) -> Side:
    return Side(0, "", "") if one is None else Side(one.entry.line, *one.command)


def _words_of(answer: Shown) -> Shown:
    """The status word alone."""
    start = len(answer) - 2
    hidden = tuple((max(a - start, 0), b - start) for a, b in answer.hidden if b > start)
    return Shown(answer.raw[-2:], hidden)


def nibbles(first: Shown, second: Shown) -> str:
    """A caret below each digit that differs, blanks below the others; empty where none does."""
    if first.raw == second.raw and not (first.hidden or second.hidden):
        return ""
    hidden = first.hidden + second.hidden
    marks = []
    for place, (one, other) in enumerate(zip_longest(first.raw, second.raw)):
        if one is None or other is None:
            marks.append("^^")
        elif one == other or _hides(hidden, place):
            marks.append("  ")
        else:
            marks.append(("^" if one >> 4 != other >> 4 else " ") + ("^" if (one ^ other) & 0x0F else " "))
    return "".join(marks).rstrip()


def _hides(hidden: tuple[Range, ...], place: int) -> bool:
    return any(start <= place < stop for start, stop in hidden)
