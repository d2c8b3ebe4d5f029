"""The fixture `tear`: the power goes after so many writes to the card's memory, once or at every write in turn.

Not here: how a torn card recovers (card/nvm.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from sscard_terminal.card.control.verbs import Tear
from sscard_terminal.reader.connection import LinkError

from .cards import VirtualChip

_Chip = TypeVar("_Chip", bound=VirtualChip)
_Outcome = TypeVar("_Outcome")
MOST_WRITES = 1000
"""No conversation of a test writes so often; an act that is never done would go on for ever."""


@dataclass(frozen=True, slots=True)
class Torn(Generic[_Chip, _Outcome]):
    """A card whose power went after `writes` writes while something was done to it, and that has power again.

    `outcome` is what that came to, None where it ended in a broken link (`broken`). `was_torn` False: it was done before the
    power could go; the last of a series.
    """

    card: _Chip
    writes: int
    outcome: _Outcome | None
    broken: LinkError | None
    was_torn: bool


class Tearing:
    """`tear(card, 3)`: once. `tear.every_write(make, act)`: a series with the power cut one write later each time."""

    def __call__(self, card: VirtualChip, after_writes: int) -> None:
        """Order it for what is done next; 0: before the first write."""
        card.obey(Tear(after_writes))

    def every_write(
        self, make: Callable[[], _Chip], act: Callable[[_Chip], _Outcome]
    ) -> Iterator[Torn[_Chip, _Outcome]]:
        """For each write in turn: a new card, torn there while `act` is done to it, then put in again.

        Raises:
            RuntimeError: there is no end of writes.
        """
        for writes in range(MOST_WRITES):
            card = make()
            self(card, writes)
            outcome, broken = None, None
            try:
                outcome = act(card)
            except LinkError as error:
                broken = error
            was_torn = not card.is_in
            if not was_torn:
                card.eject()  # a tear that is still to come is forgotten
            card.insert()
            yield Torn(card, writes, outcome, broken, was_torn)
            if not was_torn:
                return
        raise RuntimeError(f"{MOST_WRITES} writes and no end")
