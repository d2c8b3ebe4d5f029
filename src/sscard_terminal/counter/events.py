"""Server-sent events: what happens at the counter, to every page that listens; the state first, then each change.

Not here: what happens (station.py, pairing.py), its words (view.py), who may listen (security.py). One event loop only.
Source: HTML Living Standard, "Server-sent events" (id, Last-Event-ID, comments as heartbeats).
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

HEARTBEAT_S = 15.0
"""A page or a proxy in between takes a silent line for a dead one after 30 or 60 s."""
MOST_BEHIND = 64
"""Events a listener may be behind before it is dropped; it comes back and begins with the state."""
KEPT = 256
"""Events kept for who comes back."""
MEDIA_TYPE = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `number` counts within `Hub.era`."""

    number: int
    name: str
    value: object


Shows = Callable[[str, object], Mapping[str, Any] | None]
"""What a listener is shown of an event (its name, its value); None: nothing of it."""


class Listener:
    """One page's line."""

    def __init__(self) -> None:
        self.waiting: list[Event] = []
        self.stirred = asyncio.Event()
        self.is_over = False
        """It was too slow, or the hub has closed."""

    def tell(self, event: Event) -> None:
        if len(self.waiting) >= MOST_BEHIND:
            self.hang_up()
        elif not self.is_over:
            self.waiting.append(event)
            self.stirred.set()

    def hang_up(self) -> None:
        self.is_over = True
        self.waiting.clear()
        self.stirred.set()

    async def heard(self) -> list[Event]:
        """What happened; nothing when it is time for a heartbeat, or for the end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(HEARTBEAT_S):
                await self.stirred.wait()
        self.stirred.clear()
        heard, self.waiting = self.waiting, []
        return heard


class Hub:
    """Everybody who listens, and the newest events. `era` tells one run of the server from another."""

    def __init__(self, era: str) -> None:
        self.era = era
        self._number = 0
        self._kept: deque[Event] = deque(maxlen=KEPT)
        self._listeners: set[Listener] = set()
        self._is_closed = False

    @property
    def listeners(self) -> int:
        return len(self._listeners)

    def publish(self, name: str, value: object) -> None:
        """Tell everybody."""
        self._number += 1
        event = Event(self._number, name, value)
        self._kept.append(event)
        for listener in self._listeners:
            listener.tell(event)

    def close(self) -> None:
        """Send everybody home: the server stops."""
        self._is_closed = True
        for listener in self._listeners:
            listener.hang_up()

    @contextmanager
    def listening(self) -> Iterator[Listener]:
        """A line of our own, for whoever waits inside the server for something to happen."""
        listener = Listener()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    async def stream(
        self,
        begin: Callable[[], Iterable[tuple[str, object]]],
        shows: Shows,
        may_listen: Callable[[], bool],
        last_id: str | None = None,
    ) -> AsyncIterator[bytes]:
        """One listener's line: what it missed since `last_id`, if all of it is still kept, else what `begin` says, the
        state of this moment; then every event as it happens, until `may_listen` says no.
        """
        listener = Listener()
        missed = self._since(last_id)
        events = [Event(self._number, *told) for told in begin()] if missed is None else missed
        self._listeners.add(listener)
        try:
            yield b"retry: 1000\n\n"
            while not (self._is_closed or listener.is_over):
                if not may_listen():
                    yield b"event: gone\ndata: {}\n\n"
                    return
                yield b"".join(self._block(event, shows) for event in events) or b":\n\n"
                events = await listener.heard()
        finally:
            self._listeners.discard(listener)

    def _since(self, last_id: str | None) -> list[Event] | None:
        """What was missed since that event; None where that cannot be told."""
        era, _, number = (last_id or "").rpartition("-")
        if era != self.era or not (number.isascii() and number.isdecimal()) or len(number) > 18:
            return None
        seen = int(number)
        oldest = self._kept[0].number if self._kept else self._number + 1
        if not oldest - 1 <= seen <= self._number:
            return None
        return [event for event in self._kept if event.number > seen]

    def _block(self, event: Event, shows: Shows) -> bytes:
        shown = shows(event.name, event.value)
        if shown is None:
            return b""
        data = json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
        return f"id: {self.era}-{event.number}\nevent: {event.name}\ndata: {data}\n\n".encode()
