"""Who sits at which browser: sessions with their CSRF token, the operator signed in, time-out and lock.

In memory alone: a server that starts anew knows nobody, and every page signs in again. Not here: operators and their
passwords (terminal/operators_file.py), cookies and headers of a request (access.py).
Source: counter.md, "Screen rules"; issue "Security"; PCI DSS v4.0 8.2.8 (15 idle minutes).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from sscard_terminal.iso7816.status import Language
from sscard_terminal.terminal.operators import Operator

Now = Callable[[], float]
"""Seconds that only rise (time.monotonic)."""
MOST_SESSIONS = 64
"""Beyond that the one used longest ago goes. Our choice."""
TOKEN_BYTES = 32


@dataclass(slots=True)
class Session:
    """One browser. `operator` is None until somebody signs in; locked, it stays whose it is and shows nothing."""

    csrf: str
    language: Language
    used: float
    operator: Operator | None = None
    is_locked: bool = False
    ended: str = ""
    """Why nobody is signed in any more: the key of a refusal."""

    def is_csrf(self, token: str) -> bool:
        return hmac.compare_digest(self.csrf.encode(), token.encode())


@dataclass(slots=True)
class Sessions:
    """The sessions of one server, each known by the hash of its cookie."""

    language: Language
    idle: timedelta
    now: Now
    _all: dict[str, Session] = field(default_factory=dict)

    def begin(self) -> tuple[str, Session]:
        """A new one; the text is its cookie, which is kept nowhere."""
        if len(self._all) >= MOST_SESSIONS:
            del self._all[min(self._all, key=lambda known: self._all[known].used)]
        token = secrets.token_urlsafe(TOKEN_BYTES)
        session = Session(secrets.token_urlsafe(TOKEN_BYTES), self.language, self.now())
        self._all[_hash_of(token)] = session
        return token, session

    def find(self, token: str | None) -> Session | None:
        """The session of a cookie; looking does not count as use."""
        session = None if token is None else self._all.get(_hash_of(token))
        if session is not None:
            self._end_if_idle(session)
        return session

    def use(self, session: Session) -> None:
        """Somebody is at it."""
        self._end_if_idle(session)
        session.used = self.now()

    def forget(self, token: str | None) -> None:
        if token is not None:
            self._all.pop(_hash_of(token), None)

    def sign_out_all(self, operator: Operator) -> None:
        """Wherever this operator is signed in."""
        for session in self._all.values():
            if session.operator is not None and session.operator.number == operator.number:
                sign_out(session)

    def _end_if_idle(self, session: Session) -> None:
        if session.operator is not None and self.now() >= session.used + self.idle.total_seconds():
            sign_out(session, "timed-out")


def sign_in(session: Session, operator: Operator) -> None:
    """Somebody whose password was right; the CSRF token of before is worth nothing any more."""
    session.operator, session.is_locked, session.ended = operator, False, ""
    session.csrf = secrets.token_urlsafe(TOKEN_BYTES)


def sign_out(session: Session, why: str = "") -> None:
    session.operator, session.is_locked, session.ended = None, False, why


def _hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(slots=True)
class RateLimit:
    """At most `most` tries in `within_s` seconds, whoever tries: passwords and pairing codes are few by nature."""

    most: int
    within_s: float
    now: Now
    _tries: deque[float] = field(default_factory=deque)

    def wait_s(self) -> int:
        """0 and the try counts; else full seconds until the next one may."""
        moment = self.now()
        while self._tries and self._tries[0] <= moment - self.within_s:
            self._tries.popleft()
        if len(self._tries) >= self.most:
            return max(1, int(self._tries[0] + self.within_s - moment + 0.999))
        self._tries.append(moment)
        return 0
