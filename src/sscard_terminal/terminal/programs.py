"""The programs that may ask this counter, each with a token of its own and what it may be used for.

A token is 32 random bytes, told once, and kept as its SHA-256: a guess at so many bits needs no slow hash. Removing a
program ends its token at once. The file is JSON, private and checked, as the operators' file is (operators_file.py).
Not here: what a request does (counter/), and who may add a program (the command line asks a supervisor).
Source: counter.md, "The local service" (a token per paired program); issue 5 (scopes, hashed at rest, revocable).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from .ports import RandomBytes
from .private_file import NotPrivate, alone, read_private, write_private

FORMAT, VERSION = "sscard-programs", 1
TOKEN_START = "sscard_"
"""So that a token left in a log or a repository is known for one."""
TOKEN_BYTES = 32
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}", re.ASCII)


class Scope(StrEnum):
    """What a program may ask for. The value is the key of its words."""

    CARD = "card"
    """Whether a card is in, its masked face, the events."""
    SALE = "sale"
    """Sales and record-keeping debits, their status, their slips."""
    DETAILS = "details"
    """Balances and the card's log, once the holder has keyed the PIN."""
    PIN = "pin"
    """Verify and change the PIN."""
    REFUND = "refund"
    """Voids and refunds: whoever added the program answers for them."""
    DAY = "day"
    """The totals of the day."""
    HOLDER = "holder"
    """Name and numbers in full; each time is kept in the journal."""
    WINDOW = "window"
    """What only the card service window does: writing files, PIN reset and unblock."""


@dataclass(frozen=True, slots=True)
class Program:
    """One program: `digest` of its token, `by` the supervisor who added it, `until` its last day, None: it has none."""

    name: str
    scopes: frozenset[Scope]
    digest: bytes
    by: str
    since: datetime
    until: date | None = None

    def is_over(self, now: datetime) -> bool:
        """Whether the last day of its token is past."""
        return self.until is not None and now.date() > self.until

    def holds(self, token: str) -> bool:
        """Whether this is its token, in a time that does not tell how nearly."""
        return hmac.compare_digest(self.digest, digest_of(token))


class ProgramsFault(StrEnum):
    """What is wrong with a file of programs. The value is the key of its sentence."""

    NOT_PRIVATE = "not-private"
    DAMAGED = "damaged"
    TOO_NEW = "too-new"


class ProgramsTrouble(Exception):
    """The file cannot be trusted and was left as it is."""

    def __init__(self, fault: ProgramsFault, path: Path) -> None:
        super().__init__(fault, path)
        self.fault = fault
        self.path = path


@dataclass(frozen=True, slots=True)
class Programs:
    """Those of one counter, by name."""

    all: tuple[Program, ...] = ()

    def __iter__(self) -> Iterator[Program]:
        return iter(self.all)

    def find(self, name: str) -> Program | None:
        return next((program for program in self.all if program.name == name), None)

    def of_token(self, token: str) -> Program | None:
        """The program with this token; every one is compared, whichever it is."""
        found = [program for program in self.all if program.holds(token)]
        return found[0] if found else None


def is_name(name: str) -> bool:
    """A program's name: small letters, digits and hyphens, 31 at most; it stands in the journal before its requests."""
    return bool(_NAME.fullmatch(name))


def new_program(
    name: str,
    scopes: frozenset[Scope],
    by: str,
    now: datetime,
    random: RandomBytes,
    until: date | None = None,
) -> tuple[Program, str]:
    """A program and its token, which is to be found nowhere else."""
    token = TOKEN_START + urlsafe_b64encode(random(TOKEN_BYTES)).decode().rstrip("=")
    return Program(name, scopes, digest_of(token), by, now.replace(microsecond=0), until), token


def digest_of(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


# The file -----------------------------------------------------------------------------------------------


def read_programs(path: Path) -> Programs:
    """The programs of a file; none where there is no file.

    Raises:
        ProgramsTrouble: others can read or replace it, it is damaged, or a newer program's.
        OSError: it cannot be read.
    """
    try:
        raw = read_private(path)
    except NotPrivate:
        raise ProgramsTrouble(ProgramsFault.NOT_PRIVATE, path) from None
    return Programs() if raw is None else _parsed(raw, path)


def add_program(path: Path, program: Program) -> bool:
    """False where there is one of that name already.

    Raises:
        ProgramsTrouble, OSError: as `read_programs`, or it cannot be written; the old one stands.
    """
    return _changed(path, lambda known: (*known, program) if known.find(program.name) is None else None)


def remove_program(path: Path, name: str) -> bool:
    """False where there is none of that name. Its token is worth nothing from now on.

    Raises:
        ProgramsTrouble, OSError: as `add_program`.
    """

    def without(known: Programs) -> tuple[Program, ...] | None:
        return None if known.find(name) is None else tuple(one for one in known if one.name != name)

    return _changed(path, without)


def _changed(path: Path, change: Callable[[Programs], tuple[Program, ...] | None]) -> bool:
    """With nobody else at the file; None of `change` leaves it as it is."""
    with alone(path):
        changed = change(read_programs(path))
        if changed is not None:
            write_private(path, _built(changed))
    return changed is not None


def _built(programs: tuple[Program, ...]) -> bytes:
    rows = [
        {
            "name": program.name,
            "scopes": sorted(program.scopes),
            "digest": program.digest.hex(),
            "by": program.by,
            "since": program.since.isoformat(),
            **({} if program.until is None else {"until": program.until.isoformat()}),
        }
        for program in programs
    ]
    whole = {"format": FORMAT, "version": VERSION, "programs": rows, "check": _check_of(rows)}
    return (json.dumps(whole, ensure_ascii=False, indent=2) + "\n").encode()


def _check_of(rows: object) -> str:
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()


def _parsed(raw: bytes, path: Path) -> Programs:
    try:
        whole = json.loads(raw)
        if whole["format"] == FORMAT and type(whole["version"]) is int and whole["version"] > VERSION:
            raise ProgramsTrouble(ProgramsFault.TOO_NEW, path)
        rows = whole["programs"]
        if (whole["format"], whole["version"], whole["check"]) != (FORMAT, VERSION, _check_of(rows)):
            raise ProgramsTrouble(ProgramsFault.DAMAGED, path)
        return Programs(tuple(map(_program_of, rows)))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise ProgramsTrouble(ProgramsFault.DAMAGED, path) from None  # its cause might quote a hash


def _program_of(row: dict[str, Any]) -> Program:
    return Program(
        str(row["name"]),
        frozenset(map(Scope, row["scopes"])),
        bytes.fromhex(row["digest"]),
        str(row["by"]),
        datetime.fromisoformat(row["since"]),
        date.fromisoformat(row["until"]) if "until" in row else None,
    )
