"""JSON with one form only, and readers that take nothing but what is expected.

What is compared byte for byte must have one form: ASCII, keys sorted, no blanks. Not here: any message
(upload_record.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.status import StatusWord

from .money import Fen

_Value = TypeVar("_Value")
_Member = TypeVar("_Member", bound=StrEnum)


def text_of(document: Mapping[str, object]) -> str:
    """The one form of an object: bytes as hex in capitals, times in ISO 8601."""
    return json.dumps(document, sort_keys=True, ensure_ascii=True, separators=(",", ":"), default=_plain)


def loaded(text: str) -> object:
    """What stands in a text.

    Raises:
        FormatError: it is no JSON.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError("this is no JSON") from error


def _plain(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex().upper()
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)


# Readers: each takes what json.loads made and gives a value, or raises FormatError ------------------------


def members_of(document: object, names: set[str]) -> dict[str, Any]:
    """The members of an object that has exactly these."""
    if not isinstance(document, dict) or document.keys() != names:
        raise FormatError(f"an object with {', '.join(sorted(names))} is expected")
    return document


def list_of(value: object) -> list[object]:
    if not isinstance(value, list):
        raise FormatError("a list is expected")
    return value


def string(value: object) -> str:
    if not isinstance(value, str):
        raise FormatError("a text is expected")
    return value


def matching(pattern: str) -> Callable[[object], str]:
    """A text all of which is of this form."""
    compiled = re.compile(pattern, re.ASCII)

    def read(value: object) -> str:
        if not compiled.fullmatch(text := string(value)):
            raise FormatError(f"a text of the form {pattern} is expected")
        return text

    return read


def number(least: int, most: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise FormatError(f"a number from {least} to {most} is expected")
        return value

    return read


def fen(value: object) -> Fen:
    return Fen(number(0, 0xFFFF_FFFF)(value))


def four_bytes(value: object) -> bytes:
    return bytes.fromhex(matching(r"[0-9A-F]{8}")(value))


def status(value: object) -> StatusWord:
    return StatusWord(int(matching(r"[0-9A-F]{4}")(value), 16))


def moment(value: object) -> datetime:
    try:
        found = datetime.fromisoformat(string(value))
    except ValueError as error:
        raise FormatError("a time such as 2026-01-05T10:15:30 is expected") from error
    if found.tzinfo is not None:
        raise FormatError("a local time without a zone is expected")
    return found


def one_of(members: type[_Member]) -> Callable[[object], _Member]:
    def read(value: object) -> _Member:
        if value not in list(members):
            raise FormatError(f"one of {', '.join(members)} is expected")
        return members(string(value))

    return read


def or_none(read: Callable[[object], _Value]) -> Callable[[object], _Value | None]:
    return lambda value: None if value is None else read(value)
