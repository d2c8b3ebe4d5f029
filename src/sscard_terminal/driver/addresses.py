"""pFileAddr and what follows its shape: which files and items are meant, and the values written in the same form.

    SSSEEF06|08|09|4E|$            three items of a linear file
    DF01EF15|2A|40:2|$             the second of two items with one identifier
    DF04EF08|$   DF04EF08|3|$      all records of a cyclic file, or one; their fields are ended by ^
    SSSEEF08|$                     a transparent file, whole

Not here: whether the card has such files (files.py).
Source: card.md §8, pFileAddr.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sscard_terminal.cardspec.profile import FileSpec, RecordSpec
from sscard_terminal.iso7816.status import FILE_NOT_FOUND, RECORD_NOT_FOUND

from .codes import Code
from .parameters import require_length
from .result import Refused

LONGEST_ADDRESS, LONGEST_DATA = 1024, 20 * 1024
SSSE = "SSSE"
_NAMES_OF_SSSE = ("SSSE", "3F00", "DDF1")
"""One page of public code says 3F00. Source: card.md §8."""
_FILE = re.compile(r"(SSSE|3F00|D[0-9A-F]{3})(EF[0-9A-F]{2})", re.ASCII)
_ITEM = re.compile(r"([0-9A-F]{2})(?::([1-9]))?", re.ASCII)
_RECORD = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)
LAST_RECORD = 254


@dataclass(frozen=True, slots=True)
class FileAddress:
    """One file of a pFileAddr; `items` as they were written: the answer repeats their order and number."""

    name: str
    df: str
    ef: str
    items: tuple[str, ...]

    def found_in(self, files: Sequence[FileSpec]) -> FileSpec:
        """
        Raises:
            Refused: -27266, this kind of card has no such file.
        """
        for file in files:
            if (file.df, file.name) == (self.df, self.ef):
                return file
        raise Refused(-FILE_NOT_FOUND)

    def records_in(self, file: FileSpec) -> tuple[tuple[int, RecordSpec], ...]:
        """The number and description of each item's record in a linear file.

        Raises:
            Refused: -14 no item, or one that is none; -27267 the file has no such item.
        """
        if not self.items:
            raise Refused(Code.BAD_PARAMETER)
        return tuple(_record_in(file, item) for item in self.items)

    def record_number(self) -> int | None:
        """The one record of a cyclic file that is meant, None for all of them.

        Raises:
            Refused: -14.
        """
        match self.items:
            case ():
                return None
            case (number,) if _RECORD.fullmatch(number) and int(number) <= LAST_RECORD:
                return int(number)
        raise Refused(Code.BAD_PARAMETER)

    def require_no_items(self) -> None:
        """
        Raises:
            Refused: -14; a transparent file is read and written whole.
        """
        if self.items:
            raise Refused(Code.BAD_PARAMETER)


def _record_in(file: FileSpec, item: str) -> tuple[int, RecordSpec]:
    match = _ITEM.fullmatch(item)
    if match is None:
        raise Refused(Code.BAD_PARAMETER)
    tag, occurrence = int(match[1], 16), int(match[2] or "1")
    found = [(number, record) for number, record in enumerate(file.records, 1) if record.tag == tag]
    if occurrence > len(found):
        raise Refused(-RECORD_NOT_FOUND)
    return found[occurrence - 1]


def parse_address(value: str) -> tuple[FileAddress, ...]:
    """
    Raises:
        Refused: -42 too long, -14 not of this form.
    """
    require_length(value, LONGEST_ADDRESS)
    return tuple(_file_of(part) for part in _parts(value))


def _parts(value: str) -> list[list[str]]:
    """The parts between `$`, each cut at its `|`."""
    *parts, rest = value.split("$")
    if rest or not parts:
        raise Refused(Code.BAD_PARAMETER)
    cut = [part.split("|") for part in parts]
    if any(len(fields) < 2 or fields[-1] for fields in cut):
        raise Refused(Code.BAD_PARAMETER)
    return [fields[:-1] for fields in cut]


def _file_of(fields: list[str]) -> FileAddress:
    match = _FILE.fullmatch(fields[0])
    if match is None:
        raise Refused(Code.BAD_PARAMETER)
    df = SSSE if match[1] in _NAMES_OF_SSSE else match[1]
    return FileAddress(fields[0], df, match[2], tuple(fields[1:]))


def written(address: FileAddress, values: Sequence[str]) -> str:
    """The values of one file in the shape of its address."""
    return "|".join((address.name, *values, "")) + "$"


def parse_data(value: str, addresses: Sequence[FileAddress]) -> tuple[tuple[str, ...], ...]:
    """pWriteData: the values of each file, as many as the address has items.

    A file without items (cyclic, transparent) has one value. Raises:
        Refused: -42 too long, -14 not of the address's shape.
    """
    require_length(value, LONGEST_DATA)
    parts = _parts(value)
    if len(parts) != len(addresses):
        raise Refused(Code.BAD_PARAMETER)
    for address, fields in zip(addresses, parts, strict=True):
        if fields[0] != address.name or len(fields) - 1 != max(1, len(address.items)):
            raise Refused(Code.BAD_PARAMETER)
    return tuple(tuple(fields[1:]) for fields in parts)
