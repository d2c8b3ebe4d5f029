"""Keys: diversification factors, root key files, a card's key set.

Not here: what a key opens (applets' descriptions). No key appears in a repr or an error text.
Source: card.md §6.1 (factors), §1.9 (keys), §10 B1 (test keys).
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field

from sscard_terminal.iso7816.errors import FormatError

from .ciphers import CipherSuite

KEY_LENGTH = 16
DES_KEY_LENGTH = 8
ZHEJIANG = "33"


@dataclass(frozen=True, slots=True)
class DiversificationFactors:
    """F1, F2, F3: province, city and card, 8 bytes each."""

    province: bytes
    city: bytes
    card: bytes

    @classmethod
    def of(cls, region: str, historical: bytes) -> DiversificationFactors:
        """The factors of a card issued in a region (6 digits) whose ATR has these 13 historical bytes.

        Raises:
            FormatError: no 6-digit region or not 13 historical bytes.

        Source: card.md §6.1; the exception for Zhejiang: card.md §6.1, from SC §10.3.
        """
        if len(region) != 6 or not region.isdecimal():
            raise FormatError("a region code has 6 digits")
        if len(historical) != 13:
            raise FormatError(f"this card's ATR has 13 historical bytes, here are {len(historical)}")
        city = region[:4] + "00" if region.startswith(ZHEJIANG) else region
        return cls(f"{region[:2]}0000sh".encode(), f"{city}sx".encode(), historical[5:13])

    def nearest_first(self, levels: int) -> bytes:
        """The factors a PSAM is sent for 1, 2 or 3 levels: card, then city, then province. Source: card.md §5.2."""
        return b"".join((self.card, self.city, self.province)[:levels])


def diversified(suite: CipherSuite, root: bytes, factors: DiversificationFactors) -> bytes:
    """The card key under a root key: through province, city and card."""
    key = root
    for factor in (factors.province, factors.city, factors.card):
        key = suite.diversify(key, factor)
    return key


@dataclass(frozen=True, slots=True)
class KeySet:
    """Named keys. Shown as names only."""

    _keys: Mapping[str, bytes] = field(repr=False)
    derive_missing: str | None = None
    """Text before a key's name whose SHA-256 gives a key that is not listed (test keys only)."""

    def __getitem__(self, name: str) -> bytes:
        """The 16-byte key of that name.

        Raises:
            FormatError: no such key.
        """
        key = self._keys.get(name)
        if key is not None:
            return key
        if self.derive_missing is None:
            raise FormatError(f"the key file has no key {name}")
        return hashlib.sha256((self.derive_missing + name).encode("ascii")).digest()[:KEY_LENGTH]

    def __repr__(self) -> str:
        return f"KeySet({', '.join(sorted(self._keys))})"

    @classmethod
    def parse(cls, text: str) -> KeySet:
        """Read a root key file: TOML with a table `roots` of 32 hex digits a key.

        Raises:
            FormatError: no TOML, an unknown entry, or a key of another length; the text names the key only.
        """
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise FormatError(f"the key file is no TOML: {error}") from None
        unknown = set(document) - {"roots", "derive_missing", "purpose"}
        if unknown:
            raise FormatError(f"the key file has an unknown entry {sorted(unknown)[0]!r}")
        roots, prefix = document.get("roots"), document.get("derive_missing")
        if not isinstance(roots, dict) or not (prefix is None or isinstance(prefix, str)):
            raise FormatError("the key file needs a table [roots]; derive_missing, if given, is a text")
        return cls({name: _key_of(name, value) for name, value in roots.items()}, prefix)


def _key_of(name: str, value: object) -> bytes:
    try:
        key = bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        key = b""
    if len(key) != KEY_LENGTH:
        raise FormatError(f"key {name}: 32 hex digits are expected")
    return key


def root_of_length(root: bytes, length: int) -> bytes:
    """A 16-byte root cut for a key of 8 bytes (single DES): its first 8. Source: card.md §6.10, §10 B1."""
    if length not in (DES_KEY_LENGTH, KEY_LENGTH):
        raise FormatError(f"a key has 8 or 16 bytes, not {length}")
    return root[:length]
