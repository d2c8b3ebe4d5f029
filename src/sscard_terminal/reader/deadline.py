"""A reader's own worker thread, so that nobody waits for a mute card for ever.

Not here: PC/SC. Nothing in PC/SC has a time-out: a call that waits for a mute card can be neither cancelled nor
interrupted (pcsc.md §6). It can only be left behind, in a thread that does not keep the process alive.

The hand-over costs some 10 to 20 us on one CPU, of about 90 for an APDU.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any, TypeVar

from ..iso7816.apdu import CommandApdu, ResponseApdu
from .connection import Connection, LinkError, LinkReason, NotSent, control, exclusively, link_error, reset
from .mailbox import Mailbox, mailbox
from .wrapping import Wrapping

DEFAULT_DEADLINE_S = 10.0

T = TypeVar("T")


class Worker:
    """One daemon thread that does jobs one after another, for callers who wait only so long.

    A worker that was late once, or whose caller was interrupted, is never used again: the answer still to come
    would be taken for the answer to the next command. It ends when its last job does; `farewell` (which must not
    raise) is the last thing it does.
    """

    def __init__(self, name: str, farewell: Callable[[], None]) -> None:
        self._jobs: Mailbox[Callable[[], object] | None] = mailbox()
        self._outcomes: Mailbox[tuple[Any, BaseException | None]] = mailbox()
        self._one_caller = threading.Lock()
        self._ended = False
        self._left_behind = False
        self._farewell = farewell
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def call(self, job: Callable[[], T], timeout_s: float, late: LinkReason) -> T:
        """Have `job` done and return what it returns or raise what it raises.

        Raises:
            LinkError: of reason `late` when `timeout_s` pass without an outcome; the job goes on, unwatched.
            NotSent: the worker has ended; the job was not begun.
        """
        with self._one_caller:
            if self._ended:
                raise NotSent
            value, error = self._outcome_of(job, timeout_s, late)
        if error is not None:
            raise error
        result: T = value
        return result

    def end(self, timeout_s: float = DEFAULT_DEADLINE_S) -> None:
        """Say farewell and stop, waiting for it unless a late job is in the way."""
        with self._one_caller:
            self._stop()
        if not self._left_behind:
            self._thread.join(timeout_s)

    def _outcome_of(
        self, job: Callable[[], object], timeout_s: float, late: LinkReason
    ) -> tuple[Any, BaseException | None]:
        came = False
        try:
            self._jobs.put(job)
            outcome = self._outcomes.get(timeout=timeout_s)
            came = True
            return outcome
        except queue.Empty:
            raise link_error(late) from None
        finally:
            if not came:
                self._left_behind = True
                self._stop()

    def _stop(self) -> None:
        if not self._ended:
            self._ended = True
            self._jobs.put(None)

    def _work(self) -> None:
        _wake_gently()
        while (job := self._jobs.get()) is not None:
            try:
                outcome: tuple[Any, BaseException | None] = (job(), None)
            except BaseException as error:  # noqa: BLE001 - raised again where the caller waits
                outcome = (None, error)
            self._outcomes.put(outcome)
            del job, outcome
        self._farewell()


class Deadlined(Wrapping):
    """See `with_deadline`."""

    def __init__(self, inner: Connection, worker: Worker, deadline_s: float) -> None:
        super().__init__(inner)
        self._worker = worker
        self._deadline_s = deadline_s

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        return self._call(partial(self._inner.transmit, command), LinkReason.DEADLINE_PASSED)

    def reset(self, *, cold: bool = False) -> bytes:
        return self._call(partial(reset, self._inner, cold=cold), LinkReason.DEADLINE_PASSED)

    def control(self, code: int, data: bytes = b"", *, patience_s: float | None = None) -> bytes | None:
        """With `patience_s` a person has that long, where a card would have the deadline."""
        job = partial(control, self._inner, code, data)
        return self._worker.call(job, patience_s or self._deadline_s, LinkReason.DEADLINE_PASSED)

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Waiting for another program's exchange to end counts against the deadline; then it is busy.

        A failure to let go is not raised: what the card answered inside is known and stays true.
        """
        held = exclusively(self._inner)
        self._call(held.__enter__, LinkReason.READER_BUSY)
        try:
            yield
        finally:
            with suppress(LinkError):
                self._call(partial(held.__exit__, None, None, None), LinkReason.DEADLINE_PASSED)

    def close(self) -> None:
        self._worker.end(self._deadline_s)

    def _call(self, job: Callable[[], T], late: LinkReason) -> T:
        return self._worker.call(job, self._deadline_s, late)


def with_deadline(connection: Connection, deadline_s: float = DEFAULT_DEADLINE_S) -> Connection:
    """`connection`, in a thread of its own, with at most `deadline_s` seconds for each answer.

    Beside what the inner connection raises, `transmit` raises:
        LinkLost: the deadline passed; what the card did is unknown and the connection is dead.
        NotSent: it was dead already.
    """
    return opened_with_deadline(lambda: connection, deadline_s, "card")


def opened_with_deadline(opening: Callable[[], Connection], deadline_s: float, name: str) -> Connection:
    """What `opening` opens, opened and used in one thread of its own, each step within `deadline_s` seconds.

    A connection that is opened too late is closed again by that thread.

    Raises:
        LinkError: what `opening` raises; NoReader (reader silent) when the deadline passes.
    """
    closing = ExitStack()
    worker = Worker(name, closing.close)

    def open_and_keep() -> Connection:
        connection = opening()
        closing.callback(connection.close)
        return connection

    try:
        inner = worker.call(open_and_keep, deadline_s, LinkReason.READER_SILENT)
    except BaseException:
        worker.end(deadline_s)
        raise
    return Deadlined(inner, worker, deadline_s)


def within(timeout_s: float, name: str, job: Callable[[], T]) -> T:
    """One job in a thread of its own.

    Raises:
        NoReader: reader silent, when `timeout_s` pass without an outcome.
    """
    worker = Worker(name, lambda: None)
    try:
        return worker.call(job, timeout_s, LinkReason.READER_SILENT)
    finally:
        worker.end(timeout_s)


def _wake_gently() -> None:
    """Mark this thread as one that does not push others aside when it wakes (Linux; elsewhere nothing).

    Else it wakes while the caller still holds the interpreter, finds it taken and sleeps again: two switches of
    thread for nothing, a third of the cost of the hand-over.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
