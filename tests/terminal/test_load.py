"""A load at the window over loopback: exactly once, with the host's word and the card's proof."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sscard_terminal.cardspec.issuing import HostReason, HostRefused, LoadOutcome
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.records import LogRecord
from sscard_terminal.cardspec.transaction import LOAD_TYPE
from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.reader.connection import Connection, LinkReason
from sscard_terminal.terminal.debit import DebitRequest, debit
from sscard_terminal.terminal.journal_file import JournalFault, JournalTrouble
from sscard_terminal.terminal.load import LoadOrder, load
from sscard_terminal.terminal.load_records import (
    LOAD_ENDS,
    Credited,
    LoadDoubt,
    LoadEvent,
    LoadEventKind,
    LoadState,
    LoadUnsettled,
)
from sscard_terminal.terminal.outcomes import Approved, Declined, Reason, Unsettled
from tests.terminal.doubles import (
    AMOUNTS,
    GET_RESPONSE,
    OPENING,
    Fault,
    Faulty,
    answer_lost,
    answers,
    cut_after,
    delivered_twice,
    fill_the_disk,
    never_arrives,
    obeyed_but_answers,
    statements_of,
)
from tests.terminal.window_doubles import AMOUNT, CREDIT, FUNDS, FailingHost, ServiceDesk, SilentHost

each_generation = pytest.mark.parametrize("profile", ["gen1-16k", "gen2-32k", "gen3"])
INITIALIZE = bytes.fromhex("B0280001")


@pytest.fixture
def desk(tmp_path: Path) -> ServiceDesk:
    return ServiceDesk.open(tmp_path)


def kinds(desk: ServiceDesk, number: int = 1) -> list[str]:
    return [event.kind for event in desk.entry(number).events]


@each_generation
def test_a_load_credits_the_card_and_is_proved_to_the_host(tmp_path: Path, profile: str) -> None:
    desk = ServiceDesk.open(tmp_path, profile)

    outcome = desk.load()

    assert isinstance(outcome, Credited) and outcome.reported
    assert outcome.load.balance_after == desk.chip_balance() == OPENING + AMOUNT
    assert desk.available() == FUNDS - AMOUNT
    assert desk.host.ledger.has_tac(outcome.load.request)
    assert kinds(desk) == ["answered", "confirmed"]
    assert desk.loads.unreported() == ()
    assert desk.host.ledger.flags() == ()


@each_generation
def test_the_cards_own_log_shows_the_load_with_the_hosts_time(tmp_path: Path, profile: str) -> None:
    desk = ServiceDesk.open(tmp_path, profile, load_counter=6)
    outcome = desk.load()
    assert isinstance(outcome, Credited)

    card = desk.served()
    card.client.enter_medical_account()
    record = next(card.client.log_records())

    time = bytes.fromhex(f"{outcome.load.time:%Y%m%d%H%M%S}")
    assert record == LogRecord(6, LOAD_TYPE, bytes.fromhex("370900000001"), time, Fen(AMOUNT))


def test_loads_and_sales_have_numbers_of_their_own(desk: ServiceDesk) -> None:
    first, second = desk.load(), desk.load()
    sale = debit(desk.served(), desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock)

    assert isinstance(first, Credited) and isinstance(second, Credited) and isinstance(sale, Approved)
    assert (first.load.number, second.load.number, sale.sale.voucher) == (1, 2, 1)
    assert desk.chip_balance() == OPENING + 2 * AMOUNT - AMOUNTS.account


def test_request_and_intent_are_on_the_disk_before_host_and_card_hear(desk: ServiceDesk) -> None:
    told: list[str] = []
    statements_of(desk.journal, lambda text: told.append(" ".join(text.split()[:3])))
    host = FailingHost(desk.host, tell=told.append)

    desk.load(telling(told), host=host)

    steps = [step for step in told if not step.startswith(("SELECT", "BEGIN"))]
    assert steps[:6] == [
        "INSERT INTO load_requests",
        "COMMIT",
        "authorise_load",
        "INSERT INTO loads",
        "COMMIT",
        "CREDIT",
    ]
    assert steps[6:9] == ["INSERT INTO load_events", "COMMIT", "report_load"]
    assert steps.count("CREDIT") == 1


def telling(told: list[str]) -> Fault:
    """Nothing but a note that the command has left."""

    def note(inner: Connection, command: CommandApdu) -> ResponseApdu:
        told.append("CREDIT")
        return inner.transmit(command)

    return note


# What is declined --------------------------------------------------------------------------------------------


def test_the_host_may_refuse_and_nothing_is_sent(desk: ServiceDesk) -> None:
    outcome = desk.load(order=LoadOrder(Fen(FUNDS + 1)))

    assert outcome == Declined(Reason.HOST_REFUSED, host=HostReason.FUNDS_TOO_SMALL)
    assert (desk.chip_balance(), desk.available()) == (OPENING, FUNDS)
    assert desk.loads.unreported() == ()
    assert list(desk.loads.entries()) == []


@pytest.mark.parametrize("acts", [False, True])
def test_a_host_out_of_reach_declines_and_is_called_off_later(desk: ServiceDesk, acts: bool) -> None:
    outcome = desk.load(host=FailingHost(desk.host, 1, acts))
    in_between = desk.available()

    desk.come_back_to_window()

    assert outcome == Declined(Reason.HOST_UNREACHABLE)
    assert in_between == FUNDS - AMOUNT * acts
    assert (desk.chip_balance(), desk.available()) == (OPENING, FUNDS)
    assert [answer for _, answer in desk.loads.reported()] == ["not-credited"]


def test_without_a_pin_there_is_no_load(desk: ServiceDesk) -> None:
    card = desk.identified(pin=None)

    outcome = load(card, desk.host, desk.window, LoadOrder(Fen(AMOUNT)))

    assert isinstance(outcome, Declined)
    assert outcome.reason is Reason.PIN_NEEDED
    assert desk.available() == FUNDS


@pytest.mark.parametrize(("sw", "reason"), [("9402", "counter-at-maximum"), ("6985", "card-refused")])
def test_a_card_that_does_not_initialise_is_declined(desk: ServiceDesk, sw: str, reason: str) -> None:
    outcome = desk.load(answers(sw), INITIALIZE)

    assert isinstance(outcome, Declined)
    assert outcome.reason is Reason(reason)
    assert desk.available() == FUNDS


def test_a_link_broken_before_credit_declines(desk: ServiceDesk) -> None:
    outcome = desk.load(never_arrives(LinkReason.CARD_REMOVED), INITIALIZE)

    assert outcome == Declined(Reason.LINK_BROKEN, link=LinkReason.CARD_REMOVED)


def test_an_open_sale_keeps_loads_off_its_proof(desk: ServiceDesk) -> None:
    sale = desk.sell(answer_lost(LinkReason.CARD_REMOVED))
    assert isinstance(sale, Unsettled)

    assert desk.load() == Declined(Reason.OPEN_SALE, voucher=sale.sale.voucher)
    assert desk.available() == FUNDS


def test_a_second_load_waits_for_the_first(desk: ServiceDesk) -> None:
    first = desk.load(answer_lost(LinkReason.CARD_REMOVED))
    assert isinstance(first, LoadUnsettled)

    assert desk.load() == Declined(Reason.OPEN_LOAD, number=first.load.number)


def test_a_full_disk_stops_a_load_before_the_host_hears(desk: ServiceDesk) -> None:
    fill_the_disk(desk.journal)

    outcome = desk.load(order=LoadOrder(Fen(AMOUNT), operator="药" * 4000))

    assert outcome == Declined(Reason.JOURNAL_TROUBLE)
    assert desk.available() == FUNDS


def test_a_disk_full_behind_the_hosts_back_stops_a_load_before_the_card_hears(desk: ServiceDesk) -> None:
    host = FailingHost(desk.host, tell=lambda name: fill_the_disk(desk.journal))

    outcome = desk.load(host=host, order=LoadOrder(Fen(AMOUNT), operator="药" * 4000))

    assert outcome == Declined(Reason.JOURNAL_TROUBLE)
    assert (desk.chip_balance(), desk.available()) == (OPENING, FUNDS - AMOUNT)
    assert len(desk.loads.unreported()) == 1


# What CREDIT can end in ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reason", [LinkReason.CARD_REMOVED, LinkReason.EMPTY_ANSWER, LinkReason.DEADLINE_PASSED]
)
def test_a_lost_answer_is_unsettled(desk: ServiceDesk, reason: LinkReason) -> None:
    outcome = desk.load(answer_lost(reason))

    assert isinstance(outcome, LoadUnsettled)
    assert (outcome.doubt, outcome.link) == (LoadDoubt.ANSWER_LOST, reason)
    assert kinds(desk) == ["lost"]
    assert desk.chip_balance() == OPENING + AMOUNT


@pytest.mark.parametrize(
    "fault", [delivered_twice, obeyed_but_answers("6901"), obeyed_but_answers("6C04"), cut_after(2)]
)
def test_a_card_still_there_is_asked_for_its_proof(desk: ServiceDesk, fault: Fault) -> None:
    """Proof type 31 with the counter before the load: what looked like a refusal had happened."""
    outcome = desk.load(fault)

    assert isinstance(outcome, Credited)
    assert outcome.reported
    assert desk.chip_balance() == OPENING + AMOUNT


@pytest.mark.parametrize("sw", ["9302", "6901", "6985", "9303", "6E00"])
def test_a_refusal_is_believed_with_9406_to_the_proof(desk: ServiceDesk, sw: str) -> None:
    outcome = desk.load(answers(sw))

    assert isinstance(outcome, Declined)
    assert (outcome.reason, outcome.number) == (Reason.LOAD_REFUSED, 1)
    assert kinds(desk) == ["refused"]
    assert desk.available() == FUNDS


@pytest.mark.parametrize("sw", ["6581", "6F00", "6A80"])
def test_a_word_out_of_the_execution_settles_nothing(desk: ServiceDesk, sw: str) -> None:
    outcome = desk.load(answers(sw))

    assert isinstance(outcome, LoadUnsettled)
    assert str(outcome.sw) == sw
    assert desk.available() == FUNDS - AMOUNT


def test_a_host_that_refuses_the_tac_leaves_the_load_open(desk: ServiceDesk) -> None:
    outcome = desk.load(answers("00000000 9000"))

    assert isinstance(outcome, LoadUnsettled)
    assert outcome.doubt is LoadDoubt.TAC_REFUSED
    assert kinds(desk) == ["answered", "unproved"]
    assert [flag.kind for flag in desk.host.ledger.flags()] == ["tac-wrong"]


@pytest.mark.parametrize("acts", [False, True])
def test_a_report_that_does_not_arrive_is_told_later(desk: ServiceDesk, acts: bool) -> None:
    outcome = desk.load(host=FailingHost(desk.host, 2, acts))

    assert isinstance(outcome, Credited) and not outcome.reported
    assert len(desk.loads.unreported()) == 1
    desk.come_back_to_window()
    assert desk.loads.unreported() == ()
    assert desk.host.ledger.outcome(outcome.load.request) is LoadOutcome.CREDITED
    assert desk.host.ledger.has_tac(outcome.load.request)


def test_a_refused_load_whose_report_is_lost_is_told_later(desk: ServiceDesk) -> None:
    outcome = desk.load(answers("9302"), host=FailingHost(desk.host, 2))
    in_between = desk.available()

    desk.come_back_to_window()

    assert isinstance(outcome, Declined)
    assert (in_between, desk.available()) == (FUNDS - AMOUNT, FUNDS)


@pytest.mark.parametrize("kind", LoadEventKind)
def test_a_load_is_open_until_an_event_ends_it(desk: ServiceDesk, kind: LoadEventKind) -> None:
    desk.load(answer_lost(LinkReason.CARD_REMOVED))
    entry = desk.entry()

    desk.loads.record(1, LoadEvent(kind, desk.clock()))

    assert desk.entry().state is LOAD_ENDS.get(kind, LoadState.OPEN)
    assert entry.state is LoadState.OPEN


def test_no_host_at_all_and_nothing_happens(desk: ServiceDesk) -> None:
    assert desk.load(host=SilentHost(desk.host)) == Declined(Reason.HOST_UNREACHABLE)
    assert (desk.chip_balance(), desk.available()) == (OPENING, FUNDS)


# Every way CREDIT can go ----------------------------------------------------------------------------------------

PROOF = bytes.fromhex("B02E0031")


def faulty(desk: ServiceDesk, *faults: tuple[bytes, Fault]) -> Credited | Declined | LoadUnsettled:
    """A load with several faults, each at its command; INITIALIZE's is at the second one, after CREDIT."""

    def link(inner: Connection) -> Connection:
        for header, fault in faults:
            after = CREDIT if header == INITIALIZE else b""
            inner = Faulty(inner, header, fault, after)
        return inner

    return load(desk.served(link), desk.host, desk.window, LoadOrder(Fen(AMOUNT)))


