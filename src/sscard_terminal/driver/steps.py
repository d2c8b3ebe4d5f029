"""What lies between two steps of an HSM flow: the card, still powered, and what the next step needs to know.

One flow at a time. A step of another flow, out of turn, too late, or with the card gone is refused, and so ends the flow;
so does any other function. Not here: the steps (base.py, files.py, issuing.py, pay_by_hsm.py).
Source: card.md §8 (the HSM steps); how long a flow may rest is our choice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from .codes import OUT_OF_TURN
from .hand import Hand
from .result import Refused

LONGEST_REST_S = 60.0
"""Between two steps the HSM answers over the network; longer, and somebody has walked away."""

_State = TypeVar("_State")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A flow between two steps: `step` is the next one's name, `state` what it needs, `since` on the monotonic clock."""

    step: str
    hand: Hand
    state: object
    since: float


class Steps:
    """At most one flow that waits for its next step."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._waiting: Waiting | None = None

    @property
    def is_waiting(self) -> bool:
        return self._waiting is not None

    def keep(self, step: str, hand: Hand, state: object) -> None:
        """The card stays open until `step` comes, or anything else."""
        self.end()
        self._waiting = Waiting(step, hand, state, self._now())

    @contextmanager
    def take(self, step: str, kind: type[_State]) -> Iterator[tuple[Hand, _State]]:
        """The card for this step; it is let go of afterwards, unless the step keeps it for another.

        Raises:
            Refused: -26881, this is not the step that is waited for, or it comes too late.
        """
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            raise Refused(OUT_OF_TURN)
        state = waiting.state
        is_late = self._now() - waiting.since > LONGEST_REST_S
        if waiting.step != step or is_late or not isinstance(state, kind):
            waiting.hand.stack.close()
            raise Refused(OUT_OF_TURN)
        try:
            yield waiting.hand, state
        finally:
            if not self._keeps(waiting.hand):
                waiting.hand.stack.close()

    def end(self) -> None:
        """Let go of the card of a flow that waits, if there is one."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.hand.stack.close()

    def _keeps(self, hand: Hand) -> bool:
        return self._waiting is not None and self._waiting.hand is hand
