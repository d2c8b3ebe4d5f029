"""What a lost load leaves open: the card's proof, counter and log tell, or the host does."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from sscard_terminal.cardspec.issuing import LoadOutcome
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.transaction import LOAD_TYPE, PurchaseAmounts
from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.reader.connection import Connection, LinkReason, link_error
from sscard_terminal.terminal.debit import DebitRequest, debit
from sscard_terminal.terminal.load import LoadOrder, load
from sscard_terminal.terminal.load_evidence import LoadEvidence
from sscard_terminal.terminal.load_records import (
    Credited,
    LoadEvent,
    LoadEventKind,
    LoadIntent,
    LoadState,
    LoadUnsettled,
)
from sscard_terminal.terminal.load_recovery import settle_loads
from sscard_terminal.terminal.outcomes import Approved
from sscard_terminal.terminal.service_window import tidy_up_without_card
from tests.terminal.doubles import (
    AMOUNTS,
    GET_RESPONSE,
    OPENING,
    Refusing,
    answer_lost,
    psam_with_number,
)
from tests.terminal.window_doubles import AMOUNT, FUNDS, ServiceDesk, SilentHost

each_generation = pytest.mark.parametrize("profile", ["gen1-16k", "gen2-32k", "gen3"])
LOST = answer_lost(LinkReason.CARD_REMOVED)
PROOF = bytes.fromhex("B02E0031")


@pytest.fixture
def desk(tmp_path: Path) -> ServiceDesk:
    return ServiceDesk.open(tmp_path)


def never_heard(inner: Connection, command: CommandApdu) -> ResponseApdu:
    """CREDIT is lost on its way, and nobody can know that."""
    raise link_error(LinkReason.EMPTY_ANSWER)


@dataclass
class Rewriting:
    """A link on which the data of every answer to commands that start with `start` are changed."""

    inner: Connection
    start: bytes
    change: Callable[[bytes], bytes]
    asked: bool = False

    @property
    def atr(self) -> bytes:
        return self.inner.atr

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        answer = self.inner.transmit(command)
        if command.header.startswith(self.start):
            self.asked = True
        elif command.header != GET_RESPONSE:
            self.asked = False
        return ResponseApdu(self.change(answer.data), answer.sw) if self.asked else answer

    def close(self) -> None:
        self.inner.close()


READ_RECORD = bytes.fromhex("00B2")


def as_before(data: bytes) -> bytes:
    """INITIALIZE FOR LOAD, with balance and counter as they were before the load."""
    return OPENING.to_bytes(4, "big") + bytes(2) + data[6:] if len(data) == 16 else data


def lose(desk: ServiceDesk, *, happens: bool = True) -> None:
    outcome = desk.load(LOST if happens else never_heard)
    assert isinstance(outcome, LoadUnsettled), outcome


def elsewhere(desk: ServiceDesk, folder: Path) -> ServiceDesk:
    """Another window of the same bureau, with the same card and host."""
    (folder / "other").mkdir()
    other = ServiceDesk.open(folder / "other")
    other.card, other.host, other.clock = desk.card, desk.host, desk.clock
    other.psam_chip = psam_with_number("370900000002")
    other.psam = other.powered_psam()
    other.random = lambda length: b"\xee" * length  # type: ignore[method-assign]
    return other


@each_generation
@pytest.mark.parametrize("pin", [True, False])
def test_the_proof_tells_with_the_hosts_word_on_its_tac(tmp_path: Path, profile: str, pin: bool) -> None:
    desk = ServiceDesk.open(tmp_path, profile)
    lose(desk)

    [settlement] = desk.come_back_to_window(pin=pin)

    assert (settlement.state, settlement.evidence) == (LoadState.CREDITED, LoadEvidence.HOST_ACCEPTED_TAC)
    assert desk.host.ledger.has_tac(settlement.entry.load.request)
    assert (desk.chip_balance(), desk.available()) == (OPENING + AMOUNT, FUNDS - AMOUNT)
    assert desk.loads.unreported() == ()


@each_generation
@pytest.mark.parametrize("is_host_there", [True, False])
def test_an_unmoved_counter_tells_that_nothing_happened(
    tmp_path: Path, profile: str, is_host_there: bool
) -> None:
    """Shown to the host under MAC1, or believed as it is where the host is out of reach."""
    desk = ServiceDesk.open(tmp_path, profile)
    lose(desk, happens=False)

    [settlement] = desk.come_back_to_window(None if is_host_there else SilentHost(desk.host))

    by = LoadEvidence.HOST_KNOWS_NOT_CREDITED if is_host_there else LoadEvidence.COUNTER_UNMOVED
    assert (settlement.state, settlement.evidence) == (LoadState.NOT_CREDITED, by)
    desk.come_back_to_window()
    assert (desk.chip_balance(), desk.available()) == (OPENING, FUNDS)


def test_without_the_pin_a_missing_proof_leaves_it_open(desk: ServiceDesk) -> None:
    lose(desk, happens=False)

    [settlement] = desk.come_back_to_window(pin=False)

    assert (settlement.state, settlement.evidence) == (LoadState.OPEN, LoadEvidence.PIN_NEEDED)
    assert desk.available() == FUNDS - AMOUNT


def test_without_the_host_the_log_tells(desk: ServiceDesk) -> None:
    lose(desk)

    [settlement] = desk.come_back_to_window(SilentHost(desk.host))

    assert (settlement.state, settlement.evidence) == (LoadState.CREDITED, LoadEvidence.LOG_SHOWS_OURS)
    assert settlement.entry.tac is not None
    assert len(desk.loads.unreported()) == 1
    assert desk.come_back_to_window() == ()
    assert desk.host.ledger.has_tac(settlement.entry.load.request)


@pytest.mark.parametrize("is_host_there", [True, False])
def test_a_later_sale_replaces_the_proof_and_counter_or_log_tell(
    desk: ServiceDesk, is_host_there: bool
) -> None:
    lose(desk)
    sale = debit(desk.served(), desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock)
    assert isinstance(sale, Approved)

    [settlement] = desk.come_back_to_window(None if is_host_there else SilentHost(desk.host))
    desk.come_back_to_window()

    by = LoadEvidence.HOST_KNOWS_CREDITED if is_host_there else LoadEvidence.LOG_SHOWS_OURS
    assert (settlement.state, settlement.evidence) == (LoadState.CREDITED, by)
    assert desk.host.ledger.outcome(settlement.entry.load.request) is LoadOutcome.CREDITED
    assert desk.chip_balance() == OPENING + AMOUNT - AMOUNTS.account


@pytest.mark.parametrize("is_host_there", [True, False])
def test_another_windows_load_with_the_same_counter_is_never_taken_for_ours(
    desk: ServiceDesk, tmp_path: Path, is_host_there: bool
) -> None:
    lose(desk, happens=False)
    other = elsewhere(desk, tmp_path)
    theirs = other.load()
    assert isinstance(theirs, Credited)

    [settlement] = desk.come_back_to_window(None if is_host_there else SilentHost(desk.host))

    by = LoadEvidence.HOST_KNOWS_NOT_CREDITED if is_host_there else LoadEvidence.LOG_SHOWS_ANOTHER
    assert (settlement.state, settlement.evidence) == (LoadState.NOT_CREDITED, by)
    assert (desk.chip_balance(), desk.available()) == (OPENING + AMOUNT, FUNDS - AMOUNT)
    assert desk.host.ledger.flags() == ()


@pytest.mark.parametrize("happens", [True, False])
def test_the_host_tells_a_window_what_the_card_showed_at_another(
    desk: ServiceDesk, tmp_path: Path, happens: bool
) -> None:
    lose(desk, happens=happens)
    assert isinstance(elsewhere(desk, tmp_path).load(), Credited)

    [settlement] = tidy_up_without_card(desk.host, desk.window)

    known = LoadEvidence.HOST_KNOWS_CREDITED if happens else LoadEvidence.HOST_KNOWS_NOT_CREDITED
    assert settlement.evidence is known
    assert desk.chip_balance() == OPENING + AMOUNT * (1 + happens)
    assert desk.available() == FUNDS - AMOUNT * (1 + happens)


def test_a_window_without_the_card_and_with_a_host_that_knows_nothing_waits(desk: ServiceDesk) -> None:
    lose(desk)

    assert tidy_up_without_card(desk.host, desk.window) == ()
    assert tidy_up_without_card(SilentHost(desk.host), desk.window) == ()
    assert len(desk.loads.open_loads()) == 1


def test_an_answered_load_whose_end_was_not_written_is_settled_by_its_tac_alone(desk: ServiceDesk) -> None:
    lose(desk)
    card = desk.served()
    card.client.enter_medical_account()
    proof = card.client.transaction_proof(LOAD_TYPE, 0)
    assert proof is not None
    desk.loads.record(1, LoadEvent(LoadEventKind.ANSWERED, desk.clock(), proof.tac))

    [settlement] = tidy_up_without_card(desk.host, desk.window)

    assert (settlement.state, settlement.evidence) == (LoadState.CREDITED, LoadEvidence.HOST_ACCEPTED_TAC)


@pytest.mark.parametrize(("sw", "evidence"), [("6982", "pin-needed"), ("6F00", "card-refused")])
def test_a_card_that_does_not_tell_leaves_it_open(desk: ServiceDesk, sw: str, evidence: str) -> None:
    lose(desk)
    card = desk.served(lambda inner: Refusing(inner, PROOF, sw))

    [settlement] = settle_loads(card, desk.host, desk.window, pin_verified=True)

    assert (settlement.state, settlement.evidence) == (LoadState.OPEN, LoadEvidence(evidence))
    assert str(settlement.entry.events[-1].sw) == sw


def test_a_counter_that_fell_is_a_contradiction(desk: ServiceDesk, tmp_path: Path) -> None:
    assert isinstance(desk.load(), Credited)
    lose(desk, happens=False)
    (tmp_path / "young").mkdir()
    desk.card = ServiceDesk.open(tmp_path / "young").card

    [settlement] = desk.come_back_to_window()

    assert settlement.evidence is LoadEvidence.CARD_CONTRADICTS


def test_a_card_at_the_end_of_its_counter_tells_too(tmp_path: Path) -> None:
    desk = ServiceDesk.open(tmp_path, load_counter=0xFFFE)
    lose(desk)
    sale = debit(desk.served(), desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock)
    assert isinstance(sale, Approved)

    [settlement] = desk.come_back_to_window()

    assert settlement.evidence is LoadEvidence.LOG_SHOWS_OURS


@pytest.mark.parametrize("is_host_there", [True, False])
def test_where_the_log_reaches_back_no_more_the_counter_tells_the_host(
    tmp_path: Path, is_host_there: bool
) -> None:
    desk = ServiceDesk.open(tmp_path, "gen1-16k")
    lose(desk)
    for _ in range(10):
        request = DebitRequest(PurchaseAmounts(Fen(1)))
        assert isinstance(debit(desk.served(), desk.psam, desk.journal, request, desk.clock), Approved)

    [settlement] = desk.come_back_to_window(None if is_host_there else SilentHost(desk.host))

    known = LoadEvidence.HOST_KNOWS_CREDITED if is_host_there else LoadEvidence.LOG_TOO_SHORT
    assert settlement.evidence is known
    assert (desk.chip_balance(), desk.available()) == (OPENING + AMOUNT - 10, FUNDS - AMOUNT)


def test_a_log_beyond_an_unmoved_counter_is_a_contradiction(desk: ServiceDesk) -> None:
    """The counter's answer is garbled to what it was before; the log knows better."""
    lose(desk)
    card = desk.served(lambda inner: Rewriting(inner, bytes.fromhex("B0280001"), as_before))
    no_proof = Refusing(card.client._connection, PROOF, "9406")
    card.client._connection = no_proof

    [settlement] = settle_loads(card, SilentHost(desk.host), desk.window, pin_verified=True)

    assert settlement.evidence is LoadEvidence.CARD_CONTRADICTS


