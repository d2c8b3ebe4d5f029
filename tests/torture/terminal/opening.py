"""How the world begins: a card that has been loaded and has paid us before, two other people's cards, two PSAMs.

Not here: what happens then. Purchase and load counter of every card are 1, so that a load's number is a purchase's too;
the earlier purchase was at our own terminal, for the same amounts. The other cards hold a little more than ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import meanwhile
from .books import Books, new_card
from .chips import card_of, psam_of
from .disk import Disk
from .entries import names_of
from .faults import TWINS
from .session import OUR_PSAM, OURS, World

BALANCE = 200_000
OTHER_PSAM = "another place's"
OTHER_PSAM_NUMBER = "370900000009"
OTHER_SERIALS = tuple((f"0000000{last}", f"0000004{last}") for last in (1, 2, 3))
RIGHT, RIGHT_GEN1, WRONG = "123456", "1234", "999999"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A kind of card, and the PIN that is typed."""

    name: str
    profile: str = "gen2-32k"
    rules: Mapping[str, Any] = field(default_factory=dict)
    pin: str = RIGHT
    typed: str = ""


SCENARIOS = (
    Scenario("a sale"),
    Scenario("a card that answers at once", rules={"answers_at_once": True}),
    Scenario("a generation 3 card", profile="gen3"),
    Scenario("a generation 1 card", profile="gen1-16k", pin=RIGHT_GEN1),
    Scenario("a wrong PIN typed", typed=WRONG),
)


def begin(scenario: Scenario, disk: Disk, terminal: str = meanwhile.OUR_TERMINAL, sequence: int = 0) -> World:
    """The world before the first session of the terminal with this number; its PSAM has used so many sequences."""
    number, code = TWINS
    cards = {
        OURS: card_of(scenario.profile, BALANCE),
        number: card_of(scenario.profile, BALANCE + meanwhile.LOAD, 1, *OTHER_SERIALS),
        code: card_of(scenario.profile, BALANCE + meanwhile.LOAD, 1, ("D2143569X", "B00000131")),
    }
    books = Books(
        {OURS: new_card(BALANCE), **{twin: new_card(BALANCE + meanwhile.LOAD, 1, 1) for twin in TWINS}},
        scenario.pin + "F" * (len(scenario.pin) % 2),
        {OUR_PSAM: sequence, OTHER_PSAM: 0},
    )
    world = World(
        profile=scenario.profile,
        rules=scenario.rules,
        pin=scenario.pin,
        names=names_of(cards, scenario.profile),
        cards=cards,
        psams={OUR_PSAM: psam_of(terminal, sequence), OTHER_PSAM: psam_of(OTHER_PSAM_NUMBER)},
        journal=disk.new_journal(),
        books=books,
    )
    world = meanwhile.done(world, meanwhile.CENTRE, meanwhile.load)
    return meanwhile.done(world, meanwhile.OUR_TERMINAL, meanwhile.buy_earlier)