def test_a_command_that_never_left_is_declined_and_called_off_at_once(desk: ServiceDesk) -> None:
    outcome = desk.load(never_arrives(LinkReason.CLOSED))

    assert outcome == Declined(Reason.LINK_BROKEN, link=LinkReason.CLOSED, number=1)
    assert kinds(desk) == ["not-sent"]
    assert (desk.available(), desk.loads.unreported()) == (FUNDS, ())


def test_an_answer_that_could_not_be_fetched_is_asked_for_by_its_proof(desk: ServiceDesk) -> None:
    """CREDIT is done: 61xx came. GET RESPONSE fails, and the card is still there."""
    outcome = desk.load(answers("6F00"), GET_RESPONSE, after=CREDIT)

    assert isinstance(outcome, Credited)
    assert desk.chip_balance() == OPENING + AMOUNT


@pytest.mark.parametrize("answer", ["90737B 9000", "9000"])
def test_an_answer_of_another_length_is_asked_for_by_its_proof(desk: ServiceDesk, answer: str) -> None:
    outcome = desk.load(obeyed_but_answers(answer))

    assert isinstance(outcome, Credited)
    assert desk.chip_balance() == OPENING + AMOUNT


@pytest.mark.parametrize(
    "at_proof", [never_arrives(LinkReason.CARD_REMOVED), answers("6F00"), answers("00 9000")]
)
def test_a_proof_that_does_not_come_leaves_it_open(desk: ServiceDesk, at_proof: Fault) -> None:
    outcome = faulty(desk, (CREDIT, answers("9302")), (PROOF, at_proof))

    assert isinstance(outcome, LoadUnsettled)
    assert str(outcome.sw) == "9302"


