"""A card whose conversation somebody listens to, from the card's side: what it is asked and what it answers.

Not here: words and masks (voice/apdus); the listener gets the bytes as they are, PINs among them.
"""

from __future__ import annotations

from typing import Protocol

from sscard_terminal.card.vpicc import Card, TakenOut


class Listener(Protocol):
    """Hears what happens, in the thread in which it happens; it must be quick and must not raise."""

    def powered(self, atr: bytes, *, is_reset: bool) -> None: ...

    def answered(self, command: bytes, answer: bytes | None) -> None:
        """`answer` is what went out of it; None: nothing did, the card was out of the reader."""


class Overheard:
    """`card`, with `listener` beside it."""

    def __init__(self, card: Card, listener: Listener) -> None:
        self._card = card
        self._listener = listener

    def atr(self) -> bytes:
        return self._card.atr()

    def power_on(self) -> bytes:
        atr = self._card.power_on()
        self._listener.powered(atr, is_reset=False)
        return atr

    def reset(self) -> bytes:
        atr = self._card.reset()
        self._listener.powered(atr, is_reset=True)
        return atr

    def power_off(self) -> None:
        self._card.power_off()

    def respond(self, command: bytes) -> bytes:
        try:
            answer = self._card.respond(command)
        except TakenOut as out:
            self._listener.answered(command, out.answer[: out.arrived] or None)
            raise
        self._listener.answered(command, answer)
        return answer
