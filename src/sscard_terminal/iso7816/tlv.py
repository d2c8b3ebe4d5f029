"""BER-TLV objects (FCI, DIR) and the card's own one-byte tag-length records.

Not here: what a tag means.
Source: ISO/IEC 7816-4 §5.2.2; records: card.md §1.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .errors import FormatError


@dataclass(frozen=True, slots=True)
class BerTlv:
    """One BER-TLV object; `tag` as printed in the standards (6F, 9F0C), `value` its raw content."""

    tag: int
    value: bytes

    def build(self) -> bytes:
        tag = self.tag.to_bytes((self.tag.bit_length() + 7) // 8 or 1, "big")
        return tag + _length_field(len(self.value)) + self.value

    def children(self) -> tuple[BerTlv, ...]:
        """The objects inside a constructed object.

        Raises:
            FormatError: the value is not a sequence of BER-TLV objects.
        """
        return parse_ber(self.value)

    def find(self, *path: int) -> bytes | None:
        """The value at the end of a path of tags below this object, None when a step is missing.

        Raises:
            FormatError: an object on the path is not a sequence of BER-TLV objects.
        """
        node: BerTlv | None = self
        for tag in path:
            if node is None:
                return None
            node = next((child for child in node.children() if child.tag == tag), None)
        return None if node is None else node.value


def _length_field(length: int) -> bytes:
    if length < 0x80:
        return bytes((length,))
    coded = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((0x80 | len(coded),)) + coded


def parse_ber(raw: bytes) -> tuple[BerTlv, ...]:
    """All BER-TLV objects in `raw`, in order, nothing left over.

    Raises:
        FormatError: a tag or length that runs past the end, a length of more than 4 bytes.
    """
    return tuple(_objects(raw))


def _objects(raw: bytes) -> Iterator[BerTlv]:
    position = 0
    while position < len(raw):
        tag, position = _read_tag(raw, position)
        length, position = _read_length(raw, position)
        if position + length > len(raw):
            raise FormatError(f"TLV {tag:02X} says {length} bytes, {len(raw) - position} are left")
        yield BerTlv(tag, bytes(raw[position : position + length]))
        position += length


def _read_tag(raw: bytes, position: int) -> tuple[int, int]:
    tag = raw[position]
    position += 1
    if tag & 0x1F != 0x1F:
        return tag, position
    while position < len(raw):
        tag = tag << 8 | raw[position]
        position += 1
        if not tag & 0x80:
            return tag, position
    raise FormatError("a TLV tag runs past the end")


def _read_length(raw: bytes, position: int) -> tuple[int, int]:
    if position >= len(raw):
        raise FormatError("a TLV ends after its tag")
    first = raw[position]
    position += 1
    if first < 0x80:
        return first, position
    count = first & 0x7F
    if not 1 <= count <= 4 or position + count > len(raw):
        raise FormatError("a TLV length field does not fit")
    return int.from_bytes(raw[position : position + count], "big"), position + count


@dataclass(frozen=True, slots=True)
class TagLengthRecord:
    """A record of a linear file: tag 1 byte, length 1 byte, value. Source: card.md §1.4."""

    tag: int
    value: bytes

    def build(self) -> bytes:
        if not 0 <= self.tag <= 0xFF or len(self.value) > 0xFF:
            raise FormatError("a record has a one-byte tag and at most 255 bytes of value")
        return bytes((self.tag, len(self.value))) + self.value


def parse_record(raw: bytes) -> TagLengthRecord:
    """One record, all of `raw`.

    Raises:
        FormatError: shorter or longer than its length byte says.
    """
    records = parse_records(raw)
    if len(records) != 1:
        raise FormatError(f"one record was expected, {len(records)} came")
    return records[0]


def parse_records(raw: bytes) -> tuple[TagLengthRecord, ...]:
    """The records of a whole file as READ RECORD mode 101 returns them, one behind the other.

    Raises:
        FormatError: a record runs past the end.
    """
    records = []
    position = 0
    while position < len(raw):
        if position + 2 > len(raw):
            raise FormatError("a record ends after its tag")
        tag, length = raw[position], raw[position + 1]
        end = position + 2 + length
        if end > len(raw):
            raise FormatError(f"record {tag:02X} says {length} bytes, {len(raw) - position - 2} are left")
        records.append(TagLengthRecord(tag, bytes(raw[position + 2 : end])))
        position = end
    return tuple(records)


def build_records(records: Iterable[TagLengthRecord]) -> bytes:
    """The records one behind the other."""
    return b"".join(record.build() for record in records)
