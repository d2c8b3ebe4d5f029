"""pcapng files that Wireshark opens: an interface a card, a packet an exchange, the words as the packet's comment.

What a packet cannot hold (which bytes are withheld, that no answer came) stands in comments that begin with `sscard `;
reading takes them back. An exchange without a time gets the next microsecond after the one before, from 1970 on.
Source: draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from sscard_terminal.reader.connection import LinkReason

from ..entries import Entries, Entry, Exchange, Range, Remark, Reset, Shown, TraceError
from ..words import Told, redacted
from .packets import APDU, ATR, FIRST_SOURCE_PORT, MOST_PAYLOAD, cut_of, packed, unpacked

SECTION, INTERFACE, PACKET, SIMPLE_PACKET, STATISTICS = 0x0A0D0D0A, 1, 6, 3, 5
_BYTE_ORDER = 0x1A2B3C4D
_LINK_IPV4, _LINK_RAW, _LINK_ETHERNET, _LINK_NULL, _LINK_SLL = 228, 101, 1, 0, 113
_COMMENT, _NAME, _RESOLUTION = 1, 2, 9
_HEADS = {_LINK_IPV4: 0, _LINK_RAW: 0, _LINK_ETHERNET: 14, _LINK_NULL: 4, _LINK_SLL: 16}
"""Bytes before the IP packet, by link type."""
LONGEST_BLOCK = 1 << 24
MAGIC = SECTION.to_bytes(4, "big")
_OURS = "sscard "
_HIDDEN = re.compile(r"hidden(?: ([\d,-]*))?/([\d,-]*)$")
_ADDED = 1 << 15
"""Interfaces at most; more is no recording of cards."""


def write(found: Iterable[Told]) -> Iterator[bytes]:
    """The blocks of the file, in order; nothing is kept but the names of the cards.

    Raises:
        TraceError: command and answer together are too long for a packet.
    """
    yield _block(SECTION, struct.pack("<IHHq", _BYTE_ORDER, 1, 0, -1) + _option(4, b"sscard") + _END)
    cards: dict[str, int] = {}
    remarks: list[bytes] = []
    now = 0
    for one in found:
        entry = one.entry
        if isinstance(entry, Remark):
            remarks.append(_comment(f"{_OURS}remark {entry.text}"))
            continue
        place = cards.get(entry.card)
        if place is None:
            place = cards[entry.card] = len(cards)
            yield _interface(entry.card)
        now = now + 1 if entry.time_us is None else entry.time_us
        packet, comments = _packet(one, FIRST_SOURCE_PORT + place)
        yield _packet_block(place, now, packet, b"".join(remarks) + comments)
        if remarks:
            remarks = []
    if remarks and cards:
        yield _block(STATISTICS, struct.pack("<III", 0, 0, 0) + b"".join(remarks) + _END)


_END = struct.pack("<HH", 0, 0)


def _interface(name: str) -> bytes:
    raw = name.encode("utf-8")[:1000]
    body = struct.pack("<HHI", _LINK_IPV4, 0, 0) + (_option(_NAME, raw) if raw else b"")
    return _block(INTERFACE, body + _option(_RESOLUTION, b"\x06") + _END)


def _packet(one: Told, source: int) -> tuple[bytes, bytes]:
    """The IP packet and the comments beside it."""
    entry = redacted(one)
    if isinstance(entry, Reset):
        warm = _comment(f"{_OURS}warm") if entry.is_warm else b""
        return packed(entry.atr, source, 0, ATR), _comment(one.command.says) + warm
    assert isinstance(entry, Exchange)
    command, answer = entry.command, entry.answer
    payload = command.raw + (answer.raw if answer is not None else b"")
    if len(payload) > MOST_PAYLOAD:
        raise TraceError(entry.line, "command and answer are too long for one packet")
    comments = _comment(f"{one.command.says} | {one.answer.says}")
    if command.hidden or (answer is not None and answer.hidden):
        ranges = f"{_ranges(command.hidden)}/{_ranges(answer.hidden if answer is not None else ())}"
        comments += _comment(f"{_OURS}hidden {ranges}")
    if answer is None:
        comments += _comment(f"{_OURS}link {entry.link or LinkReason.UNKNOWN}")
    return packed(payload, source, len(command.raw), APDU), comments


def _ranges(hidden: tuple[Range, ...]) -> str:
    return ",".join(f"{start}-{stop}" for start, stop in hidden)


def _packet_block(interface: int, time_us: int, packet: bytes, comments: bytes) -> bytes:
    length = len(packet)
    padding = b"\0" * (-length % 4)
    body = struct.pack("<IIIII", interface, time_us >> 32, time_us & 0xFFFFFFFF, length, length)
    return _block(PACKET, body + packet + padding + comments + _END)


def _comment(text: str) -> bytes:
    return _option(_COMMENT, text.encode("utf-8")[:0xFFF0])


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length


@dataclass(slots=True)
class _Interface:
    link: int
    name: str
    ticks: int
    """Of its clock a second."""


@dataclass(slots=True)
class _Section:
    order: str
    interfaces: list[_Interface] = field(default_factory=list)


def read(stream: BinaryIO) -> Entries:
    """The entries of a file; packets that are no GSMTAP of a SIM are passed over.

    Raises:
        TraceError: no pcapng, or damaged; `line` counts the blocks.
    """
    section: _Section | None = None
    number = 0
    while head := stream.read(8):
        number += 1
        kind, body, section = _next(stream, head, section, number)
        match kind:
            case 1:
                section.interfaces.append(_interface_of(section, body, number))
                if len(section.interfaces) > _ADDED:
                    raise TraceError(number, "too many interfaces")
            case 6 | 3:
                yield from _entries_of(section, kind, body, number)
            case 5:
                yield from (Remark(text, number) for text in _remarks(_comments(section, body[12:], number)))


def _next(
    stream: BinaryIO, head: bytes, section: _Section | None, number: int
) -> tuple[int, bytes, _Section]:
    """Kind and body of a block, and the section it stands in."""
    if len(head) < 8:
        raise TraceError(number, "the file ends within a block")
    if head[:4] == MAGIC:
        mark = stream.read(4)
        orders = {struct.pack(f"{order}I", _BYTE_ORDER): order for order in "<>"}
        if mark not in orders:
            raise TraceError(number, "no pcapng: the byte-order mark is missing")
        section, rest = _Section(orders[mark]), 4
    elif section is None:
        raise TraceError(number, "no pcapng: it begins with no section header")
    else:
        rest = 0
    kind, length = struct.unpack(f"{section.order}II", head)
    if length % 4 or not 12 + rest <= length <= LONGEST_BLOCK:
        raise TraceError(number, "a block has no length a block can have")
    body = stream.read(length - 12 - rest)
    if len(body) != length - 12 - rest or stream.read(4) != head[4:]:
        raise TraceError(number, "the file ends within a block, or a block's two lengths differ")
    return kind, body, section


def _interface_of(section: _Section, body: bytes, number: int) -> _Interface:
    if len(body) < 8:
        raise TraceError(number, "an interface without a link type")
    link = struct.unpack_from(f"{section.order}H", body)[0]
    name, ticks = "", 1_000_000
    for code, value in _options(section, body[8:], number):
        if code == _NAME:
            name = " ".join(value.decode("utf-8", "replace").split())
        elif code == _RESOLUTION and value:
            ticks = 2 ** (value[0] & 0x7F) if value[0] & 0x80 else 10 ** value[0]
    return _Interface(link, name, ticks)


def _entries_of(section: _Section, kind: int, body: bytes, number: int) -> Iterator[Entry]:
    if len(body) < (20 if kind == PACKET else 4):
        raise TraceError(number, "a packet without a header")
    place, time, captured, packet, comments = 0, None, 0, b"", []
    if kind == PACKET:
        place, high, low, captured, _ = struct.unpack_from(f"{section.order}IIIII", body)
        packet = body[20 : 20 + captured]
        comments = _comments(section, body[20 + captured + (-captured % 4) :], number)
        time = high << 32 | low
    else:
        packet = body[4:]
    if place >= len(section.interfaces) or len(packet) < captured:
        raise TraceError(number, "a packet of an interface nobody described, or cut")
    interface = section.interfaces[place]
    if interface.link not in _HEADS or (found := unpacked(packet[_HEADS[interface.link] :])) is None:
        return
    yield from (Remark(text, number) for text in _remarks(comments))
    _, subtype, command_length, payload = found
    time_us = None if time is None else time * 1_000_000 // interface.ticks
    ours = [text.removeprefix(_OURS) for text in comments if text.startswith(_OURS)]
    if subtype == ATR:
        yield Reset(payload, "warm" in ours, interface.name, time_us, number)
    elif subtype == APDU and len(payload) >= 4:
        yield _exchange(payload, command_length, ours, interface.name, time_us, number)


def _exchange(
    payload: bytes, told: int, ours: list[str], card: str, time_us: int | None, number: int
) -> Exchange:
    cut = cut_of(payload, told)
    command, answer = payload[:cut], payload[cut:]
    hidden: tuple[tuple[Range, ...], tuple[Range, ...]] = ((), ())
    link: LinkReason | None = None
    for text in ours:
        if (found := _HIDDEN.match(text)) is not None:
            hidden = _parsed(found[1] or "", len(command)), _parsed(found[2], len(answer))
        elif text.startswith("link "):
            link = _reason(text.removeprefix("link "))
    if len(command) < 4:
        raise TraceError(number, "a command has at least 4 bytes")
    if link is None and len(answer) < 2:
        link = LinkReason.UNKNOWN
    seen = None if link is not None else Shown(answer, hidden[1])
    return Exchange(Shown(command, hidden[0]), seen, link, card, time_us, number)


def _parsed(text: str, length: int) -> tuple[Range, ...]:
    """The ranges of a comment, as far as they lie within `length` bytes, in order."""
    found: list[Range] = []
    for start, stop in re.findall(r"(\d{1,6})-(\d{1,6})", text):
        if (found[-1][1] if found else 0) <= int(start) < int(stop) <= length:
            found.append((int(start), int(stop)))
    return tuple(found)


def _reason(word: str) -> LinkReason:
    return LinkReason(word) if word in list(LinkReason) else LinkReason.UNKNOWN


def _remarks(comments: list[str]) -> list[str]:
    prefix = f"{_OURS}remark "
    return [" ".join(text.removeprefix(prefix).split()) for text in comments if text.startswith(prefix)]


def _comments(section: _Section, body: bytes, number: int) -> list[str]:
    return [
        value.decode("utf-8", "replace")
        for code, value in _options(section, body, number)
        if code == _COMMENT
    ]


def _options(section: _Section, body: bytes, number: int) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(body):
        code, length = struct.unpack_from(f"{section.order}HH", body, at)
        if code == 0:
            return
        value = body[at + 4 : at + 4 + length]
        if len(value) != length:
            raise TraceError(number, "an option runs past its block")
        yield code, value
        at += 4 + length + (-length % 4)
