"""What libpcscspy hears of a program's PC/SC calls: its raw lines (the FIFO), and what `pcsc-spy` makes of them.

Source: output of pcsc-lite 1.9.9 (fixtures/traces); order of the arguments: winscard.h.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sscard_terminal.reader.connection import LinkReason

from ..entries import Entries, Entry, Exchange, Reset, Shown, TraceError, shown
from .hexdump import Dump

_RAW = re.compile(r"([0-9A-Fa-f]+)@(.*)$")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_THREAD = re.compile(r" \((t\d+)\) ")
_CODE = re.compile(r"\[0x([0-9A-Fa-f]{8})\]")
_NUMBER = re.compile(r"0x([0-9A-Fa-f]+)")
STATES, STATE = 3, 5
"""Where the reader states of SCardGetStatusChange begin among its lines, and how many lines each has, the ATR last."""
LINKS = {
    0x80100069: LinkReason.CARD_REMOVED,
    0x8010000C: LinkReason.CARD_REMOVED,
    0x80100068: LinkReason.CARD_RESET,
    0x80100067: LinkReason.CARD_RESET,
    0x80100016: LinkReason.NOT_TRANSACTED,
    0x8010001D: LinkReason.SERVICE_GONE,
    0x80100017: LinkReason.READER_GONE,
    0x8010000B: LinkReason.READER_BUSY,
}
"""What SCardTransmit's result says of the link. Source: pcsc.md §6."""


@dataclass(slots=True)
class _Call:
    """One PC/SC call of one thread, while it runs."""

    name: str
    line: int
    time_us: int | None = None
    given: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Cards:
    """Which handle is which reader, and whether a card's reset still waits for its answer to reset."""

    readers: dict[str, str] = field(default_factory=dict)
    atrs: dict[str, bytes] = field(default_factory=dict)
    resetting: set[str] = field(default_factory=set)
    seen: dict[str, bytes] = field(default_factory=dict)
    """By reader: the answer to reset of the card that was seen in it."""

    def connected(self, handle: str, reader: str, line: int, time_us: int | None) -> Iterator[Entry]:
        self.readers[handle] = reader
        yield from self.status(handle, self.seen.get(reader, b""), line, time_us)

    def status(self, handle: str, atr: bytes, line: int, time_us: int | None) -> Iterator[Entry]:
        """The answer to reset is told once, and again after each reset."""
        if atr and (handle in self.resetting or self.atrs.get(handle) != atr):
            is_warm = handle in self.resetting
            self.resetting.discard(handle)
            self.atrs[handle] = atr
            yield Reset(atr, is_warm, self.readers.get(handle, ""), time_us, line)

    def exchanged(
        self, handle: str, command: Shown, answer: Shown, code: int, line: int, time_us: int | None
    ) -> Iterator[Entry]:
        card = self.readers.get(handle, "")
        if handle in self.resetting:
            self.resetting.discard(handle)
            yield Reset(self.atrs.get(handle, b""), True, card, time_us, line)
        if code == 0 and len(answer) >= 2:
            yield Exchange(command, answer, None, card, time_us, line)
        else:
            empty = LinkReason.CUT_ANSWER if answer.raw else LinkReason.EMPTY_ANSWER
            link = empty if code == 0 else LINKS.get(code, LinkReason.UNKNOWN)
            yield Exchange(command, None, link, card, time_us, line)


def read_raw(lines: Iterable[str]) -> Entries:
    """The entries of the raw lines, as they come.

    Raises:
        TraceError: a line or a call that does not fit.
    """
    calls: dict[str, _Call] = {}
    cards = _Cards()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        if (found := _RAW.match(line.rstrip("\r\n"))) is None:
            raise TraceError(number, "expected a thread's number and @", 1)
        thread, said = found[1], found[2]
        if said.startswith(">|"):
            parts = said.split("|")
            if len(parts) != 4 or not (parts[1].isdigit() and parts[2].isdigit()):
                raise TraceError(number, "expected >|seconds|microseconds|function")
            calls[thread] = _Call(parts[3], number, int(parts[1]) * 1_000_000 + int(parts[2]))
        elif said.startswith("<|"):
            code = _NUMBER.search(said.rpartition("|")[2])
            call = calls.pop(thread, None)
            if call is not None:
                yield from _ended(cards, call, int(code[1], 16) if code else 0)
        elif thread in calls:
            calls[thread].given.append(said)


