"""Access rules of a file: who may read it, who may change it.

Not here: whether a rule holds now (card.security).
Source: card.md §1.5–1.8, columns "Read" and "Update".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sscard_terminal.iso7816.errors import FormatError

PIN = "pin"
_KEY = re.compile(r"key:([A-Z0-9]+)")


@dataclass(frozen=True, slots=True)
class AccessRule:
    """Any of `alternatives` is enough; one holds when all it names is given: "pin" or a key's name.

    No alternative at all: never. One empty alternative: free.
    """

    alternatives: tuple[frozenset[str], ...]

    @classmethod
    def parse(cls, text: str) -> AccessRule:
        """ "free", "never", "pin", "key:UKSSSE", joined by "and" (binds closer) and "or".

        Raises:
            FormatError: anything else.
        """
        match text:
            case "free":
                return cls((frozenset(),))
            case "never":
                return cls(())
        return cls(tuple(frozenset(map(_requirement, part.split(" and "))) for part in text.split(" or ")))

    @property
    def keys(self) -> frozenset[str]:
        """The names of the keys it mentions."""
        return frozenset().union(*self.alternatives) - {PIN}


def _requirement(word: str) -> str:
    if word == PIN:
        return PIN
    match = _KEY.fullmatch(word)
    if match is None:
        raise FormatError(f"access rule {word!r} is none of free, never, pin, key:NAME")
    return match[1]
