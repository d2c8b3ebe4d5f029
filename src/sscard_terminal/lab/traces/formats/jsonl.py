"""JSON lines: one object a line, with the bytes, the words and the time; for programs.

{"is": "exchange", "command": "0020000003******", "says": "VERIFY: PIN ***", "answer": "63C2", "answer_says": "63C2 …",
 "sw": "63C2", "card": "card", "time_us": 12, "line": 3}
{"is": "reset", "atr": "3B6D…", "warm": false}     {"is": "remark", "text": "…"}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from sscard_terminal.reader.connection import LinkReason

from ..entries import Entries, Exchange, Remark, Reset, TraceError, shown
from ..words import Told


def write(found: Iterable[Told]) -> Iterator[str]:
    """The lines, each with its line end."""
    encode = json.JSONEncoder(ensure_ascii=False).encode
    for one in found:
        yield encode(_object(one)) + "\n"


def _object(one: Told) -> dict[str, Any]:
    entry = one.entry
    match entry:
        case Remark():
            return {"is": "remark", "text": entry.text}
        case Reset():
            said: dict[str, Any] = {"is": "reset", "atr": one.command.octets, "warm": entry.is_warm}
            said["says"] = one.command.says
        case Exchange():
            said = {"is": "exchange", "command": one.command.octets, "says": one.command.says}
            if entry.answer is None:
                said |= {"link": str(entry.link or LinkReason.UNKNOWN), "answer_says": one.answer.says}
            else:
                octets = one.answer.octets
                said |= {"answer": octets, "answer_says": one.answer.says, "sw": octets[-4:]}
    if entry.card:
        said["card"] = entry.card
    if entry.time_us is not None:
        said["time_us"] = entry.time_us
    if entry.line:
        said["line"] = entry.line
    return said


def read(lines: Iterable[str]) -> Entries:
    """The entries of JSON lines; words in them are not read.

    Raises:
        TraceError: a line that is no such object.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except ValueError as error:
            column = getattr(error, "colno", 0)
            raise TraceError(number, "no JSON", column) from None
        except RecursionError:
            raise TraceError(number, "no JSON of ours: nested too deep") from None
        if not isinstance(found, dict):
            raise TraceError(number, "expected an object", 1)
        yield _entry(number, found)


def _entry(line: int, found: dict[str, Any]) -> Exchange | Reset | Remark:
    card, time_us = _flat(_text(line, found, "card")), found.get("time_us")
    if time_us is not None and (not isinstance(time_us, int) or isinstance(time_us, bool) or time_us < 0):
        raise TraceError(line, "time_us is a number of microseconds")
    match found.get("is"):
        case "remark":
            return Remark(_flat(_text(line, found, "text")), line)
        case "reset":
            atr = shown(_text(line, found, "atr"), line, 0, "an ATR").raw
            return Reset(atr, found.get("warm") is True, card, time_us, line)
        case "exchange":
            command = shown(_text(line, found, "command"), line, 4, "a command")
            if "link" in found:
                return Exchange(command, None, _link(line, _text(line, found, "link")), card, time_us, line)
            answer = shown(_text(line, found, "answer"), line, 2, "an answer")
            return Exchange(command, answer, None, card, time_us, line)
        case _:
            raise TraceError(line, 'expected "is": "exchange", "reset" or "remark"')


def _text(line: int, found: dict[str, Any], name: str) -> str:
    value = found.get(name, "")
    if not isinstance(value, str):
        raise TraceError(line, f"{name} is a text")
    return value


def _flat(text: str) -> str:
    return " ".join(text.split())


def _link(line: int, word: str) -> LinkReason:
    try:
        return LinkReason(word)
    except ValueError:
        raise TraceError(line, "unknown reason for a broken link") from None
