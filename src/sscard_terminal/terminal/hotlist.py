"""The hotlist: cards refused before any PIN, from a file the centre has signed.

Not here: who puts a card on it (the centre) and when it is looked at (identification.py).
Source: terminal.md, "Hotlist" (part 8, 7: both kinds of record; an update is authenticated); counter.md screen rule 11
(a list older than the configured age stops sales). The file is our choice: lines of ASCII, the signature last, over
every byte before it:

    sscard-hotlist 1
    version 17
    issued 2026-01-05T08:00:00
    card 370900D15600000500000002B6233D35 D2143569X
    range D2143000 D2143499
    signature 128 hex digits (Ed25519)

`card` is a card identification code and a card number, `range` the first eight characters of the first and the last
card number (the ninth is their check character).
"""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from sscard_terminal.cardspec.signatures import SIGNATURE_LENGTH, is_signed

FORMAT = "sscard-hotlist 1"
RANGE_CHARACTERS = 8
CLOCK_TOLERANCE = timedelta(days=1)
"""How far a list may lie ahead of the terminal's clock. Our choice."""
_SIGNATURE = re.compile(rb"signature ([0-9A-Fa-f]{%d})\n" % (2 * SIGNATURE_LENGTH))
_CARD = re.compile(r"card ([0-9A-F]{32}) ([0-9A-Z]{1,18})")
_RANGE = re.compile(r"range ([0-9A-Z]{8}) ([0-9A-Z]{8})")


class HotlistFault(StrEnum):
    """What is wrong with a hotlist file. The value is the key of its sentence in voice/messages."""

    NOT_A_HOTLIST = "not-a-hotlist"
    NOT_SIGNED = "not-signed"
    SIGNATURE_WRONG = "signature-wrong"
    """Damaged, or signed by somebody else: nobody can tell which."""
    MALFORMED = "malformed"
    """Signed, and yet a line of it cannot be understood."""
    NOT_NEWER = "not-newer"


class HotlistTrouble(Exception):
    """The hotlist cannot be used, none of it; `line` with MALFORMED (from 1)."""

    def __init__(self, fault: HotlistFault, path: Path, line: int = 0) -> None:
        super().__init__(fault, path, line)
        self.fault = fault
        self.path = path
        self.line = line


class _Malformed(Exception):
    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


@dataclass(frozen=True, slots=True)
class Hotlist:
    """A hotlist whose signature was right. `ranges` are first and last, sorted, none of them touching another."""

    version: int
    issued: datetime
    cards: frozenset[tuple[str, str]]
    ranges: tuple[tuple[str, str], ...]

    def holds(self, identification: str, number: str) -> bool:
        """Whether a card is on the list: identification code (32 hex digits) and card number."""
        return (identification, number) in self.cards or self._in_a_range(number[:RANGE_CHARACTERS])

    def is_current(self, now: datetime, max_age: timedelta) -> bool:
        """Whether the list is young enough to sell by, and not from a future the clock has not reached."""
        return now - max_age <= self.issued <= now + CLOCK_TOLERANCE

    def _in_a_range(self, start: str) -> bool:
        place = bisect_right(self.ranges, start, key=lambda limits: limits[0]) - 1
        return len(start) == RANGE_CHARACTERS and place >= 0 and start <= self.ranges[place][1]

    def __repr__(self) -> str:
        return f"Hotlist(version {self.version}, {len(self.cards)} cards, {len(self.ranges)} ranges)"


def read_hotlist(path: Path, public_key: bytes) -> Hotlist:
    """Read a hotlist: whole, or not at all. `public_key` is the centre's, 32 bytes.

    Raises:
        HotlistTrouble: it is none, unsigned, damaged, or a line of it is wrong.
        OSError: the file cannot be read.
    """
    return _understood(path.read_bytes(), path, public_key)


def install_hotlist(update: Path, path: Path, public_key: bytes) -> Hotlist:
    """Put `update` in the place of the hotlist at `path`: entries come and go only with a newer signed list.

    A list in use that is damaged is replaced by any signed one. After a power cut there is the old list or the new.

    Raises:
        HotlistTrouble: the update cannot be used, or is not newer (NOT_NEWER).
        OSError: a file cannot be read or written.
    """
    raw = update.read_bytes()
    newer = _understood(raw, update, public_key)
    if newer.version <= _version_in_use(path, public_key):
        raise HotlistTrouble(HotlistFault.NOT_NEWER, update)
    beside = path.with_name(path.name + ".new")
    with beside.open("wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    return newer


def _version_in_use(path: Path, public_key: bytes) -> int:
    try:
        return read_hotlist(path, public_key).version
    except (FileNotFoundError, HotlistTrouble):
        return -1


def _understood(raw: bytes, path: Path, public_key: bytes) -> Hotlist:
    """The signature first: nothing of an unsigned file is looked at but its first line."""
    if not raw.startswith(FORMAT.encode() + b"\n"):
        raise HotlistTrouble(HotlistFault.NOT_A_HOTLIST, path)
    end = raw.rfind(b"\nsignature ") + 1
    signature = _SIGNATURE.fullmatch(raw, end) if end else None
    if signature is None:
        raise HotlistTrouble(HotlistFault.NOT_SIGNED, path)
    if not is_signed(raw[:end], bytes.fromhex(signature[1].decode()), public_key):
        raise HotlistTrouble(HotlistFault.SIGNATURE_WRONG, path)
    try:
        return _parsed(raw[:end].decode("ascii", "replace").splitlines())
    except _Malformed as error:
        raise HotlistTrouble(HotlistFault.MALFORMED, path, error.line) from error


def _parsed(lines: list[str]) -> Hotlist:
    version = _header(lines, 2, r"version ([0-9]{1,9})")
    issued = _header(lines, 3, r"issued (\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})")
    try:
        issued_at = datetime.fromisoformat(issued)
    except ValueError as error:
        raise _Malformed(3) from error
    cards, ranges = set(), []
    for number, line in enumerate(lines[3:], 4):
        if (card := _CARD.fullmatch(line)) is not None:
            cards.add((card[1], card[2]))
        elif (limits := _RANGE.fullmatch(line)) is not None and limits[1] <= limits[2]:
            ranges.append((limits[1], limits[2]))
        else:
            raise _Malformed(number)
    return Hotlist(int(version), issued_at, frozenset(cards), _joined(ranges))


def _header(lines: list[str], number: int, pattern: str) -> str:
    found = re.fullmatch(pattern, lines[number - 1], re.ASCII) if number <= len(lines) else None
    if found is None:
        raise _Malformed(number)
    return found[1]


def _joined(ranges: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Overlapping ranges made one, so that a look at one of them answers."""
    joined: list[tuple[str, str]] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(last, joined[-1][1])
        else:
            joined.append((first, last))
    return tuple(joined)
