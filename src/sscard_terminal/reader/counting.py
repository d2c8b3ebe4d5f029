"""A connection that counts what travels through it.

Not here: any judgement about the numbers (benchmarks, day reports).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ..iso7816.apdu import CommandApdu, ResponseApdu
from .connection import Connection
from .wrapping import Wrapping


@dataclass(frozen=True, slots=True)
class Counts:
    """What has travelled so far: commands sent, bytes each way (header and status word included), seconds waited.

    A command whose answer was lost counts as sent, with no bytes in.
    """

    apdus: int = 0
    bytes_out: int = 0
    bytes_in: int = 0
    waiting_s: float = 0.0


class Counting(Wrapping):
    """See `counting`."""

    def __init__(self, inner: Connection, clock: Callable[[], float]) -> None:
        super().__init__(inner)
        self._clock = clock
        self.counts = Counts()

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        sent_at = self._clock()
        answer_length = 0
        try:
            answer = self._inner.transmit(command)
            answer_length = len(answer.data) + 2
        finally:
            self._add(len(command.build()), answer_length, self._clock() - sent_at)
        return answer

    def _add(self, bytes_out: int, bytes_in: int, waiting_s: float) -> None:
        now = self.counts
        self.counts = Counts(
            now.apdus + 1, now.bytes_out + bytes_out, now.bytes_in + bytes_in, now.waiting_s + waiting_s
        )


def counting(connection: Connection, clock: Callable[[], float] = time.perf_counter) -> Counting:
    """`connection`, with `.counts` beside it. Put it inside `completing` to count what really travels."""
    return Counting(connection, clock)
