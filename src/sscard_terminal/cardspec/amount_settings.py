"""FIELD=VALUE for every field of the internal amount file, as people set them when a virtual card is made.

Not here: the file itself (records.AmountFile).
Source: card.md §1.7, internal amount file; counters 2 bytes, amounts in fen, year YYYY, starting day MMDD.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from sscard_terminal.iso7816.errors import FormatError

from .money import Fen
from .records import AmountFile

MAX_COUNTER = 0xFFFF
LEAP_YEAR = 2000


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise FormatError("must be a whole number")
    return int(text)


def _fen(text: str) -> Fen:
    return Fen(_whole(text))


def _counter(text: str) -> int:
    number = _whole(text)
    if number > MAX_COUNTER:
        raise FormatError(f"must be at most {MAX_COUNTER}")
    return number


def _year(text: str) -> bytes:
    if len(text) != 4 or not (text.isascii() and text.isdecimal()):
        raise FormatError("must be a year YYYY")
    return bytes.fromhex(text)


def _day(text: str) -> bytes:
    try:
        if len(text) != 4:
            raise ValueError
        date(LEAP_YEAR, _whole(text[:2]), _whole(text[2:]))
    except ValueError:
        raise FormatError("must be a day MMDD") from None
    return bytes.fromhex(text)


FIELDS: Mapping[str, Callable[[str], Any]] = {
    "cia": _fen,
    "spip": _fen,
    "spfp": _fen,
    "year": _year,
    "starting-day": _day,
    "load-counter": _counter,
    "purchase-counter": _counter,
}


def with_settings(amounts: AmountFile, settings: Iterable[tuple[str, str]]) -> AmountFile:
    """The same with these fields changed; a later setting of a field wins.

    Raises:
        FormatError: a field that is not known, or a value that does not fit; the text names the field.
    """
    changed: dict[str, Any] = {}
    for name, value in settings:
        if name not in FIELDS:
            raise FormatError(f"{name}: is no field of the amount file; there are {', '.join(FIELDS)}")
        try:
            changed[name.replace("-", "_")] = FIELDS[name](value)
        except FormatError as error:
            raise FormatError(f"{name}: {error}") from None
    return replace(amounts, **changed)
