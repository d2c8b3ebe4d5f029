"""A PIN: digits in, packed BCD out, never printed, and wiped when it has been used.

Not here: tries and rules about which PIN is allowed (card, terminal).
Source: card.md §3, rows "Coding" and "Length"; counter.md, "PIN pad" (one bytearray for one command).

What wiping reaches and what not. Ours is the bytearray in here; `wipe` overwrites it. Copies that cannot be overwritten
from Python, because their types do not change, and that live until their memory is used again: the text the PIN was typed
as (click's prompt, the buffer of standard input), the bytes of `to_bcd`, of VerifyPin or ChangePin, and of the command
built from them, the list of integers pyscard takes, and below it the C library's and the service's own buffers. No name of
ours holds on to any of them once the command is answered. They may also reach the swap. Who needs less than this
needs a reader with a pad (reader/pinpad.py), where no PIN is made in this process at all.
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
    __hash__ = None  # type: ignore[assignment]  # what can be wiped is no key

    def __init__(self, digits: str) -> None:
        if not digits.isascii() or not digits.isdecimal():
            raise FormatError("a PIN has digits only")
        if not MIN_DIGITS <= len(digits) <= MAX_DIGITS:
            raise FormatError(f"a PIN has {MIN_DIGITS} to {MAX_DIGITS} digits")
        self._digits = bytearray(digits, "ascii")

    def __len__(self) -> int:
        return len(self._digits)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pin) and self._digits == other._digits

    def __repr__(self) -> str:
        return "Pin(••••)"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a PIN is not to be stored")

    def to_bcd(self) -> bytes:
        """Two digits a byte; an odd length ends in nibble F. 2 to 8 bytes.

        Raises:
            RuntimeError: it has been wiped; a wiped PIN must never reach a card, where it would cost a try.
        """
        if not self._digits:
            raise RuntimeError("this PIN has been wiped")
        return bytes.fromhex(self._digits.decode() + "F" * (len(self._digits) % 2))

    def wipe(self) -> None:
        """Overwrite the digits; see above for what else holds them."""
        self._digits[:] = bytes(len(self._digits))
        self._digits.clear()

    @classmethod
    def from_bcd(cls, raw: bytes) -> Pin:
        """The PIN that packs to `raw`.

        Raises:
            FormatError: a nibble above 9 other than one closing F, or fewer than 4 digits.
        """
        digits = raw.hex().upper()
        return cls(digits[:-1] if digits.endswith("F") else digits)
