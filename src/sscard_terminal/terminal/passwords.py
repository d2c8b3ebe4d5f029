"""An operator's password: never printed, kept only as a salted scrypt hash with its own cost beside it.

Not here: who has one (operators.py), how often it may be wrong (operators.py), and the file (operators_file.py).
Source: RFC 7914 (scrypt); OWASP Password Storage Cheat Sheet, "scrypt"; NIST SP 800-63B §5.1.1.2 (length, no rules of
composition); RFC 8265 §4.2 (OpaqueString: the same password from every keyboard).
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field

from sscard_terminal.iso7816.errors import FormatError

RandomBytes = Callable[[int], bytes]

MIN_LENGTH = 8
"""Characters. Source: NIST SP 800-63B §5.1.1.2."""
MAX_LENGTH = 128
"""Above the 64 that NIST SP 800-63B §5.1.1.2 wants allowed at least; so that nobody sends megabytes. Our choice."""
MIN_DIFFERENT = 4
"""Different characters, below which a password is one of the first to be tried. Our choice."""
SALT_LENGTH = 16
"""Bytes. Source: NIST SP 800-132 §5.1 (at least 128 bits)."""
DIGEST_LENGTH = 32
"""Bytes. Our choice: as RFC 7914 derives for keys."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one guess costs: N (memory and time), r (block size), p (parallel runs); 128 · N · r bytes of memory."""

    n: int
    r: int
    p: int

    def __post_init__(self) -> None:
        is_power = self.n > 1 and not self.n & (self.n - 1)
        if not (is_power and self.n <= MAX_N and 0 < self.r <= MAX_R and 0 < self.p <= MAX_P):
            raise FormatError("no cost of scrypt that this program would pay")


MAX_N, MAX_R, MAX_P = 1 << 20, 32, 16
"""The dearest hash that is computed at all, so that a wrong file cannot take the machine's memory. Our choice."""

COST = Cost(n=1 << 15, r=8, p=3)
"""Of new hashes: 32 MiB. Source: OWASP, "scrypt"; of its equal rows the one an old shop PC can bear.

It may be raised: a hash keeps the cost it was made with, and is made anew at the next sign-in.
"""


class Password:
    """What a person typed, as RFC 8265 compares it. Its `repr` and `str` show dots, and it is not to be stored.

    Raises:
        FormatError: it is empty, longer than MAX_LENGTH, or holds a control character; the text quotes nothing.
    """

    __slots__ = ("_text",)

    def __init__(self, typed: str) -> None:
        text = unicodedata.normalize("NFC", "".join(" " if _is_space(char) else char for char in typed))
        if not 0 < len(text) <= MAX_LENGTH:
            raise FormatError(f"a password has at most {MAX_LENGTH} characters, and one at least")
        if any(unicodedata.category(char) in ("Cc", "Cs") for char in text):
            raise FormatError("a password has no control characters")
        self._text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Password) and hmac.compare_digest(self.to_bytes(), other.to_bytes())

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "Password(••••)"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a password is not to be stored")

    def to_bytes(self) -> bytes:
        """UTF-8, for hashing alone."""
        return self._text.encode()

    def is_long_enough(self) -> bool:
        """MIN_LENGTH characters or more."""
        return len(self._text) >= MIN_LENGTH

    def is_guessable(self, number: str) -> bool:
        """Whether it is among the first anyone would try for the operator `number`: few characters, a run, the number."""
        steps = {ord(after) - ord(before) for before, after in zip(self._text, self._text[1:], strict=False)}
        is_run = len(steps) == 1 and steps <= {-1, 0, 1}
        is_number = not self._text.replace(number, "") if number else False
        return is_run or is_number or len(set(self._text)) < MIN_DIFFERENT


def _is_space(char: str) -> bool:
    return unicodedata.category(char) == "Zs"


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """A password that can be checked and not be read: salt and digest, in bytes, and the cost it was made with."""

    cost: Cost
    salt: bytes = field(repr=False)
    digest: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.salt) != SALT_LENGTH or len(self.digest) != DIGEST_LENGTH:
            raise FormatError("no salt and digest of a password")

    def matches(self, password: Password) -> bool:
        """Whether this is that password; takes the same time for every wrong one."""
        return hmac.compare_digest(digest_of(password, self.salt, self.cost), self.digest)


def hash_of(password: Password, random_bytes: RandomBytes, cost: Cost | None = None) -> PasswordHash:
    """A new hash with a salt of its own; `cost` is COST where none is said."""
    cost = cost or COST
    salt = random_bytes(SALT_LENGTH)
    return PasswordHash(cost, salt, digest_of(password, salt, cost))


def digest_of(password: Password, salt: bytes, cost: Cost) -> bytes:
    """scrypt of RFC 7914 §6, DIGEST_LENGTH bytes."""
    memory = 128 * cost.r * (cost.n + cost.p + 2)  # what OpenSSL counts against its limit
    return hashlib.scrypt(
        password.to_bytes(), salt=salt, n=cost.n, r=cost.r, p=cost.p, maxmem=memory, dklen=DIGEST_LENGTH
    )
