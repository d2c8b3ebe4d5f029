"""Card and PSAM through loads, purchases, PIN games, resets, kills and power cuts in any order, against the oracle.

Not here: complete lists of faults (enumeration). What hypothesis finds it shortens and prints as steps.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.torture import oracle
from tests.torture.counterpart import (
    DF04,
    FACTORS,
    SSSE,
    TERMINAL,
    Counterpart,
    amounts,
    chip_on,
    look_at_card,
    look_at_psam,
    psam_in_des,
)
from tests.torture.oracle import State, Verdict
from tests.torture.scenarios import OPENING, fresh, psam_start
from tests.torture.stores import Medium, PowerCut, faults_at, settled

PROFILE = "gen2-32k"
PINS = ("123456", "1234", "12345", "87654321", "0000000000000000")
TIMES = ("20120601120000", "20121231235959", "20130101000000", "20110101000000", "20200229120000")
F3 = bytes.fromhex("8660370900000002")
WRONG_MAC = bytes(4)
LOG_ROOM = 30

pins = st.sampled_from(PINS)
fen = st.integers(0, 20_000)
cuts = st.one_of(st.none(), st.integers(0, 5), st.integers(0, 5))
"""After how many events of the next command the power goes; often never."""
luck = st.integers(0, 10**6)
"""Which of the faults possible then it is."""


class Machine:
    """A chip on a medium that can be cut, with the state the oracle holds for it."""

    def __init__(
        self, content: bytes, look: Callable[[bytes], State], enter: Callable[[Medium], Counterpart]
    ) -> None:
        self.look, self._enter = look, enter
        self.state = look(content)
        self.start(Medium(content))

    def start(self, medium: Medium) -> None:
        """A new chip over what is left."""
        self.medium = medium
        self.end = self._enter(medium)

    def do(
        self,
        act: Callable[[Counterpart], str],
        judge: Callable[[State, str], Verdict],
        cut: int | None,
        luck: int,
    ) -> str | None:
        """One command, cut or not; its answer, or None when the power went first."""
        medium, before = self.medium, self.state
        medium.cut = None if cut is None else len(medium.events) + cut
        try:
            answer = act(self.end)
        except PowerCut:
            self._comes_back(before, judge, luck)
            return None
        path, says = judge(before, answer)
        assert says in (answer[-4:], answer[:8]), f"{answer} instead of {says}"
        self.state = (path or [before])[-1]
        medium.cut = None
        return answer

    def _comes_back(self, before: State, judge: Callable[[State, str], Verdict], luck: int) -> None:
        medium = self.medium
        durable, pending = settled(medium.content, medium.events)
        faults = list(faults_at(len(medium.events), pending))
        place = luck % (len(faults) + 1)
        killed = place == len(faults)
        left = Medium(durable, pending) if killed else Medium(medium.after(faults[place]))
        path, _ = judge(before, "")
        self.start(left)
        self.state = self.look(left.read_all())
        allowed = [without_codes(state) for state in oracle.allowed(before, path, True, False, False)]
        assert without_codes(self.state) in allowed, f"{self.state} is not of {allowed}"


def without_codes(state: State) -> State:
    """A cut command gave no answer to compare MACs and TACs with."""
    return {**state, "proof": [proof[:7] for proof in state.get("proof", [])]}


class CardAndPsam(RuleBasedStateMachine):
    """One card, one PSAM, and everything people do to them."""

    def __init__(self) -> None:
        super().__init__()
        look = partial(look_at_card, profile_name=PROFILE, pins=PINS)
        self.card = Machine(fresh(), look, lambda medium: Counterpart(chip_on(medium, PROFILE), PROFILE))
        self.sam = Machine(
            psam_start(0), look_at_psam, lambda medium: psam_in_des(chip_on(medium, "psam-national"))
        )
        self.transactions = 0

    # -- money

    @rule(amount=fen, time=st.sampled_from(TIMES), cut=cuts, luck=luck)
    def load(self, amount: int, time: str, cut: int | None, luck: int) -> None:
        if self._pin_is_given():
            command = self.card.end.credit_command(self.card.end.initialize_load(amount), amount, time)
            self._transact(
                lambda card: card.fetch(command),
                lambda state, answer: oracle.load(state, amount, TERMINAL, time, answer[:8]),
                cut,
                luck,
            )

    @rule(spent=st.tuples(fen, fen, fen), time=st.sampled_from(TIMES), card_cut=cuts, sam_cut=cuts, luck=luck)
    def buy(
        self, spent: tuple[int, int, int], time: str, card_cut: int | None, sam_cut: int | None, luck: int
    ) -> None:
        if not self._pin_is_given():
            return
        challenge = self.card.end.initialize_purchase(spent)
        if spent[0] > self.card.state["balance"]:
            assert challenge == "9401"
            return
        answer = self._sam_opens(challenge, spent, time, sam_cut, luck)
        if answer is None:
            return
        command = f"B02C01000F{answer[:8]}{time}{answer[8:16]}"
        number = self.card.state["purchases"]
        debited = self._transact(
            lambda card: card.fetch(command),
            lambda state, answer: oracle.purchase(state, spent, TERMINAL, time, answer[:16]),
            card_cut,
            luck,
        )
        self._settle(debited, number)

    def _settle(self, debited: str | None, number: int) -> None:
        """By the answer, or by the proof: it is there exactly when the money is gone, and the PSAM believes it."""
        mac2 = debited[8:16] if debited else None
        if mac2 is None:
            self.card.end.fetch(DF04)
            proof = self.card.end.fetch(f"B02E003202{number:04X}")
            assert proof.endswith("9000") == (self.card.state["purchases"] == number + 1), proof
            mac2 = proof[:8] if proof.endswith("9000") else None
        if mac2 is not None:
            assert self.sam.end.ask(f"8072000004{mac2}") == "9000"
            assert self.sam.end.ask(f"8072000004{mac2}") == "6901"

    @rule(spent=st.tuples(fen, fen, fen), mac2=st.booleans())
    def try_a_wrong_mac(self, spent: tuple[int, int, int], mac2: bool) -> None:
        """Neither a forged MAC1 nor a forged MAC2 moves or confirms anything."""
        if not self._pin_is_given():
            return
        challenge = self.card.end.initialize_purchase(spent)
        if mac2 and challenge.endswith("9000"):
            self._sam_opens(challenge, spent, TIMES[0], None, 0)
            assert self.sam.end.ask(f"8072000004{WRONG_MAC.hex()}") == "9302"
        elif challenge.endswith("9000"):
            assert self.card.end.ask(f"B02C01000F00000001{TIMES[0]}{WRONG_MAC.hex()}") == "9302"

    def _sam_opens(
        self, challenge: str, spent: tuple[int, int, int], time: str, cut: int | None, luck: int
    ) -> str | None:
        answer = bytes.fromhex(challenge)
        body = answer[18:22] + answer[14:16] + amounts(spent) + b"\x32" + bytes.fromhex(time) + answer[16:18]
        whole = (body + F3 + FACTORS[8:]).hex()
        return self.sam.do(
            lambda sam: sam.fetch(f"8070010034{whole}"),
            lambda state, _: oracle.next_sequence(state),
            cut,
            luck,
        )

    def _transact(self, act: Any, judge: Any, cut: int | None, luck: int) -> str | None:
        before = self.card.state["loads"] + self.card.state["purchases"]
        answer = self.card.do(act, judge, cut, luck)
        self.transactions += self.card.state["loads"] + self.card.state["purchases"] - before
        return answer

    def _pin_is_given(self) -> bool:
        card = self.card
        if card.state["tries"] == 0:
            card.end.fetch(DF04)
            return False
        pin = card.state["pin"]
        card.do(lambda end: end.verify(pin), lambda state, _: oracle.verify(state, pin), None, 0)
        card.end.fetch(DF04)
        return True

    # -- PIN

    @rule(pin=pins, cut=cuts, luck=luck)
    def verify(self, pin: str, cut: int | None, luck: int) -> None:
        self.card.do(lambda end: end.verify(pin), lambda state, _: oracle.verify(state, pin), cut, luck)

    @rule(old=pins, new=pins, cut=cuts, luck=luck)
    def change_pin(self, old: str, new: str, cut: int | None, luck: int) -> None:
        self.card.end.fetch(SSSE)
        self.card.do(
            lambda end: end.change_pin(old, new),
            lambda state, _: oracle.change_pin(state, old, new),
            cut,
            luck,
        )

    @rule(new=pins, cut=cuts, luck=luck)
    def reload_pin(self, new: str, cut: int | None, luck: int) -> None:
        self.card.end.fetch(SSSE)
        assert self.card.end.authenticate("PUK") == "9000"
        self.card.do(
            lambda end: end.reload_pin(new), lambda state, _: oracle.reload_pin(state, new), cut, luck
        )

    # -- power

    @rule()
    def reset_the_card(self) -> None:
        self.card.end.chip.reset()
        self.card.end.fetch(DF04)
        assert self.card.end.ask("B026000104") == "6982"

    @rule()
    def power_off_and_seal(self) -> None:
        self.card.end.chip.close()
        self.card.start(Medium(self.card.medium.all_unsynced_lost()))

    @rule(luck=luck)
    def pull_the_psam_out(self, luck: int) -> None:
        self.sam.start(Medium(self.sam.medium.all_unsynced_lost()))

    # -- the law

    @invariant()
    def the_card_says_what_the_oracle_says(self) -> None:
        assert self.card.look(self.card.medium.all_unsynced_lost()) == self.card.state
        assert self.sam.look(self.sam.medium.all_unsynced_lost()) == self.sam.state
        if self.transactions <= LOG_ROOM:
            assert oracle.keeps_the_law(OPENING, self.card.state)
