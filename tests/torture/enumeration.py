"""Tries every fault of a session, and every second fault of the session after it, against the oracle.

Not here: which faults there are (stores), what is lawful (oracle), what is tortured (scenarios).

The bytes after a cut, and nothing else, decide what the next chip does; so a second fault is tried once for each
different image the first one leaves, not once for each way there. After a *kill* the unbarriered writes are still seen
by the next chip and still not durable: the second fault may take them away.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha1
from typing import Any
from unittest.mock import patch

from sscard_terminal.card import retry_counter, secure_messaging
from tests.torture import oracle
from tests.torture.counterpart import chip_on
from tests.torture.oracle import State
from tests.torture.scenarios import Scenario
from tests.torture.stores import Event, Fault, Medium, crashes, settled

KILL = "killed"


@dataclass(frozen=True, slots=True)
class Violation:
    """A state the oracle does not allow, and how to get there."""

    scenario: str
    faults: tuple[Fault | str, ...]
    found: State
    allowed: list[State]

    def __str__(self) -> str:
        where = ", then ".join(str(fault) for fault in self.faults) or "without a fault"
        differs = [
            f"{name} {value!r}, not {' or '.join(repr(state.get(name)) for state in self.allowed)}"
            for name, value in self.found.items()
            if all(state.get(name) != value for state in self.allowed)
        ]
        return f"{self.scenario}: {where}: {'; '.join(differs) or 'a mix of old and new'}"


@dataclass(slots=True)
class Passage:
    """One command (or the power-on) on its way through the medium's events."""

    name: str
    before: list[State]
    path: list[State]
    began: int
    answered: int
    compared: int | None = None


@dataclass(slots=True)
class Session:
    """What a whole session wrote, and when it said what."""

    content: bytes
    events: list[Event]
    passages: list[Passage]
    start: int
    _allowed: dict[int, list[State]] = field(default_factory=dict)

    def allowed_at(self, events: int) -> list[State]:
        """The states the card may be in when the power goes after so many events."""
        if events not in self._allowed:
            self._allowed[events] = self._allowed_at(events)
        return self._allowed[events]

    def _allowed_at(self, events: int) -> list[State]:
        for passage in self.passages:
            if passage.answered > events:
                compared = passage.compared is not None and passage.compared <= events
                begun = passage.began < events
                return [
                    state
                    for before in passage.before
                    for state in oracle.allowed(before, passage.path, begun, compared, False)
                ]
        return self.passages[-1].path[-1:] or self.passages[-1].before


@dataclass(slots=True)
class Tally:
    """What was tried, and what came out of it."""

    single: Counter[str] = field(default_factory=Counter)
    double: Counter[str] = field(default_factory=Counter)
    images: int = 0
    runs: int = 0
    seconds: float = 0.0
    longest_recovery_s: float = 0.0
    violations: list[Violation] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.single += other.single
        self.double += other.double
        self.images += other.images
        self.runs += other.runs
        self.seconds += other.seconds
        self.longest_recovery_s = max(self.longest_recovery_s, other.longest_recovery_s)
        self.violations += other.violations


@contextmanager
def watching_comparisons(seen: Callable[[], None]) -> Iterator[None]:
    """Call `seen` whenever the chip compares a PIN or authentication data."""

    def spy(left: bytes, right: bytes, _equal: Any = retry_counter.equal) -> bool:
        seen()
        return bool(_equal(left, right))

    with patch.object(retry_counter, "equal", spy), patch.object(secure_messaging, "equal", spy):
        yield


