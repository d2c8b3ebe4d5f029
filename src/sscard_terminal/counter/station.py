"""One process owns the reader: one thread holds till and journal and does one thing after another, one watches for cards.

Whoever asks, a page or a program, waits in the same queue, so that two never mix; when it is full they are told so.
Not here: what is done (workplace.py) and how it is shown (events.py, view.py).
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import TypeVar

from sscard_terminal.reader.connection import LinkError, LinkReason
from sscard_terminal.terminal.errands import LOOK_EVERY_S

from .fittings import Fittings
from .known_driver import AskedPins
from .snapshot import Snapshot
from .workplace import Publish, Workplace

MOST_WAITING = 8
"""Askers at one time; more are told that the counter is busy. Our choice."""
PATIENCE_S = 10.0
"""How long an asker waits for its turn. Our choice: longer than a sale, shorter than a person's patience."""
WATCH_SLICE_S = 0.5
"""How long the watcher waits before it looks whether it is over."""
_Value = TypeVar("_Value")
_log = logging.getLogger(__name__)


class Busy(Exception):
    """The counter has enough to do; nothing was done."""


class Station:
    """One counter's threads. `publish` is told each new snapshot, in the working thread; `asked_pins` waits in it."""

    def __init__(self, fittings: Fittings, publish: Publish, asked_pins: AskedPins) -> None:
        self._fittings = fittings
        self._publish = publish
        self._asked_pins = asked_pins
        self._waiting = threading.BoundedSemaphore(MOST_WAITING)
        self._over = threading.Event()
        self._printer = ThreadPoolExecutor(1, "slip-printer")
        self._worker = ThreadPoolExecutor(1, "counter")
        self._watcher = threading.Thread(target=self._watch, name="card-watcher")
        self._errands = threading.Thread(target=self._send_on_errands, name="errands")
        self._belongings = ExitStack()
        self._work: Workplace | None = None
        self.snapshot = Snapshot()

    def start(self) -> None:
        """Open the journal and begin to watch.

        Raises:
            JournalTrouble, OSError: the journal cannot be used; nothing runs.
        """
        self._worker.submit(self._open).result()
        self._watcher.start()
        self._errands.start()

    def close(self) -> None:
        """Let what has begun come to its end, a sale above all, and stop; what only waits is not begun."""
        self._over.set()
        self._asked_pins.cancel()
        for thread in (self._watcher, self._errands):
            if thread.is_alive():
                thread.join()
        self._worker.submit(self._shut).result()
        self._worker.shutdown()
        self._printer.shutdown()

    async def do(self, what: Callable[[Workplace], _Value]) -> _Value:
        """Have the working thread do it, in its turn; whatever it raises is raised here.

        Raises:
            Busy: the turn did not come; it will not be done.
        """
        if self._over.is_set() or not self._waiting.acquire(blocking=False):
            raise Busy
        asked = self._worker.submit(self._done, what)
        asked.add_done_callback(lambda _done: self._waiting.release())
        answer = asyncio.wrap_future(asked)
        await asyncio.wait([answer], timeout=PATIENCE_S)
        if not answer.done() and asked.cancel():
            raise Busy
        return await asyncio.shield(answer)

    def later(self, what: Callable[[Workplace], None]) -> None:
        """Have it done, whoever waits; nobody is told how it ends."""
        if not self._over.is_set():
            self._worker.submit(self._done, what).add_done_callback(_log_mistake)

    def _open(self) -> None:
        """The host before the journal: keys that cannot be read leave the journal alone."""
        with (
            ExitStack() as opened
        ):  # what was opened before a failure is closed here, in the thread it belongs to
            host = None
            if self._fittings.has_window and self._fittings.open_host is not None:
                host = opened.enter_context(self._fittings.open_host())
            journal = opened.enter_context(self._fittings.open_journal())
            at = (self._fittings, journal, self._show, self._printer, self.later)
            self._work = Workplace(*at, self._asked_pins, host)
            opened.callback(self._work.leave)
            self._belongings = opened.pop_all()

    def _shut(self) -> None:
        self._belongings.close()

    def _done(self, what: Callable[[Workplace], _Value]) -> _Value:
        """In the working thread."""
        if self._over.is_set():
            raise Busy
        assert self._work is not None
        return what(self._work)

    def _show(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._publish(snapshot)

    def _watch(self) -> None:
        there, trouble = False, None
        while not self._over.is_set():
            came, reason = self._look(there)
            if reason is not trouble:
                self.later(partial(_tell_reader, reason))
            if came is not there:
                self.later(partial(_tell_card, came))
            there, trouble = came, reason
            if reason is not None:
                self._over.wait(WATCH_SLICE_S)

    def _send_on_errands(self) -> None:
        """At the start and again and again; what is due, and whether nobody is being served, the workplace knows."""
        while not self._over.is_set():
            self.later(Workplace.see_to_errands)
            self._over.wait(LOOK_EVERY_S)

    def _look(self, there: bool) -> tuple[bool, LinkReason | None]:
        """Whether a card is there now; a reader that is away holds none."""
        watch = self._fittings.watch
        try:
            changed = (watch.wait_for_removal if there else watch.wait_for_card)(WATCH_SLICE_S)
        except LinkError as error:
            return False, error.reason
        return there is not changed, None


def _tell_card(present: bool, work: Workplace) -> None:
    work.card(present)


def _tell_reader(trouble: LinkReason | None, work: Workplace) -> None:
    work.reader(trouble)


def _log_mistake(done: Future[None]) -> None:
    """A mistake of ours must not end the counter in the middle of its day. Its text is left out: it might quote a PIN."""
    error = None if done.cancelled() else done.exception()
    if error is not None and not isinstance(error, Busy):
        _log.error("the counter met a %s", type(error).__name__)
