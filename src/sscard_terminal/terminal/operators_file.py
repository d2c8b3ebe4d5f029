"""The operators' file: read only while it is private and whole, changed whole or not at all, and the tries it keeps.

JSON, for people to look into and not to edit: `check` is the SHA-256 of the operators as they stand, against bytes that
went bad. Not here: what an operator is (operators.py), and who is signed in (sessions.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from sscard_terminal.iso7816.errors import FormatError

from . import passwords
from .operators import NotAllowed, Operator, Operators, Refusal, Right, is_password_of, objection_to_password
from .passwords import Cost, Password, PasswordHash, RandomBytes, hash_of
from .private_file import NotPrivate, alone, read_private, write_private

FORMAT = "sscard-operators"
VERSION = 1
"""Raised with every change of the form; an older program refuses a newer file."""


class OperatorsFault(StrEnum):
    """What is wrong with an operators' file. The value is the key of its sentence in voice/messages."""

    NOT_PRIVATE = "not-private"
    DAMAGED = "damaged"
    TOO_NEW = "too-new"


class OperatorsTrouble(Exception):
    """The file cannot be trusted and was left as it is; `fault` says why, `path` which."""

    def __init__(self, fault: OperatorsFault, path: Path) -> None:
        super().__init__(fault, path)
        self.fault = fault
        self.path = path


def read_operators(path: Path) -> Operators:
    """The operators of a file; none where there is no file.

    Raises:
        OperatorsTrouble: others can read or replace it, it is damaged, or a newer program's.
        OSError: it cannot be read.
    """
    try:
        raw = read_private(path)
    except NotPrivate:
        raise OperatorsTrouble(OperatorsFault.NOT_PRIVATE, path) from None
    return Operators() if raw is None else _parsed(raw, path)


def change_operators(
    path: Path, change: Callable[[Operators], Operators | NotAllowed]
) -> Operators | NotAllowed:
    """Put what `change` makes of the operators into the file, with nobody else at it meanwhile.

    Raises:
        OperatorsTrouble: as `read_operators`; nothing was written.
        OSError: the file cannot be written; the old one stands.
    """
    with alone(path):
        changed = change(read_operators(path))
        if isinstance(changed, Operators):
            write_private(path, _built(changed))
    return changed


def recognise(
    path: Path, number: str, password: Password, now: datetime, random_bytes: RandomBytes
) -> Operator | NotAllowed:
    """The operator with this number and password. A wrong one counts, whenever the power fails.

    A hash made at another cost than today's is made anew.

    Raises:
        OperatorsTrouble, OSError: as `change_operators`.
    """
    counted = change_operators(path, lambda operators: operators.counted(number, now))
    if isinstance(counted, NotAllowed) and counted.refusal is Refusal.HELD_BACK:
        return counted
    operator = counted.find(number) if isinstance(counted, Operators) else None
    if operator is None or not is_password_of(operator, password, random_bytes):
        if operator is None:
            is_password_of(None, password, random_bytes)
        return NotAllowed(Refusal.PASSWORD_WRONG, number)
    found = operator
    stale = found.password.cost != passwords.COST
    renewed = hash_of(password, random_bytes) if stale else found.password

    def recognised(operators: Operators) -> Operators:
        now_there = operators.find(number)
        if now_there is None or now_there.password != found.password:
            return operators  # somebody changed it in this second; the next sign-in finds out
        return operators.with_one(replace(now_there, password=renewed)).recognised(number)

    changed = change_operators(path, recognised)
    known = changed.find(number) if isinstance(changed, Operators) else None
    return known or NotAllowed(Refusal.PASSWORD_WRONG, number)


def add_operator(path: Path, operator: Operator, *, first: bool = False) -> Operators | NotAllowed:
    """Add a new operator. Who may do so is for the caller to ask; `first`: nobody, for there are none yet.

    Raises:
        OperatorsTrouble, OSError: as `change_operators`.
    """

    def add(operators: Operators) -> Operators | NotAllowed:
        if first and operators:
            return NotAllowed(Refusal.NEEDS_SUPERVISOR, operator.number)
        return operators.add(operator)

    return change_operators(path, add)


def remove_operator(path: Path, number: str) -> Operators | NotAllowed:
    """Remove an operator; what stands in journals under the number stays there.

    Raises:
        OperatorsTrouble, OSError: as `change_operators`.
    """
    return change_operators(path, lambda operators: operators.remove(number))


def set_password(
    path: Path, number: str, password: Password, random_bytes: RandomBytes
) -> Operators | NotAllowed:
    """Give an operator a new password; sessions under the old one end, and no wrong one counts any more.

    Raises:
        OperatorsTrouble, OSError: as `change_operators`.
    """
    if objection := objection_to_password(password, number):
        return objection
    fresh = hash_of(password, random_bytes)

    def renew(operators: Operators) -> Operators | NotAllowed:
        operator = operators.find(number)
        if operator is None:
            return NotAllowed(Refusal.NO_SUCH_OPERATOR, number)
        return operators.with_one(replace(operator, password=fresh, wrong=0, wrong_at=None))

    return change_operators(path, renew)


def _built(operators: Operators) -> bytes:
    rows = [_row_of(operator) for operator in operators]
    whole = {"format": FORMAT, "version": VERSION, "operators": rows, "check": _check_of(rows)}
    return (json.dumps(whole, ensure_ascii=False, indent=2) + "\n").encode()


def _check_of(rows: object) -> str:
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()


def _row_of(operator: Operator) -> dict[str, Any]:
    password = operator.password
    return {
        "number": operator.number,
        "name": operator.name,
        "right": str(operator.right),
        "password": {
            "function": "scrypt",
            "n": password.cost.n,
            "r": password.cost.r,
            "p": password.cost.p,
            "salt": password.salt.hex(),
            "digest": password.digest.hex(),
        },
        "wrong": operator.wrong,
        "wrong_at": operator.wrong_at and operator.wrong_at.isoformat(),
    }


def _parsed(raw: bytes, path: Path) -> Operators:
    try:
        whole = json.loads(raw)
        if whole["format"] == FORMAT and type(whole["version"]) is int and whole["version"] > VERSION:
            raise OperatorsTrouble(OperatorsFault.TOO_NEW, path)
        rows = whole["operators"]
        if (whole["format"], whole["version"], whole["check"]) != (FORMAT, VERSION, _check_of(rows)):
            raise OperatorsTrouble(OperatorsFault.DAMAGED, path)
        return Operators(tuple(map(_operator_of, rows)))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise OperatorsTrouble(OperatorsFault.DAMAGED, path) from None  # its cause might quote a hash


def _operator_of(row: dict[str, Any]) -> Operator:
    kept = row["password"]
    if kept["function"] != "scrypt":
        raise FormatError("no scrypt")
    cost = Cost(int(kept["n"]), int(kept["r"]), int(kept["p"]))
    password = PasswordHash(cost, bytes.fromhex(kept["salt"]), bytes.fromhex(kept["digest"]))
    wrong_at = None if row["wrong_at"] is None else datetime.fromisoformat(row["wrong_at"])
    if wrong_at is not None and wrong_at.tzinfo is not None:
        raise FormatError("no time of this terminal's clock")
    return Operator(
        str(row["number"]), str(row["name"]), Right(row["right"]), password, int(row["wrong"]), wrong_at
    )
