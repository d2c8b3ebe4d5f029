"""OpenSC's debug log (`opensc-tool -vvvvv`, OPENSC_DEBUG) and what `opensc-tool -s` prints.

The log has what really went to the reader, GET RESPONSE and all; `-s` prints what OpenSC made of it.
Source: output of opensc 0.23 (fixtures/traces); before 0.20 the head of a dump read `Outgoing APDU data [   20 bytes] =====`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sscard_terminal.reader.connection import LinkReason

from ..entries import Entries, Exchange, Shown, TraceError, shown
from .hexdump import Dump

LEAST_COMMAND, LEAST_ANSWER = 4, 2
_APDU = re.compile(r"(Outgoing|Incoming) APDU (?:data )?[(\[] *(\d+) bytes?[)\]]")
_CLOCK = re.compile(r"(?:^|\s)(\d\d):(\d\d):(\d\d)\.(\d{3}) \[")
_READER = re.compile(r"pcsc_transmit: reader '(.*)'$")
_FAILED = re.compile(r"(SCardTransmit failed|unable to transmit)")
_SENDING = re.compile(r"Sending: ((?:[0-9A-F]{2} ?)+)$")
_RECEIVED = re.compile(r"Received \(SW1=0x([0-9A-F]{2}), SW2=0x([0-9A-F]{2})\)(:?)$")


def read(lines: Iterable[str]) -> Entries:
    """The exchanges of a debug log; its clock has no date, so the times count from midnight.

    Raises:
        TraceError: a dump is broken, or an answer has no command.
    """
    time_us: int | None = None
    card, dump, is_command = "", None, False
    waiting: tuple[int, Shown] | None = None
    for number, line in enumerate(lines, start=1):
        text = line.rstrip("\r\n")
        if dump is not None and not dump.is_whole:
            dump.take(text.split(" "), number)
            if not dump.is_whole:
                continue
            found = dump.shown()
            if is_command:
                if len(found) < LEAST_COMMAND:
                    raise TraceError(number, "a command has at least 4 bytes")
                waiting = number, found
            elif waiting is not None:
                link = None if len(found) >= LEAST_ANSWER else LinkReason.CUT_ANSWER
                yield Exchange(waiting[1], None if link else found, link, card, time_us, waiting[0])
                waiting = None
            continue
        if (clock := _CLOCK.search(text[:80])) is not None:
            hours, minutes, seconds, milliseconds = map(int, clock.groups())
            time_us = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + milliseconds * 1000
            if (reader := _READER.search(text)) is not None:
                card = reader[1]
            elif waiting is not None and _FAILED.search(text):
                yield Exchange(waiting[1], None, LinkReason.UNKNOWN, card, time_us, waiting[0])
                waiting = None
        elif (apdu := _APDU.match(text)) is not None:
            is_command = apdu[1] == "Outgoing"
            if not is_command and waiting is None:
                raise TraceError(number, "an answer without a command before it")
            if is_command and waiting is not None:
                yield Exchange(waiting[1], None, LinkReason.UNKNOWN, card, time_us, waiting[0])
            dump = Dump(int(apdu[2]))
    if waiting is not None:
        yield Exchange(waiting[1], None, LinkReason.INTERRUPTED, card, time_us, waiting[0])


def read_sent(lines: Iterable[str]) -> Entries:
    """The exchanges `opensc-tool -s` printed.

    Raises:
        TraceError: an answer has no command, or its dump no bytes.
    """
    waiting: tuple[int, Shown] | None = None
    words, data = Shown(b""), bytearray()
    answered = False
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if (sending := _SENDING.match(text)) is not None:
            if waiting is not None:
                yield _sent(waiting, bytes(data) + words.raw if answered else None)
            command = shown(sending[1], number, LEAST_COMMAND, "a command")
            waiting, answered, data = (number, command), False, bytearray()
        elif (received := _RECEIVED.match(text)) is not None:
            if waiting is None:
                raise TraceError(number, "an answer without a command before it")
            words, answered = Shown(bytes.fromhex(received[1] + received[2])), True
        elif answered and waiting is not None and (pairs := _pairs(line)):
            data += pairs
    if waiting is not None:
        yield _sent(waiting, bytes(data) + words.raw if answered else None)


def _sent(command: tuple[int, Shown], answer: bytes | None) -> Exchange:
    if answer is None:
        return Exchange(command[1], None, LinkReason.UNKNOWN, line=command[0])
    return Exchange(command[1], Shown(answer), line=command[0])


def _pairs(line: str) -> bytes:
    """The bytes of a line of a dump: the pairs stand first, sixteen at most, the characters last, as many as pairs."""
    text = line.rstrip("\r\n")
    tokens = text.split(" ")
    count = 0
    while count < min(16, len(tokens)) and re.fullmatch(r"[0-9A-F]{2}", tokens[count]):
        count += 1
    while count and len(text) - 3 * count < count:
        count -= 1
    return bytes.fromhex("".join(tokens[:count]))
