"""A line said to the explorer: its verb and arguments, and whether it may be kept in the history.

Not here: what a verb does (session.py).
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from enum import StrEnum

from sscard_terminal.voice.apdus.commands import SECRET_INSTRUCTIONS

from .refusal import NotUnderstood


class Verb(StrEnum):
    """What can be said; any beginning that fits one alone is enough."""

    TREE = "tree"
    CD = "cd"
    LS = "ls"
    PWD = "pwd"
    CAT = "cat"
    READ = "read"
    APDU = "apdu"
    VERIFY = "verify"
    SALE = "sale"
    RESET = "reset"
    TRACE = "trace"
    INFO = "info"
    HELP = "help"
    QUIT = "quit"


MOST_ARGUMENTS: dict[Verb, int] = {
    Verb.TREE: 1,
    Verb.CD: 1,
    Verb.LS: 1,
    Verb.PWD: 0,
    Verb.CAT: 1,
    Verb.READ: 3,
    Verb.APDU: 600,
    Verb.VERIFY: 0,
    Verb.SALE: 3,
    Verb.RESET: 1,
    Verb.TRACE: 1,
    Verb.INFO: 0,
    Verb.HELP: 1,
    Verb.QUIT: 0,
}
LEAST_ARGUMENTS = {Verb.CAT: 1, Verb.READ: 1, Verb.APDU: 1, Verb.SALE: 1}
TAKES_A_PLACE = (Verb.CD, Verb.LS, Verb.TREE, Verb.CAT, Verb.READ)


@dataclass(frozen=True, slots=True)
class Line:
    """A verb and what follows it."""

    verb: Verb
    arguments: tuple[str, ...]


def parse(text: str) -> Line | None:
    """The line; None where it says nothing (blank, or a remark behind #).

    Raises:
        NotUnderstood: no verb, or arguments it does not take. The words never repeat an argument.
    """
    try:
        parts = shlex.split(text, comments=True)
    except ValueError:
        raise NotUnderstood("explorer.quotes", len(text.rstrip())) from None
    if not parts:
        return None
    verb = verb_of(parts[0])
    column = text.index(parts[0]) + 1 if parts[0] in text else 1
    if verb is None:
        raise NotUnderstood("explorer.no-such-verb", column, known=", ".join(Verb))
    arguments = tuple(parts[1:])
    if verb is Verb.VERIFY and arguments:
        raise NotUnderstood("explorer.pin-in-line", column + len(parts[0]) + 1)
    if not LEAST_ARGUMENTS.get(verb, 0) <= len(arguments) <= MOST_ARGUMENTS[verb]:
        raise NotUnderstood("explorer.arguments", column, verb=verb)
    return Line(verb, arguments)


def verb_of(word: str) -> Verb | None:
    """The verb, or the one verb that begins so."""
    if word in list(Verb):
        return Verb(word)
    fitting = [verb for verb in Verb if word and verb.startswith(word)]
    return fitting[0] if len(fitting) == 1 else None


def may_be_kept(text: str) -> bool:
    """Whether a line may be remembered: it is one, and no PIN, key or session data can stand in it."""
    try:
        line = parse(text)
    except NotUnderstood:
        return False
    if line is None or "#" in text:
        return False
    if line.verb is not Verb.APDU:
        return True
    try:
        raw = bytes.fromhex("".join(line.arguments))
    except ValueError:
        return False
    return len(raw) >= 4 and raw[1] not in SECRET_INSTRUCTIONS
