"""The steps of a run in words and with what is secret withheld, for every report alike.

Not here: the form of a report. PINs and keys are withheld always; of a real card also what it answers about a person. The
cards of this process are invented, so that what they answer is shown as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from sscard_terminal.iso7816.status import Language
from sscard_terminal.voice.apdus import Telling
from sscard_terminal.voice.messages import text, text_or

from ..run.events import Event, Problem, RunBegan, SectionResult, Step

HEADER = 5
"""Bytes of a command that no secret is in."""


@dataclass(frozen=True, slots=True)
class Told:
    """One step: what was sent and what came back as hex (`**` withheld), both in words, and what is wrong."""

    sent: str
    sent_says: str
    got: str
    got_says: str
    problem: str

    @property
    def title(self) -> str:
        """What the step does, in a few words."""
        return self.sent_says or self.sent


class Narrator:
    """Hears the events of one run in their order, and tells each step."""

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        self._tellings: dict[str, Telling] = {}
        self._real: set[str] = set()

    def hear(self, event: Event) -> None:
        """What was powered; steps are told by `tell`, each once."""
        if isinstance(event, RunBegan):
            self._tellings.clear()
            self._real = {target.name for target in event.targets if target.kind == "reader"}
            for target in event.targets:
                self._telling(target.name).powered(target.atr)

    def tell(self, step: Step) -> Told:
        telling, problem = self._telling(step.target), self.problem(step)
        if not step.sent:
            return self._told_action(step, telling, problem)
        line = telling.command(step.sent)
        sent = line.octets
        if step.is_secret:
            sent = sent[: 2 * HEADER] + "*" * max(0, 2 * len(step.sent) - 2 * HEADER)
        answer = telling.answer(step.got)
        if step.got is None:
            return Told(sent, line.says, "", self.words(f"script.link.{step.link}", step.link), problem)
        got = answer.octets if step.target in self._real else step.got.hex().upper()
        return Told(sent, line.says, got, answer.says, problem)

    def _told_action(self, step: Step, telling: Telling, problem: str) -> Told:
        got = "" if step.got is None else step.got.hex().upper()
        if step.got is not None:
            telling.powered(step.got, is_reset=True)
        elif step.action.startswith("fresh"):
            telling.powered(b"")
        return Told("", step.action, got, self.words(f"script.link.{step.link}", step.link), problem)

    def problem(self, step: Step) -> str:
        """What did not fit, in one line; "" where all did."""
        return text(self.language, "script.problem.and").join(
            self._one_problem(problem, step) for problem in step.problems
        )

    def _one_problem(self, problem: Problem, step: Step) -> str:
        sw = "" if step.got is None else step.got[-2:].hex().upper()
        length = max(0, len(step.got or b"") - 2)
        return text(
            self.language,
            f"script.problem.{problem}",
            sw=sw,
            expected=step.expected,
            link=self.words(f"script.link.{step.link}", step.link),
            detail=self.words(f"script.link.{step.detail}", step.detail),
            count=sum(at < 2 * length for at in step.differing),
            length=length,
        )

    def reason(self, section: SectionResult) -> str:
        """Why a section is not applicable."""
        return self.words(f"script.reason.{section.reason}", section.reason)

    def words(self, key: str, otherwise: str) -> str:
        return text_or(self.language, key, otherwise)

    def _telling(self, target: str) -> Telling:
        return self._tellings.setdefault(target, Telling(self.language))
