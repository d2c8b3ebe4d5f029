"""Who is signed in at this terminal: one small file that ends by itself.

A session is sealed with the operator's password hash: it ends when the password changes or the operator goes, and
nobody makes one who cannot read the operators' file. Not here: passwords (operators_file.py), asking for them (cli).
Source: counter.md, "The flow people know" (登录); the idle time-out: PCI DSS v4.0 8.2.8.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from .clock_rules import CLOCK_TOLERANCE
from .operators import NotAllowed, Operator, Operators, Refusal
from .private_file import NotPrivate, alone, read_private, write_private

NOTED_EVERY = timedelta(seconds=20)
"""How often the use of a session is written down, so that not every sale waits for the disk. Our choice."""


@dataclass(frozen=True, slots=True)
class _Session:
    number: str
    began: datetime
    used: datetime

    def seal(self, operator: Operator) -> str:
        words = "\n".join((self.number, self.began.isoformat(), self.used.isoformat()))
        return hmac.new(operator.password.digest, words.encode(), hashlib.sha256).hexdigest()


def begin_session(path: Path, operator: Operator, now: datetime) -> None:
    """Sign in whom `operators_file.recognise` found, instead of whoever was.

    Raises:
        OSError: it cannot be written; nobody is signed in by it.
    """
    with alone(path):
        _write(path, _Session(operator.number, now, now), operator)


def end_session(path: Path) -> bool:
    """Sign out; False where nobody was signed in.

    Raises:
        OSError: the file cannot be removed.
    """
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def signed_in(path: Path, operators: Operators, now: datetime, idle: timedelta) -> Operator | NotAllowed:
    """Who is signed in, and from now on for `idle` again. A session that is over is removed.

    Raises:
        OSError: the file cannot be read, written or removed.
    """
    with alone(path):
        found = _read(path, operators)
        if isinstance(found, NotAllowed):
            return found if found.refusal is Refusal.NOT_SIGNED_IN else _ended(path, found)
        session, operator = found
        if now < session.used - CLOCK_TOLERANCE:
            return _ended(path, NotAllowed(Refusal.CLOCK_WENT_BACKWARDS, operator.number))
        if now >= session.used + idle:
            return _ended(path, NotAllowed(Refusal.TIMED_OUT, operator.number))
        if now >= session.used + min(NOTED_EVERY, idle / 4):
            _write(path, _Session(session.number, session.began, now), operator)
    return operator


def _ended(path: Path, why: NotAllowed) -> NotAllowed:
    end_session(path)
    return why


def _read(path: Path, operators: Operators) -> tuple[_Session, Operator] | NotAllowed:
    try:
        raw = read_private(path)
        if raw is None:
            return NotAllowed(Refusal.NOT_SIGNED_IN)
        kept = json.loads(raw)
        began, used = (datetime.fromisoformat(kept[name]) for name in ("began", "used"))
        session, seal = _Session(str(kept["number"]), began, used), str(kept["seal"])
        operator = operators.find(session.number)
        if operator is None or not hmac.compare_digest(seal.encode(), session.seal(operator).encode()):
            return NotAllowed(Refusal.SESSION_VOID, session.number)
    except (NotPrivate, ValueError, LookupError, TypeError, RecursionError):
        return NotAllowed(Refusal.SESSION_VOID)
    return session, operator


def _write(path: Path, session: _Session, operator: Operator) -> None:
    kept = {
        "number": session.number,
        "began": session.began.isoformat(),
        "used": session.used.isoformat(),
        "seal": session.seal(operator),
    }
    write_private(path, (json.dumps(kept) + "\n").encode())
