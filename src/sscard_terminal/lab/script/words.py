"""An error of lark's as an error of ours: what is wrong in the words of the trade, where a general answer would not help.

Not here: the sentences (voice/messages, "script.error." and "script.expected.").
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from .syntax import Position, ScriptError

_SPOKEN = {
    "HEX": "bytes",
    "VARIABLE": "variable",
    "SW": "word",
    "MASK": "mask",
    "STRING": "text",
    "NAME": "name",
    "FUNCTION": "function",
    "INT": "number",
    "NUMBER": "seconds",
    "WORD": "name",
    "REASON": "reason",
    "UNIT": "unit",
    "_SEP": "end",
    "$END": "end",
}
"""Terminals that stand for more than themselves. The others are shown as they are written."""
_SIGNS = {
    "_OPEN": "{",
    "_CLOSE": "}",
    "_IS": "=",
    "_PAREN": "(",
    "_THESIS": ")",
    "_COMMA": ",",
    "_BAR": "|",
    "_ARROW": "->",
}
STATEMENT = "statement"
_STARTS = {"_USE", "_SECTION"}
"""Where these could stand, any statement could."""
_SHOWN = 24
_MASKLIKE = re.compile(r"(?:[0-9A-Fa-f]{2})*[0-9A-Fa-f]?[xX*?]")
_ODD = re.compile(r"(?:[0-9A-Fa-f]{2})*[0-9A-Fa-f](?![0-9A-Za-z_])")


def error_of(error: UnexpectedInput, at: Position, line: str) -> ScriptError:
    """The error at `at`, which stands in `line`."""
    rest = line[at.column - 1 :]
    expected = _expected(error)
    if "HEX" in expected and _MASKLIKE.match(rest):
        return ScriptError(at, "mask-in-command", line)
    if "HEX" in expected and _ODD.match(rest):
        return ScriptError(at, "odd-digits", line)
    if expected == {"INT"} and line[: at.column - 1].rstrip().endswith("repeat"):
        return ScriptError(at, "repeat-unbounded", line)
    if rest.startswith('"') and '"' not in rest[1:]:
        return ScriptError(at, "text-open", line)
    if not rest.strip():
        at = replace(at, column=len(line.rstrip()) + 1)
    found = rest.strip()[:_SHOWN]
    names = tuple(dict.fromkeys(_spoken(expected)))
    if not found:
        return ScriptError(at, "expected-at-end", line, expected=names)
    return ScriptError(at, "expected", line, expected=names, found=found)


def _expected(error: UnexpectedInput) -> set[str]:
    match error:
        case UnexpectedToken():
            return set(error.accepts or error.expected)
        case UnexpectedCharacters():
            return set(error.allowed or ())
        case _:
            return set()


def _spoken(expected: Iterable[str]) -> Iterable[str]:
    """Keys of "script.expected.", in the order in which they are told."""
    names = sorted(set(expected))
    if set(names) >= _STARTS:
        yield STATEMENT
        names = [name for name in names if name in {"_CLOSE"}]
    for name in names:
        if name not in {"TARGET", "_CONTINUED", "_COMMENT", "_BLANK"}:
            yield _SPOKEN.get(name) or _SIGNS.get(name) or name.strip("_").lower().replace("_", "-")