class Enumeration:
    """All faults of one scenario."""

    def __init__(self, scenario: Scenario, stop_at_first: bool = False) -> None:
        self.scenario = scenario
        self.tally = Tally()
        self._stop_at_first = stop_at_first
        self._looked: dict[bytes, State] = {}

    @property
    def stopped(self) -> bool:
        return self._stop_at_first and bool(self.tally.violations)

    def look(self, raw: bytes) -> State:
        """What a new chip over these bytes says; "dead" when it does not even start."""
        name = sha1(raw).digest()
        if name not in self._looked:
            self.tally.runs += 1
            began = time.perf_counter()
            try:
                self._looked[name] = self.scenario.look(raw)
            except Exception as bug:  # noqa: BLE001  # whatever it is, the card is of no more use
                self._looked[name] = {"dead": repr(bug)}
            self.tally.seconds += time.perf_counter() - began
        return self._looked[name]

    def record(self, content: bytes, carried: list[Event], before: list[State], now: State) -> Session:
        """Run the session without a fault; each answer must be the one the oracle gives."""
        medium = Medium(content, carried)
        session = Session(content, medium.events, [], len(carried))
        began = time.perf_counter()
        chip = chip_on(medium, self.scenario.profile)
        self.tally.longest_recovery_s = max(self.tally.longest_recovery_s, time.perf_counter() - began)
        session.passages.append(Passage("power on", before, [now], len(carried), len(medium.events)))
        other_end = self.scenario.counterpart(chip)
        for step in self.scenario.steps:
            passage = Passage(step.name, [now], [], len(medium.events), 0)

            def compared(passage: Passage = passage, guesses: bool = step.guesses) -> None:
                if guesses and passage.compared is None:
                    passage.compared = len(medium.events)

            with watching_comparisons(compared):
                answer = step.act(other_end)
            passage.path, says = step.judge(now, answer)
            passage.answered = len(medium.events)
            if says not in (answer[-4:], answer[:8]):
                wrong = {"answer": answer}
                self.tally.violations.append(
                    Violation(self.scenario.name, (step.name,), wrong, [{"answer": says}])
                )
            now = passage.path[-1] if passage.path else now
            session.passages.append(passage)
        chip.close()
        session.passages.append(
            Passage("close", [now], [], session.passages[-1].answered, len(medium.events))
        )
        self.tally.runs += 1
        self.tally.seconds += time.perf_counter() - began
        return session

    def play(self, medium: Medium) -> None:
        """The session alone, on a medium that may cut it short."""
        chip = chip_on(medium, self.scenario.profile)
        other_end = self.scenario.counterpart(chip)
        for step in self.scenario.steps:
            step.act(other_end)
        chip.close()

    def first_session(self) -> Session:
        start = self.scenario.start()
        state = self.look(start)
        return self.record(start, [], [state], state)

    def _check(self, session: Session, fault: Fault, raw: bytes, way: tuple[Fault | str, ...]) -> bool:
        found, allowed = self.look(raw), session.allowed_at(fault.events)
        if found in allowed:
            return True
        self.tally.violations.append(Violation(self.scenario.name, (*way, fault), found, allowed))
        return False

    def singles(self, session: Session) -> dict[bytes, tuple[Fault, State]]:
        """Every fault of the session; the different images they leave, each with one way there."""
        left: dict[bytes, tuple[Fault, State]] = {}
        for fault, raw in crashes(session.content, session.events):
            self.tally.single[fault.kind] += 1
            if self._check(session, fault, raw, ()) and raw not in left:
                left[raw] = fault, self.look(raw)
            if self.stopped:
                break
        self.tally.images += len(left)
        return left

    def kills(self, session: Session) -> Iterator[tuple[str, Callable[[], Session]]]:
        """The process dies at every event; what no barrier fixed is still seen by the next one, and not durable."""
        for events in range(len(session.events) + 1):
            durable, pending = settled(session.content, session.events[:events])
            if pending:
                seen, before = self.look(Medium(durable, pending).read_all()), session.allowed_at(events)
                yield f"{KILL} after {events}", partial(self.record, durable, list(pending), before, seen)

    def second_sessions(
        self, session: Session, images: dict[bytes, tuple[Fault, State]]
    ) -> Iterator[tuple[Fault | str, Callable[[], Session]]]:
        """What happened first, and how to get the session after it; the kills first, for they are few."""
        yield from self.kills(session)
        for raw, (fault, state) in images.items():
            yield fault, partial(self.record, raw, [], [state], state)

    def doubles(self, way: Fault | str, second: Session) -> None:
        """Every fault of the session after the first fault, from the first event of its recovery on."""
        for fault, raw in crashes(second.content, second.events, second.start):
            self.tally.double[fault.kind] += 1
            self._check(second, fault, raw, (way,))
            if self.stopped:
                return

    def everything(self, part: int = 0, parts: int = 1, behind: str = "") -> Tally:
        """Complete single and double enumeration; of the doubles only those behind every `parts`-th first fault, and those
        `behind` one kind of fault.
        """
        session = self.first_session()
        images = self.singles(session)
        for place, (way, second) in enumerate(self.second_sessions(session, images)):
            if self.stopped:
                break
            kind = way.kind if isinstance(way, Fault) else way
            if place % parts == part and kind.startswith(behind):
                self.doubles(way, second())
        return self.tally
