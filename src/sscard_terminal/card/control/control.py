"""Obeys the verbs on one slot: which card is in, which faults are ordered.

Not here: the verbs' words (verbs.py), the faults themselves (faults.py), sockets and pages that bring a verb here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from .faults import FaultyCard
from .slots import Slot
from .verbs import CutAnswer, Eject, Insert, Mute, ResetByOther, Swap, Tear, Verb


class Obstacle(StrEnum):
    """Why a verb cannot be obeyed now. The value is the key of its words."""

    NO_CARD = "no-card"
    CARD_IS_IN = "card-is-in"
    NO_SUCH_CARD = "no-such-card"
    NO_OTHER = "no-other"
    """There is nobody else who could reset the card: the reader is not known here."""


class CannotObey(Exception):
    """Nothing was done."""

    def __init__(self, obstacle: Obstacle) -> None:
        super().__init__(str(obstacle))
        self.obstacle = obstacle


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands: the card that is in or was in last, whether it is in, and the faults ordered."""

    name: str
    is_in: bool
    ordered: tuple[Mute | CutAnswer | Tear, ...] = ()


class Control:
    """One slot's cards, by name. `find` gives the card of a name, the same object each time, or None.

    `reset_by_other` resets the card as another program would. For any thread; one verb at a time.
    """

    def __init__(
        self,
        slot: Slot,
        find: Callable[[str], FaultyCard | None],
        first: str,
        reset_by_other: Callable[[], None] | None = None,
    ) -> None:
        self._slot = slot
        self._find = find
        self._name = first
        self._reset_by_other = reset_by_other
        self._turn = threading.Lock()

    @property
    def standing(self) -> Standing:
        is_in, name = self._slot.is_filled, self._name
        card = self._find(name) if is_in else None
        return Standing(name, is_in, () if card is None else card.ordered)

    def obey(self, verb: Verb) -> None:
        """Do it; returns once it is done, or (a fault) ordered.

        Raises:
            CannotObey: it cannot be done now; nothing was.
            LinkError: the reader is away (reset-by-other).
        """
        if isinstance(verb, ResetByOther):
            self._reset()
            return
        with self._turn:
            match verb:
                case Eject():
                    self._require_card()
                    self._slot.take_out()
                case Insert():
                    if self._slot.is_filled:
                        raise CannotObey(Obstacle.CARD_IS_IN)
                    self._put_in(self._name if verb.name is None else verb.name)
                case Swap():
                    self._require_card()
                    self._put_in(verb.name)
                case Mute() | CutAnswer() | Tear():
                    self._require_card().order(verb)

    def close(self) -> None:
        """Take the card out."""
        with self._turn:
            self._slot.take_out()

    def _reset(self) -> None:
        """Not in turn: another program waits while the card is held, and the card may be pulled meanwhile."""
        with self._turn:
            self._require_card()
        if self._reset_by_other is None:
            raise CannotObey(Obstacle.NO_OTHER)
        self._reset_by_other()

    def _require_card(self) -> FaultyCard:
        card = self._find(self._name) if self._slot.is_filled else None
        if card is None:
            raise CannotObey(Obstacle.NO_CARD)
        return card

    def _put_in(self, name: str) -> None:
        card = self._find(name)
        if card is None:
            raise CannotObey(Obstacle.NO_SUCH_CARD)
        self._slot.take_out()
        self._name = name
        self._slot.put_in(card)
