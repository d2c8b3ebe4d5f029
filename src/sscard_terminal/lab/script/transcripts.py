"""A transcript (`>` sent, `<` came back) as a script that sends the same and expects the same.

Not here: the form itself (reader/transcript.py). Masked bytes of an answer fit anything; masked bytes of a command are the
card's PIN when it is run. Replaying one without a card is reader/replay.py's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

from sscard_terminal.reader.transcript import Exchange, Transcript, TranscriptError
from sscard_terminal.reader.transcript import Octets as Told

from .syntax import (
    Answer,
    Break,
    Command,
    Masked,
    Nibbles,
    Octets,
    Part,
    Position,
    Reset,
    Script,
    ScriptError,
    Statement,
    UseCard,
    UsePsam,
    WordMask,
)

SUFFIX = ".apdu"
_FIRST = re.compile(r"\s*(?:#[^\n]*\n\s*)*[><]")
_CARD = re.compile(r"card ([a-z0-9-]+)")
"""What a transcript may say beside its ATR: which description the card was made by."""
_OTHER_ENDS = re.compile("\r(?!\n)|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
"""What Python takes for the end of a line and no editor numbers."""
_RESET = re.compile(r"reset, (cold|warm)")


def looks_like_one(text: str) -> bool:
    """Whether the first line that is no comment begins with > or <."""
    return _FIRST.match(text) is not None


def script_of(text: str, file: str = "-") -> Script:
    """The transcript as a script.

    Raises:
        ScriptError: a line that does not fit.
    """
    lines = tuple(text.split("\n"))
    try:
        transcript = Transcript.parse(_OTHER_ENDS.sub(" ", text))
    except TranscriptError as error:
        shown = lines[error.line - 1] if 0 < error.line <= len(lines) else ""
        at = Position(file, error.line, 1)
        raise ScriptError(at, "transcript", shown, problem=error.problem) from error
    return Script(file, tuple(statements_of(transcript, file)), lines)


def statements_of(transcript: Transcript, file: str) -> Iterator[Statement]:
    """What a transcript sends and expects, in order."""
    if found := _CARD.match(transcript.atr_comment):
        at, profile = Position(file), found[1]
        yield UsePsam(at, profile) if profile.startswith("psam-") else UseCard(at, profile, balance="0.00")
    if transcript.atr:
        yield Reset(Position(file), cold=True, atr=(Nibbles.exactly(transcript.atr),))
    for exchange in transcript.exchanges:
        at = Position(file, exchange.line)
        for note in exchange.notes:
            if found := _RESET.match(note):
                yield Reset(at, found[1] == "cold")
        yield Command(at, _parts(exchange.command), _expected(exchange))


def _parts(command: Told) -> tuple[Part, ...]:
    parts: list[Part] = []
    for is_masked, octets in groupby(command.values, lambda octet: octet is None):
        run = list(octets)
        parts.append(Masked(len(run)) if is_masked else Octets(bytes(octet or 0 for octet in run)))
    return tuple(parts)


def _expected(exchange: Exchange) -> Answer | Break:
    if exchange.answer is None:
        return Break("" if exchange.link is None else str(exchange.link))
    value = bytes(octet or 0 for octet in exchange.answer.values)
    care = bytes(0 if octet is None else 0xFF for octet in exchange.answer.values)
    word = WordMask(int.from_bytes(value[-2:], "big"), int.from_bytes(care[-2:], "big"))
    return Answer((word,), (Nibbles(value[:-2], care[:-2]),) if len(value) > 2 else ())
