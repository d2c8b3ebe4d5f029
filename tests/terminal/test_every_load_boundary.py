"""A fault at every exchange, every question to the host and every write of a load: the law holds throughout.

The law (reliability.md): opening + loads − debits = balance. The oracle below knows three numbers only: what the chip
holds, what the centre's account has left, and which loads the journal calls credited.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.reader.connection import Connection, LinkError
from sscard_terminal.terminal.identification import IdentifiedCard, identify
from sscard_terminal.terminal.issuer_host import IssuerHost
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.load import LoadOrder, load
from sscard_terminal.terminal.load_records import Credited, LoadState, LoadUnsettled
from sscard_terminal.terminal.outcomes import Declined
from sscard_terminal.terminal.service_window import tidy_up
from sscard_terminal.terminal.workflow import verify_pin
from tests.terminal.doubles import OPENING, Fault
from tests.terminal.test_every_boundary import FAULTS, FaultyAt
from tests.terminal.window_doubles import AMOUNT, CREDIT, FUNDS, FailingHost, ServiceDesk

EXCHANGES = 13
"""Of a whole load over T=0, identification and PIN included."""
CREDIT_EXCHANGE = 12
"""Behind it only its answer is fetched."""
RECOVERY_EXCHANGES = 16
WRITES = 5
"""Request, intent, answer, end, report."""

Outcome = Credited | Declined | LoadUnsettled | None


def served(desk: ServiceDesk, number: int, fault: Fault) -> IdentifiedCard | Declined:
    card = desk.insert(lambda inner: FaultyAt(inner, number, fault))
    found = identify(card, desk.psam, desk.policy, desk.clock, bytes)
    if isinstance(found, Declined):
        return found
    verdict = verify_pin(found, desk.pin)
    return verdict if isinstance(verdict, Declined) else found


def load_with(desk: ServiceDesk, number: int, fault: Fault, host: IssuerHost) -> Outcome:
    """One load with one fault; None where the link broke before there was a load."""
    try:
        card = served(desk, number, fault)
        if isinstance(card, Declined):
            return card
        return load(card, host, desk.window, LoadOrder(Fen(AMOUNT)))
    except LinkError:
        return None


def recovery_with(desk: ServiceDesk, number: int, fault: Fault, host: IssuerHost) -> None:
    try:
        card = served(desk, number, fault)
        if isinstance(card, IdentifiedCard):
            tidy_up(card, host, desk.window, pin_verified=True)
    except LinkError:
        return


def loaded(desk: ServiceDesk) -> int:
    """What the journal says was credited."""
    credited = [entry for entry in desk.loads.entries() if entry.state is LoadState.CREDITED]
    return sum(entry.load.amount for entry in credited)


def assert_nothing_from_nowhere(desk: ServiceDesk) -> None:
    """At any moment: what the card has got, the centre's account has lost."""
    assert desk.chip_balance() - OPENING <= FUNDS - desk.available()


def assert_lawful(desk: ServiceDesk, most: int = AMOUNT) -> None:
    """Once the card has been back at a window whose host answers."""
    desk.come_back_to_window()
    assert desk.loads.open_loads() == ()
    assert desk.loads.unreported() == ()
    assert loaded(desk) in range(0, most + 1, AMOUNT)
    assert desk.chip_balance() == OPENING + loaded(desk)
    assert desk.available() == FUNDS - loaded(desk)
    assert desk.host.ledger.flags() == ()


def assert_told_rightly(desk: ServiceDesk, outcome: Outcome) -> None:
    got = desk.chip_balance() - OPENING
    match outcome:
        case Credited():
            assert got == AMOUNT
        case Declined() | None:
            assert got == 0
            assert desk.loads.open_loads() == ()
        case LoadUnsettled():
            assert len(desk.loads.open_loads()) == 1


@pytest.mark.parametrize("number", range(1, EXCHANGES + 1))
@pytest.mark.parametrize("fault", FAULTS)
def test_one_fault_anywhere_in_a_load(tmp_path: Path, fault: str, number: int) -> None:
    desk = ServiceDesk.open(tmp_path)

    outcome = load_with(desk, number, FAULTS[fault], desk.host)

    assert_told_rightly(desk, outcome)
    assert_nothing_from_nowhere(desk)
    assert_lawful(desk)


def test_a_load_takes_thirteen_exchanges_and_credit_is_the_last_but_one(tmp_path: Path) -> None:
    desk = ServiceDesk.open(tmp_path)
    sent: list[bytes] = []

    def noting(inner: Connection, command: CommandApdu) -> ResponseApdu:
        sent.append(command.header)
        return inner.transmit(command)

    for number in range(1, EXCHANGES + 2):
        load_with(desk, number, noting, desk.host)

    assert len(sent) == EXCHANGES
    assert sent[CREDIT_EXCHANGE - 1] == CREDIT


