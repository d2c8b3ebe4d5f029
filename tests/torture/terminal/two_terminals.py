"""Two terminals of ours and one card: each sells in the same second, each is interrupted, each settles for itself.

Not here: terminals that only come in between (meanwhile). Both have books of their own; what the card has done to the other
one's is handed over with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from . import books as law
from .enumeration import Enumeration
from .meanwhile import OTHER_TERMINAL, log_room
from .opening import begin
from .session import OURS, World

USED = 100
"""Sequences of the other PSAM, so that the two never use the same one."""


def handed_over(giver: World, taker: World) -> World:
    """The card leaves one terminal and comes to the other."""
    books = taker.books.copy()
    books.cards[OURS] = dict(giver.books.cards[OURS])
    return replace(taker, cards={**taker.cards, OURS: giver.cards[OURS]}, books=books)


class TwoTerminals(Enumeration):
    """Every fault of the one's sale, and behind each that leaves it open every fault of the other's."""

    def everything(self) -> None:
        with self.running():
            for mine, trail in self._worlds(begin(self.scenario, self._disk)):
                if mine.is_open():
                    theirs = begin(self.scenario, self._disk, OTHER_TERMINAL, USED)
                    for other, how in self._worlds(handed_over(mine, theirs)):
                        where = (*trail, *(f"at the other terminal {what}" for what in how))
                        self._settled_by_both(mine, other, (*where, "ours first"))
                        self._settled_by_both(other, mine, (*where, "theirs first"), card_at=other)

    def _worlds(self, start: World) -> Iterator[tuple[World, tuple[str, ...]]]:
        yield from list(self._after_a_fault(start))

    def _settled_by_both(
        self, one: World, other: World, trail: tuple[str, ...], card_at: World | None = None
    ) -> None:
        one = self._comes_back(one if card_at is one else handed_over(other, one), trail)
        self._comes_back(handed_over(one, other), trail)

    def _comes_back(self, world: World, trail: tuple[str, ...]) -> World:
        self.tally.pairs += 1
        world = self._until(world, trail, "recovery", "recovered")
        self._judge(trail, law.settled(world.books, world.entries, log_room(world.profile), OURS))
        self._judge(trail, self._chips_agree(world))
        return world
