"""A card to which faults happen on command; it sits wherever a card sits and is otherwise the card it holds.

Not here: the words of the faults (verbs.py), in which reader the card is (slots.py, loopback_slot.py).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from sscard_terminal.card.memory import ByteStore
from sscard_terminal.card.vpicc import Card, TakenOut

from .tearing import PowerCut, TearingStore
from .verbs import CutAnswer, Mute, Tear


class Closable(Card, Protocol):
    """A card whose memory is sealed at the end."""

    def close(self) -> None: ...


class FaultyCard:
    """The card over `store` as `build` makes it, anew after every tear.

    One thread lets it answer; any other may order faults. `pull` ends a wait at once.
    """

    def __init__(self, store: ByteStore, build: Callable[[ByteStore], Closable]) -> None:
        self._store = TearingStore(store)
        self._build = build
        self._card = build(self._store)
        self._is_out = threading.Event()
        self._mute_until = 0.0
        self._cut: int | None = None

    # Faults -----------------------------------------------------------------------------------------------

    def order(self, fault: Mute | CutAnswer | Tear) -> None:
        """Have it happen; a second one of the same kind replaces the first."""
        match fault:
            case Mute():
                self._mute_until = time.monotonic() + fault.duration_ms / 1000
            case CutAnswer():
                self._cut = fault.length
            case Tear():
                self._store.cut_after(fault.writes)

    @property
    def ordered(self) -> tuple[Mute | CutAnswer | Tear, ...]:
        """What is still to happen, or still goes on."""
        mute_ms = round((self._mute_until - time.monotonic()) * 1000)
        cut, writes = self._cut, self._store.writes_left
        return (
            *([Mute(mute_ms)] if mute_ms > 0 else []),
            *([] if cut is None else [CutAnswer(cut)]),
            *([] if writes is None or self._store.is_cut else [Tear(writes)]),
        )

    def pull(self) -> None:
        """Out of the reader: whoever waits for an answer gets none, and what was ordered is forgotten."""
        self._is_out.set()
        self._mute_until = 0.0
        self._cut = None
        if not self._store.is_cut:
            self._store.cut_after(None)

    @property
    def is_out(self) -> bool:
        """Without contact: pulled, torn or cut off."""
        return self._is_out.is_set()

    def wait_until_out(self, timeout_s: float) -> bool:
        """Wait so many seconds; True, and at once, when it is pulled meanwhile."""
        return self._is_out.wait(timeout_s)

    def put_back(self) -> None:
        """On the way into a reader again."""
        self._is_out.clear()

    # What a card does -------------------------------------------------------------------------------------

    def atr(self) -> bytes:
        return self._card.atr()

    def power_on(self) -> bytes:
        if self._store.is_cut:
            self._store.power_returns()
            self._card = self._build(self._store)
        return self._card.power_on()

    def reset(self) -> bytes:
        return self.power_on() if self._store.is_cut else self._card.reset()

    def power_off(self) -> None:
        self._card.power_off()

    def respond(self, command: bytes) -> bytes:
        """The card's answer, unless a fault is in the way.

        Raises:
            TakenOut: the card lost its contact: torn, cut off, or pulled while it was mute.
        """
        try:
            return self._respond(command)
        except TakenOut:
            self._is_out.set()
            raise

    def _respond(self, command: bytes) -> bytes:
        if self._store.is_cut:
            raise TakenOut
        try:
            answer = self._card.respond(command)
        except PowerCut:
            raise TakenOut from None
        if (waiting_s := self._mute_until - time.monotonic()) > 0 and self._is_out.wait(waiting_s):
            raise TakenOut
        if (length := self._cut) is not None:
            self._cut = None
            raise TakenOut(answer, length)
        return answer

    def close(self) -> None:
        """For good: the memory is sealed, unless it was torn and never had power since; it recovers when next used."""
        if self._store.is_cut:
            self._store.close()
        else:
            self._card.close()
