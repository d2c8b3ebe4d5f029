"""Scripts in the notation of ETSI's test documents: REM, RST, CMD … [data] (words), OFF; XX where a byte does not matter.

Source: scripts.md §5 (trade knowledge; one public thread).

    REM the purse
    RST
    CMD 00 A4 04 00 06 \\
     D1 56 00 00 05 03 [6F XX XX] (90 00, 61 XX)
    OFF
"""

from __future__ import annotations

import re

from ..script.masks import parse_nibbles, parse_word
from ..script.syntax import ANY_WORD, Answer, Echo, MaskPart, Power, Reset, Script, WordMask
from .source import Source, by_backslash

_WORD = re.compile(r"\s*([A-Za-z]+)\b")
_MASK_SIGN = re.compile(r"[0-9A-Fa-fxX]")
_REFUSED = ("ini", "on", "wait", "dvs")
_TERMINAL_PROFILE = bytes.fromhex("A0100000")


def read(text: str, file: str) -> Script:
    """A script in this notation.

    Raises:
        ScriptError: what is refused or wrong.
    """
    source = Source.of(text, file, by_backslash)
    place: list[tuple[int, int]] = []
    said = ""
    for number, line in source.numbered():
        goes_on = by_backslash(line)
        piece = line.rstrip()[:-1] + " " if goes_on else line
        said += piece
        place += [(number, column) for column in range(1, len(piece) + 1)]
        if not goes_on:
            _statement(source, said, place)
            said, place = "", []
    if said.strip():
        raise source.wrong(*place[0], "unended")
    return source.script()


def _statement(source: Source, said: str, place: list[tuple[int, int]]) -> None:
    if not said.strip():
        return
    start = len(said) - len(said.lstrip())
    at = source.at(*place[start])
    found = _WORD.match(said)
    word, rest = (found[1].upper(), found.end()) if found else ("", 0)
    match word:
        case "REM":
            source.add(Echo(at, said[rest:].strip()))
        case "RST":
            _nothing(source, said, rest, place, "RST")
            source.add(Reset(at, cold=True))
        case "OFF":
            _nothing(source, said, rest, place, "OFF")
            source.add(Power(at, False))
        case "CMD":
            _command(source, said, rest, place, place[start])
        case "INI":
            profile = _bytes(source, said[rest:], rest, place)
            if not 0 < len(profile) < 256:
                raise source.wrong(*place[start], "arguments", command="INI", usage="INI XX XX …")
            source.remark(*place[start], "etsi-profile")
            source.command(*place[start], _TERMINAL_PROFILE + bytes((len(profile),)) + profile)
        case _ if word.lower() in _REFUSED:
            raise source.wrong(*place[start], "refused", command=word, tool="ETSI")
        case _:
            raise source.wrong(*place[start], "command", tool="ETSI")


def _nothing(source: Source, said: str, rest: int, place: list[tuple[int, int]], word: str) -> None:
    if said[rest:].strip():
        at = rest + len(said[rest:]) - len(said[rest:].lstrip())
        raise source.wrong(*place[at], "arguments", command=word, usage=word)


def _command(source: Source, said: str, rest: int, place: list[tuple[int, int]], at: tuple[int, int]) -> None:
    end = min((found for sign in "[(" if (found := said.find(sign, rest)) >= 0), default=len(said))
    raw = _bytes(source, said[rest:end], rest, place)
    data: tuple[MaskPart, ...] | None = None
    words: tuple[WordMask, ...] = ()
    at_sign = end
    if said[at_sign : at_sign + 1] == "[":
        close = _closed(source, said, at_sign, "]", place)
        mask = _digits(source, said[at_sign + 1 : close], at_sign + 1, place)
        data = (parse_nibbles(mask),) if mask else ()
        at_sign = close + 1
        at_sign += len(said[at_sign:]) - len(said[at_sign:].lstrip())
    if said[at_sign : at_sign + 1] == "(":
        close = _closed(source, said, at_sign, ")", place)
        words = _words(source, said[at_sign + 1 : close], at_sign + 1, place)
        at_sign = close + 1
    if left := said[at_sign:].strip():
        raise source.wrong(*place[said.index(left, at_sign)], "etsi-after")
    expectation = Answer(words or (ANY_WORD,), data) if words or data is not None else None
    source.command(*at, raw, expectation)


def _closed(source: Source, said: str, opened: int, sign: str, place: list[tuple[int, int]]) -> int:
    close = said.find(sign, opened)
    if close < 0:
        raise source.wrong(*place[opened], "bracket", sign=sign)
    return close


def _words(source: Source, text: str, offset: int, place: list[tuple[int, int]]) -> tuple[WordMask, ...]:
    found: list[WordMask] = []
    for piece in re.split("[,|]", text) if text.strip() else []:
        digits = _digits(source, piece, offset, place)
        if len(digits) != 4:
            raise source.wrong(*place[min(offset + len(piece) - len(piece.lstrip()), len(place) - 1)], "word")
        found.append(parse_word(digits))
        offset += len(piece) + 1
    return tuple(found)


def _digits(source: Source, text: str, offset: int, place: list[tuple[int, int]]) -> str:
    """Pairs of digits and X, without the blanks."""
    digits = ""
    for at, sign in enumerate(text, start=offset):
        if sign.isspace():
            if len(digits) % 2:
                raise source.wrong(*place[at - 1], "odd")
        elif _MASK_SIGN.fullmatch(sign):
            digits += sign
        else:
            raise source.wrong(*place[at], "mask")
    if len(digits) % 2:
        raise source.wrong(*place[offset + len(text.rstrip()) - 1], "odd")
    return digits


def _bytes(source: Source, text: str, offset: int, place: list[tuple[int, int]]) -> bytes:
    for at, sign in enumerate(text, start=offset):
        if sign in "xX":
            raise source.wrong(*place[at], "command-mask")
        if not sign.isspace() and sign not in "0123456789abcdefABCDEF":
            raise source.wrong(*place[at], "hex")
    return bytes.fromhex(_digits(source, text, offset, place))
