"""Scripts of scriptor (pcsc-tools): a command a line, `reset`, `exit`; as its users write them, or exactly as it reads them.

Not here: what scriptor prints (transcripts.py).
Source: scripts.md §1; the order of tests is that of scriptor 1.6.

    # Select the application
    reset
    00 A4 04 00 0F 73 78 31 2E 73 68 2E C9 E7 \\
    BB E1 B1 A3 D5 CF
    0084000008
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..script.syntax import Exit, Reset, Script
from .source import Source, by_backslash

_COMMENT = re.compile(r"#|//|;")
_PAIR = re.compile(r"[0-9A-Fa-f]{2}")


@dataclass(slots=True)
class _Pending:
    """A command that may go on in the next line; `line` 0: none has begun."""

    line: int = 0
    column: int = 1
    raw: bytes = b""


def read(text: str, file: str) -> Script:
    """What people mean: also tabs and several blanks, comments after `#`, `//` or `;` anywhere, `reset` and `exit` as words.

    Raises:
        ScriptError: a line that is none of these.
    """
    source, pending = Source.of(text, file, by_backslash), _Pending()
    for number, line in source.numbered():
        comment = _COMMENT.search(line)
        code = line[: comment.start()] if comment else line
        said = _said(code)
        _remark_substrings(source, number, line, said)
        if said == "exit":
            source.add(Exit(source.at(number, _begin(code))))
            break
        if said == "reset":
            source.add(Reset(source.at(number, _begin(code)), cold=False))
        elif code.strip():
            _take(source, pending, number, code)
    _finish(source, pending)
    return source.script()


def read_strictly(text: str, file: str) -> Script:
    """What scriptor does: `exit` and `reset` anywhere in a line, one blank between bytes, `#` only in the first column.

    Raises:
        ScriptError: a line at which scriptor would end with an error, or of which it would lose a part.
    """
    source, pending = Source.of(text, file, by_backslash), _Pending()
    for number, line in source.numbered():
        lowered = line.lower()
        if "exit" in lowered:
            source.add(Exit(source.at(number, lowered.index("exit") + 1)))
            break
        if not line.strip() or line.startswith("#"):
            continue
        if "reset" in lowered:
            source.add(Reset(source.at(number, lowered.index("reset") + 1), cold=False))
        else:
            _take_exactly(source, pending, number, line)
    _finish(source, pending)
    return source.script()


def _said(code: str) -> str:
    found = re.search(r"\b(exit|reset)\b", code, re.IGNORECASE)
    return found[1].lower() if found else ""


def _begin(code: str) -> int:
    return len(code) - len(code.lstrip()) + 1


def _remark_substrings(source: Source, number: int, line: str, said: str) -> None:
    """Where scriptor would act on a part of a comment. It looks for exit first, even in comments."""
    lowered = line.lower()
    if "exit" in lowered and said != "exit":
        source.remark(number, lowered.index("exit") + 1, "scriptor-exit")
    elif "reset" in lowered and not said and not line.startswith("#"):
        source.remark(number, lowered.index("reset") + 1, "scriptor-reset")


def _take(source: Source, pending: _Pending, number: int, code: str) -> None:
    goes_on = code.rstrip().endswith("\\")
    code = code.rstrip()[:-1] if goes_on else code
    if word := re.search(r"exit|reset", code, re.IGNORECASE):
        raise source.wrong(number, word.start() + 1, "substring", word=word[0].lower())
    start = _begin(code)
    _append(source, pending, number, start, source.octets(number, start, code.strip()), goes_on)


def _take_exactly(source: Source, pending: _Pending, number: int, line: str) -> None:
    if " " not in line:
        digits = line.removesuffix("\\")
        if line.endswith("\\") and len(digits) % 2:
            raise source.wrong(number, len(line), "continuation-lost")
        raw = source.octets(number, 1, digits, between="")
    else:
        digits = line.removesuffix("\\").rstrip(" ")
        raw = _separated(source, number, digits)
    _append(source, pending, number, 1, raw, line.endswith("\\"))


def _separated(source: Source, number: int, text: str) -> bytes:
    """Bytes with one blank between them, as Chipcard::PCSC takes them."""
    column, found = 1, bytearray()
    for piece in text.split(" ") if text else []:
        if not piece:
            raise source.wrong(number, column, "one-blank")
        if not _PAIR.fullmatch(piece):
            raise source.wrong(number, column, "pair")
        found += bytes.fromhex(piece)
        column += len(piece) + 1
    return bytes(found)


def _append(source: Source, pending: _Pending, number: int, column: int, raw: bytes, goes_on: bool) -> None:
    if not pending.line:
        pending.line, pending.column = number, column
    pending.raw += raw
    if not goes_on:
        source.command(pending.line, pending.column, pending.raw)
        pending.line, pending.raw = 0, b""


def _finish(source: Source, pending: _Pending) -> None:
    if pending.line:
        raise source.wrong(pending.line, pending.column, "unended")
