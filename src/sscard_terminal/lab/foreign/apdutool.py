"""Scripts of apdutool (Java Card kit) and of jCardSim's APDUScriptTool: numbers up to a `;`, and a few words.

Source: scripts.md §2; the source of jCardSim's APDUScriptTool. Which words of Oracle's tool concern logical channels is
trade knowledge: they are refused by name.

    powerup;
    // SELECT, Le 127
    0x00 0xA4 0x04 0x00 0x06 0xD1 0x56 0x00 0x00 0x05 0x03 0x7F;
    echo "balance"; delay 100;
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..script.syntax import Echo, Power, Reset, Script, Wait
from .source import Source, lowest

_TOKEN = re.compile(
    r"\s+|(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<directive>\#\w*[^\n]*)|(?P<text>\"[^\"\n]*\")|(?P<end>;)|(?P<word>(?:(?!//|/\*)[^\s;\"])+)",
    re.DOTALL,
)
_NUMBER = re.compile(r"0[xX][0-9A-Fa-f]{1,3}|[0-9]{1,3}")
_DIRECTIVE = re.compile(r"#(define|include|ifdef|ifndef|if|else|elif|endif|undef|pragma|error|line)\b")
_LEAST, _HEADER = 6, 5
_SKIPPED = ("powerup", "powerdown", "contacted", "contactless")
"""Words jCardSim passes over; any other stays in its buffer."""
_REFUSED = (
    "contactless",
    "open",
    "close",
    "select",
    "send",
    "open-secure",
    "close-secure",
    "tlp224",
    "off-card",
)
_LONGEST_WAIT_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    line: int
    column: int
    is_text: bool = False


def read(text: str, file: str) -> Script:
    """A script of Oracle's apdutool.

    Raises:
        ScriptError: what is refused or wrong.
    """
    return _read(text, file, is_jcardsim=False)


def read_jcardsim(text: str, file: str) -> Script:
    """A script of jCardSim: Le is required (0 sends none), of the words only those that jCardSim passes over.

    Raises:
        ScriptError: what is refused or wrong.
    """
    return _read(text, file, is_jcardsim=True)


def _read(text: str, file: str, is_jcardsim: bool) -> Script:
    source = Source.of(text, file, _goes_on)
    for statement in _statements(source):
        first = statement[0]
        if is_jcardsim:
            _remark_lines(source, statement)
        if first.text[:1].isdigit() and not first.is_text:
            raw = _jcardsim_apdu(source, statement) if is_jcardsim else _apdu(source, statement)
            source.command(first.line, first.column, raw)
        elif is_jcardsim and (first.text.lower() not in _SKIPPED or len(statement) > 1):
            raise source.wrong(first.line, first.column, "jcardsim-word")
        elif not is_jcardsim:
            _word(source, statement)
    return source.script()


def _goes_on(line: str) -> bool:
    code = line.partition("//")[0].strip()
    return bool(code) and not code.endswith(";") and not code.startswith("#")


def _statements(source: Source) -> Iterator[list[_Token]]:
    text, statement = "\n".join(source.lines), list[_Token]()
    at, line, line_start = 0, 1, 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        column = at - line_start + 1
        if found is None:
            raise source.wrong(line, column, "quote")
        match found.lastgroup:
            case "directive":
                _refuse_directive(source, line, column, found[0])
            case "text":
                statement.append(_Token(found[0][1:-1], line, column, True))
            case "word":
                statement.append(_Token(found[0], line, column))
            case "end":
                if statement:
                    yield statement
                statement = []
        breaks = text.count("\n", at, found.end())
        if breaks:
            line, line_start = line + breaks, text.rindex("\n", at, found.end()) + 1
        at = found.end()
    if statement:
        raise source.wrong(statement[0].line, statement[0].column, "semicolon")


def _refuse_directive(source: Source, line: int, column: int, text: str) -> None:
    found = _DIRECTIVE.match(text)
    if found:
        raise source.wrong(line, column, "refused", command=found[0], tool="apdutool")
    raise source.wrong(line, column, "number")


def _remark_lines(source: Source, statement: list[_Token]) -> None:
    """jCardSim joins the lines of a statement without a blank, and keeps what stands behind a `;`."""
    broken = next((token for token in statement if token.line != statement[0].line), None)
    if broken is not None:
        source.remark(broken.line, broken.column, "jcardsim-joins")
    first = statement[0]
    if ";" in source.lines[first.line - 1][: first.column - 1]:
        source.remark(first.line, first.column, "jcardsim-keeps")


def _numbers(source: Source, statement: list[_Token], is_jcardsim: bool) -> list[int]:
    found = []
    for place, token in enumerate(statement):
        if token.is_text or not _NUMBER.fullmatch(token.text):
            raise source.wrong(token.line, token.column, "number")
        if is_jcardsim and token.text.startswith("0X"):
            raise source.wrong(token.line, token.column, "jcardsim-hex")
        value = int(token.text, 16) if token.text[:2] in ("0x", "0X") else int(token.text)
        most = 256 if place == len(statement) - 1 and place >= _HEADER else 255
        if value > most:
            raise source.wrong(token.line, token.column, "number-range", most=most)
        found.append(value)
    return found


def _apdu(source: Source, statement: list[_Token]) -> bytes:
    """CLA INS P1 P2 Lc [data] [Le]; of five numbers the last is Le."""
    numbers, first = _numbers(source, statement, False), statement[0]
    if len(numbers) <= _HEADER:
        return bytes(numbers)
    lc, rest = numbers[4], numbers[_HEADER:]
    if len(rest) not in (lc, lc + 1):
        at = statement[4]
        raise source.wrong(at.line, at.column, "lc", lc=lc, count=len(rest))
    if len(rest) == lc and lc and rest[-1] > 255:
        raise source.wrong(first.line, first.column, "number-range", most=255)
    data = bytes(rest[:lc])
    le = bytes((rest[lc] & 0xFF,)) if len(rest) > lc else b""
    return bytes(numbers[:4]) + (lowest(data) + data if lc else b"") + le


def _jcardsim_apdu(source: Source, statement: list[_Token]) -> bytes:
    """CLA INS P1 P2 Lc [data] [ignored] Le: the last number is Le, and 0 means none."""
    first = statement[0]
    if len(statement) < _LEAST:
        raise source.wrong(first.line, first.column, "jcardsim-six", count=len(statement))
    numbers = _numbers(source, statement, True)
    lc, rest, le = numbers[4], numbers[_HEADER:-1], numbers[-1]
    if len(rest) < lc:
        at = statement[4]
        raise source.wrong(at.line, at.column, "lc", lc=lc, count=len(rest))
    if len(rest) > lc:
        spare = statement[_HEADER + lc]
        source.remark(spare.line, spare.column, "jcardsim-ignores")
    if not le:
        source.remark(statement[-1].line, statement[-1].column, "jcardsim-no-le")
    data = bytes(rest[:lc])
    return bytes(numbers[:4]) + (lowest(data) + data if lc else b"") + (bytes((le & 0xFF,)) if le else b"")


def _word(source: Source, statement: list[_Token]) -> None:
    first = statement[0]
    at = source.at(first.line, first.column)
    match [first.text.lower(), *(token.text for token in statement[1:])]:
        case ["powerup"]:
            source.add(Reset(at, cold=True))
        case ["powerdown"]:
            source.add(Power(at, False))
        case ["reset"]:
            source.add(Reset(at, cold=False))
        case ["contacted"] | ["output", "on" | "off"] | ["extended", "on" | "off"]:
            pass
        case ["echo", said]:
            source.add(Echo(at, said))
        case ["delay", ms] if ms.isascii() and ms.isdigit() and len(ms) < 9 and int(ms) <= _LONGEST_WAIT_MS:
            source.add(Wait(at, int(ms)))
        case [word, *_] if word in _REFUSED:
            raise source.wrong(first.line, first.column, "refused", command=word, tool="apdutool")
        case [
            "powerup"
            | "powerdown"
            | "reset"
            | "contacted"
            | "output"
            | "extended"
            | "echo"
            | "delay" as word,
            *_,
        ]:
            raise source.wrong(
                first.line, first.column, "arguments", command=word, usage=_USAGE.get(word, f"{word};")
            )
        case _:
            raise source.wrong(first.line, first.column, "command", tool="apdutool")


_USAGE = {
    "output": "output on|off;",
    "extended": "extended on|off;",
    "echo": 'echo "TEXT";',
    "delay": "delay MS;",
}
