"""Command and response APDUs as values, for all four cases, short and extended.

Not here: what a command means (cardspec) and how it travels (reader, card).
Source: ISO/IEC 7816-3 §12.1, ISO/IEC 7816-4 §5.1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from .errors import FormatError
from .status import StatusWord

MAX_SHORT_NC = 255
MAX_SHORT_NE = 256
MAX_EXTENDED_NC = 65_535
MAX_EXTENDED_NE = 65_536
HEADER_LENGTH = 4


class ApduCase(IntEnum):
    """The four cases of ISO/IEC 7816-3 table 10: is there data in, is there data out."""

    CASE_1 = 1
    CASE_2 = 2
    CASE_3 = 3
    CASE_4 = 4


@dataclass(frozen=True, slots=True)
class CommandApdu:
    """One command: header, data of Nc bytes, Ne bytes wanted back.

    `ne` 0 means no Le field; 256 is coded as Le 00, 65536 as Le 0000. The short form is used where it fits.
    `sensitive` hides the data (a PIN) from `repr` and from every trace; it does not take part in equality.

    Raises:
        FormatError: a header byte outside 0..255, more than 65535 data bytes, `ne` outside 0..65536.
    """

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    ne: int = 0
    sensitive: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        if (self.cla | self.ins | self.p1 | self.p2) & ~0xFF:
            raise FormatError("CLA, INS, P1 and P2 are one byte each")
        if len(self.data) > MAX_EXTENDED_NC:
            raise FormatError(f"{len(self.data)} data bytes, at most {MAX_EXTENDED_NC} fit a command APDU")
        if not 0 <= self.ne <= MAX_EXTENDED_NE:
            raise FormatError(f"Ne {self.ne} is outside 0..{MAX_EXTENDED_NE}")

    @property
    def header(self) -> bytes:
        """CLA INS P1 P2, 4 bytes."""
        return bytes((self.cla, self.ins, self.p1, self.p2))

    @property
    def case(self) -> ApduCase:
        if self.data:
            return ApduCase.CASE_4 if self.ne else ApduCase.CASE_3
        return ApduCase.CASE_2 if self.ne else ApduCase.CASE_1

    @property
    def is_extended(self) -> bool:
        """True when Nc or Ne does not fit the short form."""
        return len(self.data) > MAX_SHORT_NC or self.ne > MAX_SHORT_NE

    @classmethod
    def parse(cls, raw: bytes) -> CommandApdu:
        """Read one command APDU, all of `raw`, nothing left over.

        Five bytes are case 2: a T=0 card reads the fifth as P3, which may also say "no data" (VERIFY, Lc 00).

        Raises:
            FormatError: fewer than 4 bytes, or a length that agrees with no case.
        """
        length = len(raw)
        if length < HEADER_LENGTH:
            raise FormatError(f"a command APDU has at least 4 bytes, these are {length}")
        cla, ins, p1, p2 = raw[0], raw[1], raw[2], raw[3]
        if length == 4:
            return cls(cla, ins, p1, p2)
        p3 = raw[4]
        if length == 5:
            return cls(cla, ins, p1, p2, b"", p3 or MAX_SHORT_NE)
        if p3:
            return cls._parse_short(raw, p3)
        return cls._parse_extended(raw)

    @classmethod
    def _parse_short(cls, raw: bytes, lc: int) -> CommandApdu:
        rest = len(raw) - 5 - lc
        if rest not in (0, 1):
            raise FormatError(f"Lc says {lc} data bytes, {len(raw) - 5} bytes follow it")
        ne = (raw[-1] or MAX_SHORT_NE) if rest else 0
        return cls(raw[0], raw[1], raw[2], raw[3], bytes(raw[5 : 5 + lc]), ne)

    @classmethod
    def _parse_extended(cls, raw: bytes) -> CommandApdu:
        length = len(raw)
        if length < 7:
            raise FormatError("an extended length field has three bytes, starting with 00")
        number = raw[5] << 8 | raw[6]
        if length == 7:
            return cls(raw[0], raw[1], raw[2], raw[3], b"", number or MAX_EXTENDED_NE)
        rest = length - 7 - number
        if number == 0 or rest not in (0, 2):
            raise FormatError(f"Lc says {number} data bytes, {length - 7} bytes follow it")
        ne = ((raw[-2] << 8 | raw[-1]) or MAX_EXTENDED_NE) if rest else 0
        return cls(raw[0], raw[1], raw[2], raw[3], bytes(raw[7 : 7 + number]), ne)

    def build(self) -> bytes:
        """The bytes on the wire."""
        nc = len(self.data)
        if nc > MAX_SHORT_NC or self.ne > MAX_SHORT_NE:
            return self._build_extended(nc)
        lc = bytes((nc,)) + self.data if nc else b""
        le = bytes((self.ne & 0xFF,)) if self.ne else b""
        return self.header + lc + le

    def _build_extended(self, nc: int) -> bytes:
        lc = b"\x00" + nc.to_bytes(2, "big") + self.data if nc else b""
        if not self.ne:
            return self.header + lc
        le = (self.ne & 0xFFFF).to_bytes(2, "big")
        return self.header + (lc + le if nc else b"\x00" + le)

    def __repr__(self) -> str:
        data = f"{len(self.data)} masked bytes" if self.sensitive else self.data.hex().upper()
        return f"CommandApdu({self.header.hex().upper()}, data=[{data}], ne={self.ne})"


@dataclass(frozen=True, slots=True)
class ResponseApdu:
    """One answer: data (0..65536 bytes) and the status word."""

    data: bytes
    sw: StatusWord

    @classmethod
    def parse(cls, raw: bytes) -> ResponseApdu:
        """Split an answer into data and status word.

        Raises:
            FormatError: fewer than two bytes; there is no status word then, and what the card did is unknown.
        """
        if len(raw) < 2:
            raise FormatError(f"an answer ends in a two-byte status word, this one has {len(raw)} bytes")
        return cls(bytes(raw[:-2]), StatusWord(raw[-2] << 8 | raw[-1]))

    def build(self) -> bytes:
        """The bytes on the wire."""
        return self.data + self.sw.to_bytes(2, "big")

    def __repr__(self) -> str:
        return f"ResponseApdu({len(self.data)} bytes, {self.sw})"
