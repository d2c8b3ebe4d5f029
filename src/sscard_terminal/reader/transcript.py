"""The text form of a conversation with a card: parse it, write it, mask what is secret in it.

Not here: sending (replay.py, scripts) and recording (tracing.py).
Source: style.md "One text for a conversation".

    # ATR 3B6D0000008154313286603709 00000002      # card gen2-32k
    > 0020000003******                             # VERIFY, masked
    < 63C2                                         # two tries left
    > B026000104
    # link: card-removed                           # the answer never came
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ..iso7816.apdu import CommandApdu
from ..iso7816.errors import FormatError
from .connection import LinkReason

COMMENT_COLUMN = 46
MASK = "**"
_OCTETS = re.compile(r"(?:[0-9A-Fa-f]{2}|\*\*)*")
_ATR = re.compile(r"#\s*ATR\s+(?P<octets>[^#]*)(?:#(?P<comment>.*))?$")
_LINK = re.compile(r"#\s*link:\s*(?P<word>[a-z-]+)")

# Commands whose data are always masked: they carry a PIN. Source: card.md §2.2; ISO/IEC 7816-4 §11.6 for 0024, 002C.
# Told by class and instruction together: B0 2C is a debit.
_PIN_COMMANDS: dict[tuple[int, int], str] = {
    (0x80, 0x5E): "CHANGE PIN",
    (0x84, 0x24): "PIN UNBLOCK and PIN RELOAD",
    (0x00, 0x24): "CHANGE REFERENCE DATA",
    (0x00, 0x2C): "RESET RETRY COUNTER",
}


class TranscriptError(FormatError):
    """A line of a transcript does not fit; `line` is its number, from 1. The text never quotes the line."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(line, problem)
        self.line = line
        self.problem = problem

    def __str__(self) -> str:
        return f"line {self.line}: {self.problem}"


