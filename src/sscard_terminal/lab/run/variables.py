"""What `$NAME` holds while a script runs, and which of it is secret.

Not here: who sets them (runner.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..script.functions import Parts
from ..script.syntax import Masked, Octets, Part, Position, Variable
from .targets import Target


class Unset(Exception):
    """A variable holds nothing, since the step that should have set it failed; or its PIN is not known."""

    def __init__(self, at: Position, name: str) -> None:
        super().__init__(name)
        self.at = at
        self.name = name


class Variables:
    """Names with their parts; `$card.pin` and the like ask the target of that name."""

    def __init__(self, given: Mapping[str, bytes], targets: Mapping[str, Target]) -> None:
        self._held: dict[str, Parts] = {name: {"": value} for name, value in given.items()}
        self._secret: set[str] = set()
        self._targets = targets

    def set(self, name: str, value: bytes | Parts, *, is_secret: bool = False) -> None:
        self._held[name] = {"": value} if isinstance(value, bytes) else value
        (self._secret.add if is_secret else self._secret.discard)(name)

    def unset(self, name: str) -> None:
        self._held.pop(name, None)

    def __call__(self, variable: Variable) -> bytes:
        """
        Raises:
            Unset: it holds nothing.
        """
        held = self._held.get(variable.name)
        value = self._of_target(variable) if held is None else held.get(variable.part)
        if value is None:
            raise Unset(variable.at, str(variable))
        return value

    def is_secret(self, parts: Iterable[Part]) -> bool:
        return any(
            isinstance(part, Masked)
            or (isinstance(part, Variable) and (part.name in self._secret or part.part == "pin"))
            for part in parts
        )

    def joined(self, parts: Iterable[Part], target: Target | None = None) -> bytes:
        """The bytes of a command or a value; masked bytes are the target's PIN.

        Raises:
            Unset: a variable holds nothing, or the PIN is not known or of another length.
        """
        return b"".join(self._one(part, target) for part in parts)

    def _one(self, part: Part, target: Target | None) -> bytes:
        match part:
            case Octets(value):
                return value
            case Variable():
                return self(part)
            case Masked(length):
                pin = b"" if target is None else target.pin
                if len(pin) != length:
                    raise Unset(Position(), "**")
                return pin

    def _of_target(self, variable: Variable) -> bytes | None:
        target = self._targets.get(variable.name)
        if target is None:
            return None
        match variable.part:
            case "pin":
                return target.pin or None
            case "atr":
                return target.atr
            case "algorithm":
                return target.algorithm
            case _:
                return None
