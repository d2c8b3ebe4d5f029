"""The operators as the page asks for them: by password, still the same, and who answers for what needs a supervisor.

Where no operators are configured (a developer's desk) nobody signs in and nobody is asked. Not here: the rules and the
file (terminal/operators_file.py), who sits where (sessions.py).
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from pathlib import Path

from sscard_terminal.terminal.operators import NotAllowed, Operator, Operators, Refusal
from sscard_terminal.terminal.operators_file import read_operators, recognise
from sscard_terminal.terminal.passwords import Password
from sscard_terminal.terminal.ports import Clock, RandomBytes


@dataclass(slots=True)
class Staff:
    """The operators of one file. Every method may raise OperatorsTrouble or OSError: the file cannot be trusted or read."""

    file: Path | None
    clock: Clock
    random: RandomBytes
    _known: Operators = field(default_factory=Operators)
    _stamp: tuple[int, int] | None = None
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def is_needed(self) -> bool:
        """Whether anybody has to sign in at all."""
        return self.file is not None

    async def by_password(self, number: str, password: Password) -> Operator | NotAllowed:
        """A hash takes memory and a good part of a second: one at a time, beside the loop."""
        if self.file is None:
            return NotAllowed(Refusal.NO_OPERATORS)
        async with self._one_at_a_time:
            return await asyncio.to_thread(recognise, self.file, number, password, self.clock(), self.random)

    async def supervisor(
        self, at_page: Operator | None, number: str, password: Password | None
    ) -> str | NotAllowed:
        """The number of the supervisor who answers: whoever is signed in, if nobody else is named; "" without operators."""
        if not self.is_needed:
            return ""
        found: Operator | NotAllowed = at_page or NotAllowed(Refusal.NOT_SIGNED_IN)
        if number or password is not None:
            if password is None:
                return NotAllowed(Refusal.PASSWORD_WRONG, number)
            found = await self.by_password(number, password)
        if isinstance(found, Operator):
            return found.number if found.is_supervisor else NotAllowed(Refusal.NEEDS_SUPERVISOR, found.number)
        return found

    def is_still(self, operator: Operator) -> bool:
        """Whether the file still knows this operator, with this password and right."""
        assert self.file is not None
        status = os.stat(self.file)
        stamp = (status.st_mtime_ns, status.st_ino)
        if stamp != self._stamp:
            self._known, self._stamp = read_operators(self.file), stamp
        now = self._known.find(operator.number)
        return (
            now is not None
            and now.right is operator.right
            and now.password.digest == operator.password.digest
        )
