"""What a script could do to a card nobody can make anew: burn PIN tries, block, write. Told before anything is sent.

By allowance: what is not known to be harmless could do harm. Not here: asking the card for its tries (runner.py does).
Source: card.md §2.2, §2.3, §5.2; scripts.md §8.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from ..script.syntax import Command, Include, Let, Octets, On, Part, Position, Repeat, Statement, TearBlock

HARMLESS: dict[tuple[int, int], str] = {
    (0x00, 0xA4): "SELECT",
    (0x00, 0xB0): "READ BINARY",
    (0x00, 0xB2): "READ RECORD",
    (0x00, 0xC0): "GET RESPONSE",
    (0x00, 0xCA): "GET DATA",
    (0x80, 0xCA): "GET DATA",
    (0x00, 0x84): "GET CHALLENGE",
    (0x00, 0x88): "INTERNAL AUTHENTICATE",
    (0xB0, 0x26): "GET BALANCE",
    (0xB0, 0x28): "INITIALIZE",
    (0xB0, 0x2E): "GET TRANSACTION PROOF",
    (0xBF, 0xEC): "INITIALIZE ENVIRONMENT",
    (0xBF, 0xDE): "DELIVERY SESSION KEY",
    (0x80, 0xFA): "CIPHER DATA",
}
"""Nothing stays of them but what is selected and what a session holds; INITIALIZE spends nothing (card.md §4.4 step 2)."""
_TRIES: dict[tuple[int, int], str] = {
    (0x00, 0x20): "VERIFY",
    (0x80, 0x5E): "CHANGE PIN",
    (0x00, 0x24): "CHANGE REFERENCE DATA",
    (0x00, 0x2C): "RESET RETRY COUNTER",
    (0x00, 0x82): "EXTERNAL AUTHENTICATE",
    (0x84, 0x24): "PIN UNBLOCK, PIN RELOAD",
}
_BLOCKING: dict[tuple[int, int], str] = {
    (0x84, 0x1E): "APPLICATION BLOCK",
    (0x84, 0x16): "CARD BLOCK",
    (0x84, 0x18): "APPLICATION UNBLOCK",
}
VERIFY = (0x00, 0x20)


class Harm(StrEnum):
    """The value is the key of its words ("script.harm.")."""

    TRIES = "tries"
    BLOCKS = "blocks"
    WRITES = "writes"
    UNKNOWN = "unknown"
    """What is sent is not told by the text."""


@dataclass(frozen=True, slots=True)
class Danger:
    """A line that could do harm, to the card of that name."""

    at: Position
    target: str
    harm: Harm
    command: str


def harm_of(parts: tuple[Part, ...]) -> tuple[Harm, str] | None:
    """What a command could do, with its name; None: nothing."""
    known = bytearray()
    for part in parts:
        if not isinstance(part, Octets):
            break
        known += part.value
    if len(known) < 4:
        return Harm.UNKNOWN, ""
    header = (known[0], known[1])
    if header == VERIFY and len(parts) == 1 and (len(known) == 4 or known[4:] == b"\x00"):
        return None  # asks for the tries
    if header in HARMLESS:
        return None
    if header in _TRIES:
        return Harm.TRIES, _TRIES[header]
    if header in _BLOCKING:
        return Harm.BLOCKS, _BLOCKING[header]
    return Harm.WRITES, f"{known[0]:02X} {known[1]:02X}"


def dangers(statements: Iterable[Statement], first: str, target: str = "") -> Iterator[Danger]:
    """Every line that could do harm, in the order of the text. `first`: the card that commands without a name go to."""
    here = target or first
    for statement in statements:
        match statement:
            case Command(at, parts, _, named):
                found = harm_of(parts)
                if found is not None:
                    yield Danger(at, named or here, *found)
            case Let(at, _, function, _, named) if named and function == "mac1":
                yield Danger(at, named, Harm.WRITES, "INITIALIZE SAM FOR PURCHASE")
            case Repeat(_, _, body) | Include(_, _, body) | TearBlock(_, _, body):
                yield from dangers(body, first, target)
            case On(_, name, body):
                yield from dangers(body, first, name)
            case _:
                pass