def test_a_garbled_counter_is_refused_by_the_host(desk: ServiceDesk) -> None:
    lose(desk)
    card = desk.served(lambda inner: Rewriting(inner, bytes.fromhex("B0280001"), as_before))
    card.client._connection = Refusing(card.client._connection, PROOF, "9406")

    [settlement] = settle_loads(card, desk.host, desk.window, pin_verified=True)

    assert settlement.evidence is LoadEvidence.CARD_CONTRADICTS
    assert desk.available() == FUNDS - AMOUNT


def test_a_garbled_record_of_ours_is_not_another_terminals(desk: ServiceDesk) -> None:
    lose(desk)
    terminal = bytes.fromhex("370900000001")
    garbled = iter([bytes.fromhex("370900000003")])
    card = desk.served(
        lambda inner: Rewriting(
            inner,
            READ_RECORD,
            lambda data: data.replace(terminal, next(garbled, terminal)) if terminal in data else data,
        )
    )

    [settlement] = settle_loads(card, SilentHost(desk.host), desk.window, pin_verified=True)

    assert settlement.evidence is LoadEvidence.CARD_CONTRADICTS


def test_a_record_of_ours_with_another_amount_is_a_contradiction(desk: ServiceDesk) -> None:
    lose(desk)

    more = Fen(AMOUNT + 1).to_bytes4()
    card = desk.served(
        lambda inner: Rewriting(inner, READ_RECORD, lambda data: data.replace(Fen(AMOUNT).to_bytes4(), more))
    )

    [settlement] = settle_loads(card, SilentHost(desk.host), desk.window, pin_verified=True)

    assert settlement.evidence is LoadEvidence.CARD_CONTRADICTS


