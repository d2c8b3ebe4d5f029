"""What a run says while it goes on, and what it comes to: values, the same for the terminal and for every report.

Not here: who listens. Bytes of a conversation may hold a PIN: they are in no repr, and reports show them as
voice/apdus lets them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from ..script.masks import written_answer
from ..script.syntax import Break, Expectation, Position


class Verdict(StrEnum):
    """How one step, or a section, or a run ended."""

    DONE = "done"
    """Nothing was expected of it."""
    PASSED = "passed"
    NOT_APPLICABLE = "not-applicable"
    FAILED = "failed"
    BROKEN = "broken"
    """The link broke where nobody expected it."""


class ExitCode(IntEnum):
    """Documented: scripts.md §8."""

    PASSED = 0
    FAILED = 1
    SCRIPT_ERROR = 2
    TROUBLE = 3


class Problem(StrEnum):
    """What did not fit. The value is the key of its words ("script.problem.")."""

    WORD = "word"
    DATA = "data"
    SHORT = "short"
    LONG = "long"
    ATR = "atr"
    NO_ANSWER = "no-answer"
    ANSWER = "answer"
    """One came where none was expected."""
    OTHER_LINK = "other-link"
    UNSET = "unset"
    """A variable that an earlier step should have set."""
    ARGUMENT = "argument"
    REPLAY = "replay"
    CANNOT = "cannot"
    PSAM = "psam"


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What answers under a name."""

    name: str
    kind: str
    """card, psam, image, reader, transcript, connection."""
    says: str
    """Profile and person, the file, the reader's name."""
    atr: bytes


@dataclass(frozen=True, slots=True)
class RunBegan:
    file: str
    targets: tuple[TargetFacts, ...]
    seed: int | None


@dataclass(frozen=True, slots=True)
class SectionBegan:
    title: str
    requirement: str
    at: Position


@dataclass(frozen=True, slots=True)
class Step:
    """One thing done: an exchange (`sent` is not empty), or what `action` says.

    `got` None: no answer; `link` says why. `differing` counts half bytes of the answer from 0. `detail` is a fact for the
    problem: the name of a variable, why a function refused.
    """

    at: Position
    target: str
    verdict: Verdict
    elapsed_s: float
    sent: bytes = field(default=b"", repr=False)
    got: bytes | None = field(default=None, repr=False)
    link: str = ""
    expectation: Expectation | None = None
    problems: tuple[Problem, ...] = ()
    differing: tuple[int, ...] = ()
    action: str = ""
    detail: str = ""
    is_secret: bool = False
    """The data of `sent` hold something that a person typed or a key."""

    @property
    def expected(self) -> str:
        """What was expected, as a script writes it; of a reset the mask of its answer."""
        match self.expectation:
            case None:
                return ""
            case Break(reason):
                return f"link {reason}".rstrip()
            case answer:
                return written_answer(answer)


@dataclass(frozen=True, slots=True)
class Note:
    """Something to know that is neither good nor bad; `key` of its words ("script.note."), with `fact`."""

    at: Position
    key: str
    fact: str = ""


@dataclass(frozen=True, slots=True)
class SectionResult:
    """One section, the lines before the first one under the title ""."""

    title: str
    requirement: str
    at: Position
    outcome: Verdict
    steps: tuple[Step, ...]
    """Empty where they were not to be kept."""
    elapsed_s: float
    reason: str = ""
    """Why it is not applicable."""
    counts: Mapping[Verdict, int] = field(default_factory=dict)

    def count(self, verdict: Verdict) -> int:
        """How many steps ended so."""
        return self.counts.get(verdict, 0)


@dataclass(frozen=True, slots=True)
class Result:
    """One script run to its end, or as far as it went."""

    file: str
    sections: tuple[SectionResult, ...]
    elapsed_s: float
    seed: int | None = None
    targets: tuple[TargetFacts, ...] = ()
    notes: tuple[Note, ...] = ()

    def count(self, verdict: Verdict) -> int:
        return sum(section.count(verdict) for section in self.sections)

    @property
    def exit_code(self) -> ExitCode:
        outcomes = {section.outcome for section in self.sections}
        if Verdict.BROKEN in outcomes:
            return ExitCode.TROUBLE
        return ExitCode.FAILED if Verdict.FAILED in outcomes else ExitCode.PASSED


@dataclass(frozen=True, slots=True)
class RunEnded:
    result: Result


Event = RunBegan | SectionBegan | Step | Note | SectionResult | RunEnded
Listener = Callable[[Event], None]


def outcome_of(verdicts: Collection[Verdict]) -> Verdict:
    """The worst of them."""
    for verdict in (Verdict.BROKEN, Verdict.FAILED, Verdict.PASSED):
        if verdict in verdicts:
            return verdict
    return Verdict.DONE
