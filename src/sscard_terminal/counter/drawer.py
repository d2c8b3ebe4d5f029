"""The simulator's drawer as the server holds it: verbs in, what is heard out, in the server's one loop.

Not here: the bench itself (simulator.py), the routes (routes_simulator.py).
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import suppress

from sscard_terminal.card.control.control import Standing
from sscard_terminal.card.control.verbs import Mute, Verb

from .events import Hub
from .simulator import Bench
from .station import Busy

HEARD, STANDING = "heard", "standing"
"""The names of events: a tuple of Heard, and a Standing."""
GATHERING_S = 0.05
"""What is heard in this time goes out together: a sale is some thirty exchanges, which no eye follows one by one."""
LOOK_AGAIN_S = 0.5
"""While a card is mute, which ends by itself."""
MOST_WAITING = 4
ERA_BYTES = 6


class Drawer:
    """Made and used in the event loop of the server."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.hub = Hub(secrets.token_hex(ERA_BYTES))
        self._loop = asyncio.get_running_loop()
        self._told_to = 0
        self._standing: Standing | None = None
        self._is_waiting = False
        self._look_again: asyncio.TimerHandle | None = None
        self._askers = asyncio.Semaphore(MOST_WAITING)
        bench.hearing.tell = self._heard

    def begin(self) -> Iterator[tuple[str, object]]:
        """What a drawer that is opened is told first."""
        yield STANDING, self.bench.standing
        yield HEARD, self.bench.hearing.since(0)

    async def obey(self, verb: Verb) -> Standing:
        """One verb.

        Raises:
            Busy: too many are at it (a reset waits while the card is held); nothing was done.
            CannotObey, LinkError: as `Control.obey`.
        """
        if self._askers.locked():
            raise Busy
        async with self._askers:
            await asyncio.to_thread(self.bench.obey, verb)
        return self.bench.standing

    def close(self) -> None:
        self.bench.hearing.tell = lambda: None
        if self._look_again is not None:
            self._look_again.cancel()
        self.hub.close()

    def _heard(self) -> None:
        """In a card's thread; once the loop has ended there is nobody to tell."""
        if not self._is_waiting:
            self._is_waiting = True
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._loop.call_later, GATHERING_S, self._publish)

    def _publish(self) -> None:
        self._is_waiting = False
        if heard := self.bench.hearing.since(self._told_to):
            self._told_to = heard[-1].number
            self.hub.publish(HEARD, heard)
        standing = self.bench.standing
        if standing != self._standing:
            self._standing = standing
            self.hub.publish(STANDING, standing)
        if self._look_again is not None:
            self._look_again.cancel()
        is_mute = any(isinstance(fault, Mute) for fault in standing.ordered)
        self._look_again = self._loop.call_later(LOOK_AGAIN_S, self._publish) if is_mute else None