def moved(inner: Connection, command: CommandApdu) -> ResponseApdu:
    """INITIALIZE FOR LOAD as if the counter had moved, in one answer."""
    balance = (OPENING + AMOUNT).to_bytes(4, "big")
    return ResponseApdu.parse(balance + bytes.fromhex("0001 01 00 11223344 00000000 9000"))


@pytest.mark.parametrize(
    "at_counter",
    [never_arrives(LinkReason.CARD_REMOVED), answers("6F00"), answers("00 9000"), moved],
)
def test_a_refusal_is_not_believed_without_an_unmoved_counter(desk: ServiceDesk, at_counter: Fault) -> None:
    """CREDIT is obeyed and its answer cut to 6901; the proof's is cut to 9406: two garbled words in a row."""
    outcome = faulty(
        desk, (CREDIT, obeyed_but_answers("6901")), (PROOF, answers("9406")), (INITIALIZE, at_counter)
    )

    assert isinstance(outcome, LoadUnsettled)
    assert desk.chip_balance() == OPENING + AMOUNT
    assert desk.available() == FUNDS - AMOUNT


def test_two_garbled_words_do_not_hide_a_load_from_the_counter(desk: ServiceDesk) -> None:
    outcome = faulty(desk, (CREDIT, obeyed_but_answers("6901")), (PROOF, answers("9406")))

    assert isinstance(outcome, LoadUnsettled)
    assert [entry.state for entry in desk.loads.entries()] == [LoadState.OPEN]


