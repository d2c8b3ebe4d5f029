"""The bench of a counter at practice: the cards in the trainer's hand, and what card and PSAM are heard to say, in words.

Only ever fitted to virtual readers, in training: where real cards are served there is no bench, no route and no drawer.
Not here: the faults (card/control), the words of APDUs (voice/apdus), routes (routes_simulator.py).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sscard_terminal.card.control.control import Control, Standing
from sscard_terminal.card.control.verbs import Verb
from sscard_terminal.iso7816.status import Language
from sscard_terminal.terminal.ports import Clock
from sscard_terminal.voice.apdus import Line, Telling

LANGUAGES: tuple[Language, ...] = ("zh", "en")
KEPT = 400
"""Exchanges kept for a drawer that is opened later: some ten sales. Our choice."""
Speaker = Literal["card", "psam", "trainer"]


@dataclass(frozen=True, slots=True)
class BenchCard:
    """A card in the trainer's hand; `state` is the key of what is special about it (voice/pages, "card-state.")."""

    name: str
    holder: str
    profile: str
    state: str


@dataclass(frozen=True, slots=True)
class Heard:
    """One exchange: what was asked and answered, in each language; or what the trainer did, where `verb` says so.

    A power-on has no answer. PINs and keys are withheld before anything is kept.
    """

    number: int
    at: str
    speaker: Speaker
    command: Mapping[Language, Line]
    answer: Mapping[Language, Line] | None = None
    verb: Verb | None = None


class Hearing:
    """What was heard lately. Ears hear in the cards' threads, others look from any."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._turn = threading.Lock()
        self._kept: deque[Heard] = deque(maxlen=KEPT)
        self._number = 0
        self.tell: Callable[[], None] = lambda: None
        """Called after each; it must be quick."""

    def ear(self, speaker: Speaker) -> Ear:
        return Ear(self, speaker)

    def since(self, number: int) -> tuple[Heard, ...]:
        """What is kept of everything after `number`."""
        with self._turn:
            return tuple(heard for heard in self._kept if heard.number > number)

    def take(
        self,
        speaker: Speaker,
        command: Mapping[Language, Line],
        answer: Mapping[Language, Line] | None = None,
        verb: Verb | None = None,
    ) -> None:
        now = self._clock()
        at = f"{now:%H:%M:%S}.{now.microsecond // 1000:03d}"
        with self._turn:
            self._number += 1
            self._kept.append(Heard(self._number, at, speaker, command, answer, verb))
        self.tell()


class Ear:
    """Listens to one card (card/control/overheard.py)."""

    def __init__(self, hearing: Hearing, speaker: Speaker) -> None:
        self._hearing = hearing
        self._speaker = speaker
        self._tellings = {language: Telling(language) for language in LANGUAGES}

    def powered(self, atr: bytes, *, is_reset: bool) -> None:
        told = {name: telling.powered(atr, is_reset=is_reset) for name, telling in self._tellings.items()}
        self._hearing.take(self._speaker, told)

    def answered(self, command: bytes, answer: bytes | None) -> None:
        asked = {name: telling.command(command) for name, telling in self._tellings.items()}
        said = {name: telling.answer(answer) for name, telling in self._tellings.items()}
        self._hearing.take(self._speaker, asked, said)


class Bench:
    """Cards, the slot they go to, and what is heard."""

    def __init__(self, cards: Sequence[BenchCard], control: Control, hearing: Hearing) -> None:
        self.cards = {card.name: card for card in cards}
        self.hearing = hearing
        self._control = control

    @property
    def standing(self) -> Standing:
        return self._control.standing

    def obey(self, verb: Verb) -> None:
        """Do it, and let it stand among what is heard; from any thread.

        Raises:
            CannotObey, LinkError: as `Control.obey`.
        """
        self._control.obey(verb)
        self.hearing.take("trainer", {}, verb=verb)
