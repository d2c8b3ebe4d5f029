"""Sends a command, holds the answer against what is expected, and says how it went.

Not here: everything that is no command (doing.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from sscard_terminal.iso7816.apdu import ResponseApdu
from sscard_terminal.reader.connection import LinkError
from sscard_terminal.reader.replay import ReplayMismatch

from ..script.masks import compared
from ..script.syntax import Answer, Break, Command, MaskPart, Nibbles, Variable
from .events import Note, Problem, Step, Verdict
from .exact import ExactCommand, exact
from .prepared import QuickLooks
from .targets import Target
from .variables import Unset, Variables

Say = Callable[[Step | Note], None]
NO_ANSWER: tuple[Problem, ...] = (Problem.NO_ANSWER,)
_now = time.perf_counter


class LinkBroke(Exception):
    """The link broke where nobody expected it; what comes after would say nothing."""


class Torn(Exception):
    """The command was torn, as ordered."""


class Sender:
    """`say` hears of every exchange. `tearing`: the target that is to be torn within the block that runs."""

    def __init__(self, variables: Variables, say: Say) -> None:
        self._variables = variables
        self._say = say
        self._looks = QuickLooks()
        self.tearing: Target | None = None

    def send(self, statement: Command, target: Target, command: ExactCommand | None) -> None:
        """Send it; `command` None: made of variables now.

        Raises:
            LinkBroke: no answer came, and nobody expected that.
            Torn: no answer came, since the card was torn as ordered.
        """
        expectation, is_secret = statement.expectation, False
        if command is None:
            is_secret = self._variables.is_secret(statement.parts)
            try:
                command = exact(self._variables.joined(statement.parts, target), is_secret=is_secret)
            except Unset as unset:
                self._say_unset(statement, target, unset)
                return
        began = _now()
        try:
            answer = target.transmit(command)
        except LinkError as error:
            self._no_answer(statement, target, command.raw, is_secret, _now() - began, error)
            return
        except ReplayMismatch as error:
            self._say(
                Step(statement.at, target.name, Verdict.FAILED, _now() - began, command.raw, None, "",
                     expectation, (Problem.REPLAY,), (), "", str(error), is_secret)
            )  # fmt: skip
            return
        elapsed_s = _now() - began
        if expectation is None:
            verdict = Verdict.DONE
        elif isinstance(expectation, Answer) and (fits := self._looks.at(expectation)) and fits(answer):
            verdict = Verdict.PASSED
        else:
            self._judge(statement, target, command.raw, is_secret, elapsed_s, answer)
            return
        self._say(
            Step(statement.at, target.name, verdict, elapsed_s, command.raw, answer.build(), "",
                 expectation, (), (), "", "", is_secret)
        )  # fmt: skip

    def _judge(
        self,
        statement: Command,
        target: Target,
        raw: bytes,
        is_secret: bool,
        elapsed_s: float,
        answer: ResponseApdu,
    ) -> None:
        """The long way: what exactly differs; what is captured is kept if all fits."""
        expectation, detail = statement.expectation, ""
        differing: tuple[int, ...] = ()
        if isinstance(expectation, Answer):
            try:
                problems, differing, captured = self._held_against(expectation, answer)
                self._keep(captured, not problems)
            except Unset as unset:
                problems, detail = [Problem.UNSET], unset.name
            if problems and not detail:
                expectation = self._resolved(expectation)
        else:
            problems = [Problem.ANSWER]
        verdict = Verdict.FAILED if problems else Verdict.PASSED
        self._say(
            Step(statement.at, target.name, verdict, elapsed_s, raw, answer.build(), "", expectation,
                 tuple(problems), differing, "", detail, is_secret)
        )  # fmt: skip

    def _held_against(
        self, expectation: Answer, answer: ResponseApdu
    ) -> tuple[list[Problem], tuple[int, ...], Mapping[str, bytes]]:
        problems: list[Problem] = []
        differing: tuple[int, ...] = ()
        captured: Mapping[str, bytes] = {}
        if expectation.data is not None:
            found = compared(expectation.data, answer.data, self._variables)
            differing, captured = found.differing, found.captured or {}
            problems += [Problem.DATA] if differing else []
            problems += [Problem.SHORT] if found.is_short else [Problem.LONG] if found.is_long else []
        if not any(word.fits(answer.sw) for word in expectation.words):
            problems.append(Problem.WORD)
            differing += _wrong_digits(expectation, answer)
        return problems, differing, captured

    def _keep(self, captured: Mapping[str, bytes], fits: bool) -> None:
        for name, value in captured.items():
            if fits:
                self._variables.set(name, value)
            else:
                self._variables.unset(name)

    def _resolved(self, expectation: Answer) -> Answer:
        """What was expected with the values of its variables, for a report to show."""
        if expectation.data is None:
            return expectation
        parts: tuple[MaskPart, ...] = tuple(
            Nibbles.exactly(self._variables(part)) if isinstance(part, Variable) else part
            for part in expectation.data
        )
        return replace(expectation, data=parts)

    def _say_unset(self, statement: Command, target: Target, unset: Unset) -> None:
        self._say(
            Step(statement.at, target.name, Verdict.FAILED, 0.0, expectation=statement.expectation,
                 problems=(Problem.UNSET,), action="command", detail=unset.name)
        )  # fmt: skip

    def _no_answer(
        self,
        statement: Command,
        target: Target,
        raw: bytes,
        is_secret: bool,
        elapsed_s: float,
        error: LinkError,
    ) -> None:
        """The link broke: expected, torn as ordered, or the end of it all."""
        expectation, reason = statement.expectation, str(error.reason)
        verdict, problems = Verdict.BROKEN, NO_ANSWER
        target.broke()
        if isinstance(expectation, Break):
            is_it = expectation.reason in ("", reason)
            verdict, problems = (Verdict.PASSED, ()) if is_it else (Verdict.FAILED, (Problem.OTHER_LINK,))
        elif self.tearing is target:
            verdict, problems = Verdict.DONE, ()
        self._say(
            Step(statement.at, target.name, verdict, elapsed_s, raw, None, reason, expectation, problems,
                 (), "", "", is_secret)
        )  # fmt: skip
        if self.tearing is target:
            raise Torn
        if verdict is Verdict.BROKEN:
            raise LinkBroke


def _wrong_digits(expectation: Answer, answer: ResponseApdu) -> tuple[int, ...]:
    """The half bytes of the status word that differ; all four where there was a choice."""
    start = 2 * len(answer.data)
    if len(expectation.words) > 1:
        return tuple(range(start, start + 4))
    word = expectation.words[0]
    wrong = (answer.sw ^ word.value) & word.care
    return tuple(start + at for at in range(4) if wrong >> 12 - 4 * at & 0xF)
