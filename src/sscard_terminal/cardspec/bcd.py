"""Packed BCD (type cn): digits, dates and times.

Not here: which field holds which (layouts).
Source: card.md §1.3; time of 7 bytes: §4.1.
"""

from __future__ import annotations

from datetime import date, datetime

from sscard_terminal.iso7816.errors import FormatError


def bcd_of_digits(digits: str, length: int) -> bytes:
    """`length` bytes of packed BCD, right filled with nibble F (type cn).

    Raises:
        FormatError: anything but digits, or more than fit.
    """
    if not (digits.isascii() and (digits.isdecimal() or digits == "")):
        raise FormatError("a cn field has digits only")
    if len(digits) > 2 * length:
        raise FormatError(f"{len(digits)} digits do not fit {length} bytes")
    return bytes.fromhex(digits.ljust(2 * length, "F"))


def digits_of_bcd(raw: bytes) -> str:
    """The digits of a cn field without its filling; an empty field (all F) gives "".

    Raises:
        FormatError: a nibble above 9 before the filling.
    """
    digits = raw.hex().upper().rstrip("F")
    if digits and not digits.isdecimal():
        raise FormatError("a cn field has a nibble that is no decimal digit")
    return digits


def bcd_of_time(moment: datetime) -> bytes:
    """YYYYMMDDHHMMSS in 7 bytes."""
    return bytes.fromhex(f"{moment:%Y%m%d%H%M%S}".rjust(14, "0"))


def time_of_bcd(raw: bytes) -> datetime:
    """The moment in 7 bytes YYYYMMDDHHMMSS, without time zone (the terminal's or host's local time).

    Raises:
        FormatError: another length, or no date or time of the calendar.
    """
    if len(raw) != 7:
        raise FormatError(f"a time has 7 bytes, these are {len(raw)}")
    try:
        return datetime.strptime(raw.hex(), "%Y%m%d%H%M%S")
    except ValueError as error:
        raise FormatError("the field is no time YYYYMMDDHHMMSS") from error


def bcd_of_date(day: date) -> bytes:
    """YYYYMMDD in 4 bytes."""
    return bytes.fromhex(f"{day:%Y%m%d}".rjust(8, "0"))


def date_of_bcd(raw: bytes) -> date:
    """The day in 4 bytes YYYYMMDD.

    Raises:
        FormatError: another length, or no day of the calendar.
    """
    if len(raw) != 4:
        raise FormatError(f"a date has 4 bytes, these are {len(raw)}")
    try:
        return datetime.strptime(raw.hex(), "%Y%m%d").date()
    except ValueError as error:
        raise FormatError("the field is no date YYYYMMDD") from error


def is_decimal(raw: bytes) -> bool:
    """True when every nibble is 0..9."""
    return raw.hex().isdecimal()
