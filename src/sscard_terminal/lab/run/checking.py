"""What is wrong with a script as a whole, found before anything is sent: names nobody gave, variables used too early.

Not here: what is wrong with a line (script/parse.py) and what could do harm (guard.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from ..script.functions import FUNCTIONS, Function
from ..script.syntax import (
    Answer,
    Ask,
    Capture,
    Command,
    Fault,
    Fresh,
    Include,
    Let,
    MaskPart,
    On,
    Part,
    Position,
    Power,
    Repeat,
    Reset,
    Script,
    ScriptError,
    Section,
    Set,
    Statement,
    TearBlock,
    Text,
    UseCard,
    UseImage,
    UsePsam,
    UseReader,
    UseTranscript,
    Variable,
    walk,
)
from .card_functions import CARD_FUNCTIONS, TargetFunction
from .psam_functions import PSAM_FUNCTIONS

MOST_TURNS = 1_000_000
"""Of blocks within each other together. Our choice."""
CARD_PARTS = ("pin", "atr", "algorithm")
"""What `$card.PART` may ask of a target."""
USES = (UseCard, UsePsam, UseImage, UseReader, UseTranscript)


def first_section(statements: Iterable[Statement]) -> Section | None:
    """The first section of a body, however deep."""
    return next((found for found in walk(tuple(statements)) if isinstance(found, Section)), None)


@dataclass(slots=True)
class Checker:
    """Goes through a script in the order of its text; remembers which names exist so far."""

    script: Script
    targets: set[str]
    variables: set[str]
    turns: int = field(default=1)

    def check(self, statements: Iterable[Statement], is_block: bool = False) -> None:
        """
        Raises:
            ScriptError: the first thing that is wrong.
        """
        for statement in statements:
            self._check(statement, is_block)

    def _check(self, statement: Statement, is_block: bool) -> None:
        match statement:
            case Command():
                self._command(statement)
            case Reset(at, _, atr, target):
                self._target(at, target)
                self._mask(atr or ())
            case Power(at, _, target) | Fault(at, _, target):
                self._target(at, target)
            case Fresh(at, name):
                self._target(at, name)
            case On(at, name, body):
                self._target(at, name)
                self.check(body, is_block=True)
            case TearBlock(at, writes, body, target):
                self._target(at, target)
                if isinstance(writes, Variable):
                    self._parts((writes,))
                self.check(body, is_block=True)
            case Repeat():
                self._repeat(statement)
            case Set(_, name, parts):
                self._parts(parts)
                self.variables.add(name)
            case Let():
                self._let(statement)
            case Ask(_, name):
                self.variables.add(name)
            case Include(at, _, body):
                if is_block and first_section(body):
                    raise self._wrong(at, "section-in-block")
                self.check(body, is_block)
            case UseCard() | UsePsam() | UseImage() | UseReader() | UseTranscript():
                if is_block:
                    raise self._wrong(statement.at, "use-in-block")
            case _:
                pass

    def _command(self, command: Command) -> None:
        if not self.targets:
            raise self._wrong(command.at, "no-card")
        self._target(command.at, command.target)
        self._parts(command.parts)
        if isinstance(command.expectation, Answer) and command.expectation.data:
            self._mask(command.expectation.data)

    def _repeat(self, repeat: Repeat) -> None:
        before = self.turns
        self.turns *= repeat.count
        if self.turns > MOST_TURNS:
            raise self._wrong(repeat.at, "turns", most=MOST_TURNS)
        if repeat.name:
            self.variables.add(repeat.name)
        self.check(repeat.body, is_block=True)
        self.turns = before

    def _let(self, let: Let) -> None:
        if let.target:
            self._target(let.at, let.target)
        tables: tuple[Mapping[str, Function | TargetFunction], ...]
        tables = (CARD_FUNCTIONS, PSAM_FUNCTIONS) if let.target else (FUNCTIONS,)
        found = [table[let.function] for table in tables if let.function in table]
        if not found:
            known = ", ".join(sorted(name for table in tables for name in table))
            raise self._wrong(let.at, "function", function=let.function, known=known)
        count = len(let.arguments)
        if not any(function.least <= count <= len(function.parameters) for function in found):
            wanted = ", ".join(found[0].parameters)
            raise self._wrong(let.at, "arguments", function=let.function, wanted=wanted, count=count)
        for argument in let.arguments:
            if not isinstance(argument, Text):
                self._parts(argument)
        self.variables.add(let.name)

    def _parts(self, parts: Iterable[Part]) -> None:
        for part in parts:
            if isinstance(part, Variable):
                self._variable(part)

    def _mask(self, parts: Iterable[MaskPart]) -> None:
        for part in parts:
            if isinstance(part, Variable):
                self._variable(part)
            elif isinstance(part, Capture):
                self.variables.add(part.name)

    def _variable(self, variable: Variable) -> None:
        if variable.name in self.variables:
            return
        if variable.name not in self.targets:
            raise self._wrong(variable.at, "unset", name=variable.name)
        if variable.part not in CARD_PARTS:
            raise self._wrong(
                variable.at,
                "card-part",
                name=variable.name,
                known=", ".join(f".{part}" for part in CARD_PARTS),
            )

    def _target(self, at: Position, name: str) -> None:
        if name and name not in self.targets:
            raise self._wrong(at, "no-such-card", name=name, known=", ".join(sorted(self.targets)) or "–")

    def _wrong(self, at: Position, key: str, **facts: object) -> ScriptError:
        return ScriptError(at, key, self.script.line(at), **facts)


def check(script: Script, targets: Collection[str] = (), variables: Collection[str] = ()) -> None:
    """Look through a script; `targets` and `variables` exist beside those that it names itself.

    Raises:
        ScriptError: the first thing that is wrong.
    """
    names = {statement.name for statement in walk(script.statements) if isinstance(statement, USES)}
    checker = Checker(script, {*names, *targets}, set(variables))
    _check_uses(checker, script)
    checker.check(script.statements)


def _check_uses(checker: Checker, script: Script) -> None:
    seen: set[str] = set()
    for statement in walk(script.statements):
        if isinstance(statement, USES):
            if statement.name in seen:
                raise checker._wrong(statement.at, "name-twice", name=statement.name)
            seen.add(statement.name)
