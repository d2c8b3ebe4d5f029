"""One item of a file as text and as the card's bytes: an, cn, b; and the fields of cyclic records.

Not here: which item stands where (the descriptions), and the shape around it (addresses.py).
Source: card.md §1.3, §1.7; how `b` and nested items are written is our choice: hex digits.
"""

from __future__ import annotations

from dataclasses import dataclass

from sscard_terminal.cardspec.bcd import digits_of_bcd
from sscard_terminal.cardspec.chinese import encoded
from sscard_terminal.cardspec.profile import FieldType, FileSpec
from sscard_terminal.cardspec.records import (
    LOG_RECORD_LENGTH,
    LOG_RECORD_LENGTH_ACCOUNT_ONLY,
    text_of,
)
from sscard_terminal.iso7816.errors import FormatError

from .codes import Code
from .result import Refused

SEPARATORS = str.maketrans({"|": "｜", "$": "＄", "^": "＾"})
"""What a card's text may not contain, or the calling program would read other fields than we wrote. Our choice."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a cyclic record."""

    type: FieldType
    length: int


_LOG = (Field("b", 2), Field("an", 1), Field("cn", 6), Field("cn", 7), Field("b", 4))
_FIELDS: dict[int, tuple[Field, ...]] = {
    LOG_RECORD_LENGTH: (*_LOG, Field("b", 4), Field("b", 4)),
    LOG_RECORD_LENGTH_ACCOUNT_ONLY: _LOG,
    3: (Field("b", 2), Field("an", 1)),
}
"""Transaction log and special settlements, told by their length. Source: card.md §1.7."""


def fields_of_cyclic(file: FileSpec) -> tuple[Field, ...]:
    """A record of another file is one field."""
    return _FIELDS.get(file.record_length, (Field("b", file.record_length),))


def shown(kind: FieldType, raw: bytes) -> str:
    """What a calling program reads of a value: without its filling, and without any of the separators."""
    match kind:
        case "an":
            return text_of(raw).translate(SEPARATORS)
        case "cn":
            return _shown_digits(raw)
    return raw.hex().upper()


def _shown_digits(raw: bytes) -> str:
    """The card identification code is `cn` and holds letters: it stays whole, whatever it ends in."""
    try:
        return digits_of_bcd(raw)
    except FormatError:
        return raw.hex().upper()


def stored(kind: FieldType, text: str, length: int) -> bytes:
    """The bytes of what a calling program wants written, filled to `length`.

    Raises:
        Refused: -41 characters that such an item cannot have, -42 too many or too few of them.
    """
    match kind:
        case "an":
            return _stored_text(text, length)
        case "cn":
            return _hex(text.ljust(2 * length, "F"), length)
    return _hex(text, length)


def _stored_text(text: str, length: int) -> bytes:
    try:
        raw = encoded(text)
    except UnicodeEncodeError:
        raise Refused(Code.ILLEGAL_CHARACTER) from None
    if not text.isprintable():
        raise Refused(Code.ILLEGAL_CHARACTER)
    if len(raw) > length:
        raise Refused(Code.WRONG_LENGTH)
    return raw.ljust(length, b"\x00")


def _hex(digits: str, length: int) -> bytes:
    if digits and not (digits.isascii() and digits.isalnum()):
        raise Refused(Code.ILLEGAL_CHARACTER)
    if len(digits) != 2 * length:
        raise Refused(Code.WRONG_LENGTH)
    try:
        return bytes.fromhex(digits)
    except ValueError:
        raise Refused(Code.ILLEGAL_CHARACTER) from None
