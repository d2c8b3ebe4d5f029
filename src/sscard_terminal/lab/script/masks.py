"""What is expected of an answer: masks by the half byte, captures, status words; read, written and compared.

Not here: where the expectation stands (parse.py) and what a variable holds (lab/run).
Source: scripts.md §5 (the ETSI notation) and §8.

    mask = "[" { nibbles | "$" name | "{" name ":" ( number | "*" ) "}" } [ "xx*" ] "]"
    nibbles = pairs of hexadecimal digits or x
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from .syntax import (
    Answer,
    Capture,
    MaskPart,
    Nibbles,
    Position,
    Rest,
    ScriptError,
    Variable,
    WordMask,
)

LONGEST_CAPTURE = 65_536
_PART = re.compile(
    r"[ \t\r\n\\]+"
    r"|(?P<rest>[xX]{2}\*)"
    r"|(?P<nibbles>(?:[0-9A-Fa-fxX]{2})+(?![0-9A-Za-z*]))"
    r"|\$(?P<variable>[A-Za-z_]\w*)(?:\.(?P<part>[A-Za-z_]\w*))?"
    r"|\{[ \t]*(?P<capture>[A-Za-z_]\w*)[ \t]*:[ \t]*(?P<length>[0-9]{1,6}|\*)[ \t]*\}"
)
_VALUE = str.maketrans("xX", "00")
_CARE = str.maketrans("0123456789abcdefABCDEFxX", "F" * 22 + "00")


def parse_word(text: str) -> WordMask:
    """A status word of four digits, `x` for those that do not matter: "63Cx"."""
    return _word(text)


@lru_cache(maxsize=1024)
def _word(text: str) -> WordMask:
    return WordMask(int(text.translate(_VALUE), 16), int(text.translate(_CARE), 16))


@lru_cache(maxsize=1024)
def parse_words(text: str) -> tuple[WordMask, ...]:
    """Status words with `|` between them."""
    return tuple(_word(word.strip()) for word in text.split("|"))


def parse_nibbles(text: str) -> Nibbles:
    """Pairs of digits and `x`, without blanks."""
    return Nibbles(bytes.fromhex(text.translate(_VALUE)), bytes.fromhex(text.translate(_CARE)))


def parse_mask(text: str, at: Position, line: str = "") -> tuple[MaskPart, ...]:
    """What stands between the brackets, which `text` includes; `at` is where the bracket is.

    Raises:
        ScriptError: something that is no mask, named with its column.
    """
    parts: list[MaskPart] = []
    end, position = len(text) - 1, 1
    while position < end:
        here = replace(at, column=at.column + position)
        found = _PART.match(text, position, end)
        if found is None:
            raise ScriptError(here, "mask", line)
        position = found.end()
        part = _part_of(found, here, line)
        if part is None:
            continue
        if parts and _is_open(parts[-1]):
            raise ScriptError(here, "mask-after-rest", line)
        if isinstance(part, Nibbles) and parts and isinstance(parts[-1], Nibbles):
            parts[-1] = Nibbles(parts[-1].value + part.value, parts[-1].care + part.care)
        else:
            parts.append(part)
    return tuple(parts)


def _part_of(found: re.Match[str], at: Position, line: str) -> MaskPart | None:
    match found.lastgroup:
        case "nibbles":
            return parse_nibbles(found["nibbles"])
        case "rest":
            return Rest()
        case "variable" | "part":
            return Variable(found["variable"], found["part"] or "", at)
        case "length":
            length = None if found["length"] == "*" else int(found["length"])
            if length is not None and not 0 < length <= LONGEST_CAPTURE:
                raise ScriptError(at, "capture-length", line, most=LONGEST_CAPTURE)
            return Capture(found["capture"], length, at)
        case _:
            return None


def _is_open(part: MaskPart) -> bool:
    return isinstance(part, Rest) or (isinstance(part, Capture) and part.length is None)


def written_mask(parts: tuple[MaskPart, ...]) -> str:
    """The text of a mask, brackets included."""
    return "[" + " ".join(map(_written_part, parts)) + "]"


def _written_part(part: MaskPart) -> str:
    match part:
        case Nibbles(value, care):
            return " ".join(_written_byte(*pair) for pair in zip(value, care, strict=True))
        case Capture(name, length):
            return f"{{{name}:{'*' if length is None else length}}}"
        case Rest():
            return "xx*"
        case _:
            return str(part)


def _written_byte(value: int, care: int) -> str:
    high = f"{value >> 4:X}" if care & 0xF0 else "x"
    low = f"{value & 0xF:X}" if care & 0x0F else "x"
    return high + low


def written_answer(answer: Answer) -> str:
    """The text of an expectation, without the arrow."""
    words = "|".join(map(str, answer.words))
    return words if answer.data is None else f"{written_mask(answer.data)} {words}".rstrip()


# Comparing ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Compared:
    """How an answer's data stand to a mask: the half bytes that differ (counted from 0), and what was captured.

    `is_short` and `is_long`: the answer has fewer or more bytes than the mask wants.
    """

    differing: tuple[int, ...] = ()
    captured: Mapping[str, bytes] | None = None
    is_short: bool = False
    is_long: bool = False

    @property
    def fits(self) -> bool:
        return not (self.differing or self.is_short or self.is_long)


Resolve = Callable[[Variable], bytes]


def compared(parts: tuple[MaskPart, ...], data: bytes, resolve: Resolve) -> Compared:
    """Hold `data` against the mask, byte by byte; `resolve` tells what a variable holds."""
    differing: list[int] = []
    captured: dict[str, bytes] = {}
    position = 0
    for part in parts:
        match part:
            case Rest():
                position = max(position, len(data))
            case Capture(name, None):
                captured[name] = data[position:]
                position = max(position, len(data))
            case Capture(name, length):
                assert length is not None
                captured[name] = data[position : position + length]
                position += length
            case Nibbles(value, care):
                differing += _differing(data, position, value, care)
                position += len(value)
            case _:
                value = resolve(part)
                differing += _differing(data, position, value, b"\xff" * len(value))
                position += len(value)
    return Compared(tuple(differing), captured, len(data) < position, len(data) > position)


def _differing(data: bytes, start: int, value: bytes, care: bytes) -> list[int]:
    found = []
    for at, (wanted, matters, got) in enumerate(zip(value, care, data[start:], strict=False), start):
        wrong = (wanted ^ got) & matters
        if wrong & 0xF0:
            found.append(2 * at)
        if wrong & 0x0F:
            found.append(2 * at + 1)
    return found
