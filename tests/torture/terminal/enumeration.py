"""Tries every fault of a sale, and every second fault of what follows it, against the books.

Not here: which faults there are (faults), what is lawful (books), what a session does (session).

What follows is decided by what a fault has left, and by nothing else: cards, PSAM (also what it has not forgotten with
the power on), journal, what the process remembers, books. So a second fault is tried once for each different world that
the first ones leave, and what comes after both likewise.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import islice
from typing import Any

from tests.torture.counterpart import look_at_card

from . import books as law
from . import meanwhile
from .chips import told_apart
from .disk import Disk
from .faults import DiskFault, Fault, Script, Step, faults_of, kind_of
from .meanwhile import MEANWHILE, log_room
from .opening import Scenario, begin
from .session import OURS, Said, Session, World

LATER = ("another terminal buys the same",)
"""What others may do before a recovery that meets a fault; before one that meets none all of MEANWHILE is tried."""
ATTEMPTS = 2
INITIALIZE = "B028"
"""INITIALIZE FOR PURCHASE: from here on money can move."""


@dataclass(frozen=True, slots=True)
class Violation:
    """What went wrong and how we came there."""

    scenario: str
    trail: tuple[str, ...]
    what: str

    def __str__(self) -> str:
        return f"{self.scenario}: {', then '.join(self.trail) or 'without a fault'}: {self.what}"


@dataclass(slots=True)
class Tally:
    """What was tried and found. `pairs`: single faults times the second ones behind them, all of them covered."""

    single: Counter[str] = field(default_factory=Counter)
    double: Counter[str] = field(default_factory=Counter)
    pairs: int = 0
    worlds: int = 0
    sessions: int = 0
    seconds: float = 0.0
    longest_recovery_s: float = 0.0
    violations: list[Violation] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.single.update(other.single)
        self.double.update(other.double)
        self.pairs += other.pairs
        self.worlds += other.worlds
        self.sessions += other.sessions
        self.seconds += other.seconds
        self.longest_recovery_s = max(self.longest_recovery_s, other.longest_recovery_s)
        self.violations += other.violations


class Found(Exception):
    """The first violation, where one is enough."""


def fingerprint(world: World) -> Hashable:
    """All that decides what comes next, of one kind of card. What events say in detail is for people, and nobody asks it again."""
    books = world.books
    facts = tuple(tuple(entry.items()) for entry in world.entries)
    memory = world.memory and tuple((name, repr(value)) for name, value in sorted(world.memory.items()))
    opened = (tuple(card.items()) for card in books.cards.values())
    held = (tuple(psam.items()) for psam in books.psams.values())
    said = (tuple(map(str, books.paid)), books.sent, *opened, *held)
    chips = (*world.cards.values(), *world.psams.values())
    return hash((facts, memory, said, chips)), told_apart(world.session), world.turn


@dataclass(frozen=True, slots=True)
class Start:
    """A world behind a first fault, from which a session begins; so many first faults lead there."""

    world: World
    trail: tuple[str, ...]
    act: str
    weight: int


class Enumeration:
    """One scenario's faults; `tally` grows with what is tried.

    To find something sooner: `first` and `second` name only commands that begin so ("write" for the journal), `named` only
    faults with this in their name. `every`: only each so-manieth fault of the sale, from number `offset`.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        stop_at_first: bool = False,
        first: str | tuple[str, ...] = "",
        second: str | tuple[str, ...] = "",
        named: str = "",
        every: int = 1,
        offset: int = 0,
    ) -> None:
        self.scenario = scenario
        self.tally = Tally()
        self._stop_at_first = stop_at_first
        self._first, self._second, self._named = first, second, named
        self._slice = (offset, None, every)
        self._disk = Disk()
        self._ended: set[object] = set()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Time is counted, the disk is tidied up, a first violation may end it."""
        began = time.process_time()
        try:
            yield
        except Found:
            pass
        finally:
            self._disk.close()
            self.tally.seconds += time.process_time() - began

    def singles(self) -> list[Start]:
        """Every fault of the sale; what each leaves is settled in every way. The starts of the second faults."""
        firsts = []
        for world, trail in self._after_a_fault(begin(self.scenario, self._disk)):
            firsts.append((world, trail))
            for later, how in self._ways_on(world, MEANWHILE if world.is_open() else ()):
                self._end(later, (*trail, *how))
        self.tally.worlds += len(firsts)
        return self._starts(firsts)

    def behind(self, start: Start) -> None:
        """Every second fault of the session that begins so."""
        for at, step, fault in self._each_fault(start.world, start.act, self._second):
            trail = (*start.trail, f"{fault} at the {start.act}'s step {at}, {step}")
            left, _, _ = self._run(start.world, trail, Script((at, fault)), start.act)
            self.tally.double[kind_of(fault)] += 1
            self.tally.pairs += start.weight
            self._end(left, trail, thorough=False)

    def twice_in_one_sale(self) -> None:
        """Every fault from INITIALIZE FOR PURCHASE on, and in what is left of that sale every second one."""
        start = begin(self.scenario, self._disk)
        faults = list(self._each_fault(start, "sale", ""))
        opened = (at for at, step, _ in faults if step.what.startswith(INITIALIZE))
        since = next(opened, len(faults))  # with a wrong PIN it does not come to that
        for at, step, fault in islice((found for found in faults if found[0] >= since), *self._slice):
            trail = (f"{fault} at the sale's step {at}, {step}",)
            script = Script((at, fault), measured=True)
            self._run(start, trail, script, "sale")
            self.tally.single[kind_of(fault)] += 1
            for later, then, second in self._second_faults(script, at, step):
                both = (*trail, f"{second} at its step {later}, {then}")
                left, _, _ = self._run(start, both, Script((at, fault), (later, second)), "sale")
                self.tally.double[kind_of(second)] += 1
                self.tally.pairs += 1
                self._end(left, both, thorough=False)

    def _second_faults(
        self, script: Script, at: int, met: Step
    ) -> Iterator[tuple[int, Step, Fault | DiskFault]]:
        for later, step in script.steps.items():
            if later > at:
                for fault in faults_of(step, script.steps.get(later - 1, met)):
                    yield later, step, fault

    # -- one session, with or without a fault

    def _run(
        self, world: World, trail: tuple[str, ...], script: Script, act: str, card: str = OURS
    ) -> tuple[World, Said, float]:
        session = Session(world, self._disk, script, card)
        began = time.process_time()
        said: Said = getattr(session, act)(*self._typed(world, act))
        took = time.process_time() - began
        left = session.world()
        self.tally.sessions += 1
        self._judge(trail, law.always(left.books, left.entries))
        self._judge(trail, law.told(left.books, session.before, left.entries, said, script.disk_lies))
        if act != "sale" or world.is_open(card):
            self._judge(trail, law.while_open(left.books, session.before))
        return left, said, took

    def _typed(self, world: World, act: str) -> tuple[str, ...]:
        return (self.scenario.typed,) if act == "sale" and not world.turn else ()

    def _judge(self, trail: tuple[str, ...], broken: Iterable[str]) -> None:
        for what in broken:
            self.tally.violations.append(Violation(self.scenario.name, trail, what))
            if self._stop_at_first:
                raise Found

    def _each_fault(
        self, world: World, act: str, only: str | tuple[str, ...]
    ) -> Iterator[tuple[int, Step, Fault | DiskFault]]:
        script = Script(measured=True)
        self._run(world, ("no fault",), script, act)
        for at, step in script.steps.items():
            if step.what.startswith(only):
                for fault in faults_of(step, script.steps.get(at - 1)):
                    yield at, step, fault

    def _after_a_fault(self, start: World) -> Iterator[tuple[World, tuple[str, ...]]]:
        """The different worlds that the single faults of a sale leave; `_weights` counts how many leave each."""
        self._weights: Counter[object] = Counter()
        faults = self._each_fault(start, "sale", self._first)
        wanted = (found for found in faults if self._named in str(found[2]))
        for at, step, fault in islice(wanted, *self._slice):
            trail = (f"{fault} at the sale's step {at}, {step}",)
            world, _, _ = self._run(start, trail, Script((at, fault)), "sale")
            self.tally.single[kind_of(fault)] += 1
            mark = fingerprint(world)
            self._weights[mark] += 1
            if self._weights[mark] == 1:
                yield world, trail

    # -- what follows

    def _ways_on(self, world: World, others: Iterable[str]) -> Iterator[tuple[World, tuple[str, ...]]]:
        """The terminal goes on, begins anew, is switched on anew with its PSAM; and others use the card before."""
        seen = set()
        for way, on in (
            ("goes on", world),
            ("new process", replace(world, memory=None)),
            ("all off", replace(world, memory=None, session=None)),
        ):
            for name in ("", *others):
                later = meanwhile.after(on, name)
                if (mark := fingerprint(later)) not in seen:
                    seen.add(mark)
                    yield later, (way, *([name] if name else []))

    def _starts(self, firsts: Iterable[tuple[World, tuple[str, ...]]]) -> list[Start]:
        """An open sale is followed by its recovery, in every way and also after another's purchase; else by a new sale."""
        starts: dict[object, Start] = {}
        for world, trail in firsts:
            weight = self._weights[fingerprint(world)]
            if world.is_open():
                follow = [(*way, "recovery") for way in self._ways_on(world, LATER)]
            else:
                follow = [(replace(world, memory=None, session=None), ("all off",), "sale")]
            for later, how, act in follow:
                mark = fingerprint(later)
                known = starts.get(mark)
                starts[mark] = Start(later, (*trail, *how), act, weight + (known.weight if known else 0))
        return list(starts.values())

    def _end(self, world: World, trail: tuple[str, ...], *, thorough: bool = True) -> None:
        """The card comes back and nothing goes wrong any more: all is settled, and it can buy again.

        `thorough`: before that a sale is tried, another card is in the reader, and no PIN is given.
        """
        if (mark := (fingerprint(world), thorough)) in self._ended:
            return
        self._ended.add(mark)
        self._settle(world, trail)
        if thorough and world.is_open():
            tried, _, _ = self._run(world, (*trail, "sold while open"), Script(), "sale")
            for twin in world.cards:
                if twin != OURS:
                    tried, _, _ = self._run(
                        tried, (*trail, f"recovery with a card {twin}"), Script(), "recovery", twin
                    )
            self._settle(tried, (*trail, "after tries in vain"))
            asked, _, _ = self._run(world, (*trail, "no PIN"), Script(), "recovery_without_pin")
            self._settle(asked, (*trail, "no PIN, then"))

    def _settle(self, world: World, trail: tuple[str, ...]) -> None:
        settled = self._until(world, (*trail, "recovery"), "recovery", "recovered")
        books, entries = settled.books, settled.entries
        self._judge(trail, law.settled(books, entries, log_room(world.profile), OURS))
        self._judge(trail, self._chips_agree(settled))
        again = self._until(settled, (*trail, "settled again"), "recovery", "recovered")
        changed = again.entries != entries and not settled.is_open()
        self._judge(trail, ["a second recovery changes the journal"] if changed else [])
        if not settled.is_open():
            sold = self._until(again, (*trail, "sold again"), "sale", "approved")
            self._judge(trail, self._chips_agree(sold))

    def _until(self, world: World, trail: tuple[str, ...], act: str, end: str) -> World:
        """A PSAM that lost its power unnoticed is found out by one attempt in vain."""
        for _ in range(ATTEMPTS):
            world, said, took = self._run(world, trail, Script(), act)
            if said[0] == end:
                break
        if act == "recovery":
            self.tally.longest_recovery_s = max(self.tally.longest_recovery_s, took)
        self._judge(trail, [] if said[0] == end else [f"the {act} ended with {said[0]}"])
        return world

    def _chips_agree(self, world: World) -> Iterator[str]:
        for name, image in world.cards.items():
            card_says = _look(image, world.profile, self.scenario.pin)
            yield from law.agrees(world.books, name, card_says, log_room(world.profile))


@lru_cache(maxsize=3000)
def _look(image: bytes, profile: str, pin: str) -> dict[str, Any]:
    return look_at_card(image, profile, (pin,))
