"""A regular expression on the hexadecimal digits of an answer as a mask, where it is one: digits, `.`, classes of all digits, `.*` last.

pySim asks whether the lower-case digits begin so (re.match); without `$` anything may follow.
Not here: other expressions, which have no mask (alternatives, some digits, lengths between two numbers): they are refused.
"""

from __future__ import annotations

import re

from ..script.masks import parse_nibbles
from ..script.syntax import MaskPart, Rest
from .source import Source, Word

_ATOM = re.compile(r"(?P<digit>[0-9A-Fa-f])|(?P<any>\.|\[(?:0-9|a-f|A-F){2,3}\]|\\w)")
_COUNT = re.compile(r"\{([0-9]{1,5})\}|(?P<open>[*+])")
_LONGEST = 2 * 65_536


def mask_of(source: Source, line: int, pattern: Word) -> tuple[MaskPart, ...]:
    """
    Raises:
        ScriptError: it is no mask; the column is where.
    """
    text, start = pattern.text, pattern.column + pattern.is_quoted
    at = 1 if text.startswith("^") else 0
    is_whole = text.endswith("$")
    end = len(text) - is_whole
    nibbles, is_open = "", not is_whole
    while at < end:
        atom = _ATOM.match(text, at, end)
        if atom is None or ((atom["any"] or "").startswith("[") and not _is_every_digit(atom["any"])):
            raise source.wrong(line, start + at, "regex")
        here, at = at, atom.end()
        if atom["digit"] and atom["digit"].isupper():
            source.remark(line, start + here, "pysim-case")
        sign = atom["digit"] or "x"
        count = _COUNT.match(text, at, end)
        if count is None:
            nibbles += sign
            continue
        at = count.end()
        if count["open"]:
            if sign != "x" or at < end:
                raise source.wrong(line, start + here, "regex")
            nibbles += "x" if count["open"] == "+" else ""
            is_open = True
        else:
            nibbles += sign * int(count[1])
        if len(nibbles) > _LONGEST:
            raise source.wrong(line, start + here, "regex")
    if len(nibbles) % 2:
        if not is_open:
            raise source.wrong(line, start, "regex-odd")
        nibbles += "x"
    parts: list[MaskPart] = [parse_nibbles(nibbles)] if nibbles else []
    return tuple([*parts, Rest()] if is_open else parts)


def _is_every_digit(text: str) -> bool:
    return "0-9" in text and ("a-f" in text or "A-F" in text)
