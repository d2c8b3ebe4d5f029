"""What only a reader can do to a sale, over a real pcscd: silence, removal, re-insertion, another's reset, a dead service.

Each fault of pcsc.md §6 ends in a right outcome within the deadline, and the card that comes back settles it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.reader import pcsc
from sscard_terminal.reader.completing import completing
from sscard_terminal.reader.connection import (
    Connection,
    LinkError,
    LinkReason,
    NoReader,
    exclusively,
    reset,
)
from sscard_terminal.reader.private_pcscd import PrivatePcscd, Slot
from sscard_terminal.terminal.client import SocialSecurityCard
from sscard_terminal.terminal.debit import DebitRequest, debit
from sscard_terminal.terminal.evidence import Evidence
from sscard_terminal.terminal.identification import IdentifiedCard, identify
from sscard_terminal.terminal.journal_events import SaleState
from sscard_terminal.terminal.outcomes import Approved, Declined, Doubt, Unsettled
from sscard_terminal.terminal.recovery import settle
from sscard_terminal.terminal.workflow import verify_pin
from tests.terminal.doubles import AMOUNTS, PIN, Desk, another_card, pattern
from tests.terminal.hostile import SELL, commands_of, readied, spent
from tests.terminal.served_chip import Happening, ServedChip, in_reader

pytestmark = pytest.mark.vpcd

DEADLINE_S = 0.6
SLACK_S = 2.0
"""For a machine that is busy; without a deadline a mute card would keep us for ever."""
DEBIT, FETCH = "B02C", "00C0"
OUR_SALE = 2
EXCHANGES = len(commands_of(SELL, "gen2-32k"))

Outcome = Approved | Declined | Unsettled | LinkReason


@dataclass
class Shop:
    """A counter whose card is in the virtual reader and whose PSAM is in this process."""

    pcscd: PrivatePcscd
    slot: Slot
    desk: Desk
    took_s: float = 0.0
    around: Callable[[Connection], Connection] = field(default=lambda connection: connection)

    def sell(self, *, alone: bool = True) -> Outcome:
        """One sale in one breath; `alone`: other programs are kept off the card."""
        begun = time.monotonic()
        try:
            return self._breathe(self._sold, alone)
        except LinkError as error:
            return error.reason
        finally:
            self.took_s = time.monotonic() - begun

    def recover(self) -> tuple[SaleState, Evidence]:
        """The card is put in again, and all goes well."""
        self.desk.psam = self.desk.powered_psam()
        with in_reader(ServedChip(self.desk.card), self.pcscd, self.slot):
            ((state, evidence),) = self._breathe(self._settled, True)
        return state, evidence

    def _breathe(self, act: Callable[[IdentifiedCard], object], alone: bool) -> object:
        connection = self.around(pcsc.open_reader(self.slot.reader, deadline_s=DEADLINE_S))
        with ExitStack() as stack:
            stack.callback(connection.close)
            if alone:
                stack.enter_context(exclusively(connection))
            card = SocialSecurityCard(completing(connection, deadline_s=DEADLINE_S))
            desk = self.desk
            identified = identify(card, desk.psam, desk.policy, desk.clock, pattern)
            if isinstance(identified, Declined):
                return identified
            verdict = verify_pin(identified, PIN)
            return verdict if isinstance(verdict, Declined) else act(identified)

    def _sold(self, card: IdentifiedCard) -> object:
        return debit(card, self.desk.psam, self.desk.journal, DebitRequest(AMOUNTS), self.desk.clock)

    def _settled(self, card: IdentifiedCard) -> object:
        settled = settle(card, self.desk.psam, self.desk.journal, self.desk.clock, pin_verified=True)
        return tuple((each.state, each.evidence) for each in settled)

    @property
    def state(self) -> SaleState | None:
        entry = self.desk.journal.entry(OUR_SALE)
        return None if entry is None else entry.state


@pytest.fixture
def shop(pcscd: PrivatePcscd, slot: Slot, tmp_path: Path) -> Shop:
    return Shop(pcscd, slot, readied(SELL, "gen2-32k").at(tmp_path))


def assert_lawful(shop: Shop, outcome: Outcome) -> None:
    """The outcome is true of the chip, it came in time, and what it left open the card settles when it is back."""
    paid = spent(shop.desk)
    assert shop.took_s < DEADLINE_S + SLACK_S
    match outcome:
        case Approved():
            assert (paid, shop.state) == (AMOUNTS.account, SaleState.CHARGED)
        case Unsettled():
            assert shop.state is SaleState.OPEN
            expected = SaleState.CHARGED if paid else SaleState.NOT_CHARGED
            state, _ = shop.recover()
            assert state is shop.state is expected
        case _:
            assert paid == 0
            assert shop.state in (None, SaleState.NOT_CHARGED)
    assert spent(shop.desk) == paid


def obeying(then: Happening) -> Happening:
    """The chip does what it is told, and then."""

    def happening(served: ServedChip, command: bytes) -> None:
        served.obey(command)
        then(served, command)

    return happening


def at_the_fetch(happening: Happening) -> Happening:
    """DEBIT is answered 61xx as ever, and it happens to the GET RESPONSE behind it."""

    def answers_and_waits(served: ServedChip, command: bytes) -> None:
        served.answer(served.obey(command))
        served.befall(FETCH, happening)

    return answers_and_waits


def falls_silent(served: ServedChip, command: bytes) -> None:
    """It answers nothing more, and stays."""


def leaves(served: ServedChip, command: bytes) -> None:
    served.leave()


def one_byte(served: ServedChip, command: bytes) -> None:
    served.answer(b"\x90")


def half_an_answer(served: ServedChip, command: bytes) -> None:
    """Six bytes of ten, and gone: the driver hands them on as they are (pcsc.md §6)."""
    answer = served.obey(command)
    served.answer(answer[:6])
    served.leave()


FAULTS: dict[str, tuple[Happening, LinkReason | None, bool]] = {
    # what happens to DEBIT, what the reader says of it, has the chip paid?
    "mute before it pays": (falls_silent, LinkReason.DEADLINE_PASSED, False),
    "mute after it paid": (obeying(falls_silent), LinkReason.DEADLINE_PASSED, True),
    "mute when its answer is fetched": (at_the_fetch(falls_silent), LinkReason.DEADLINE_PASSED, True),
    "gone before it pays": (leaves, LinkReason.EMPTY_ANSWER, False),
    "gone after it paid": (obeying(leaves), LinkReason.EMPTY_ANSWER, True),
    "gone when its answer is fetched": (at_the_fetch(leaves), LinkReason.EMPTY_ANSWER, True),
    "one byte before it pays": (one_byte, LinkReason.CUT_ANSWER, False),
    "one byte after it paid": (obeying(one_byte), LinkReason.CUT_ANSWER, True),
    "half its answer, and gone": (at_the_fetch(half_an_answer), None, True),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_card_that_fails_at_debit_is_to_be_verified_and_settles_when_it_is_back(
    fault: str, shop: Shop
) -> None:
    happening, link, paid = FAULTS[fault]

    with in_reader(ServedChip(shop.desk.card, DEBIT, happening), shop.pcscd, shop.slot):
        outcome = shop.sell()

    assert isinstance(outcome, Unsettled)
    assert outcome.doubt is Doubt.ANSWER_LOST
    assert link in (None, outcome.link)
    assert bool(spent(shop.desk)) is paid
    assert_lawful(shop, outcome)


@pytest.mark.parametrize("obeys", [False, True], ids=["before it obeys", "after it obeyed"])
@pytest.mark.parametrize("number", range(1, EXCHANGES + 1))
def test_a_card_taken_out_at_any_command_of_a_sale(number: int, obeys: bool, shop: Shop) -> None:
    travelled: list[bytes] = []

    def behave(served: ServedChip, command: bytes) -> None:
        travelled.append(command)
        if len(travelled) < number:
            served.befall("", behave)
            served.answer(served.obey(command))
        else:
            (obeying(leaves) if obeys else leaves)(served, command)

    with in_reader(ServedChip(shop.desk.card, "", behave), shop.pcscd, shop.slot):
        outcome = shop.sell()

    assert len(travelled) == number
    assert not isinstance(outcome, Approved)
    assert_lawful(shop, outcome)


@pytest.mark.parametrize("comes", ["the same card", "another card"])
@pytest.mark.parametrize("obeys", [False, True], ids=["not paid", "paid"])
def test_a_card_put_in_between_two_looks_of_the_reader_gets_no_command_of_the_sale(
    obeys: bool, comes: str, shop: Shop
) -> None:
    """No removal may ever be reported then (pcsc.md §3): the broken exchange itself ends the connection."""
    other = another_card()
    second = ServedChip(shop.desk.card if comes == "the same card" else other)

    def swapped(served: ServedChip, command: bytes) -> None:
        served.leave()
        second.plug(shop.pcscd, shop.slot)

    happening = obeying(swapped) if obeys else swapped
    with in_reader(ServedChip(shop.desk.card, DEBIT, happening), shop.pcscd, shop.slot):
        outcome = shop.sell()

    assert isinstance(outcome, Unsettled)
    assert not any(raw.startswith("B0") for raw in second.commands)
    second.bury()
    assert pcsc.wait_for_removal(shop.slot.reader, 10)
    assert_lawful(shop, outcome)


@dataclass
class Before:
    """A connection on which something happens before a command that begins with `at` travels, or `at` and then `then`."""

    inner: Connection
    at: str
    happens: Callable[[], None] | None
    then: str = ""

    @property
    def atr(self) -> bytes:
        return self.inner.atr

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        if self.happens is not None and command.build().hex().upper().startswith(self.at):
            if self.then:
                self.at, self.then = self.then, ""
            else:
                happens, self.happens = self.happens, None
                happens()
        return self.inner.transmit(command)

    def exclusively(self):  # type: ignore[no-untyped-def]
        return exclusively(self.inner)

    def close(self) -> None:
        self.inner.close()


BETWEEN = {
    "the look at the card": ("0088", "", LinkReason.CARD_RESET),
    "the PIN": ("B028", "", Declined),
    "INITIALIZE": (DEBIT, "", Unsettled),
    "DEBIT": (DEBIT, FETCH, Unsettled),
}


@pytest.mark.parametrize("after", BETWEEN)
def test_another_program_that_resets_the_card_in_the_middle_of_a_sale(after: str, shop: Shop) -> None:
    where, then, expected = BETWEEN[after]

    def resets() -> None:
        theirs = pcsc.open_reader(shop.slot.reader, deadline_s=DEADLINE_S)
        reset(theirs)
        theirs.close()

    shop.around = lambda connection: Before(connection, where, resets, then)
    with in_reader(ServedChip(shop.desk.card), shop.pcscd, shop.slot):
        outcome = shop.sell(alone=False)

    shop.around = lambda connection: connection
    if isinstance(expected, LinkReason):
        assert outcome is expected
    else:
        assert isinstance(outcome, expected)
        assert outcome.link is LinkReason.CARD_RESET
    assert_lawful(shop, outcome)


def test_a_sale_in_one_breath_cannot_be_reset_by_another_program(shop: Shop) -> None:
    refused: list[LinkReason] = []
    with in_reader(ServedChip(shop.desk.card), shop.pcscd, shop.slot):
        theirs = pcsc.open_reader(shop.slot.reader, deadline_s=0.2)

        def tries_to_reset() -> None:
            with pytest.raises(LinkError) as caught, exclusively(theirs):
                reset(theirs)
            refused.append(caught.value.reason)

        shop.around = lambda connection: Before(connection, DEBIT, tries_to_reset)
        outcome = shop.sell()
        theirs.close()

    assert refused == [LinkReason.READER_BUSY]
    assert isinstance(outcome, Approved)
    assert_lawful(shop, outcome)


@pytest.fixture
def restarted(shop: Shop) -> Iterator[Shop]:
    """A shop whose service a test may stop; it runs again afterwards."""
    yield shop
    shop.pcscd.stop_service()
    shop.pcscd.start_service()


SERVICE = {
    "INITIALIZE": ("B028", lambda dies: dies, Declined),
    "DEBIT, which has not paid": (DEBIT, lambda dies: dies, Unsettled),
    "DEBIT, which has paid": (DEBIT, lambda dies: obeying(dies), Unsettled),
    "fetching what DEBIT answers": (DEBIT, lambda dies: at_the_fetch(dies), Unsettled),
}


@pytest.mark.parametrize("during", SERVICE)
def test_a_service_that_dies_during_a_sale_and_comes_back(during: str, restarted: Shop) -> None:
    """With it goes every reader: to us the same as one that was unplugged."""
    where, befalling, expected = SERVICE[during]
    shop = restarted

    def service_dies(served: ServedChip, command: bytes) -> None:
        shop.pcscd.stop_service()

    with in_reader(ServedChip(shop.desk.card, where, befalling(service_dies)), shop.pcscd, shop.slot):
        outcome = shop.sell()
    away = shop.sell()
    shop.pcscd.start_service()

    assert isinstance(outcome, expected)
    assert outcome.link is LinkReason.SERVICE_GONE
    assert away is LinkReason.NO_SERVICE
    assert_lawful(shop, outcome)


def test_a_service_that_dies_between_two_commands(restarted: Shop) -> None:
    shop = restarted
    shop.around = lambda connection: Before(connection, DEBIT, shop.pcscd.stop_service)

    with in_reader(ServedChip(shop.desk.card), shop.pcscd, shop.slot):
        outcome = shop.sell()
    with pytest.raises(NoReader):
        pcsc.list_readers()
    shop.pcscd.start_service()

    shop.around = lambda connection: connection
    assert isinstance(outcome, Unsettled)
    assert outcome.link is LinkReason.SERVICE_GONE
    assert spent(shop.desk) == 0
    assert_lawful(shop, outcome)


def test_a_connection_of_before_sends_nothing_after_the_service_is_back(restarted: Shop) -> None:
    shop = restarted

    def stops_and_starts() -> None:
        shop.pcscd.stop_service()
        shop.pcscd.start_service()

    shop.around = lambda connection: Before(connection, DEBIT, stops_and_starts)
    served = ServedChip(shop.desk.card)
    with in_reader(served, shop.pcscd, shop.slot):
        outcome = shop.sell()

    shop.around = lambda connection: connection
    assert not any(raw.startswith(DEBIT) for raw in served.commands)
    assert isinstance(outcome, Unsettled)
    assert_lawful(shop, outcome)
