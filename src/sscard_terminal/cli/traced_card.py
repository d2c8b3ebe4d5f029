"""A card that writes down its conversation, seen from the card's side of the reader."""

from __future__ import annotations

from sscard_terminal.card.vpicc import Card
from sscard_terminal.reader.transcript import Octets, answer_line, atr_line, carries_pin, command_line

from .trace import Sink


class TracedCard:
    """A card that writes down what it is asked and what it answers; PINs are masked."""

    def __init__(self, card: Card, sink: Sink) -> None:
        self._card = card
        self._sink = sink

    def atr(self) -> bytes:
        return self._card.atr()

    def power_on(self) -> bytes:
        atr = self._card.power_on()
        self._sink(atr_line(atr))
        return atr

    def reset(self) -> bytes:
        atr = self._card.reset()
        self._sink(atr_line(atr, "reset"))
        return atr

    def power_off(self) -> None:
        self._card.power_off()

    def respond(self, command: bytes) -> bytes:
        octets = Octets(tuple(command))
        self._sink(command_line(octets.masked(5, len(octets)) if carries_pin(octets) else octets))
        answer = self._card.respond(command)
        self._sink(answer_line(Octets(tuple(answer))))
        return answer
