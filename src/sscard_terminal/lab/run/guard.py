"""What a script could do to a card nobody can make anew: burn PIN tries, block, write. Told before anything is sent.

By allowance: what is not known to be harmless could do harm. Not here: sending what the script says (runner.py).
Source: card.md §2.2, §2.3, §5.2; scripts.md §8.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sscard_terminal.iso7816.status import OK

from ..script.syntax import (
    Command,
    Include,
    Let,
    Octets,
    On,
    Part,
    Position,
    Repeat,
    Script,
    ScriptError,
    Statement,
    TearBlock,
)
from .exact import exact
from .targets import Target

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
LEAST_TRIES = 2
"""With fewer left, a real card is not sent what could burn one. Our choice."""
_SELECT_SSSE = bytes.fromhex("00A404000F7378312E73682EC9E7BBE1B1A3D5CF")
_ASK_TRIES = bytes.fromhex("0020000000")


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


def require_harmless(
    script: Script, targets: Mapping[str, Target], *, allow_destructive: bool = False
) -> None:
    """See that nothing a script sends could do harm to a real card, unless that is allowed; then look at its tries first.

    Raises:
        ScriptError: the first line that could, or a card with too few tries left.
        LinkError: the card does not answer.
    """
    first = next(iter(targets), "")
    found = [danger for danger in dangers(script.statements, first) if _is_real(danger, targets)]
    if found and not allow_destructive:
        danger, line = found[0], script.line(found[0].at)
        raise ScriptError(danger.at, f"harm-{danger.harm}", line, command=danger.command, count=len(found))
    seen: set[str] = set()
    for danger in found:
        if danger.harm is Harm.TRIES and danger.target not in seen:
            seen.add(danger.target)
            tries = tries_left(targets[danger.target])
            if tries is not None and tries < LEAST_TRIES:
                raise ScriptError(danger.at, "tries-left", script.line(danger.at), tries=tries)


def _is_real(danger: Danger, targets: Mapping[str, Target]) -> bool:
    target = targets.get(danger.target)
    return target is not None and target.is_real


def tries_left(target: Target) -> int | None:
    """How many tries the card's PIN has; None: it does not tell. The card is reset before and after.

    Raises:
        LinkError: it does not answer.
    """
    target.power_on()
    target.transmit(exact(_SELECT_SSSE))
    sw = target.transmit(exact(_ASK_TRIES)).sw
    target.reset(cold=False)
    return None if sw == OK else sw.tries_left
