"""What the tests of the runner share: a script run in one call, over virtual cards or given connections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.lab.run.events import Event, Note, Result, Step, Verdict
from sscard_terminal.lab.run.guard import require_harmless
from sscard_terminal.lab.run.opening import Choice, opened_targets
from sscard_terminal.lab.run.runner import Options, run
from sscard_terminal.lab.run.targets import Target
from sscard_terminal.lab.script.parse import parse
from sscard_terminal.lab.script.syntax import Script

SSSE = "00 A4 04 00 0F 73 78 31 2E 73 68 2E C9 E7 BB E1 B1 A3 D5 CF"
CARD = "use card gen2-32k person zhang-san as card\n"


@dataclass(frozen=True)
class Ran:
    """One run: its result, and everything that was said in between."""

    result: Result
    events: tuple[Event, ...]

    @property
    def steps(self) -> list[Step]:
        return [event for event in self.events if isinstance(event, Step)]

    @property
    def notes(self) -> list[str]:
        return [event.key for event in self.events if isinstance(event, Note)]

    @property
    def verdicts(self) -> list[Verdict]:
        return [step.verdict for step in self.steps if step.sent]


class Desk:
    """A connection that answers what it was told, and remembers what it was sent."""

    atr = bytes.fromhex("3B00")

    def __init__(self, *answers: str) -> None:
        self._answers = [bytes.fromhex(answer) for answer in answers]
        self.sent: list[str] = []

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        self.sent.append(command.build().hex().upper())
        return ResponseApdu.parse(self._answers.pop(0) if self._answers else b"\x90\x00")

    def reset(self, *, cold: bool = False) -> bytes:
        self.sent.append("cold" if cold else "warm")
        return self.atr

    def close(self) -> None:
        pass


def target_of(desk: Desk, name: str = "card", **facts: Any) -> Target:
    return Target(name, lambda: desk, **facts)


def ran(
    text: str,
    *,
    choice: Choice | None = None,
    folder: Path = Path(),
    allow_destructive: bool = False,
    variables: Mapping[str, bytes] | None = None,
    **options: Any,
) -> Ran:
    """Run a text as `sscard script run` does."""
    script = parse(text, "f")
    targets = opened_targets(script, choice or Choice(), 1, folder)
    require_harmless(script, targets, allow_destructive=allow_destructive)
    return with_targets(script, targets, variables=variables, **options)


def over(text: str, *desks: Desk, **options: Any) -> Ran:
    """Run a text over desks called card, other, …"""
    names = ("card", "other")
    targets = {name: target_of(desk, name) for name, desk in zip(names, desks, strict=False)}
    return with_targets(parse(text, "f"), targets, **options)


def with_targets(
    script: Script,
    targets: Mapping[str, Target],
    *,
    variables: Mapping[str, bytes] | None = None,
    **options: Any,
) -> Ran:
    events: list[Event] = []
    result = run(script, targets, variables=variables, options=Options(**options), listener=events.append)
    return Ran(result, tuple(events))
