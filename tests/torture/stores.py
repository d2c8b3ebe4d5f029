"""Simulated media behind a card's memory: the power goes at any event, and writes since the last barrier tear or vanish.

Not here: what a card must be afterwards (oracle) and who tries it all (enumeration).
A byte is the least a medium writes: it is there or it is not. Everything longer tears. Source: reliability.md.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from itertools import product

SEED = 20260105
WORD = 8
MOST_SUBSETS = 10
"""Up to so many unbarriered writes all 2^n survivals are tried; no card of ours ever has more."""


class PowerCut(BaseException):
    """The power went away; nothing above may catch it."""


@dataclass(frozen=True, slots=True)
class Write:
    """One write as the medium was given it."""

    address: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Barrier:
    """Everything before it is durable."""


Event = Write | Barrier


class Rest(Enum):
    """What stands in the part of a torn write that did not arrive: the old bytes, or an erased cell's."""

    OLD = "old"
    ZEROS = "00"
    ONES = "FF"
    RANDOM = "random"


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one unbarriered write: so many bytes arrived of its front and its back, and what stands between."""

    front: int
    back: int = 0
    rest: Rest = Rest.OLD

    def land(self, raw: bytearray, write: Write) -> None:
        data, begin = write.data, write.address
        gap, tail = begin + self.front, begin + len(data) - self.back
        raw[begin:gap] = data[: self.front]
        raw[tail : tail + self.back] = data[len(data) - self.back :]
        if self.rest is not Rest.OLD:
            raw[gap:tail] = self._filling(write, tail - gap)

    def _filling(self, write: Write, length: int) -> bytes:
        match self.rest:
            case Rest.ZEROS:
                return bytes(length)
            case Rest.ONES:
                return b"\xff" * length
        return _random_bytes(write.address, self.front, length)


@cache
def _random_bytes(address: int, front: int, length: int) -> bytes:
    return random.Random(f"{SEED} {address} {front}").randbytes(length)


LOST = Fate(0)


@cache
def _whole(length: int) -> Fate:
    return Fate(length)


def arrived(write: Write) -> Fate:
    return _whole(len(write.data))


@dataclass(frozen=True, slots=True)
class Fault:
    """The power goes after `events` events; one fate for each write since the last barrier."""

    events: int
    kind: str
    fates: tuple[Fate, ...]


KINDS = ("stopped", "lost", "swapped", "all unsynced lost", *(f"torn, rest {rest.value}" for rest in Rest))
"""How faults are counted. "swapped": a write is missing while a later one of the same interval is there."""


def faults_at(events: int, pending: Sequence[Write]) -> Iterator[Fault]:
    """Every fault of a power cut after so many events, with these writes not yet durable."""
    whole = tuple(map(arrived, pending))
    for survives in _survivals(len(pending)):
        fates = tuple(fate if there else LOST for fate, there in zip(whole, survives, strict=True))
        yield Fault(events, _kind_of(survives), fates)
    for place, write in enumerate(pending):
        around = {whole, (LOST,) * len(pending)} if len(pending) > 1 else {whole}
        for others, torn in product(sorted(around, key=whole.__eq__), _tears(len(write.data))):
            fates = (*others[:place], torn, *others[place + 1 :])
            yield Fault(events, f"torn, rest {torn.rest.value}", fates)


def _survivals(count: int) -> Iterator[tuple[bool, ...]]:
    if count > MOST_SUBSETS:
        raise ValueError(f"{count} unbarriered writes: too many to try all of their survivals")
    return product((True, False), repeat=count)


def _kind_of(survives: tuple[bool, ...]) -> str:
    if all(survives):
        return "stopped"
    if not any(survives):
        return "all unsynced lost"
    first_lost = survives.index(False)
    return "swapped" if any(survives[first_lost:]) else "lost"


@cache
def _tears(length: int) -> tuple[Fate, ...]:
    """A front of none (an erased cell only), 1, one word, half, all but one byte; where the parts of one write went out of
    order, a back of half or all but one, or both ends without the middle. Each with every kind of rest.
    """
    if length < 2:
        return ()
    half, third, most = length // 2, length // 3, length - 1
    arrived_ends = {
        (0, 0),
        (1, 0),
        (min(WORD, most), 0),
        (half, 0),
        (most, 0),
        (0, half),
        (0, most),
        (third, third),
    }
    tears = (Fate(front, back, rest) for (front, back), rest in product(sorted(arrived_ends), Rest))
    return tuple(tear for tear in tears if tear != LOST)


class Medium:
    """A ByteStore that remembers every event, and loses its power after `cut` of them, if told to.

    `content` is durable; `carried` are writes of a killed process: seen by whoever reads, durable at the next barrier.
    """

    def __init__(self, content: bytes, carried: Sequence[Event] = (), cut: int | None = None) -> None:
        self.content = content
        self.carried = len(carried)
        self.events: list[Event] = list(carried)
        self.cut = cut
        self._seen = bytearray(content)
        for event in carried:
            if isinstance(event, Write):
                arrived(event).land(self._seen, event)

    def read_all(self) -> bytes:
        return bytes(self._seen)

    def write(self, address: int, data: bytes) -> None:
        write = Write(address, bytes(data))
        self._happens(write)
        arrived(write).land(self._seen, write)

    def barrier(self) -> None:
        self._happens(Barrier())

    def close(self) -> None:
        pass

    def _happens(self, event: Event) -> None:
        if len(self.events) == self.cut:
            raise PowerCut
        self.events.append(event)

    def after(self, fault: Fault) -> bytes:
        """The bytes there are when the power comes back."""
        durable, pending = settled(self.content, self.events[: fault.events])
        raw = bytearray(durable)
        for write, fate in zip(pending, fault.fates, strict=True):
            fate.land(raw, write)
        return bytes(raw)

    def all_unsynced_lost(self) -> bytes:
        """What survives now if the medium forgets whatever no barrier has fixed."""
        return settled(self.content, self.events)[0]


def settled(content: bytes, events: Sequence[Event]) -> tuple[bytes, list[Write]]:
    """What the last barrier made durable, and the writes after it."""
    raw, pending = bytearray(content), list[Write]()
    for event in events:
        if isinstance(event, Write):
            pending.append(event)
            continue
        for write in pending:
            arrived(write).land(raw, write)
        pending = []
    return bytes(raw), pending


def crashes(content: bytes, events: Sequence[Event], start: int = 0) -> Iterator[tuple[Fault, bytes]]:
    """Every fault at `start` events or later, each with the bytes it leaves."""
    raw, pending = bytearray(content), list[Write]()
    for count in range(len(events) + 1):
        if count:
            match events[count - 1]:
                case Write() as write:
                    pending.append(write)
                case Barrier():
                    for write in pending:
                        arrived(write).land(raw, write)
                    pending = []
        if count >= start:
            for fault in faults_at(count, pending):
                left = bytearray(raw)
                for write, fate in zip(pending, fault.fates, strict=True):
                    fate.land(left, write)
                yield fault, bytes(left)