def _ended(cards: _Cards, call: _Call, code: int) -> Iterator[Entry]:
    given = call.given
    match call.name:
        case "SCardConnect" if code == 0 and len(given) >= 8:
            yield from cards.connected(given[6], given[1], call.line, call.time_us)
        case "SCardGetStatusChange" if code == 0:
            for at in range(STATES, len(given) - STATE + 1, STATE):
                if (octets := given[at + STATE - 1]).count(" ") > 1:
                    cards.seen[given[at]] = shown(octets, call.line, 0, "an ATR").raw
        case "SCardReconnect" if code == 0 and len(given) >= 4 and _number(given[3]) != 0:
            cards.resetting.add(given[0])
        case "SCardStatus" if code == 0 and given and given[-1].count(" ") > 1:
            atr = shown(given[-1], call.line, 0, "an ATR").raw
            yield from cards.status(given[0], atr, call.line, call.time_us)
        case "SCardTransmit" if len(given) >= 5:
            command = shown(given[4], call.line, 4, "a command")
            told = given[8] if len(given) > 8 and given[8] != "NULL" else ""
            answer = shown(told, call.line, 0, "an answer")
            yield from cards.exchanged(given[0], command, answer, code, call.line, call.time_us)


def _number(text: str) -> int:
    found = _NUMBER.match(text)
    return int(found[1], 16) if found else 0


@dataclass(slots=True)
class _Printed:
    """One call as pcsc-spy prints it, while its lines come."""

    name: str
    line: int
    handle: str = ""
    reader: str = ""
    atr: str = ""
    atrs: dict[str, str] = field(default_factory=dict)
    length: int = 0
    dump: Dump | None = None
    command: Shown | None = None
    answer: Shown = field(default_factory=lambda: Shown(b""))
    disposition: int = 0


def read(lines: Iterable[str]) -> Entries:
    """The entries of what `pcsc-spy` prints, with or without colours and thread numbers.

    Raises:
        TraceError: a dump that does not fit.
    """
    calls: dict[str, _Printed] = {}
    cards = _Cards()
    for number, line in enumerate(lines, start=1):
        text = _COLOUR.sub("", line.rstrip("\r\n"))
        thread = ""
        if (tagged := _THREAD.match(text)) is not None:
            thread, text = tagged[1], text[tagged.end() :]
        if text.startswith(("SCard", "SCar")):
            calls[thread] = _Printed(text.strip(), number)
        elif (call := calls.get(thread)) is not None and text.startswith(" => "):
            del calls[thread]
            code = _CODE.search(text)
            yield from _told(cards, call, int(code[1], 16) if code else 0)
        elif call is not None and text.startswith((" i ", " o ")):
            _take(call, text[3:], number)


def _take(call: _Printed, said: str, line: int) -> None:
    """One line of a call."""
    if call.dump is not None:
        call.dump.take(said.split()[1:], line)
        if call.dump.is_whole:
            if call.command is None:
                call.command = call.dump.shown()
            else:
                call.answer = call.dump.shown()
            call.dump = None
        return
    name, _, value = said.partition(" ")
    name = name.rstrip(":")
    match name:
        case "hCard" | "phCard":
            call.handle = value.split(" ")[0].lstrip(": ")
        case "szReader":
            call.reader = value.strip()
        case "" if value.startswith("Atr: ") and value.count(" ") > 2:
            call.atrs[call.reader] = value.removeprefix("Atr: ")
        case "bAtr":
            call.atr = value
        case "dwInitialization":
            call.disposition = _number(value)
        case "bSendLength" | "bRecvLength":
            call.length = _number(value)
        case "bSendBuffer" | "bRecvBuffer" if call.name == "SCardTransmit" and call.length:
            call.dump, call.length = Dump(call.length), 0


def _told(cards: _Cards, call: _Printed, code: int) -> Iterator[Entry]:
    match call.name:
        case "SCardConnect" if code == 0:
            yield from cards.connected(call.handle, call.reader, call.line, None)
        case "SCardGetStatusChange" if code == 0:
            for reader, octets in call.atrs.items():
                cards.seen[reader] = shown(octets, call.line, 0, "an ATR").raw
        case "SCardReconnect" if code == 0 and call.disposition:
            cards.resetting.add(call.handle)
        case "SCardStatus" if code == 0 and call.atr not in ("", "NULL"):
            atr = shown(call.atr, call.line, 0, "an ATR").raw
            yield from cards.status(call.handle, atr, call.line, None)
        case "SCardTransmit" if call.command is not None:
            if len(call.command) < 4:
                raise TraceError(call.line, "a command has at least 4 bytes")
            yield from cards.exchanged(call.handle, call.command, call.answer, code, call.line, None)