@pytest.mark.parametrize("question", [1, 2])
@pytest.mark.parametrize("acts", [True, False])
@pytest.mark.parametrize("fault", ["none", "answer lost", "never arrives", "delivered twice", "6581"])
def test_a_host_that_gives_no_answer_beside_a_card_that_does_not(
    tmp_path: Path, fault: str, acts: bool, question: int
) -> None:
    desk = ServiceDesk.open(tmp_path)
    number = 0 if fault == "none" else CREDIT_EXCHANGE

    outcome = load_with(
        desk, number, FAULTS.get(fault, FAULTS["6F00"]), FailingHost(desk.host, question, acts)
    )

    assert_told_rightly(desk, outcome)
    assert_nothing_from_nowhere(desk)
    assert_lawful(desk)


@pytest.mark.parametrize("number", range(5, RECOVERY_EXCHANGES + 1))
@pytest.mark.parametrize("second", ["answer lost", "delivered twice", "answer cut to two bytes", "6581"])
@pytest.mark.parametrize("first", ["never arrives", "answer lost"])
def test_a_second_fault_anywhere_in_the_recovery(
    tmp_path: Path, first: str, second: str, number: int
) -> None:
    desk = ServiceDesk.open(tmp_path)
    load_with(desk, CREDIT_EXCHANGE, FAULTS[first], desk.host)

    recovery_with(desk, number, FAULTS[second], desk.host)

    assert_nothing_from_nowhere(desk)
    assert_lawful(desk)


@pytest.mark.parametrize("question", [1, 2, 3])
@pytest.mark.parametrize("acts", [True, False])
def test_a_host_that_gives_no_answer_during_the_recovery(tmp_path: Path, acts: bool, question: int) -> None:
    desk = ServiceDesk.open(tmp_path)
    load_with(desk, CREDIT_EXCHANGE, FAULTS["answer lost"], desk.host)

    recovery_with(desk, 0, FAULTS["6F00"], FailingHost(desk.host, question, acts))

    assert_nothing_from_nowhere(desk)
    assert_lawful(desk)


class Killed(BaseException):
    """The terminal's process dies here."""


def dying_at(journal: Journal, number: int, *, after: bool) -> None:
    """The process dies at the n-th write of the journal (from 1): before it is on the disk, or just after."""
    seen, real = 0, journal.writing

    @contextmanager
    def writing() -> Iterator[sqlite3.Connection]:
        nonlocal seen
        seen += 1
        if seen == number and not after:
            raise Killed
        with real() as database:
            yield database
        if seen == number:
            raise Killed

    journal.writing = writing  # type: ignore[method-assign]  # the process dies, nothing else


def reborn(desk: ServiceDesk, folder: Path) -> None:
    desk.journal.close()
    desk.journal = Journal.open(folder / "journal.db")
    desk.psam = desk.powered_psam()


@pytest.mark.parametrize("number", range(1, WRITES + 1))
@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_write_of_a_load(tmp_path: Path, number: int, after: bool) -> None:
    desk = ServiceDesk.open(tmp_path)
    dying_at(desk.journal, number, after=after)

    with pytest.raises(Killed):
        desk.load()
    reborn(desk, tmp_path)

    assert_nothing_from_nowhere(desk)
    assert_lawful(desk)


@pytest.mark.parametrize("question", [1, 2])
@pytest.mark.parametrize("acts", [True, False])
def test_killed_at_any_question_to_the_host(tmp_path: Path, acts: bool, question: int) -> None:
    desk = ServiceDesk.open(tmp_path)

    class Killing(FailingHost):
        def __getattr__(self, name: str) -> Callable[..., object]:
            ask = FailingHost.__getattr__(self, name)

            def dying(*asked: object) -> object:
                try:
                    return ask(*asked)
                except Exception as error:
                    raise Killed from error

            return dying

    with pytest.raises(Killed):
        desk.load(host=Killing(desk.host, question, acts))
    reborn(desk, tmp_path)

    assert_nothing_from_nowhere(desk)
    assert_lawful(desk)


@pytest.mark.parametrize("profile", ["gen1-16k", "gen3"])
@pytest.mark.parametrize("fault", FAULTS)
def test_the_law_holds_for_every_generation_and_a_load_after(
    tmp_path: Path, profile: str, fault: str
) -> None:
    desk = ServiceDesk.open(tmp_path, profile)

    desk.load(FAULTS[fault])
    desk.come_back_to_window()
    assert isinstance(desk.load(), Credited)

    assert_lawful(desk, 2 * AMOUNT)
    assert loaded(desk) >= AMOUNT


def test_a_card_that_never_comes_back_leaves_the_money_where_nobody_can_spend_it(tmp_path: Path) -> None:
    desk = ServiceDesk.open(tmp_path)

    desk.load(FAULTS["answer lost"])

    assert desk.available() == FUNDS - AMOUNT
    assert len(desk.loads.open_loads()) == 1


def test_random_loads_sales_and_faults_add_up(tmp_path: Path) -> None:
    """Forty loads in a row, each with the next fault at the next exchange; all the money is somewhere."""
    desk = ServiceDesk.open(tmp_path)
    faults = list(FAULTS.values())

    for turn in range(40):
        load_with(desk, 6 + turn % (EXCHANGES - 5), faults[turn % len(faults)], desk.host)
        assert_nothing_from_nowhere(desk)
        desk.come_back_to_window()

    assert desk.chip_balance() == OPENING + loaded(desk)
    assert desk.available() == FUNDS - loaded(desk)
    assert 0 < loaded(desk) < 40 * AMOUNT