@pytest.mark.parametrize(
    ("fault", "number"),
    [
        (None, 3),
        (None, 4),
        (answers("9302"), 3),
        (never_arrives(LinkReason.CLOSED), 3),
    ],
)
def test_a_journal_that_fails_behind_credit_leaves_the_load_to_be_verified(
    desk: ServiceDesk, fault: Fault | None, number: int
) -> None:
    """Writes 3 and 4 are what CREDIT ended in; what the card did then, the card tells."""
    failing(desk, number)

    outcome = desk.load(fault)

    assert isinstance(outcome, LoadUnsettled)
    assert outcome.doubt is LoadDoubt.JOURNAL_FAILED
    assert (outcome.tac is not None) == (fault is None)


def test_a_report_that_cannot_be_noted_is_told_again(desk: ServiceDesk) -> None:
    failing(desk, 5)

    assert isinstance(desk.load(), Credited)

    assert len(desk.loads.unreported()) == 1
    assert desk.come_back_to_window() == ()
    assert desk.loads.unreported() == ()


def test_a_host_that_holds_the_opposite_is_told_again_and_noted(desk: ServiceDesk) -> None:
    """ "Not credited" to a host that already has the proof of the contrary."""

    class Contrary(FailingHost):
        def __getattr__(self, name: str) -> Callable[..., object]:
            if name == "report_load":
                return lambda report: HostRefused(HostReason.OUTCOME_DIFFERS)
            method: Callable[..., object] = getattr(self.inner, name)
            return method

    outcome = desk.load(answers("9302"), host=Contrary(desk.host))

    assert isinstance(outcome, Declined)
    assert len(desk.loads.unreported()) == 1


def failing(desk: ServiceDesk, number: int) -> None:
    """The journal's n-th write from now on (from 1) does not reach the disk."""
    seen, real = 0, desk.journal.writing

    @contextmanager
    def writing() -> Iterator[sqlite3.Connection]:
        nonlocal seen
        seen += 1
        if seen == number:
            raise JournalTrouble(JournalFault.CANNOT_WRITE, Path("journal.db"))
        with real() as database:
            yield database

    desk.journal.writing = writing  # type: ignore[method-assign]  # the disk fails, nothing else
