"""PC/SC readers of one's own: a private pcscd a test process, with virtual readers that the test's cards go into.

Not here: PC/SC calls; the program under test makes them. Source: pcsc.md §2, §3.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sscard_terminal.card.control.faults import FaultyCard
from sscard_terminal.card.control.slots import POLL_S, VpcdSlot
from sscard_terminal.card.vpicc import Vpicc
from sscard_terminal.reader import pcsc
from sscard_terminal.reader.connection import reset
from sscard_terminal.reader.private_pcscd import PrivatePcscd, Slot

from .cards import VirtualChip

READERS = 4
SEEN_WITHIN_S = 10.0
FAST_PAUSE_S = 0.05
"""How long a slot stays empty between two cards where the service looks every 20 ms."""


@contextmanager
def service() -> Iterator[PrivatePcscd]:
    """A running pcscd, which PC/SC calls of this process and of its children reach from now on.

    libpcsclite reads where its service is once, at a process's first call: so there is one a process, and a program that
    made PC/SC calls before talks to the machine's own.

    Raises:
        PcscdUnavailable: pcscd or its virtual reader is not installed; the text says what to do.
    """
    with PrivatePcscd(READERS, fast_poll=shutil.which("gcc") is not None) as running:
        before = {name: os.environ.get(name) for name in running.environment()}
        os.environ.update(running.environment())
        try:
            yield running
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


class PcscReader:
    """One virtual reader, empty at first; the fixtures `pcsc_reader` and `psam_reader`."""

    def __init__(self, pcscd: PrivatePcscd, slot: Slot) -> None:
        self._pcscd = pcscd
        self._place = slot
        self._around: Callable[[FaultyCard], Vpicc] = self._link
        pause_s = FAST_PAUSE_S if shutil.which("gcc") else POLL_S
        self._slot = VpcdSlot(lambda card: self._around(card), pause_s)
        self.card: VirtualChip | None = None

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """As every PC/SC program sees it."""
        return self._place.reader

    @property
    def environment(self) -> dict[str, str]:
        """What a program in a process of its own needs in its environment to see this reader."""
        return {**os.environ, **self._pcscd.environment()}

    def wrap_command(self, command: Sequence[str]) -> list[str]:
        """A command that serves a card of its own to this reader (`sscard card serve`)."""
        return self._pcscd.wrap_command(command)

    def insert(self, card: VirtualChip) -> None:
        """Put a card in; returns when PC/SC has seen it. The one that was in is taken out before.

        Raises:
            TimeoutError: PC/SC has not seen it.
        """
        self.eject()
        self.card = card
        self._around = lambda faulty: self._link(faulty, card)
        card.move_to(self._slot, self._reset)
        if not pcsc.wait_for_card(self.name, SEEN_WITHIN_S):
            raise TimeoutError(f"{self.name} has not seen the card within {SEEN_WITHIN_S:g} s")

    def eject(self) -> None:
        """Pull the card, if there is one, back into its slot of this process; returns when PC/SC has seen it."""
        if self.card is None:
            return
        card, self.card = self.card, None
        card.move_home()
        pcsc.wait_for_removal(self.name, SEEN_WITHIN_S)

    def _reset(self) -> None:
        """As another program would: over a connection of its own."""
        other = pcsc.open_reader(self.name)
        try:
            reset(other)
        finally:
            other.close()

    def _link(self, faulty: FaultyCard, card: VirtualChip | None = None) -> Vpicc:
        around = faulty if card is None else card.around(faulty)
        return Vpicc(around, self._place.port, open_socket=self._pcscd.open_socket)
