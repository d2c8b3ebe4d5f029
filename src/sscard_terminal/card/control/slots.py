"""A slot of a virtual reader and the card that is in it; over the vpcd link (for a slot in this process: loopback_slot.py).

Not here: which card (control.py). Removal is the end of the link, insertion a new one (pcsc.md §3).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from sscard_terminal.card.vpicc import Vpicc

from .faults import FaultyCard

FAREWELL_S = 5.0
POLL_S = 0.45
"""Longer than the reader's service takes to notice that a slot is empty. A card that comes back sooner after an exchange
that broke is taken for the old one gone dumb, until it is pulled once more (seen). Source: pcsc.md §3, 400 ms."""


class Slot(Protocol):
    """Where one card can be. Not for two threads at once."""

    @property
    def is_filled(self) -> bool:
        """Whether there is a card; one that lost its contact is out."""

    def put_in(self, card: FaultyCard) -> None:
        """The slot must be empty."""

    def take_out(self) -> None:
        """Without a word to the card, whatever it is at."""


class VpcdSlot:
    """The slot of a vpcd driver; `link` makes the card's end of the link to it, not started.

    `pause_s`: how long the slot stays empty between two cards.
    """

    def __init__(self, link: Callable[[FaultyCard], Vpicc], pause_s: float = POLL_S) -> None:
        self._link = link
        self._pause_s = pause_s
        self._empty_since = -pause_s
        self._card: FaultyCard | None = None
        self._vpicc: Vpicc | None = None
        self._thread: threading.Thread | None = None

    @property
    def is_filled(self) -> bool:
        return self._card is not None and not self._card.is_out

    def put_in(self, card: FaultyCard) -> None:
        self.take_out()
        time.sleep(max(0.0, self._empty_since + self._pause_s - time.monotonic()))
        card.put_back()
        self._card, self._vpicc = card, self._link(card)
        self._thread = threading.Thread(
            target=self._serve, args=(self._vpicc,), name="virtual card", daemon=True
        )
        self._thread.start()

    def take_out(self) -> None:
        if self._card is None or self._vpicc is None or self._thread is None:
            return
        self._card.pull()
        self._vpicc.request_stop()
        self._thread.join(FAREWELL_S)
        self._card = self._vpicc = self._thread = None

    def _serve(self, vpicc: Vpicc) -> None:
        try:
            vpicc.serve()
        finally:
            self._empty_since = time.monotonic()

    def wait_inserted(self, timeout_s: float) -> bool:
        """Wait until the driver has taken the card in; False when it has not within the time, or there is none."""
        return self._vpicc is not None and self._vpicc.wait_inserted(timeout_s)
