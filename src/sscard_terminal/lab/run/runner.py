"""Runs a script, section by section, against its targets, and says what happens as it happens.

Not here: which targets (opening.py), what is wrong with the script beforehand (checking.py), what could do harm (guard.py).
Exactly the bytes written are sent, once each; nothing but transmit and reset is asked of a target that is not virtual.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.reader.connection import LinkError

from ..script.syntax import Ask, Include, Position, Script, ScriptError, Section, Statement, walk
from .checking import check
from .doing import Doer, Finished
from .events import (
    Event,
    Listener,
    Note,
    Result,
    RunBegan,
    RunEnded,
    SectionBegan,
    SectionResult,
    Step,
    Verdict,
    outcome_of,
)
from .sending import NO_ANSWER, LinkBroke
from .targets import Target
from .wants import needs_virtual

AskPin = Callable[[Position, str], Pin]
"""Have a person type the PIN for the variable of that name."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a script is run. `only`: sections whose title has one of these in it; empty: all.

    `skip_impossible`: a section that only a virtual card can do is passed over on others, where it else ends the run.
    """

    only: tuple[str, ...] = ()
    stop_on_first: bool = False
    skip_impossible: bool = False
    keep_steps: bool = True
    seed: int | None = None
    ask_pin: AskPin | None = None
    sleep: Callable[[float], None] = time.sleep


@dataclass(slots=True)
class _Section:
    head: Section | None
    body: list[Statement] = field(default_factory=list)


def run(
    script: Script,
    targets: Mapping[str, Target],
    *,
    variables: Mapping[str, bytes] | None = None,
    options: Options | None = None,
    listener: Listener | None = None,
) -> Result:
    """Run the script; its `use` lines have been seen to (opening.py), commands without a name go to the first target.

    A target that cannot be connected is a result too: the link is broken before anything is sent.

    Raises:
        ScriptError: it cannot be run as it is; nothing was sent.
    """
    chosen, given = options or Options(), variables or {}
    check(script, targets.keys(), given.keys())
    if chosen.ask_pin is None:
        _refuse_questions(script)
    if not chosen.skip_impossible and (wanting := needs_virtual(script.statements, targets)) is not None:
        raise ScriptError(wanting.at, "virtual-only", script.line(wanting.at))
    for target in targets.values():
        try:
            if not target.atr:
                target.power_on()
        except LinkError as error:
            return unreachable(script, error, target.name, listener)
    return _Run(script, targets, given, chosen, listener or _nobody).whole()


def unreachable(
    script: Script, error: LinkError, target: str = "", listener: Listener | None = None
) -> Result:
    """What comes of a script whose card or reader is not there; `listener` hears it as of any run."""
    say, at = listener or _nobody, Position(script.file)
    reason = str(error.reason)
    step = Step(at, target, Verdict.BROKEN, 0.0, link=reason, problems=NO_ANSWER, action="power on")
    section = SectionResult("", "", at, Verdict.BROKEN, (step,), 0.0, counts={Verdict.BROKEN: 1})
    result = Result(script.file, (section,), 0.0)
    for event in (RunBegan(script.file, (), None), step, section, RunEnded(result)):
        say(event)
    return result


def _refuse_questions(script: Script) -> None:
    for statement in walk(script.statements):
        if isinstance(statement, Ask):
            raise ScriptError(statement.at, "ask-nobody", script.line(statement.at))


def _nobody(event: Event) -> None:
    pass


class _Run:
    def __init__(
        self,
        script: Script,
        targets: Mapping[str, Target],
        variables: Mapping[str, bytes],
        options: Options,
        listener: Listener,
    ) -> None:
        self._script = script
        self._targets = targets
        self._options = options
        self._listener = listener
        self._first = next(iter(targets.values()), None)
        self._steps: list[Step] = []
        self._counts: dict[Verdict, int] = {}
        self._notes: list[Note] = []
        self._doer = Doer(targets, variables, options.ask_pin, options.sleep, self._hear)

    def whole(self) -> Result:
        began = time.perf_counter()
        options, facts = self._options, tuple(target.facts for target in self._targets.values())
        self._listener(RunBegan(self._script.file, facts, options.seed))
        results = []
        for section in _sections(self._script.statements):
            found, is_last = self._section(section)
            if found is not None:
                results.append(found)
            if is_last:
                break
        elapsed_s = time.perf_counter() - began
        notes = tuple(self._notes)
        result = Result(self._script.file, tuple(results), elapsed_s, options.seed, facts, notes)
        self._listener(RunEnded(result))
        return result

    def _section(self, section: _Section) -> tuple[SectionResult | None, bool]:
        """What came of it, None for a prelude that did nothing; and whether the run is over."""
        head = section.head or Section(Position(self._script.file), "")
        if section.head is not None:
            if not self._is_chosen(head):
                return None, False
            if reason := self._why_not(section):
                result = SectionResult(
                    head.title, head.requirement, head.at, Verdict.NOT_APPLICABLE, (), 0.0, reason
                )
                self._listener(result)
                return result, False
            self._listener(SectionBegan(head.title, head.requirement, head.at))
        self._steps, self._counts = [], {}
        began = time.perf_counter()
        is_last = False
        try:
            self._doer.body(section.body)
        except (Finished, LinkBroke):
            is_last = True
        elapsed_s, steps = time.perf_counter() - began, tuple(self._steps)
        if section.head is None and not self._counts:
            return None, is_last
        outcome = outcome_of(self._counts)
        result = SectionResult(
            head.title, head.requirement, head.at, outcome, steps, elapsed_s, counts=self._counts
        )
        self._listener(result)
        return result, is_last

    def _is_chosen(self, section: Section) -> bool:
        only, title = self._options.only, section.title.casefold()
        return not only or any(wanted.casefold() in title for wanted in only)

    def _why_not(self, section: _Section) -> str:
        """Why a section does not apply to these cards; "" where it does."""
        head, first = section.head, self._first
        if head is None or first is None:
            return ""
        if head.only and first.profile and first.profile not in head.only:
            return f"only {' '.join(head.only)}"
        if self._options.skip_impossible and needs_virtual(section.body, self._targets) is not None:
            return "virtual"
        return ""

    def _hear(self, event: Step | Note) -> None:
        self._listener(event)
        if isinstance(event, Note):
            self._notes.append(event)
            return
        verdict = event.verdict
        self._counts[verdict] = self._counts.get(verdict, 0) + 1
        if self._options.keep_steps:
            self._steps.append(event)
        if verdict is Verdict.FAILED and self._options.stop_on_first:
            raise Finished


def _sections(statements: tuple[Statement, ...]) -> Iterator[_Section]:
    """The lines before the first section, then each section with what is in it; included files are seen through."""
    current = _Section(None)
    for statement in _flat(statements):
        if isinstance(statement, Section):
            yield current
            current = _Section(statement)
        else:
            current.body.append(statement)
    yield current


def _flat(statements: tuple[Statement, ...]) -> Iterator[Statement]:
    for statement in statements:
        if isinstance(statement, Include):
            yield from _flat(statement.body)
        else:
            yield statement
