"""Card and PSAM of a bench in this process, for a counter to practise at where there is no PC/SC.

Not here: PC/SC's slots (cli/desk.py), the slot itself (card/loopback_slot.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sscard_terminal.card.loopback import LoopbackConnection
from sscard_terminal.card.loopback_slot import LoopbackSlot
from sscard_terminal.card.vpicc import Card
from sscard_terminal.reader.completing import completing
from sscard_terminal.reader.deadline import DEFAULT_DEADLINE_S, opened_with_deadline
from sscard_terminal.terminal.client import SocialSecurityCard
from sscard_terminal.terminal.psam import Psam


@dataclass(frozen=True, slots=True)
class BenchPair:
    """Card and PSAM, both held."""

    card: SocialSecurityCard
    psam: Psam


class BenchSlots:
    """The slot's card, and the PSAM, which has power all the time; a mute card is left behind after `deadline_s`."""

    def __init__(self, slot: LoopbackSlot, psam: Card, deadline_s: float = DEFAULT_DEADLINE_S) -> None:
        self.slot = slot
        self._psam = LoopbackConnection(psam)
        self._deadline_s = deadline_s

    @contextmanager
    def at_work(self) -> Iterator[BenchPair]:
        """See terminal/slots.py.

        Raises:
            LinkError: there is no card.
        """
        card = opened_with_deadline(self.slot.open, self._deadline_s, "bench")
        try:
            yield BenchPair(SocialSecurityCard(completing(card)), Psam(completing(self._psam)))
        finally:
            card.close()
