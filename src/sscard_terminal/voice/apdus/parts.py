"""Bodies cut into parts of fixed length: what a part is, how it reads, whether it is told.

Not here: which command has which parts (commands.py), which record holds what (files.py). Source: card.md §1.3, §4.1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from sscard_terminal.cardspec.records import masked_name, masked_number, text_of

Words = Mapping[str, str]
Form = Callable[[bytes, Words], str]
"""How bytes read in a language. Whatever the bytes are, it gives a text."""
Range = tuple[int, int]
REST = -1
"""The length of a last part that takes what is left, which may be nothing."""
WITHHELD = "***"


class Told(Enum):
    """Who may see a part."""

    OPENLY = 0
    NEVER = 1
    """A PIN, a key, or what a session key or MAC is made of."""
    BY_NAME = 2
    """A person's name: as a slip shows it."""
    BY_NUMBER = 3
    """A number that tells a person: its beginning and end."""


def hexadecimal(raw: bytes, words: Words) -> str:
    return raw.hex().upper()


def number(raw: bytes, words: Words) -> str:
    return str(int.from_bytes(raw, "big"))


def amount(raw: bytes, words: Words) -> str:
    """Fen as yuan; by hand, since a trace is full of them (cardspec.money.yuan_of_fen says the same)."""
    fen = int.from_bytes(raw, "big")
    return f"{fen // 100}.{fen % 100:02d} {words['yuan']}"


def decimal_amount(raw: bytes, words: Words) -> str:
    """An amount written in decimal digits (type cn), in fen."""
    told = raw.hex()
    return f"{int('0' + told[:-2])}.{told[-2:]} {words['yuan']}" if told.isdecimal() else told.upper()


def digits(raw: bytes, words: Words) -> str:
    return raw.hex().upper().rstrip("F")


def date(raw: bytes, words: Words) -> str:
    told = raw.hex()
    return f"{told[:4]}-{told[4:6]}-{told[6:]}" if told.isdecimal() else told.upper()


def time(raw: bytes, words: Words) -> str:
    told = raw.hex()
    if not told.isdecimal():
        return told.upper()
    return f"{told[:4]}-{told[4:6]}-{told[6:8]} {told[8:10]}:{told[10:12]}:{told[12:]}"


def day_of_year(raw: bytes, words: Words) -> str:
    told = raw.hex().upper()
    return f"{told[:2]}-{told[2:]}"


def text(raw: bytes, words: Words) -> str:
    return text_of(raw)


def one_of(group: str) -> Form:
    """A code with a word of its own: `group` and the hex digits are its key."""

    def named(raw: bytes, words: Words) -> str:
        code = raw.hex().upper()
        word = words.get(f"{group}.{code}")
        return code if word is None else f"{code} {word}"

    return named


@dataclass(frozen=True, slots=True)
class Part:
    """`length` bytes; `key` is the word for what they are."""

    key: str
    length: int
    form: Form = hexadecimal
    told: Told = Told.OPENLY


def cut(
    parts: tuple[Part, ...], body: bytes, words: Words, reveals: bool
) -> tuple[list[str], list[Range]] | None:
    """Each part's text, and the ranges of `body` to be withheld; None where the body has another length."""
    texts: list[str] = []
    ranges: list[Range] = []
    at = 0
    for part in parts:
        end = at + part.length if part.length != REST else len(body)
        if end > len(body):
            return None
        if end > at:
            raw = body[at:end]
            if part.told is Told.OPENLY or reveals:
                texts.append(f"{words[part.key]} {part.form(raw, words)}")
            else:
                texts.append(f"{words[part.key]} {_hinted(part, raw, words)}")
                ranges.append((at, end))
        at = end
    return (texts, ranges) if at == len(body) else None


def _hinted(part: Part, raw: bytes, words: Words) -> str:
    match part.told:
        case Told.BY_NAME:
            return masked_name(part.form(raw, words)) or WITHHELD
        case Told.BY_NUMBER:
            return masked_number(part.form(raw, words)) or WITHHELD
    return WITHHELD


def masked(raw: bytes, ranges: list[Range]) -> str:
    """Hex with `**` for each byte withheld, as a transcript has it (reader/transcript.py)."""
    told = raw.hex().upper()
    for start, end in ranges:
        told = told[: 2 * start] + "**" * (end - start) + told[2 * end :]
    return told
