"""Scripts of JCShell (JCOP tools): commands that begin with `/`, variables ${name}; GlobalPlatform's commands are refused by name.

Not here: what JCShell prints (transcripts.py).
Source: scripts.md §3; notation of bytes from JCOP's help as quoted in public notes. What /atr and /card do besides a reset
is trade knowledge.

    /atr
    /set-var aid D15600000503
    /select ${aid}
    /send B0260001 04
    /send "0102|ab|#(03 04)"
"""

from __future__ import annotations

import re

from ..script.syntax import Echo, Power, Reset, Script, ScriptError, Wait
from .source import HEX, Source, lowest

_SELECT = bytes.fromhex("00A40400")
_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_LINE = re.compile(r"(?P<blank>\s*)(?:cm>|-)?\s*(?P<word>/?[A-Za-z][\w.-]*)\s*")
_REFUSED = frozenset((
    *("auth", "set-key", "set-keys", "put-key", "put-keys", "put-keyset", "print-key", "init-update"),
    *("ext-auth", "upload", "load", "install", "delete", "card-info", "get-cplc", "get-status"),
    *("set-status", "lock", "unlock", "store-data", "put-data", "get-data", "open-sec-channel"),
    *("identify", "/execute", "/error", "/exec", "/loop", "/if", "/while", "/expect", "/apdu"),
    *("/cap-info", "/remove", "/powerup", "/powerdown", "/open", "/script", "/source"),
))  # fmt: skip
_PASSED_OVER = frozenset(("/terminal", "/mode", "/list-vars", "/term", "/trace"))
_DEEPEST = 8
_LONGEST_WAIT_MS = 3_600_000
_LONGEST = 65_544
"""Signs of a line once its variables are filled in: no command is longer."""


def read(text: str, file: str) -> Script:
    """A script of JCShell.

    Raises:
        ScriptError: what is refused or wrong.
    """
    source, variables = Source.of(text, file), dict[str, str]()
    for number, line in source.numbered():
        code = line.strip()
        if code and not code.startswith(("#", "//")):
            _line(source, number, line, variables)
    return source.script()


def _line(source: Source, number: int, line: str, variables: dict[str, str]) -> None:
    found = _LINE.match(line)
    if found is None:
        raise source.wrong(number, len(line) - len(line.lstrip()) + 1, "command", tool="JCShell")
    word, column = found["word"].lower(), found.start("word") + 1
    start = found.end() + 1
    if word in _REFUSED:
        raise source.wrong(number, column, "refused", command=word, tool="JCShell")
    if word in _PASSED_OVER:
        if word == "/terminal":
            source.remark(number, column, "jcshell-terminal")
        return
    written = line[found.end() :].rstrip()
    rest = _filled(source, number, start, written, variables)
    as_written = rest == written
    at = source.at(number, column)
    match word:
        case "/send":
            source.command(number, column, _argument(source, number, start, rest, as_written))
        case "/select":
            aid = _argument(source, number, start, rest, as_written)
            if not 0 < len(aid) <= 16:
                raise source.wrong(number, start, "aid")
            source.command(number, column, _SELECT + lowest(aid) + aid + b"\x00")
        case "/atr":
            source.add(Reset(at, cold=True))
        case "/reset":
            source.add(Reset(at, cold=False))
        case "/card":
            if rest:
                raise source.wrong(number, start, "refused", command="/card -a, -c", tool="JCShell")
            source.remark(number, column, "jcshell-card")
            source.add(Reset(at, cold=True))
        case "/close":
            source.add(Power(at, False))
        case "/echo":
            source.add(Echo(at, rest.strip('"')))
        case "/sleep":
            if not re.fullmatch(r"[0-9]{1,8}", rest) or int(rest) > _LONGEST_WAIT_MS:
                raise source.wrong(number, start, "arguments", command=word, usage="/sleep MS")
            source.add(Wait(at, int(rest)))
        case "/set-var":
            name, _, value = rest.partition(" ")
            if not re.fullmatch(r"[\w.-]+", name) or not value.strip():
                raise source.wrong(number, start, "arguments", command=word, usage="/set-var NAME VALUE")
            variables[name] = value.strip()
        case _:
            raise source.wrong(number, column, "command", tool="JCShell")


def _filled(source: Source, number: int, column: int, text: str, variables: dict[str, str]) -> str:
    """The text with the values of its variables."""
    for found in _VARIABLE.finditer(text):
        if found[1] not in variables:
            raise source.wrong(number, column + found.start(), "variable")
    filled = _VARIABLE.sub(lambda found: variables[found[1]], text)
    if len(filled) > _LONGEST:
        raise source.wrong(number, column, "too-long", most=_LONGEST)
    return filled


def _argument(source: Source, number: int, column: int, text: str, as_written: bool) -> bytes:
    """The bytes of an argument; with variables filled in, only its beginning has a place in the line."""
    try:
        return _bytes(source, number, column, text)
    except ScriptError as error:
        if as_written:
            raise
        raise source.wrong(number, column, error.key.removeprefix("foreign-"), **error.facts) from None


def _bytes(source: Source, number: int, column: int, text: str) -> bytes:
    """Hexadecimal digits, |text|, and #(…) for what stands within with its length before it."""
    if text[:1] == '"':
        if text[-1:] != '"' or len(text) < 2:
            raise source.wrong(number, column, "quote")
        text, column = text[1:-1], column + 1
    found, end = _within(source, number, column, text, 0, "", 0)
    if end < len(text):
        raise source.wrong(number, column + end, "hex")
    return found


def _within(
    source: Source, number: int, column: int, text: str, at: int, close: str, depth: int
) -> tuple[bytes, int]:
    found, digits = bytearray(), ""
    while at < len(text) and text[at] != close:
        sign = text[at]
        if sign in HEX:
            digits += sign
            if len(digits) == 2:
                found += bytes.fromhex(digits)
                digits = ""
            at += 1
            continue
        if digits:
            raise source.wrong(number, column + at - 1, "odd")
        if sign.isspace():
            at += 1
        elif sign == "|":
            end = text.find("|", at + 1)
            end = len(text) if end < 0 else end
            found += text[at + 1 : end].encode()
            at = min(end + 1, len(text))
        elif sign == "#" and text[at + 1 : at + 2] in ("(", "{") and depth < _DEEPEST:
            opened = at
            inner, at = _within(
                source, number, column, text, at + 2, ")" if text[at + 1] == "(" else "}", depth + 1
            )
            if at >= len(text) or len(inner) > 255:
                raise source.wrong(number, column + opened, "length")
            found += lowest(inner) + inner
            at += 1
        else:
            raise source.wrong(number, column + at, "hex")
    if digits:
        raise source.wrong(number, column + at - 1, "odd")
    return bytes(found), at
