"""Names of files and applications: AID (DF name), file identifier, short file identifier.

Not here: which file of this card bears which name (cardspec, applets).
Source: ISO/IEC 7816-4 §7.3; ISO/IEC 7816-5 for the AID.
"""

from __future__ import annotations

from .errors import FormatError

MASTER_FILE = 0x3F00


class Aid(bytes):
    """A DF name of 5 to 16 bytes.

    Raises:
        FormatError: any other length.
    """

    def __new__(cls, value: bytes) -> Aid:
        if not 5 <= len(value) <= 16:
            raise FormatError(f"a DF name has 5 to 16 bytes, this one {len(value)}")
        return super().__new__(cls, value)

    def __str__(self) -> str:
        return self.hex().upper()


class FileId(int):
    """A two-byte file identifier.

    Raises:
        FormatError: a number that does not fit two bytes.
    """

    def __new__(cls, value: int) -> FileId:
        if not 0 <= value <= 0xFFFF:
            raise FormatError("a file identifier has two bytes")
        return super().__new__(cls, value)

    def __str__(self) -> str:
        return f"{int(self):04X}"


class ShortFileId(int):
    """A short file identifier, 1..30.

    Raises:
        FormatError: 0, 31 or outside five bits.
    """

    def __new__(cls, value: int) -> ShortFileId:
        if not 1 <= value <= 30:
            raise FormatError(f"a short file identifier is 1..30, not {value}")
        return super().__new__(cls, value)

    def __str__(self) -> str:
        return f"{int(self):02X}"
