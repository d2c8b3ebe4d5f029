"""What the terminal's outcomes mean here: an exit code beside the sentence.

Not here: the outcomes themselves (terminal/outcomes.py) and which sentence each is (voice/told.py).
"""

from __future__ import annotations

from typing import TypeVar

from sscard_terminal.terminal.outcomes import Declined, Unsettled
from sscard_terminal.voice import told
from sscard_terminal.voice.told import Money, Told

from .exits import Exit, Stop

_Value = TypeVar("_Value")


def held(outcome: _Value | Declined) -> _Value:
    """`outcome` unless it was declined.

    Raises:
        Stop: it was; with the sentence of its reason.
    """
    if isinstance(outcome, Declined):
        raise declined(outcome)
    return outcome


def declined(outcome: Declined) -> Stop:
    """No money moved."""
    return stop_of(told.declined(outcome))


def unsettled(outcome: Unsettled, slip: str | None = None) -> Stop:
    """Money may have moved; `slip` says whether that is on paper."""
    return stop_of(told.unsettled(outcome, slip))


def stop_of(found: Told) -> Stop:
    """The end of a command with this sentence."""
    if found.money is Money.TO_BE_VERIFIED:
        return Stop(Exit.UNVERIFIED, found.key, **found.facts)
    return Stop(Exit.TROUBLE if found.is_trouble else Exit.REFUSED, found.key, **found.facts)
