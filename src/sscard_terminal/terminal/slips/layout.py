"""Slips laid out in columns: 32 on paper of 58 mm, 48 on 80 mm, two for a full-width character.

Not here: what stands on a slip (forms.py), bytes for a printer (ticket.py), pages (pdf.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from unicodedata import category, east_asian_width

from .contents import Heading, Mark, Note, Piece, Row, Rule, Signature, Slip, Title

COLUMNS = {58: 32, 80: 48}
"""Paper in mm → columns. Source: 384 and 576 dots of 1/8 mm, 12 to a column, as 58 mm and 80 mm printers have them."""
FULL_WIDTH = 2
_INDENT = "  "
STANDS_FOR_OTHERS = "〓"
"""GB2312 A1FE, what typesetters put where they lack a character; here too for half a surrogate pair, which is none."""
_UNPRINTABLE = {"Cc", "Cf"}
"""Controls would be commands to a printer; format characters (direction, joiners) mean nothing on paper."""
_TAKES_NO_COLUMN = {"Mn", "Me"}
_NEVER_FIRST = frozenset("，。、；：！？）》〉」』】”’…")
"""Punctuation that begins no line. Source: GB/T 15834 on where marks stand."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a slip: at most as many columns as the paper has. A `strong` one may be printed larger."""

    text: str
    strong: bool = False
    centred: bool = False


def text_of(slip: Slip, width: int = COLUMNS[58]) -> str:
    """The slip as plain text, every line ended by a newline."""
    return "".join(_plain(line, width) + "\n" for line in laid_out(slip, width))


def _plain(line: Line, width: int) -> str:
    return " " * ((width - columns(line.text)) // 2) + line.text if line.centred else line.text


def laid_out(slip: Slip, width: int) -> Iterator[Line]:
    """The lines of a slip on paper of `width` columns."""
    for piece in slip:
        yield from _lines(piece, width)


def _lines(piece: Piece, width: int) -> Iterator[Line]:
    match piece:
        case Title(text):
            yield from (Line(line, strong=True, centred=True) for line in wrapped(printable(text), width))
        case Mark(text):
            yield from (
                Line(f"*** {line} ***", strong=True, centred=True)
                for line in wrapped(printable(text), width - columns("***  ***"))
            )
        case Rule():
            yield Line("-" * width)
        case Heading(text):
            yield from (Line(line, strong=True) for line in wrapped(printable(text), width))
        case Row(label, value, indented):
            start = _INDENT * indented + printable(label)
            yield from map(Line, in_two_columns(start, printable(value), width))
        case Note(text):
            yield from map(Line, wrapped(printable(text), width))
        case Signature(label):
            start = f"{label}: "
            yield from (Line(""), Line(start + "_" * (width - columns(start))), Line(""))


def printable(text: str) -> str:
    """`text` on one line, without what a printer would take for a command."""
    one_line = " ".join(text.split())
    kept = (STANDS_FOR_OTHERS if category(char) == "Cs" else char for char in one_line)
    return "".join(char for char in kept if category(char) not in _UNPRINTABLE)


def columns(text: str) -> int:
    """How many columns a printer needs: none for a combining mark, one for what is narrow, two for all else.

    Beyond ASCII and the half-width forms everything counts two, as printers with a Chinese font print whatever takes
    two or four bytes in GB18030.
    """
    return sum(map(_columns_of, text))


def _columns_of(char: str) -> int:
    if category(char) in _TAKES_NO_COLUMN:
        return 0
    return 1 if char.isascii() or east_asian_width(char) == "H" else FULL_WIDTH


def in_two_columns(label: str, value: str, width: int) -> Iterator[str]:
    """Label left, value right; a value too long for the line stands below it, at the right margin."""
    gap = width - columns(label) - columns(value)
    if gap >= 1:
        yield label + " " * gap + value
        return
    yield from wrapped(label, width)
    for line in wrapped(value, width):
        yield " " * (width - columns(line)) + line


def wrapped(text: str, width: int) -> Iterator[str]:
    """Lines of at most `width` columns, broken at a blank where there is one, else between two characters."""
    line = ""
    for word in _words(text, width):
        if line and columns(line) + columns(word) > width:
            yield line.rstrip()
            line = ""
        line += word if line else word.lstrip()
    if line.strip():
        yield line.rstrip()


def _words(text: str, width: int) -> Iterator[str]:
    """Pieces that stay whole: a full-width character, or a run of narrow ones that fits with the blank before it.

    Marks and closing punctuation stay with what they follow.
    """
    word, is_full = "", False
    for char in text:
        taken = _columns_of(char)
        fits = columns(word) + taken <= width
        stays = taken == 0 or (char in _NEVER_FIRST and fits)
        if word and not stays and (is_full or taken == FULL_WIDTH or char == " " or not fits):
            yield word
            word, is_full = "", False
        word += char
        is_full = is_full or taken == FULL_WIDTH
    if word:
        yield word
