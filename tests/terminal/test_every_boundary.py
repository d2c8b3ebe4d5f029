"""A fault at every exchange of a sale, and a second one at every exchange of its recovery: the law holds throughout.

The law (reliability.md): what the journal calls charged is what the chip has paid, at most once; nothing is open once
the card has been back.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest

from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.reader.connection import Connection, LinkError, LinkReason, link_error
from sscard_terminal.terminal.debit import DebitRequest, debit
from sscard_terminal.terminal.identification import IdentifiedCard, identify
from sscard_terminal.terminal.journal_events import SaleState
from sscard_terminal.terminal.outcomes import Approved, Declined, Unsettled
from sscard_terminal.terminal.recovery import settle
from sscard_terminal.terminal.workflow import verify_pin
from tests.terminal.doubles import (
    AMOUNTS,
    OPENING,
    PIN,
    Desk,
    Fault,
    answer_lost,
    answers,
    cut_after,
    delivered_twice,
    never_arrives,
)

EXCHANGES = 13
"""Of a whole sale over T=0 (test_debit.py counts them)."""
RECOVERY_EXCHANGES = 14
"""Of the longest recovery: identification, PIN, DF04, proof, INITIALIZE or the log."""

FAULTS: dict[str, Fault] = {
    "never arrives": never_arrives(LinkReason.CARD_REMOVED),
    "answer lost": answer_lost(LinkReason.CARD_REMOVED),
    "delivered twice": delivered_twice,
    "answer cut to two bytes": cut_after(2),
    "answer cut by one byte": lambda inner, command: short_by_one(inner, command),
    "6581": answers("6581"),
    "6F00": answers("6F00"),
}


def short_by_one(inner: Connection, command: CommandApdu) -> ResponseApdu:
    raw = inner.transmit(command).build()[:-1]
    if len(raw) < 2:
        raise link_error(LinkReason.CUT_ANSWER)
    return ResponseApdu.parse(raw)


@dataclass
class FaultyAt:
    """A link on which one fault happens to the n-th command, from 1; after a broken link it stays broken."""

    inner: Connection
    number: int
    fault: Fault
    travelled: int = 0
    broken: bool = False

    @property
    def atr(self) -> bytes:
        return self.inner.atr

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        if self.broken:
            raise link_error(LinkReason.CARD_REMOVED)
        self.travelled += 1
        if self.travelled != self.number:
            return self.inner.transmit(command)
        try:
            return self.fault(self.inner, command)
        except LinkError:
            self.broken = True
            raise

    def close(self) -> None:
        self.inner.close()


def sale_with(desk: Desk, number: int, fault: Fault) -> Approved | Declined | Unsettled | None:
    """One sale with one fault; None where the link broke before there was a sale."""
    try:
        card = served(desk, number, fault, PIN)
        if isinstance(card, Declined):
            return card
        return debit(card, desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock)
    except LinkError:
        return None


def served(desk: Desk, number: int, fault: Fault, pin: Pin) -> IdentifiedCard | Declined:
    card = desk.insert(lambda inner: FaultyAt(inner, number, fault))
    identified = identify(card, desk.psam, desk.policy, desk.clock, bytes)
    if isinstance(identified, Declined):
        return identified
    verdict = verify_pin(identified, pin)
    return verdict if isinstance(verdict, Declined) else identified


def recovery_with(desk: Desk, number: int, fault: Fault) -> None:
    """The card comes back, and a fault happens again."""
    try:
        card = served(desk, number, fault, PIN)
        if isinstance(card, IdentifiedCard):
            settle(card, desk.psam, desk.journal, desk.clock, pin_verified=True)
    except LinkError:
        return


def charged(desk: Desk) -> int:
    entries = [entry for entry in desk.journal.entries() if entry.state is SaleState.CHARGED]
    return sum(entry.sale.amounts.account for entry in entries)


def assert_lawful(desk: Desk) -> None:
    desk.come_back()
    assert desk.journal.open_sales() == ()
    assert charged(desk) in (0, AMOUNTS.account)
    assert desk.balance() == OPENING - charged(desk)


@pytest.mark.parametrize("number", range(1, EXCHANGES + 1))
@pytest.mark.parametrize("fault", FAULTS)
def test_one_fault_anywhere_in_a_sale(tmp_path: Path, fault: str, number: int) -> None:
    desk = Desk.at(tmp_path)

    outcome = sale_with(desk, number, FAULTS[fault])

    paid = OPENING - desk.balance()
    match outcome:
        case Approved():
            assert paid == AMOUNTS.account
        case Declined() | None:
            assert paid == 0
            assert desk.journal.open_sales() == ()
        case Unsettled():
            assert len(desk.journal.open_sales()) == 1
    assert_lawful(desk)


@pytest.mark.parametrize("number", range(5, RECOVERY_EXCHANGES + 1))
@pytest.mark.parametrize("second", ["answer lost", "delivered twice", "answer cut to two bytes", "6581"])
@pytest.mark.parametrize("first", ["never arrives", "answer lost"])
def test_a_second_fault_anywhere_in_the_recovery(
    tmp_path: Path, first: str, second: str, number: int
) -> None:
    """The sale's fault is at DEBIT, the twelfth exchange."""
    desk = Desk.at(tmp_path)
    assert isinstance(sale_with(desk, 12, FAULTS[first]), Unsettled)
    desk.psam = desk.powered_psam()

    recovery_with(desk, number, FAULTS[second])

    assert_lawful(desk)
