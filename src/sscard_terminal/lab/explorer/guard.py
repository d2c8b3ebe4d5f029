"""What a line could do to a card nobody can make anew, told before it is sent; for lines that come from a script.

Not here: which commands do harm (lab/run/guard.py).
"""

from __future__ import annotations

from sscard_terminal.lab.run.guard import Harm, harm_of
from sscard_terminal.lab.script.syntax import Octets

from .lines import Line, Verb, parse
from .refusal import NotUnderstood, Refused


def require_harmless(text: str) -> None:
    """
    Raises:
        Refused: the line could burn tries, block or write. A line that is none does nothing, and passes.
    """
    try:
        line = parse(text)
    except NotUnderstood:
        return
    found = None if line is None else _harm(line)
    if found is not None:
        harm, command = found
        raise Refused(f"explorer.harm.{harm}", command=command)


def _harm(line: Line) -> tuple[Harm, str] | None:
    match line.verb:
        case Verb.VERIFY:
            return Harm.TRIES, "VERIFY"
        case Verb.SALE:
            return Harm.WRITES, "DEBIT FOR PURCHASE"
        case Verb.APDU:
            try:
                return harm_of((Octets(bytes.fromhex("".join(line.arguments))),))
            except ValueError:
                return None  # no bytes: nothing will be sent
    return None
