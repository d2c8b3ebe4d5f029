"""The answer to reset: parsed, checked for form, built.

Not here: which ATR a terminal accepts (terminal) and what the historical bytes mean (cardspec).
Source: ISO/IEC 7816-3 §8.2; card.md §7.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from operator import xor

from .errors import FormatError

MAX_ATR_LENGTH = 33
MAX_HISTORICAL_LENGTH = 15
DIRECT_CONVENTION = 0x3B
INVERSE_CONVENTION = 0x3F


class CheckByteError(FormatError):
    """The check byte TCK of an ATR does not fit the bytes before it."""


@dataclass(frozen=True, slots=True)
class InterfaceBytes:
    """One group TAi TBi TCi TDi; None where the byte is not present."""

    ta: int | None = None
    tb: int | None = None
    tc: int | None = None
    td: int | None = None

    @property
    def presence(self) -> int:
        """The high nibble that announces this group."""
        present = (self.ta, self.tb, self.tc, self.td)
        return sum(0x10 << bit for bit, value in enumerate(present) if value is not None)

    def build(self) -> bytes:
        return bytes(value for value in (self.ta, self.tb, self.tc, self.td) if value is not None)


@dataclass(frozen=True, slots=True)
class Atr:
    """An answer to reset: TS, interface groups, historical bytes (0..15), TCK when present."""

    ts: int
    historical: bytes
    interface: tuple[InterfaceBytes, ...] = field(default=())
    tck: int | None = None

    @classmethod
    def parse(cls, raw: bytes) -> Atr:
        """Read an ATR, all of `raw`.

        Raises:
            FormatError: over 33 bytes, an initial byte other than 3B or 3F, cut short, bytes left over;
                CheckByteError where TCK does not fit.
        """
        if not 2 <= len(raw) <= MAX_ATR_LENGTH:
            raise FormatError(f"an ATR has 2 to {MAX_ATR_LENGTH} bytes, this one {len(raw)}")
        if raw[0] not in (DIRECT_CONVENTION, INVERSE_CONVENTION):
            raise FormatError(f"an ATR starts with 3B or 3F, this one with {raw[0]:02X}")
        interface, position = _read_interface(raw)
        end = position + (raw[1] & 0x0F)
        if len(raw) not in (end, end + 1):
            raise FormatError(f"the ATR announces {end} bytes, or one more with TCK; it has {len(raw)}")
        atr = cls(raw[0], bytes(raw[position:end]), interface, raw[end] if len(raw) > end else None)
        if atr.tck is not None and reduce(xor, raw[1:]):
            raise CheckByteError("the check byte TCK of the ATR is wrong")
        return atr

    def group(self, number: int) -> InterfaceBytes:
        """TAi TBi TCi TDi for i = `number` (from 1); an empty group where the ATR has none."""
        return self.interface[number - 1] if number <= len(self.interface) else InterfaceBytes()

    @property
    def protocols(self) -> tuple[int, ...]:
        """Protocol numbers in the order offered; T=0 when no TD1 is present."""
        offered = tuple(group.td & 0x0F for group in self.interface if group.td is not None)
        return offered or (0,)

    @property
    def offers_only_t0(self) -> bool:
        return all(protocol in (0, 15) for protocol in self.protocols)

    def build(self) -> bytes:
        """The bytes as the card sends them.

        Raises:
            FormatError: more than 15 historical bytes; T0 has four bits for their number.
        """
        if len(self.historical) > MAX_HISTORICAL_LENGTH:
            raise FormatError(f"an ATR has at most {MAX_HISTORICAL_LENGTH} historical bytes")
        first = self.interface[0] if self.interface else InterfaceBytes()
        body = bytes((first.presence | len(self.historical),))
        body += b"".join(group.build() for group in self.interface)
        body += self.historical
        tail = b"" if self.tck is None else bytes((self.tck,))
        return bytes((self.ts,)) + body + tail

    def __str__(self) -> str:
        return self.build().hex().upper()


def _read_interface(raw: bytes) -> tuple[tuple[InterfaceBytes, ...], int]:
    groups = []
    presence, position = raw[1] & 0xF0, 2
    while presence:
        values: list[int | None] = [None, None, None, None]
        for index in range(4):
            if presence & (0x10 << index):
                if position >= len(raw):
                    raise FormatError("the ATR ends inside its interface bytes")
                values[index] = raw[position]
                position += 1
        group = InterfaceBytes(*values)
        groups.append(group)
        presence = (group.td or 0) & 0xF0
    return tuple(groups), position
