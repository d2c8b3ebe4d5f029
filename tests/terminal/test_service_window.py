"""Refunds that wait at the centre come onto the card when it next stands at a window."""

from pathlib import Path

import pytest

from sscard_terminal.cardspec.issuing import HostReason
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.terminal.load import LoadOrder
from sscard_terminal.terminal.load_records import Credited, LoadUnsettled
from sscard_terminal.terminal.outcomes import Declined, Reason
from sscard_terminal.terminal.service_window import RefundOutcome, load_refunds, refunds_of
from tests.terminal.doubles import OPENING, Faulty, answer_lost
from tests.terminal.window_doubles import CREDIT, FUNDS, FailingHost, ServiceDesk, SilentHost


@pytest.fixture
def desk(tmp_path: Path) -> ServiceDesk:
    desk = ServiceDesk.open(tmp_path)
    desk.owe("refund-1", 1234)
    desk.owe("refund-2", 50)
    return desk


def outcomes_of(found: tuple[RefundOutcome, ...] | Declined) -> list[object]:
    assert not isinstance(found, Declined)
    return [refund.outcome for refund in found]


def test_refunds_are_listed_without_a_pin(desk: ServiceDesk) -> None:
    found = refunds_of(desk.identified(pin=None), desk.host)

    assert not isinstance(found, Declined)
    assert [(credit.id, credit.amount, credit.reference) for credit in found] == [
        ("refund-1", 1234, "voucher 7"),
        ("refund-2", 50, "voucher 7"),
    ]


def test_all_refunds_are_loaded_and_the_account_keeps_its_money(desk: ServiceDesk) -> None:
    outcomes = outcomes_of(load_refunds(desk.served(), desk.host, desk.window))

    assert [type(outcome) for outcome in outcomes] == [Credited, Credited]
    assert (desk.chip_balance(), desk.available()) == (OPENING + 1284, FUNDS)
    assert refunds_of(desk.served(), desk.host) == ()


def test_the_first_refund_that_is_not_credited_ends_it(desk: ServiceDesk) -> None:
    card = desk.served(lambda inner: Faulty(inner, CREDIT, answer_lost(LinkReason.CARD_REMOVED)))

    outcomes = outcomes_of(load_refunds(card, desk.host, desk.window))

    assert [type(outcome) for outcome in outcomes] == [LoadUnsettled]


def test_a_refund_in_doubt_is_settled_first_and_never_loaded_twice(desk: ServiceDesk) -> None:
    card = desk.served(lambda inner: Faulty(inner, CREDIT, answer_lost(LinkReason.CARD_REMOVED)))
    load_refunds(card, desk.host, desk.window)

    desk.come_back_to_window()
    outcomes = outcomes_of(load_refunds(desk.served(), desk.host, desk.window))

    assert [type(outcome) for outcome in outcomes] == [Credited]
    assert desk.chip_balance() == OPENING + 1284


def test_a_refund_lost_before_the_terminal_heard_of_it_is_loaded_after_all(desk: ServiceDesk) -> None:
    first = outcomes_of(load_refunds(desk.served(), FailingHost(desk.host, 2, acts=True), desk.window))
    assert first == [Declined(Reason.HOST_UNREACHABLE)]

    second = outcomes_of(load_refunds(desk.served(), desk.host, desk.window))

    assert [type(outcome) for outcome in second] == [Credited, Credited]
    assert desk.chip_balance() == OPENING + 1284


def test_without_a_host_there_is_no_list(desk: ServiceDesk) -> None:
    silent = SilentHost(desk.host)

    assert refunds_of(desk.served(), silent) == Declined(Reason.HOST_UNREACHABLE)
    assert load_refunds(desk.served(), silent, desk.window) == Declined(Reason.HOST_UNREACHABLE)


def test_another_persons_refund_is_not_ours(desk: ServiceDesk, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = ServiceDesk.open(tmp_path / "other", "gen3")
    other.host = desk.host

    assert refunds_of(other.served(), desk.host) == ()


def test_a_refund_refused_is_declined_with_the_hosts_reason(desk: ServiceDesk) -> None:
    assert desk.load(order=LoadOrder(Fen(1), "refund-9")) == Declined(
        Reason.HOST_REFUSED, host=HostReason.CREDIT_UNKNOWN
    )
