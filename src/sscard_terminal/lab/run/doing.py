"""Does one statement after another: sends, compares, keeps what is captured, brings faults.

Not here: sections and results (runner.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from sscard_terminal.card.control.verbs import Tear
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.reader.connection import LinkError
from sscard_terminal.terminal.psam import PsamFailure

from ..script.functions import FUNCTIONS, ArgumentError, Parts, Value, called
from ..script.masks import compared
from ..script.syntax import (
    Answer,
    Ask,
    Command,
    Complete,
    Echo,
    Exit,
    Fault,
    Fresh,
    Include,
    Let,
    On,
    Position,
    Power,
    Repeat,
    Reset,
    Set,
    Statement,
    TearBlock,
    Text,
    UseCard,
    UseImage,
    UsePsam,
    UseReader,
    UseTranscript,
    Wait,
)
from .card_functions import CARD_FUNCTIONS
from .events import Note, Problem, Step, Verdict
from .prepared import Prepared, exact_of, prepared
from .psam_functions import PSAM_FUNCTIONS
from .sending import NO_ANSWER, LinkBroke, Say, Sender, Torn
from .targets import Cannot, Target
from .variables import Unset, Variables

_now = time.perf_counter


class Finished(Exception):
    """The run is over, by `exit` or at the first failure that was to end it."""


class Doer:
    """Obeys statements; `say` hears of every step. Commands without a name go to the first target, or the one of `on`."""

    def __init__(
        self,
        targets: Mapping[str, Target],
        variables: Mapping[str, bytes],
        ask_pin: Callable[[Position, str], Pin] | None,
        sleep: Callable[[float], None],
        say: Say,
    ) -> None:
        self._targets = targets
        self._variables = Variables(variables, targets)
        self._ask_pin = ask_pin
        self._sleep = sleep
        self._say = say
        self._here = next(iter(targets.values()), None)
        self._sender = Sender(self._variables, say)
        self._ready: dict[int, tuple[Prepared | Statement, ...]] = {}
        self._do: dict[type, Callable[[Any], None]] = {
            Command: self._command,
            Prepared: self._send,
            Reset: self._reset,
            Power: self._power,
            Fresh: self._fresh,
            Fault: self._fault,
            TearBlock: self._tear,
            Repeat: self._repeat,
            On: self._on,
            Set: self._set,
            Let: self._let,
            Ask: self._ask,
            Include: lambda include: self.body(include.body),
            Echo: lambda echo: self._say(Note(echo.at, "echo", echo.text)),
            Wait: lambda wait: self._sleep(wait.duration_ms / 1000),
            Complete: self._complete,
            Exit: self._exit,
            **dict.fromkeys((UseCard, UsePsam, UseImage, UseReader, UseTranscript), lambda use: None),
        }

    def body(self, statements: Iterable[Prepared | Statement]) -> None:
        """
        Raises:
            Finished: the run is over.
            LinkBroke: it cannot go on.
        """
        do = self._do
        for statement in statements:
            do[type(statement)](statement)

    def _again(self, body: tuple[Statement, ...]) -> tuple[Prepared | Statement, ...]:
        """A block's statements, its commands made ready once."""
        ready = self._ready.get(id(body))
        if ready is None:
            ready = tuple(
                prepared(statement) if isinstance(statement, Command) else statement for statement in body
            )
            self._ready[id(body)] = ready
        return ready

    def _target(self, name: str) -> Target:
        target = self._targets[name] if name else self._here
        assert target is not None  # checking.py has seen to it
        return target

    # Commands ---------------------------------------------------------------------------------------------

    def _command(self, command: Command) -> None:
        target = self._targets[command.target] if command.target else self._target("")
        self._sender.send(command, target, exact_of(command))

    def _send(self, ready: Prepared) -> None:
        self._sender.send(ready.statement, self._target(ready.statement.target), ready.command)

    # Power and faults -------------------------------------------------------------------------------------

    def _reset(self, reset: Reset) -> None:
        target = self._target(reset.target)
        action = f"reset {'cold' if reset.cold else 'warm'}"
        expectation = None if reset.atr is None else Answer((), reset.atr)
        began = _now()
        atr = self._atr_of(reset.at, target, action, partial(target.reset, cold=reset.cold))
        verdict = Verdict.DONE
        problems: tuple[Problem, ...] = ()
        differing: tuple[int, ...] = ()
        if reset.atr is not None:
            found = compared(reset.atr, atr, self._variables)
            differing = found.differing
            verdict, problems = (Verdict.PASSED, ()) if found.fits else (Verdict.FAILED, (Problem.ATR,))
            for name, value in (found.captured or {}).items():
                self._variables.set(name, value)
        self._say(
            Step(reset.at, target.name, verdict, _now() - began, b"", atr, "", expectation, problems,
                 differing, action)
        )  # fmt: skip

    def _power(self, power: Power) -> None:
        target = self._target(power.target)
        began, atr = _now(), b""
        if power.on:
            atr = self._atr_of(power.at, target, "power on", target.power_on)
        else:
            target.power_off()
        action = f"power {'on' if power.on else 'off'}"
        self._say(Step(power.at, target.name, Verdict.DONE, _now() - began, got=atr or None, action=action))

    def _atr_of(self, at: Position, target: Target, action: str, power: Callable[[], bytes]) -> bytes:
        try:
            return power()
        except LinkError as error:
            reason, problems = str(error.reason), NO_ANSWER
            self._say(
                Step(at, target.name, Verdict.BROKEN, 0.0, link=reason, problems=problems, action=action)
            )
            raise LinkBroke from error

    def _fresh(self, fresh: Fresh) -> None:
        target = self._targets[fresh.name]
        self._act(fresh.at, target, f"fresh {fresh.name}", target.fresh)

    def _fault(self, fault: Fault) -> None:
        target = self._target(fault.target)
        self._act(fault.at, target, str(fault.verb), partial(target.obey, fault.verb))

    def _act(self, at: Position, target: Target, action: str, act: Callable[[], object]) -> None:
        began = _now()
        try:
            act()
        except Cannot as cannot:
            problems, detail = (Problem.CANNOT,), str(cannot)
            self._say(
                Step(at, target.name, Verdict.FAILED, _now() - began, problems=problems, action=action,
                     detail=detail)
            )  # fmt: skip
            return
        self._say(Step(at, target.name, Verdict.DONE, _now() - began, action=action))

    def _tear(self, tear: TearBlock) -> None:
        target = self._target(tear.target)
        writes = tear.writes if isinstance(tear.writes, int) else int.from_bytes(self._variables(tear.writes))
        self._act(tear.at, target, str(Tear(writes)), partial(target.obey, Tear(writes)))
        before, self._sender.tearing = self._sender.tearing, target
        try:
            self.body(self._again(tear.body))
        except Torn:
            pass
        finally:
            self._sender.tearing = before
        if not target.torn_down():
            self._say(Note(tear.at, "not-torn", str(writes)))

    # Blocks and values ------------------------------------------------------------------------------------

    def _repeat(self, repeat: Repeat) -> None:
        body = self._again(repeat.body)
        for turn in range(1, repeat.count + 1):
            if repeat.name:
                self._variables.set(repeat.name, bytes((turn,)))
            self.body(body)

    def _on(self, block: On) -> None:
        before, self._here = self._here, self._targets[block.name]
        try:
            self.body(self._again(block.body))
        finally:
            self._here = before

    def _set(self, statement: Set) -> None:
        try:
            value = self._variables.joined(statement.parts)
        except Unset as unset:
            self._cannot_set(statement, "set", Problem.UNSET, unset.name)
            return
        is_secret = self._variables.is_secret(statement.parts)
        self._variables.set(statement.name, value, is_secret=is_secret)

    def _let(self, let: Let) -> None:
        try:
            arguments = tuple(
                argument.value if isinstance(argument, Text) else self._variables.joined(argument)
                for argument in let.arguments
            )
            value, is_secret = self._value(let, arguments)
        except Unset as unset:
            self._cannot_set(let, "let", Problem.UNSET, unset.name)
        except ArgumentError as error:
            self._cannot_set(let, "let", Problem.ARGUMENT, str(error))
        except PsamFailure as failure:
            self._cannot_set(let, "let", Problem.PSAM, str(failure))
        except LinkError as error:
            self._cannot_set(let, "let", Problem.NO_ANSWER, str(error.reason))
        else:
            self._variables.set(let.name, value, is_secret=is_secret)

    def _value(self, let: Let, arguments: tuple[Value, ...]) -> tuple[Parts, bool]:
        if not let.target:
            pure = FUNCTIONS[let.function]
            return called(pure, arguments), pure.secret
        target = self._targets[let.target]
        if target.is_psam and let.function in PSAM_FUNCTIONS:
            card = next((other for other in self._targets.values() if not other.is_psam), target)
            return PSAM_FUNCTIONS[let.function].called(target, card, *arguments), False
        function = CARD_FUNCTIONS.get(let.function)
        if function is None:
            raise ArgumentError(f"{let.target} is no PSAM")
        return function.called(target, *arguments), function.secret

    def _cannot_set(self, statement: Set | Let, action: str, problem: Problem, detail: str) -> None:
        self._variables.unset(statement.name)
        target = "" if self._here is None else self._here.name
        self._say(
            Step(statement.at, target, Verdict.FAILED, 0.0, problems=(problem,),
                 action=f"{action} {statement.name}", detail=detail)
        )  # fmt: skip

    def _ask(self, ask: Ask) -> None:
        if self._ask_pin is None:
            self._variables.unset(ask.name)
            return
        pin = self._ask_pin(ask.at, ask.name)
        self._variables.set(ask.name, pin.to_bcd(), is_secret=True)
        pin.wipe()

    def _complete(self, complete: Complete) -> None:
        for target in self._targets.values():
            target.complete(complete.on)

    def _exit(self, statement: Exit) -> None:
        self._say(Note(statement.at, "exit"))
        raise Finished
