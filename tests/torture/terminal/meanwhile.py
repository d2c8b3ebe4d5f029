"""What others do with the card between two sessions of ours: other terminals buy, the centre loads.

Not here: our terminal (session). Each comes to a card with the right keys and a terminal number of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from sscard_terminal.card.chip import Chip
from tests.torture.counterpart import DF04, Counterpart, chip_files

from .chips import chip_from, image_of, proof_of
from .session import AMOUNTS, FIRST_DAY, OURS, World

OUR_TERMINAL, OTHER_TERMINAL, CENTRE = "370900000001", "370900000002", "370900009999"
SAME = (AMOUNTS.account, AMOUNTS.self_paid, AMOUNTS.pooled)
SAME_SECOND = FIRST_DAY.strftime("%Y%m%d%H%M%S")
EARLIER = "20260104090000"
LOAD = 5000
A_SESSION_OF_OTHERS = 12
"""No session of ours is the 12th."""
Heard = tuple[tuple[bytes, bytes, str], ...]
"""Command, answer, TAC."""


class Listening:
    """A chip whose every exchange is written down."""

    def __init__(self, chip: Chip) -> None:
        self._chip = chip
        self.heard: list[tuple[bytes, bytes, str]] = []

    def respond(self, raw: bytes) -> bytes:
        answer = self._chip.respond(raw)
        self.heard.append((raw, answer, proof_of(self._chip) if raw[:2] == b"\xb0\x2c" else ""))
        return answer


def buy(card: Counterpart, time: str = SAME_SECOND) -> None:
    assert card.fetch(card.debit_command(card.initialize_purchase(SAME), SAME, time)).endswith("9000")


def buy_earlier(card: Counterpart) -> None:
    buy(card, EARLIER)


def load(card: Counterpart) -> None:
    assert card.fetch(card.credit_command(card.initialize_load(LOAD), LOAD, EARLIER)).endswith("9000")


def log_room(profile_name: str) -> int:
    """How many records the account's log has room for."""
    return next(spec.record_count for spec in chip_files(profile_name) if spec.key == "DF04/EF08")


def buy_often(card: Counterpart) -> None:
    for _ in range(log_room(card.profile_name)):
        buy(card)


def buy_twice(card: Counterpart) -> None:
    buy(card)
    buy(card)


Act = Callable[[Counterpart], None]
MEANWHILE: dict[str, tuple[str, Act]] = {
    "another terminal buys the same": (OTHER_TERMINAL, buy),
    "another terminal buys twice": (OTHER_TERMINAL, buy_twice),
    "the centre loads": (CENTRE, load),
    "others fill the log": (OTHER_TERMINAL, buy_often),
}


def after(world: World, name: str) -> World:
    """The world once others have used our card; without a name nothing has happened."""
    return done(world, *MEANWHILE[name]) if name else world


def done(world: World, terminal: str, act: Act) -> World:
    image, heard = _done(
        world.cards[OURS], world.profile, tuple(world.rules.items()), world.pin, terminal, act
    )
    books = world.books.copy()
    books.begin(OURS)
    for command, answer, tac in heard:
        books.card_obeyed(OURS, command, answer, tac, ours=False)
    return replace(world, cards={**world.cards, OURS: image}, books=books)


@lru_cache(maxsize=500)
def _done(
    image: bytes, profile: str, rules: tuple[tuple[str, object], ...], pin: str, terminal: str, act: Act
) -> tuple[bytes, Heard]:
    chip = chip_from(image, profile, A_SESSION_OF_OTHERS, **dict(rules))
    chip.power_on()
    listening = Listening(chip)
    card = Counterpart(listening, profile, terminal)  # type: ignore[arg-type]
    assert card.verify(pin) == "9000"
    card.fetch(DF04)
    act(card)
    return image_of(chip), tuple(listening.heard)
