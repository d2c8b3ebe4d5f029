"""A counter at practice for tests: three cards and a PSAM on a bench in this process, behind a real server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from sscard_terminal.card.control.control import Control
from sscard_terminal.card.control.faults import FaultyCard
from sscard_terminal.card.control.overheard import Overheard
from sscard_terminal.card.control.verbs import CutAnswer, Mute, Tear, parse_verb
from sscard_terminal.card.loopback_slot import LoopbackSlot
from sscard_terminal.card.memory import RamStore
from sscard_terminal.card.vpicc import Card
from sscard_terminal.counter.bench_slots import BenchSlots
from sscard_terminal.counter.simulator import Bench, BenchCard, Hearing
from sscard_terminal.terminal.journal import Journal
from tests.cards import card_image, chip_over, new_psam
from tests.counter.house import House
from tests.terminal.doubles import OPENING, TickingClock, another_card

Fault = Mute | CutAnswer | Tear
CARDS = [
    BenchCard("zhang-san", "张三", "gen2-32k", "first-pin"),
    BenchCard("poor", "张三", "gen2-32k", "empty"),
    BenchCard("other", "李四", "gen2-32k", "ordinary"),
]


class PracticeHouse(House):
    """`say("eject")` is the trainer's hand; `held` are the cards, `stores` their memories."""

    def __init__(self, folder: Path, *, deadline_s: float = 10.0, **settings: Any) -> None:
        super().__init__(folder, training=True, **settings)
        images = (card_image(balance=OPENING), card_image(balance=0), _image_of_another())
        self.stores = dict(zip((card.name for card in CARDS), map(RamStore, images), strict=True))
        hearing = Hearing(TickingClock())
        self.at: tuple[bytes, Fault] | None = None
        """The fault that happens as soon as a command with this header has arrived."""
        self.slot = LoopbackSlot(lambda card: Overheard(_Triggered(card, self), hearing.ear("card")))
        self.held = {name: FaultyCard(store, chip_over) for name, store in self.stores.items()}
        control = Control(self.slot, self.held.get, "zhang-san", self.slot.reset_by_other)
        self.bench = Bench(CARDS, control, hearing)
        psam = Overheard(new_psam(), hearing.ear("psam"))
        self.fittings = replace(
            self.fittings,
            slots=BenchSlots(self.slot, psam, deadline_s),
            watch=self.slot,
            bench=self.bench,
        )

    def entries(self) -> list[Any]:
        with Journal.open(self.folder / "journal.db", training=True) as journal:
            return list(journal.entries())

    def say(self, *verbs: str) -> None:
        for verb in verbs:
            self.bench.obey(parse_verb(verb))


class _Triggered:
    """A card that orders its own fault when the moment has come."""

    def __init__(self, card: Card, house: PracticeHouse) -> None:
        self._card = card
        self._house = house
        self.atr = card.atr
        self.power_on = card.power_on
        self.reset = card.reset
        self.power_off = card.power_off

    def respond(self, command: bytes) -> bytes:
        if self._house.at is not None and command.startswith(self._house.at[0]):
            _, fault = self._house.at
            self._house.at = None
            self._house.held[self._house.bench.standing.name].order(fault)
        return self._card.respond(command)


def _image_of_another() -> bytes:
    store = another_card()._nvm._store
    assert isinstance(store, RamStore)
    return store.read_all()
