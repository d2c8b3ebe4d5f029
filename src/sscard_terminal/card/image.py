"""How a card image is laid out: header, seal, two journal slots, checked pages, and the directory of objects.

Not here: when what is written (nvm). All numbers big endian; every part carries a CRC-32.

    0      header   magic 8, format version 2, slot size 4, pages 4, directory length 4, CRC 4
    64     seal     "SEAL" 4, CRC of all after it 4, the same again, then filling; all zero while the card is in use
    128    slots    two of `slot size`: "RD" 2, pages 2, sequence 4, (page number 4, payload 56) each, CRC 4
    …      pages    64 bytes each: payload 56, sequence 4, CRC 4 over page number, payload, sequence

Source: our choice, docs/decisions/0003; reliability.md, "Card memory".
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from zlib import crc32

MAGIC = b"SSCARDIM"
FORMAT_VERSION = 1
PAYLOAD = 56
PAGE = 64
SEAL_AT = 64
SEAL_LENGTH = 64
SLOTS_AT = 128
SLOT_SIZE = 4096
SLOT_COUNT = 2
PAGES_AT = SLOTS_AT + SLOT_COUNT * SLOT_SIZE

_HEADER = struct.Struct(">8sHIII")
_SLOT_HEAD = struct.Struct(">2sHI")
_ENTRY_HEAD = struct.Struct(">I")
_TAIL = struct.Struct(">II")
_CRC = struct.Struct(">I")
SLOT_MAGIC = b"RD"
MAX_PAGES_A_COMMIT = (SLOT_SIZE - _SLOT_HEAD.size - _CRC.size) // (_ENTRY_HEAD.size + PAYLOAD)


class ImageError(ValueError):
    """The bytes are no card image, one of another format, or damaged; the text says which and where."""


@dataclass(frozen=True, slots=True)
class Header:
    """The fixed part: how many pages, how long the directory is."""

    pages: int
    directory_length: int

    @property
    def total(self) -> int:
        """Bytes of the whole image."""
        return PAGES_AT + self.pages * PAGE

    def build(self) -> bytes:
        head = _HEADER.pack(MAGIC, FORMAT_VERSION, SLOT_SIZE, self.pages, self.directory_length)
        return (head + _CRC.pack(crc32(head))).ljust(SEAL_AT, b"\x00")

    @classmethod
    def parse(cls, raw: bytes) -> Header:
        """
        Raises:
            ImageError: no image, another format version, a damaged header, or not the length it says.
        """
        if raw[:8] != MAGIC:
            raise ImageError("it is no card image")
        if len(raw) < SLOTS_AT:
            raise ImageError("it is cut short inside its header")
        _, version, _, pages, directory = _HEADER.unpack_from(raw)
        if version != FORMAT_VERSION:
            raise ImageError(f"it has image format {version}; this program reads format {FORMAT_VERSION}")
        header = cls(pages, directory)
        if raw[:SEAL_AT] != header.build():
            raise ImageError("its header is damaged")
        if len(raw) != header.total:
            raise ImageError(f"it has {len(raw)} bytes, its header says {header.total}")
        return header


def build_page(number: int, payload: bytes, sequence: int) -> bytes:
    """One page as stored, 64 bytes."""
    return payload + _TAIL.pack(sequence, _page_crc(number, payload, sequence))


def _page_crc(number: int, payload: bytes, sequence: int) -> int:
    return crc32(payload, number << 8 ^ sequence)


def page_sequence(number: int, raw: bytes) -> int | None:
    """The sequence of a stored page, None when its check code does not hold."""
    sequence, check = _TAIL.unpack_from(raw, PAYLOAD)
    return int(sequence) if check == _page_crc(number, raw[:PAYLOAD], sequence) else None


@dataclass(frozen=True, slots=True)
class JournalRecord:
    """What one commit changes: page number → new payload, under a sequence number."""

    sequence: int
    pages: Mapping[int, bytes]

    def build(self) -> bytes:
        entries = b"".join(_ENTRY_HEAD.pack(number) + payload for number, payload in self.pages.items())
        body = _SLOT_HEAD.pack(SLOT_MAGIC, len(self.pages), self.sequence) + entries
        return body + _CRC.pack(crc32(body))

    @classmethod
    def parse(cls, raw: bytes) -> JournalRecord | None:
        """The record in a slot, None when there is no whole one."""
        magic, count, sequence = _SLOT_HEAD.unpack_from(raw)
        end = _SLOT_HEAD.size + count * (_ENTRY_HEAD.size + PAYLOAD)
        if magic != SLOT_MAGIC or end + _CRC.size > len(raw):
            return None
        if _CRC.unpack_from(raw, end)[0] != crc32(raw[:end]):
            return None
        pages = {}
        for at in range(_SLOT_HEAD.size, end, _ENTRY_HEAD.size + PAYLOAD):
            number = _ENTRY_HEAD.unpack_from(raw, at)[0]
            pages[number] = raw[at + _ENTRY_HEAD.size : at + _ENTRY_HEAD.size + PAYLOAD]
        return cls(sequence, pages)


def seal_of(rest: bytes) -> bytes:
    """The seal of an image whose bytes after the seal are `rest`: 16 bytes that count, then filling."""
    mark = b"SEAL" + _CRC.pack(crc32(rest))
    return (mark * 2).ljust(SEAL_LENGTH, b"\xa5")


OPEN_SEAL = bytes(SEAL_LENGTH)


def check_seal(stored: bytes, rest: bytes) -> None:
    """Whether the image is what it was when it was closed, if it was closed.

    A seal that was itself torn counts as not closed. A seal that disagrees with the rest, or is one bit off, means
    damage.

    Raises:
        ImageError: the image was closed, and is not what it was then.
    """
    mark, again = stored[:8], stored[8:16]
    if mark == again and mark[:4] == b"SEAL" and mark != seal_of(rest)[:8]:
        raise ImageError("it is damaged: its bytes changed after it was closed")
    if (int.from_bytes(stored, "big") ^ int.from_bytes(seal_of(rest), "big")).bit_count() == 1:
        raise ImageError("it is damaged in its seal")


def build_directory(lengths: Mapping[str, int]) -> bytes:
    """Names and lengths of the objects, in the order in which they lie."""
    return b"".join(
        bytes((len(name.encode()),)) + name.encode() + length.to_bytes(4, "big")
        for name, length in lengths.items()
    )


def parse_directory(raw: bytes) -> dict[str, int]:
    lengths = {}
    position = 0
    while position < len(raw):
        end = position + 1 + raw[position]
        lengths[raw[position + 1 : end].decode()] = int.from_bytes(raw[end : end + 4], "big")
        position = end + 4
    return lengths


def pages_for(length: int) -> int:
    """Pages an object of `length` bytes takes; an empty one takes none."""
    return -(-length // PAYLOAD)


def build_image(objects: Mapping[str, bytes]) -> bytes:
    """A whole new image, sealed."""
    directory = build_directory({name: len(content) for name, content in objects.items()})
    payloads = []
    for content in (directory, *objects.values()):
        padded = content.ljust(pages_for(len(content)) * PAYLOAD, b"\x00")
        payloads += [padded[at : at + PAYLOAD] for at in range(0, len(padded), PAYLOAD)]
    header = Header(len(payloads), len(directory))
    pages = b"".join(build_page(number, payload, 0) for number, payload in enumerate(payloads))
    rest = bytes(SLOT_COUNT * SLOT_SIZE) + pages
    return header.build() + seal_of(rest) + rest
