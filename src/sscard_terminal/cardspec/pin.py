"""A PIN: digits in, packed BCD out, never printed.

Not here: tries and rules about which PIN is allowed (card, terminal).
Source: card.md §3, rows "Coding" and "Length".
"""

from __future__ import annotations

from sscard_terminal.iso7816.errors import FormatError

MIN_DIGITS = 4
MAX_DIGITS = 16


class Pin:
    """4 to 16 decimal digits. Its `repr` and `str` show dots, and no error text shows a digit.

    Raises:
        FormatError: something other than digits 0-9, or a wrong number of them.
    """

    __slots__ = ("_digits",)

    def __init__(self, digits: str) -> None:
        if not digits.isascii() or not digits.isdecimal():
            raise FormatError("a PIN has digits only")
        if not MIN_DIGITS <= len(digits) <= MAX_DIGITS:
            raise FormatError(f"a PIN has {MIN_DIGITS} to {MAX_DIGITS} digits")
        self._digits = digits

    def __len__(self) -> int:
        return len(self._digits)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pin) and self._digits == other._digits

    def __hash__(self) -> int:
        return hash(self._digits)

    def __repr__(self) -> str:
        return "Pin(••••)"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a PIN is not to be stored")

    def to_bcd(self) -> bytes:
        """Two digits a byte; an odd length ends in nibble F. 2 to 8 bytes."""
        return bytes.fromhex(self._digits + "F" * (len(self._digits) % 2))

    @classmethod
    def from_bcd(cls, raw: bytes) -> Pin:
        """The PIN that packs to `raw`.

        Raises:
            FormatError: a nibble above 9 other than one closing F, or fewer than 4 digits.
        """
        digits = raw.hex().upper()
        return cls(digits[:-1] if digits.endswith("F") else digits)