def test_an_answer_that_is_none_leaves_it_open(desk: ServiceDesk) -> None:
    lose(desk)
    card = desk.served(lambda inner: Refusing(inner, PROOF, "00 9000"))

    [settlement] = settle_loads(card, desk.host, desk.window, pin_verified=True)

    assert settlement.evidence is LoadEvidence.CARD_REFUSED


def test_a_refused_tac_ends_with_the_log_and_stands_flagged(desk: ServiceDesk) -> None:
    def wrong_tac(inner: Connection, command: CommandApdu) -> ResponseApdu:
        inner.transmit(command)
        return ResponseApdu.parse(bytes.fromhex("000000009000"))

    assert isinstance(desk.load(wrong_tac), LoadUnsettled)

    [settlement] = desk.come_back_to_window(SilentHost(desk.host))
    desk.come_back_to_window()

    assert settlement.evidence is LoadEvidence.LOG_SHOWS_OURS
    assert desk.host.ledger.outcome(settlement.entry.load.request) is LoadOutcome.CREDITED
    assert [flag.kind for flag in desk.host.ledger.flags()] == ["tac-wrong"]


def test_settled_once_it_is_settled_and_the_next_load_goes(desk: ServiceDesk) -> None:
    lose(desk)
    desk.come_back_to_window()

    assert desk.come_back_to_window() == ()
    outcome = load(desk.served(), desk.host, desk.window, LoadOrder(Fen(1)))

    assert isinstance(outcome, Credited)
    assert desk.chip_balance() == OPENING + AMOUNT + 1


def test_a_card_with_our_identification_and_another_number_is_not_ours(desk: ServiceDesk) -> None:
    lose(desk)
    written = {item.name: getattr(desk.entry().load, item.name) for item in fields(LoadIntent)}
    desk.loads.record_intent(LoadIntent(**{**written, "card_number": "B00000131", "request": "other"}))

    settled = desk.come_back_to_window()

    assert [settlement.entry.load.number for settlement in settled] == [1]
    assert len(desk.loads.open_loads()) == 1
