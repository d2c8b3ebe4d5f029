"""Conversations as JCShell and scriptor print them, pasted into an issue or a mail: as a Transcript, and as a script that expects the same.

Not here: our own transcripts (reader/transcript.py, script/transcripts.py).
Source: scripts.md §1, §3; lab/traces/formats/scriptor.py for the second.

     => 00 A4 04 00 06 D1 56 00 00 05 03 00               .....V......
     (911848 nsec)
     <= 6F 0A 84 08 D1 56 00 00 05 03 90 00               o....V......
    Status: No Error
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.reader.transcript import Exchange, Octets, Transcript, carries_pin

from ..script.syntax import Break, Command, Position, Script, ScriptError
from ..script.transcripts import statements_of
from ..traces import entries
from ..traces.formats import scriptor
from .source import LEAST, Source

_LINE = re.compile(r"\s*(?P<sign>=>|<=|==>|<==)\s?(?P<rest>.*)")
_OCTETS = re.compile(r"(?:[0-9A-Fa-f]{2}(?: (?=[0-9A-Fa-f]{2}(?:\s|$))|))*")
_MORE = re.compile(r"\s+(?=[0-9A-Fa-f]{2}(?:\s|$))")
_ATR = re.compile(r"\s*ATR=(?P<octets>(?:[0-9A-Fa-f]{2}(?: |$|(?=[0-9A-Fa-f])))+)")
_HEADER = 5


def read_jcshell(text: str, file: str) -> Script:
    """
    Raises:
        ScriptError: an answer without a command, or bytes that are none.
    """
    return _script(_jcshell, text, file)


def read_scriptor(text: str, file: str) -> Script:
    """
    Raises:
        ScriptError: an answer without a command, or bytes that are none.
    """
    return _script(_scriptor, text, file)


def jcshell_transcript(text: str, file: str = "-") -> Transcript:
    """What JCShell printed, PINs masked: to be replayed (reader/replay.py) or compared.

    Raises:
        ScriptError: an answer without a command, or bytes that are none.
    """
    return _masked(_jcshell(Source.of(text, file)))


def scriptor_transcript(text: str, file: str = "-") -> Transcript:
    """What scriptor printed, PINs masked.

    Raises:
        ScriptError: an answer without a command, or bytes that are none.
    """
    return _masked(_scriptor(Source.of(text, file)))


def _script(read: Callable[[Source], Transcript], text: str, file: str) -> Script:
    """Nothing is expected of a command whose answer was not pasted."""
    source = Source.of(text, file)
    for statement in statements_of(read(source), file):
        match statement:
            case Command(at, parts, Break()):
                source.remark(at.line, at.column, "no-answer")
                source.add(Command(at, parts))
            case _:
                source.add(statement)
    return source.script()


def _masked(found: Transcript) -> Transcript:
    exchanges = tuple(
        Exchange(
            one.command.masked(_HEADER, len(one.command)) if carries_pin(one.command) else one.command,
            one.answer,
            one.link,
            notes=one.notes,
            line=one.line,
        )
        for one in found.exchanges
    )
    return Transcript(exchanges, found.atr, closing_notes=found.closing_notes)


class _Conversation:
    """Exchanges as they are read; a reset that is no beginning becomes a note of the next exchange."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.atr = b""
        self.notes: list[str] = []

    def reset(self, atr: bytes, is_warm: bool) -> None:
        if self.exchanges or self.atr:
            self.notes.append("reset, warm" if is_warm else "reset, cold")
        else:
            self.atr = atr

    def exchange(self, command: bytes, answer: bytes | None, line: int) -> None:
        link = LinkReason.UNKNOWN if answer is None else None
        told = None if answer is None else Octets(tuple(answer))
        self.exchanges.append(
            Exchange(Octets(tuple(command)), told, link, notes=tuple(self.notes), line=line)
        )
        self.notes = []

    def transcript(self) -> Transcript:
        return Transcript(tuple(self.exchanges), self.atr, closing_notes=tuple(self.notes))


def _scriptor(source: Source) -> Transcript:
    found = _Conversation()
    try:
        for entry in scriptor.read(source.lines):
            match entry:
                case entries.Reset(atr, is_warm):
                    found.reset(atr, is_warm)
                case entries.Exchange(command, answer):
                    found.exchange(command.raw, answer.raw if answer else None, entry.line)
                case _:
                    pass
    except entries.TraceError as error:
        at = Position(source.file, error.line, max(error.column, 1))
        raise ScriptError(at, "transcript", source.shown[error.line - 1], problem=error.problem) from error
    return found.transcript()


def _jcshell(source: Source) -> Transcript:
    found, command, command_line = _Conversation(), b"", 0
    answer, sign, sign_line = b"", "", 0

    def end() -> None:
        nonlocal command, command_line, answer, sign
        if sign == "<" and len(answer) < 2:
            raise source.wrong(sign_line, 1, "answer-short")
        if command_line:
            found.exchange(command, answer if sign == "<" else None, command_line)
        command, command_line, answer, sign = b"", 0, b"", ""

    for number, line in source.numbered():
        if told := _LINE.match(line):
            octets = _octets(source, number, told.start("rest") + 1, told["rest"])
            if told["sign"].endswith(">"):
                end()
                if len(octets) < LEAST:
                    raise source.wrong(number, told.start("rest") + 1, "short", count=len(octets))
                command, command_line, sign = octets, number, ">"
            elif not command_line or sign == "<":
                raise source.wrong(number, told.start("sign") + 1, "answer-first")
            else:
                answer, sign, sign_line = octets, "<", number
        elif atr := _ATR.match(line):
            end()
            found.reset(bytes.fromhex(atr["octets"]), is_warm=False)
        elif sign and (more := _MORE.match(line)):
            octets = _octets(source, number, more.end() + 1, line[more.end() :])
            command, answer = (command + octets, answer) if sign == ">" else (command, answer + octets)
        elif sign == "<":
            end()
    end()
    return found.transcript()


def _octets(source: Source, number: int, column: int, text: str) -> bytes:
    """The bytes up to the two blanks before the column of characters."""
    found = _OCTETS.match(text)
    told = found[0] if found else ""
    if not told or (len(text) > len(told) and not text[len(told)].isspace()):
        raise source.wrong(number, column + len(told), "hex")
    return bytes.fromhex(told)
