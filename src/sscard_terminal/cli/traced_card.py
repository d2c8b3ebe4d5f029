"""A card that writes down its conversation, seen from the card's side of the reader."""

from __future__ import annotations

from sscard_terminal.card.vpicc import Card, TakenOut
from sscard_terminal.iso7816.status import Language
from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.reader.transcript import (
    Octets,
    answer_line,
    atr_line,
    carries_pin,
    command_line,
    link_line,
)
from sscard_terminal.voice.apdus import Telling

from .trace import Sink


class TracedCard:
    """A card that writes down what it is asked and what it answers, with the words beside; PINs are masked."""

    def __init__(self, card: Card, sink: Sink, language: Language) -> None:
        self._card = card
        self._sink = sink
        self._telling = Telling(language)

    def atr(self) -> bytes:
        return self._card.atr()

    def power_on(self) -> bytes:
        atr = self._card.power_on()
        self._telling.powered(atr)
        self._sink(atr_line(atr))
        return atr

    def reset(self) -> bytes:
        atr = self._card.reset()
        self._telling.powered(atr, is_reset=True)
        self._sink(atr_line(atr, "reset"))
        return atr

    def power_off(self) -> None:
        self._card.power_off()

    def respond(self, command: bytes) -> bytes:
        octets = Octets(tuple(command))
        masked = octets.masked(5, len(octets)) if carries_pin(octets) else octets
        self._sink(command_line(masked, self._telling.command(command).says))
        try:
            answer = self._card.respond(command)
        except TakenOut as out:
            arrived = out.answer[: out.arrived]
            self._sink(link_line(LinkReason.CARD_REMOVED, self._telling.answer(arrived).says))
            raise
        self._sink(answer_line(Octets(tuple(answer)), self._telling.answer(answer).says))
        return answer
