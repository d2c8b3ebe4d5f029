"""One counter as its server holds it: station, events, sessions and the customer's pad, all in the server's one loop.

Not here: what a request may do (access.py) and what it does (routes_*.py).
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta

from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.terminal.till.till import Order, Till

from .drawer import Drawer
from .events import Hub
from .fittings import Fittings
from .kiosk import Kiosk, Phase
from .known_driver import AskedPins
from .known_programs import KnownPrograms
from .pairing import PadState, Pairing, PinEntry, Stage
from .security import Address
from .sessions import Now, RateLimit, Sessions
from .snapshot import Snapshot
from .staff import Staff
from .station import Busy, Station
from .workplace import DoesNotFit, Stale

STATE, PAD, SESSION, KIOSK = "state", "pad", "session", "kiosk"
"""The names of events: a Snapshot, a PadState, that somebody signed in, out or locked, and that a kiosk's holder is gone,
is asked whether they are, or is back."""
PAUSE_CHECK_S = 1.0
PASSWORDS_A_MINUTE, CODES_A_MINUTE, TOKENS_A_MINUTE = 20, 10, 60
"""Over all browsers; the operators' file counts each operator's wrong ones besides. Our choice."""
ERA_BYTES = 6


class Desk:
    """Made and used in the event loop of the server."""

    def __init__(self, fittings: Fittings, address: Address, now: Now = time.monotonic) -> None:
        configuration = fittings.configuration
        self.fittings = fittings
        self.address = address
        self.hub = Hub(secrets.token_hex(ERA_BYTES))
        self.sessions = Sessions(fittings.language, timedelta(minutes=configuration.session_minutes), now)
        self.staff = Staff(configuration.operators, fittings.clock, fittings.random)
        self.passwords = RateLimit(PASSWORDS_A_MINUTE, 60.0, now)
        self.codes = RateLimit(CODES_A_MINUTE, 60.0, now)
        self.tokens = RateLimit(TOKENS_A_MINUTE, 60.0, now)
        self.driver_lines = 0
        """WebSockets of the known driver that are open."""
        self.clients = KnownPrograms(fittings.programs)
        self.pairing = Pairing(now)
        self.pin = PinEntry(now)
        self.kiosk = Kiosk(now, fittings.language) if fittings.is_kiosk else None
        self.operator = ""
        """Who began the service at hand: the pad's part of it is done in that name."""
        self.snapshot = Snapshot()
        self._loop = asyncio.get_running_loop()
        self.asked_pins = AskedPins()
        self.station = Station(fittings, self._from_station, self.asked_pins)
        self._minder: asyncio.Task[None] | None = None
        bench = None if fittings.is_kiosk else fittings.bench  # a kiosk has no clerk to show it to
        self.drawer = None if bench is None else Drawer(bench)

    def start(self) -> None:
        """
        Raises:
            JournalTrouble, OSError: the journal cannot be used.
        """
        self.station.start()
        self._minder = asyncio.create_task(self._mind_pauses())

    def stop_listening(self) -> None:
        """Send every page home, so that the server can stop."""
        self.hub.close()
        if self.drawer is not None:
            self.drawer.close()

    async def close(self) -> None:
        """What has begun comes to its end first."""
        self.stop_listening()
        if self._minder is not None:
            self._minder.cancel()
            with suppress(asyncio.CancelledError):
                await self._minder
        self.pin.wipe()
        await asyncio.to_thread(self.station.close)

    @property
    def pad(self) -> PadState:
        return PadState(self.pairing.is_paired, self.pin.stage, self.pin.digits, self.pin.differed)

    def begin(self) -> Iterator[tuple[str, object]]:
        """What a page that begins to listen is told first."""
        yield STATE, self.snapshot
        yield PAD, self.pad

    def tell_pad(self) -> None:
        """Something about the pad has changed."""
        self.hub.publish(PAD, self.pad)

    def tell_session(self) -> None:
        """Every page looks again whether it may listen."""
        self.hub.publish(SESSION, None)

    async def until(self, is_so: Callable[[], bool], patience_s: float) -> bool:
        """Wait for something that comes with an event; False when the time is over, or the server stops."""
        end = self._loop.time() + patience_s
        with self.hub.listening() as listener:
            while not is_so():
                if listener.is_over or (left := end - self._loop.time()) <= 0:
                    return False
                with suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await listener.stirred.wait()
                listener.stirred.clear()
                listener.waiting.clear()
        return True

    async def act(self, number: int, operator: str, what: Callable[[Till], None]) -> Snapshot:
        """One method of the till, on snapshot `number`.

        Raises:
            Busy, Stale, DoesNotFit: nothing was done.
        """
        if self.asked_pins.is_waiting and what is Till.cancel:
            if not self.snapshot.is_current(number):
                raise Stale
            self.asked_pins.cancel()
            return self.snapshot
        self.operator = operator
        return await self.station.do(lambda work: work.act(number, operator, what))

    async def sell(self, number: int, operator: str, order: Order) -> Snapshot:
        """Begin a sale.

        Raises:
            Busy, Stale, DoesNotFit: nothing was done.
        """
        self.operator = operator
        return await self.station.do(lambda work: work.sell(number, operator, order))

    async def sell_again(self, number: int, operator: str) -> Snapshot:
        """The sale just refused as a repeat is meant.

        Raises:
            Busy, Stale, DoesNotFit: nothing was done.
        """
        self.operator = operator
        return await self.station.do(lambda work: work.sell_again(number, operator))

    async def pad_ok(self) -> bool:
        """The holder's OK key: the PIN goes to the card; False where the new one has to be typed once more.

        Raises:
            OutOfTurn: there are not digits enough.
            Busy, Stale, DoesNotFit: nothing was done.
        """
        stage, number, operator = self.pin.stage, self.pin.number, self.operator
        pin = self.pin.take()
        self.tell_pad()
        if pin is None:
            return False
        if self.asked_pins.give(pin):
            return True

        def enter(till: Till, typed: Pin) -> None:
            (till.enter_pin if stage is Stage.PIN else till.enter_new_pin)(typed)

        try:
            await self.station.do(lambda work: work.with_pin(number, operator, pin, enter))
        except Busy:
            pin.wipe()
            raise
        return True

    def _from_station(self, snapshot: Snapshot) -> None:
        """In the working thread; once the loop has ended there is nobody to tell."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._tell_state, snapshot)

    def _tell_state(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        before = self.pad
        self.pin.follow(snapshot)
        if self.kiosk is not None:
            self.kiosk.follow(snapshot)
        self.hub.publish(STATE, snapshot)
        if self.pad != before:
            self.tell_pad()

    async def leave_kiosk(self, phase: Phase) -> None:
        """The kiosk's holder is done or gone: the till forgets what it knows of them.

        Raises:
            Busy: not now; nothing is shown of them all the same.
        """
        assert self.kiosk is not None
        self.kiosk.end(phase)
        self.pin.wipe()
        self.hub.publish(KIOSK, None)
        await self.station.do(lambda work: work.leave())

    async def _mind_kiosk(self, kiosk: Kiosk, warned: bool) -> bool:
        """Whether the holder has been asked if they are still there."""
        if kiosk.is_abandoned:
            with suppress(Busy):
                await self.leave_kiosk(Phase.TIMED_OUT)
        if kiosk.warns is not warned:
            self.hub.publish(KIOSK, None)
        return kiosk.warns

    async def _mind_pauses(self) -> None:
        warned = False
        while True:
            await asyncio.sleep(PAUSE_CHECK_S)
            if self.kiosk is not None:
                warned = await self._mind_kiosk(self.kiosk, warned)
            if self.pin.clear_after_pause():
                self.tell_pad()
            if self.pin.is_abandoned:
                with suppress(Busy, Stale, DoesNotFit):
                    await self.act(self.pin.number, self.operator, Till.cancel)
