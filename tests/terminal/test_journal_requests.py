"""Requests of other programs in the journal: each sells once, whatever is repeated."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sscard_terminal.terminal.debit import DebitRequest, debit
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.journal_file import JournalFault, JournalTrouble
from sscard_terminal.terminal.journal_requests import SaleRequest, SaleRequests
from sscard_terminal.terminal.journal_salvage import salvage
from sscard_terminal.terminal.outcomes import Approved, Declined, Reason
from tests.terminal.doubles import AMOUNTS, DEBIT, NOON, OPENING, Desk, Faulty

ASKED = DebitRequest(AMOUNTS, request="till-1 42")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk.at(tmp_path)
    with desk.journal:
        yield desk


def sold(desk: Desk, request: DebitRequest = ASKED) -> Approved | Declined:
    outcome = debit(desk.identified(), desk.psam, desk.journal, request, desk.clock)
    assert isinstance(outcome, Approved | Declined)
    return outcome


def test_a_sale_is_found_by_the_request_it_was_asked_for_under(desk: Desk) -> None:
    approved = sold(desk)

    entry = desk.journal.entry_of_request("till-1 42")

    assert isinstance(approved, Approved) and entry is not None
    assert entry.sale == approved.sale
    assert desk.journal.entry_of_request("till-1 43") is None


def test_the_database_lets_no_request_sell_twice_and_no_debit_leaves(desk: Desk) -> None:
    sold(desk)
    sent: list[bytes] = []
    card = desk.identified(lambda inner: Faulty(inner, sent=sent))

    again = debit(card, desk.psam, desk.journal, ASKED, desk.clock)

    assert again == Declined(Reason.JOURNAL_TROUBLE)
    assert DEBIT not in sent
    assert desk.balance() == OPENING - AMOUNTS.account


def test_sales_by_hand_have_no_request_and_may_be_as_many_as_people_like(desk: Desk) -> None:
    first, second = sold(desk, DebitRequest(AMOUNTS)), sold(desk, DebitRequest(AMOUNTS))

    assert isinstance(first, Approved) and isinstance(second, Approved)
    assert first.sale.request is None


def test_the_intent_bears_its_request_before_debit_leaves(desk: Desk) -> None:
    seen = []

    def look(inner: object, command: object) -> None:
        seen.append(desk.journal.entry_of_request("till-1 42"))
        raise ConnectionAbortedError

    card = desk.identified(lambda inner: Faulty(inner, DEBIT, look))  # type: ignore[arg-type]
    with pytest.raises(ConnectionAbortedError):
        debit(card, desk.psam, desk.journal, ASKED, desk.clock)

    assert seen[0] is not None and seen[0].sale.request == "till-1 42"


def test_a_program_may_set_the_time_in_debit(desk: Desk) -> None:
    moment = NOON - timedelta(minutes=3)

    approved = sold(desk, replace(ASKED, time=moment))

    assert isinstance(approved, Approved)
    assert approved.sale.time == moment
    card = desk.identified()
    card.client.enter_medical_account()
    assert next(card.client.log_records()).time.hex() == f"{moment:%Y%m%d%H%M%S}"


def test_a_refusal_is_kept_for_whoever_repeats_the_request(desk: Desk) -> None:
    requests = SaleRequests(desk.journal)
    requests.begin("till-1 1", "12.34", NOON)
    at_work = requests.find("till-1 1")

    requests.answer("till-1 1", "wrong-pin", NOON)

    assert at_work == SaleRequest("till-1 1", "12.34")
    assert requests.find("till-1 1") == SaleRequest("till-1 1", "12.34", "wrong-pin")
    assert requests.find("till-1 2") is None


def test_a_request_is_begun_once_and_answered_once(desk: Desk) -> None:
    requests = SaleRequests(desk.journal)
    requests.begin("a 1", "x", NOON)
    requests.answer("a 1", "no", NOON)

    for again in (lambda: requests.begin("a 1", "x", NOON), lambda: requests.answer("a 1", "yes", NOON)):
        with pytest.raises(JournalTrouble) as caught:
            again()
        assert caught.value.fault is JournalFault.CANNOT_WRITE


def test_an_answer_without_a_request_is_refused(desk: Desk) -> None:
    with pytest.raises(JournalTrouble):
        SaleRequests(desk.journal).answer("a 1", "no", NOON)


def test_what_is_saved_of_a_damaged_journal_knows_its_requests(desk: Desk, tmp_path: Path) -> None:
    sold(desk)
    SaleRequests(desk.journal).begin("a 1", "x", NOON)
    SaleRequests(desk.journal).answer("a 1", "no", NOON)
    desk.journal.copy_to(tmp_path / "copy.db")

    with Journal.open(tmp_path / "new.db") as saved:
        salvage(tmp_path / "copy.db", saved)

        assert saved.entry_of_request("till-1 42") is not None
        assert SaleRequests(saved).find("a 1") == SaleRequest("a 1", "x", "no")
