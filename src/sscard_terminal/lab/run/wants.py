"""What a script wants of its targets: which names, and whether only a virtual card can do it.

Not here: giving it (opening.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..script.syntax import Fault, Fresh, Include, On, Repeat, Statement, TearBlock
from .targets import Target


def needs_virtual(
    statements: Iterable[Statement], targets: Mapping[str, Target], here: str = ""
) -> Statement | None:
    """The first statement that only a virtual card can do, and whose target is none."""
    first = next(iter(targets), "")
    for statement in statements:
        match statement:
            case Fresh(_, name):
                found = _unless_virtual(statement, name, targets)
            case Fault(_, _, name):
                found = _unless_virtual(statement, name or here or first, targets)
            case TearBlock(_, _, body, name):
                found = _unless_virtual(statement, name or here or first, targets)
                found = found or needs_virtual(body, targets, here)
            case Repeat(_, _, body) | Include(_, _, body):
                found = needs_virtual(body, targets, here)
            case On(_, name, body):
                found = needs_virtual(body, targets, name)
            case _:
                continue
        if found is not None:
            return found
    return None


def _unless_virtual(statement: Statement, name: str, targets: Mapping[str, Target]) -> Statement | None:
    target = targets.get(name)
    return None if target is not None and target.is_virtual else statement