@dataclass(frozen=True, slots=True)
class Octets:
    """Bytes some of which may be masked: None stands for a byte that is not told."""

    values: tuple[int | None, ...]

    @classmethod
    def parse(cls, text: str) -> Octets:
        """Read hex with `**` for masked bytes; blanks between bytes are allowed.

        Raises:
            FormatError: anything else.
        """
        packed = "".join(text.split())
        if not _OCTETS.fullmatch(packed):
            raise FormatError("expected pairs of hexadecimal digits, or ** for a masked byte")
        pairs = (packed[at : at + 2] for at in range(0, len(packed), 2))
        return cls(tuple(None if pair == MASK else int(pair, 16) for pair in pairs))

    def fits(self, raw: bytes) -> bool:
        """True when `raw` has the same length and the same bytes; a masked byte fits any."""
        return len(raw) == len(self.values) and all(
            told is None or told == octet for told, octet in zip(self.values, raw, strict=True)
        )

    def known(self) -> bytes:
        """All the bytes.

        Raises:
            FormatError: some are masked.
        """
        told = [octet for octet in self.values if octet is not None]
        if len(told) != len(self.values):
            raise FormatError("masked bytes cannot be told")
        return bytes(told)

    def masked(self, start: int, stop: int) -> Octets:
        """The same with the bytes from `start` up to `stop` masked."""
        values = self.values
        start, stop = min(start, len(values)), min(stop, len(values))
        return Octets(values[:start] + (None,) * (stop - start) + values[stop:])

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        return f"Octets({len(self.values)} bytes)"

    def __str__(self) -> str:
        return "".join(MASK if octet is None else f"{octet:02X}" for octet in self.values)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One command and its answer, or the reason why none came.

    `notes` are the comment lines before the command. `line` is where the command stood, 0 if nowhere.
    """

    command: Octets
    answer: Octets | None
    link: LinkReason | None = None
    command_comment: str = ""
    answer_comment: str = ""
    notes: tuple[str, ...] = ()
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Transcript:
    """A conversation: the answer to reset (empty if not recorded), the exchanges in order, closing notes."""

    exchanges: tuple[Exchange, ...]
    atr: bytes = b""
    atr_comment: str = ""
    closing_notes: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Transcript:
        """Read a whole transcript.

        Raises:
            TranscriptError: a line that is neither comment, command nor answer; an answer without a command
                or a command without an answer; digits that are not hex; an answer without a status word.
        """
        reader = _Reader()
        for number, line in enumerate(text.splitlines(), start=1):
            reader.take(number, line.strip())
        return reader.finish()

    def write(self) -> str:
        """The text, one line each, ending in a newline."""
        lines = [atr_line(self.atr, self.atr_comment)] if self.atr else []
        for exchange in self.exchanges:
            lines += [f"# {_flat(note)}".rstrip() for note in exchange.notes]
            lines.append(command_line(exchange.command, exchange.command_comment))
            lines.append(_outcome_line(exchange))
        lines += [f"# {_flat(note)}".rstrip() for note in self.closing_notes]
        return "".join(line + "\n" for line in lines)


def masked_command(command: CommandApdu) -> Octets:
    """The bytes of `command`, its data masked if it is sensitive or one of the commands that carry a PIN."""
    octets = Octets(tuple(command.build()))
    if not command.sensitive and not carries_pin(octets):
        return octets
    start = 7 if command.is_extended else 5
    return octets.masked(start, start + len(command.data))


def carries_pin(octets: Octets) -> bool:
    """True for VERIFY of any class and for the commands that replace a PIN."""
    match octets.values[:2]:
        case (_, 0x20):
            return True
        case (int(cla), int(ins)):
            return (cla, ins) in _PIN_COMMANDS
        case _:
            return False


def atr_line(atr: bytes, comment: str = "") -> str:
    return _with_comment(f"# ATR {atr.hex().upper()}", comment)


def command_line(octets: Octets, comment: str = "") -> str:
    return _with_comment(f"> {octets}", comment)


def answer_line(octets: Octets, comment: str = "") -> str:
    return _with_comment(f"< {octets}", comment)


def link_line(reason: LinkReason, comment: str = "") -> str:
    return _with_comment(f"# link: {reason}", comment)


def _with_comment(line: str, comment: str) -> str:
    """One line, whatever the comment holds: a line break in it must not become an exchange."""
    flat = _flat(comment)
    return f"{line:<{COMMENT_COLUMN}} # {flat}" if flat else line


def _flat(text: str) -> str:
    return " ".join(text.splitlines()).strip()


def _outcome_line(exchange: Exchange) -> str:
    if exchange.answer is None:
        return link_line(exchange.link or LinkReason.UNKNOWN, exchange.answer_comment)
    return answer_line(exchange.answer, exchange.answer_comment)


@dataclass(slots=True)
class _Waiting:
    """A command whose answer has not been read yet."""

    line: int
    command: Octets
    comment: str


@dataclass(slots=True)
class _Reader:
    """Takes lines one by one; knows whether a command is waiting for its answer."""

    exchanges: list[Exchange] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    atr: bytes = b""
    atr_comment: str = ""
    waiting: _Waiting | None = None

    def take(self, line: int, text: str) -> None:
        match text[:1]:
            case "":
                pass
            case ">":
                self._take_command(line, *_octets_and_comment(line, text, "a command", 4))
            case "<":
                answer, comment = _octets_and_comment(line, text, "an answer", 2)
                self._take_outcome(line, answer, None, comment)
            case "#":
                self._take_comment(line, text)
            case _:
                raise TranscriptError(line, "expected a line that starts with >, < or #")

    def finish(self) -> Transcript:
        self._expect_no_waiting()
        return Transcript(tuple(self.exchanges), self.atr, self.atr_comment, tuple(self.notes))

    def _take_command(self, line: int, command: Octets, comment: str) -> None:
        self._expect_no_waiting()
        self.waiting = _Waiting(line, command, comment)

    def _take_outcome(self, line: int, answer: Octets | None, link: LinkReason | None, comment: str) -> None:
        if self.waiting is None:
            raise TranscriptError(line, "an answer without a command before it")
        asked, self.waiting = self.waiting, None
        notes, self.notes = tuple(self.notes), []
        self.exchanges.append(
            Exchange(asked.command, answer, link, asked.comment, comment, notes, asked.line)
        )

    def _take_comment(self, line: int, text: str) -> None:
        """The first ATR line and the link lines mean something; every other comment is a note."""
        if (link := _LINK.match(text)) is not None and self.waiting is not None:
            self._take_outcome(line, None, _link_reason(line, link["word"]), _comment_of(text[1:]))
        elif (atr := _ATR.match(text)) is not None and not (self.atr or self.exchanges or self.waiting):
            self.atr = _known_octets(line, atr["octets"])
            self.atr_comment = (atr["comment"] or "").strip()
        else:
            self.notes.append(text[1:].strip())

    def _expect_no_waiting(self) -> None:
        if self.waiting is not None:
            raise TranscriptError(self.waiting.line, "a command without an answer or a link line after it")


def _octets_and_comment(line: int, text: str, what: str, least: int) -> tuple[Octets, str]:
    try:
        octets = Octets.parse(text[1:].partition("#")[0])
    except FormatError as error:
        raise TranscriptError(line, str(error)) from error
    if len(octets) < least:
        raise TranscriptError(line, f"{what} has at least {least} bytes, this one {len(octets)}")
    return octets, _comment_of(text)


def _known_octets(line: int, text: str) -> bytes:
    try:
        return Octets.parse(text).known()
    except FormatError as error:
        raise TranscriptError(line, str(error)) from error


def _link_reason(line: int, word: str) -> LinkReason:
    try:
        return LinkReason(word)
    except ValueError as error:
        raise TranscriptError(line, "unknown reason for a broken link") from error


def _comment_of(text: str) -> str:
    return text.partition("#")[2].strip()
