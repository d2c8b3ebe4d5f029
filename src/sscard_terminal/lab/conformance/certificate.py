"""What came of a run of the suite, clause by clause: passed, failed, not applicable, not looked at.

Not here: running (running.py) and how it looks (page.py, cli).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ..run.events import SectionResult, Step, TargetFacts, Verdict
from .suite import BETWEEN, chapter_of, clauses, unscripted


class Standing(StrEnum):
    """How a clause stands. The value is the key of its words ("conform.standing.")."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not-applicable"
    """Scripts there are, and none could be run with this card."""
    UNSCRIPTED = "unscripted"
    """No script can show it."""


class Licence(StrEnum):
    """What may be done to the card. The value is the key of its words ("conform.licence.")."""

    READ_ONLY = "read-only"
    """Nothing written, no try burnt, nothing blocked."""
    WITH_PIN = "with-pin"
    """The same, and the right PIN is verified, which costs no try."""
    EVERYTHING = "everything"
    """For a card that can be made anew."""


class Reason(StrEnum):
    """Why a section was not run. The value is the key of its words ("conform.reason.")."""

    OTHER_KIND = "other-kind"
    """It is about other generations or kinds."""
    READ_ONLY = "read-only"
    """It would write, burn a try or block, and nobody may do that to this card."""
    VIRTUAL_ONLY = "virtual-only"
    """It wants a new card, or a fault, and this card is a real one."""
    LACKING = "lacking"
    """It needs another card beside, which is not there."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One section of one file, and what came of it; `reason` where it was not run."""

    file: str
    title: str
    clauses: tuple[str, ...]
    verdict: Verdict
    steps: tuple[Step, ...] = ()
    reason: Reason | None = None

    @property
    def failures(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.verdict in (Verdict.FAILED, Verdict.BROKEN))


@dataclass(frozen=True, slots=True)
class ClauseResult:
    """One clause of card.md: failed where one of its sections failed, passed where one passed and none failed."""

    name: str
    standing: Standing
    shown: tuple[Shown, ...] = ()
    why: str = ""
    """Of one that is unscripted."""

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why sections of it were not run, each reason once."""
        return tuple(dict.fromkeys(shown.reason for shown in self.shown if shown.reason is not None))


@dataclass(frozen=True, slots=True)
class Certificate:
    """A run of the whole suite against one subject."""

    subject: TargetFacts
    profile: str
    licence: Licence
    began: datetime
    elapsed_s: float
    clauses: tuple[ClauseResult, ...]
    is_whole: bool = True
    """False: the link broke, and what came after was not run."""

    def count(self, standing: Standing) -> int:
        return sum(clause.standing is standing for clause in self.clauses)

    @property
    def conforms(self) -> bool:
        """Something passed, nothing failed, and it was run to its end."""
        return self.is_whole and self.count(Standing.PASSED) > 0 and self.count(Standing.FAILED) == 0

    def by_chapter(self) -> Mapping[str, tuple[ClauseResult, ...]]:
        found: dict[str, list[ClauseResult]] = {}
        for clause in self.clauses:
            found.setdefault(chapter_of(clause.name), []).append(clause)
        return {chapter: tuple(listed) for chapter, listed in found.items()}


def judged(shown: Iterable[Shown]) -> tuple[ClauseResult, ...]:
    """Every clause of the document with the sections that show it."""
    by_clause: dict[str, list[Shown]] = {}
    for section in shown:
        for name in section.clauses:
            by_clause.setdefault(name, []).append(section)
    without = unscripted()
    return tuple(_judged(name, tuple(by_clause.get(name, ())), without.get(name, "")) for name in clauses())


def _judged(name: str, shown: tuple[Shown, ...], why: str) -> ClauseResult:
    if why:
        return ClauseResult(name, Standing.UNSCRIPTED, (), why)
    verdicts = {section.verdict for section in shown}
    if verdicts & {Verdict.FAILED, Verdict.BROKEN}:
        return ClauseResult(name, Standing.FAILED, shown)
    standing = Standing.PASSED if Verdict.PASSED in verdicts else Standing.NOT_APPLICABLE
    return ClauseResult(name, standing, shown)


def shown_of(file: str, result: SectionResult) -> Shown:
    """A section that was run, or that the runner found not applicable."""
    clauses = tuple(name.strip() for name in result.requirement.split(BETWEEN) if name.strip())
    reason = None
    if result.outcome is Verdict.NOT_APPLICABLE:
        reason = Reason.VIRTUAL_ONLY if result.reason == "virtual" else Reason.OTHER_KIND
    return Shown(file, result.title, clauses, result.outcome, result.steps, reason)
