"""Dumps of apdu4j's sessions: command and answer on lines of their own, comments with ATR, protocol and times; and seader's form.

Source: scripts.md §7.

    # ATR: 3B6D0000008154313286603709 00000002
    # PROTOCOL: T=0
    00A4040006D15600000503
    # 24ms
    6F0A8408D156000005039000
"""

from __future__ import annotations

import re

from ..script.syntax import Answer, Command, Expectation, Nibbles, Octets, Position, Reset, Script, WordMask
from .source import LEAST, Source

_ATR = re.compile(r"\s*#\s*ATR:\s*", re.IGNORECASE)
_PAIRED = re.compile(r"[^#]*")


def read(text: str, file: str) -> Script:
    """A dump: the answers must come back as they were.

    Raises:
        ScriptError: a line that is no bytes, or is too short.
    """
    return _read(text, file, only_words=False)


def read_seader(text: str, file: str) -> Script:
    """The same with the expected status word as the second line; data are not looked at where only a word stands.

    Raises:
        ScriptError: a line that is no bytes, or is too short.
    """
    return _read(text, file, only_words=True)


def _read(text: str, file: str, only_words: bool) -> Script:
    source, waiting = Source.of(text, file), None
    for number, line in source.numbered():
        if found := _ATR.match(line):
            atr = source.octets(number, found.end() + 1, line[found.end() :])
            source.add(Reset(source.at(number), cold=True, atr=(Nibbles.exactly(atr),) if atr else None))
            continue
        code = _code(line)
        if not code.strip():
            continue
        column = len(code) - len(code.lstrip()) + 1
        raw = source.octets(number, column, code.strip())
        if waiting is None:
            if len(raw) < LEAST:
                raise source.wrong(number, column, "short", count=len(raw))
            waiting = source.at(number, column), raw
        else:
            if len(raw) < 2:
                raise source.wrong(number, column, "answer-short")
            source.add(_command(waiting, _expected(raw, only_words)))
            waiting = None
    if waiting is not None:
        source.remark(waiting[0].line, waiting[0].column, "no-answer")
        source.add(_command(waiting, None))
    return source.script()


def _code(line: str) -> str:
    found = _PAIRED.match(line)
    return found[0] if found else ""


def _command(asked: tuple[Position, bytes], expectation: Expectation | None) -> Command:
    return Command(asked[0], (Octets(asked[1]),), expectation)


def _expected(raw: bytes, only_words: bool) -> Answer:
    word = WordMask(int.from_bytes(raw[-2:], "big"))
    if len(raw) == 2:
        return Answer((word,), None if only_words else ())
    return Answer((word,), (Nibbles.exactly(raw[:-2]),))
