"""The part of the card's client that reads and writes files as they are, record by record and byte by byte.

Not here: what stands in a file (cardspec) and who may read or write it (the card says so; the descriptions know it).
Source: card.md §2.2.
"""

from __future__ import annotations

from sscard_terminal.cardspec.commands.basic import (
    ReadBinary,
    ReadRecord,
    RecordMode,
    Select,
    UpdateBinary,
    UpdateRecord,
)
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.status import RECORD_NOT_FOUND
from sscard_terminal.iso7816.tlv import TagLengthRecord, parse_record
from sscard_terminal.reader.connection import Connection

from .exchange import CardRefused, send

WHOLE = 256
"""Le 00: as much as there is."""
CHUNK = 240
"""Bytes of one UPDATE BINARY. Our choice: whole blocks of 16, and one command on every link."""


class FileCommands:
    """A card behind a connection that completes 61xx and 6Cxx. Raises as `client.SocialSecurityCard` does."""

    _connection: Connection

    def record_by_tag(self, sfi: int, tag: int) -> bytes:
        """The value of the first record of a linear file with this identifier.

        Raises:
            CardRefused: 6A83 there is none, 6982 it is not for us.
        """
        return self._value(ReadRecord(tag, RecordMode.FIRST_WITH_ID, sfi), tag)

    def record_by_number(self, sfi: int, number: int, tag: int) -> bytes:
        """The value of a linear file's record `number` (from 1), which has this identifier.

        Raises:
            CardRefused: as `record_by_tag`.
            FormatError: another record stands there.
        """
        return self._value(ReadRecord(number, sfi=sfi), tag)

    def cyclic_record(self, sfi: int, number: int) -> bytes | None:
        """Record `number` of a cyclic file, 1 being the newest; None behind the last one (6A83).

        Raises:
            CardRefused: 6982 it is not for us.
        """
        try:
            return self._record(ReadRecord(number, sfi=sfi))
        except CardRefused as refused:
            if refused.sw == RECORD_NOT_FOUND:
                return None
            raise

    def transparent_file(self, fid: int, size: int) -> bytes:
        """The `size` bytes of a transparent file.

        Raises:
            CardRefused: 6A82 there is none, 6982 it is not for us.
            FormatError: the card gives less.
        """
        send(self._connection, f"SELECT {fid:04X}", Select.ef(fid).to_apdu())
        content = b""
        while len(content) < size:
            command = ReadBinary(len(content), ne=min(WHOLE, size - len(content)))
            part = send(self._connection, "READ BINARY", command.to_apdu())
            if not part:
                raise FormatError("READ BINARY: an answer without data")
            content += part
        return content[:size]

    def update_record(self, sfi: int, number: int, record: TagLengthRecord) -> None:
        """Write a linear file's record `number` (from 1).

        Raises:
            CardRefused: 6982 it is not for us, 6A83 there is none, 6A85 another length, 6A80 another tag.
            LinkError: it may have been written; to write it again is right in either case.
        """
        command = UpdateRecord(number, record.build(), sfi=sfi)
        send(self._connection, "UPDATE RECORD", command.to_apdu())

    def append_record(self, sfi: int, record: bytes) -> None:
        """Write a cyclic file's next record, which becomes number 1.

        Raises:
            CardRefused: as `update_record`.
            LinkError: it may have been written; to write it again might write it twice.
        """
        command = UpdateRecord(0, record, RecordMode.PREVIOUS_WITH_ID, sfi)
        send(self._connection, "UPDATE RECORD", command.to_apdu())

    def update_file(self, fid: int, content: bytes) -> None:
        """Write a transparent file from its beginning.

        Raises:
            CardRefused: 6982 it is not for us, 6B00 it is shorter.
            LinkError: a part may have been written; to write it again is right in any case.
        """
        send(self._connection, f"SELECT {fid:04X}", Select.ef(fid).to_apdu())
        for offset in range(0, len(content), CHUNK):
            command = UpdateBinary(offset, content[offset : offset + CHUNK])
            send(self._connection, "UPDATE BINARY", command.to_apdu())

    def _record(self, command: ReadRecord) -> bytes:
        return send(self._connection, "READ RECORD", command.to_apdu())

    def _value(self, command: ReadRecord, tag: int) -> bytes:
        record = parse_record(self._record(command))
        if record.tag != tag:
            raise FormatError(f"READ RECORD {tag:02X}: another record came")
        return record.value
