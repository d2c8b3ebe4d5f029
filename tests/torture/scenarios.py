"""What is tortured: a start image, a session of commands, and what the oracle says of each.

Not here: faults (stores) and the trying of them (enumeration).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from sscard_applets.psam.issue import PsamFacts, issue_psam
from sscard_terminal.card.chip import Chip
from sscard_terminal.card.memory import RamStore
from tests.cards import KEYS, card_image
from tests.torture import oracle
from tests.torture.counterpart import (
    DF04,
    SSSE,
    TERMINAL,
    Counterpart,
    chip_on,
    look_at_card,
    look_at_psam,
    profile_and_applets,
    psam_in_des,
    sam_purchase,
)
from tests.torture.oracle import State, Verdict

RIGHT, WRONG, NEW = "123456", "999999", "87654321"
RIGHT_GEN1 = "1234"
SPENT, LOADED, SMALL = (1234, 2000, 8000), 5000, (1, 2, 3)
TIME, NEXT_YEAR = "20120601120000", "20130601120000"
OPENING = 100_000
RECORD_8B = "8B1D" + bytes(range(0x41, 0x41 + 29)).hex().upper()


@dataclass(frozen=True, slots=True)
class Step:
    """One command that changes the memory; `guesses` where it compares a secret at the cost of a try."""

    name: str
    act: Callable[[Counterpart], str]
    judge: Callable[[State, str], Verdict]
    guesses: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """A session to be broken off anywhere, on a chip that begins as `start()` says."""

    name: str
    start: Callable[[], bytes]
    steps: tuple[Step, ...]
    look: Callable[[bytes], State]
    profile: str = "gen2-32k"
    enter: Callable[[Chip], Counterpart] | None = None
    """How the other end gets to its place; None: a terminal at a card."""

    def counterpart(self, chip: Chip) -> Counterpart:
        return self.enter(chip) if self.enter else Counterpart(chip, self.profile)


def verify(pin: str) -> Step:
    name = f"VERIFY {'wrong' if pin == WRONG else 'right'}"
    return Step(name, lambda card: card.verify(pin), lambda state, _: oracle.verify(state, pin), guesses=True)


def change_pin(old: str, new: str) -> Step:
    def act(card: Counterpart) -> str:
        card.fetch(SSSE)
        return card.change_pin(old, new)

    return Step("CHANGE PIN", act, lambda state, _: oracle.change_pin(state, old, new), guesses=True)


def authenticate(key: str, right: bool = True, limit: int = 15) -> Step:
    def act(card: Counterpart) -> str:
        card.fetch(DF04 if key.endswith("DF04") else SSSE)
        return card.authenticate(key, right)

    def judge(state: State, _: str) -> Verdict:
        return oracle.authenticate(state, key, right, limit)

    return Step(f"EXTERNAL AUTHENTICATE {key} {'right' if right else 'wrong'}", act, judge, guesses=True)


RELOAD = Step("RELOAD", lambda card: card.reload_pin(NEW), lambda state, _: oracle.reload_pin(state, NEW))


def debit(spent: tuple[int, int, int] = SPENT, time: str = TIME) -> Step:
    def act(card: Counterpart) -> str:
        card.fetch(DF04)
        return card.fetch(card.debit_command(card.initialize_purchase(spent), spent, time))

    def judge(state: State, answer: str) -> Verdict:
        return oracle.purchase(state, spent, TERMINAL, time, answer[:16])

    return Step("DEBIT", act, judge)


def credit(amount: int = LOADED, time: str = TIME) -> Step:
    def act(card: Counterpart) -> str:
        card.fetch(DF04)
        return card.fetch(card.credit_command(card.initialize_load(amount), amount, time))

    return Step("CREDIT", act, lambda state, answer: oracle.load(state, amount, TERMINAL, time, answer[:8]))


def update_linear(number: int, record: str) -> Step:
    def act(card: Counterpart) -> str:
        return card.ask(f"00DC{number:02X}2C{len(record) // 2:02X}{record}")

    def judge(state: State, _: str) -> Verdict:
        return oracle.update_record(state, "EF05", number, record)

    return Step("UPDATE RECORD linear", act, judge)


def update_cyclic(number: int, record: str) -> Step:
    """Number 0 adds a record."""

    def act(card: Counterpart) -> str:
        return card.ask(f"00DC{number:02X}{0xAC if number else 0xAB:02X}{len(record) // 2:02X}{record}")

    def judge(state: State, _: str) -> Verdict:
        if number:
            return oracle.update_record(state, "EF15", number, record)
        return oracle.add_record(state, "EF15", record, 8)

    return Step("UPDATE RECORD cyclic", act, judge)


PSAM_PURCHASE = Step("80 70", sam_purchase, lambda state, _: oracle.next_sequence(state))


@cache
def fresh(profile: str = "gen2-32k") -> bytes:
    """A card just handed out, sealed."""
    return card_image(profile, OPENING)


@cache
def worked(profile: str = "gen2-32k", *steps: Step, sealed: bool = False) -> bytes:
    """A card after these steps; unless `sealed`, it was pulled out, and the journal is full of its last two commits."""
    store = RamStore(fresh(profile))
    chip = chip_on(store, profile)
    card = Counterpart(chip, profile)
    for step in steps:
        step.act(card)
    if sealed:
        chip.close()
    return store.read_all()


@cache
def psam_start(purchases: int) -> bytes:
    profile, _ = profile_and_applets("psam-national")
    store = RamStore(issue_psam(profile, PsamFacts(), KEYS))
    sam = psam_in_des(chip_on(store, "psam-national"))
    for _ in range(purchases):
        sam_purchase(sam)
    return store.read_all()


def _card(
    name: str, start: Callable[[], bytes], *steps: Step, extras: tuple[str, ...] = (), **other: Any
) -> Scenario:
    profile = other.get("profile", "gen2-32k")
    pins = (RIGHT_GEN1,) if profile == "gen1-16k" else (RIGHT, NEW)
    look = partial(look_at_card, profile_name=profile, pins=pins, extras=extras)
    return Scenario(name, start, steps, look, **other)


def _after(*steps: Step, profile: str = "gen2-32k", sealed: bool = False) -> Callable[[], bytes]:
    return partial(worked, profile, *steps, sealed=sealed)


RIGHT_PIN, WRONG_PIN = verify(RIGHT), verify(WRONG)
BOUGHT = (RIGHT_PIN, debit(SMALL), debit(SMALL))
ADDED = tuple(update_cyclic(0, f"{number:06X}") for number in range(1, 10))
UPDATE_RIGHT = {key: authenticate(key) for key in ("UK1DF04", "UK2DF04")}
PUK = authenticate("PUK", limit=3)

SCENARIOS = (
    _card("DEBIT", fresh, RIGHT_PIN, debit()),
    _card("DEBIT in a new year", _after(*BOUGHT), RIGHT_PIN, debit(time=NEXT_YEAR)),
    _card(
        "DEBIT, log full, gen1",
        _after(verify(RIGHT_GEN1), *[debit(SMALL)] * 10, profile="gen1-16k", sealed=True),
        verify(RIGHT_GEN1),
        debit(),
        profile="gen1-16k",
    ),
    _card("DEBIT, gen3", partial(fresh, "gen3"), RIGHT_PIN, debit(), profile="gen3"),
    _card("CREDIT", _after(*BOUGHT), RIGHT_PIN, credit()),
    _card("VERIFY right", _after(WRONG_PIN), RIGHT_PIN),
    _card("VERIFY wrong", fresh, WRONG_PIN),
    _card("VERIFY, last try", _after(WRONG_PIN, WRONG_PIN), WRONG_PIN),
    _card("two commits", fresh, WRONG_PIN, authenticate("PUK", right=False, limit=3), extras=("PUK",)),
    _card("CHANGE PIN", _after(WRONG_PIN), change_pin(RIGHT, NEW)),
    _card("CHANGE PIN, wrong old one", _after(*BOUGHT), change_pin(WRONG, NEW)),
    _card("RELOAD", _after(WRONG_PIN, WRONG_PIN, WRONG_PIN), PUK, RELOAD, extras=("PUK",)),
    _card(
        "UPDATE RECORD linear",
        _after(*BOUGHT),
        UPDATE_RIGHT["UK1DF04"],
        update_linear(6, RECORD_8B),
        extras=("UK1DF04", "EF05"),
    ),
    _card(
        "UPDATE RECORD cyclic",
        _after(UPDATE_RIGHT["UK2DF04"], *ADDED),
        UPDATE_RIGHT["UK2DF04"],
        update_cyclic(0, "ABCDEF"),
        update_cyclic(2, "FEDCBA"),
        extras=("UK2DF04", "EF15"),
    ),
    _card("EXTERNAL AUTHENTICATE", fresh, authenticate("PUK", right=False, limit=3), PUK, extras=("PUK",)),
    Scenario(
        "80 70 of the PSAM",
        partial(psam_start, 1),
        (PSAM_PURCHASE, PSAM_PURCHASE),
        look_at_psam,
        profile="psam-national",
        enter=psam_in_des,
    ),
)
