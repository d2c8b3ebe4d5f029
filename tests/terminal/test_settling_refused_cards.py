"""A card that may pay no more (hotlist, age) still settles the sale it left open, and nothing else about it is allowed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest

from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.reader.connection import Connection, LinkReason
from sscard_terminal.terminal.hotlist import Hotlist
from sscard_terminal.terminal.identification import IdentifiedCard, identify
from sscard_terminal.terminal.journal_events import SaleState
from sscard_terminal.terminal.outcomes import Declined, Reason
from sscard_terminal.terminal.policy import Policy
from sscard_terminal.terminal.recovery import identify_to_settle, settle
from sscard_terminal.terminal.workflow import verify_pin
from tests.terminal.doubles import (
    DEBIT,
    NOON,
    PIN,
    Desk,
    Faulty,
    another_card,
    answer_lost,
    answers,
    never_arrives,
    pattern,
)

INTERNAL_AUTHENTICATE, EF05 = bytes.fromhex("00880000"), bytes.fromhex("00B2012D")
REFUSED = pytest.mark.parametrize("why", [Reason.CARD_ON_HOTLIST, Reason.EXPIRED])


def refuse(desk: Desk, why: Reason, number: str = "D2143569") -> None:
    """From now on this card may pay no more."""
    if why is Reason.CARD_ON_HOTLIST:
        desk.policy = Policy(hotlist=Hotlist(1, NOON, frozenset(), ((number, number),)))
    else:
        desk.clock.now = datetime(2032, 1, 2)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk.at(tmp_path)


def to_settle(
    desk: Desk, link: Callable[[Connection], Connection] | None = None
) -> IdentifiedCard | Declined:
    return identify_to_settle(desk.insert(link), desk.psam, desk.journal, desk.policy, desk.clock, pattern)


@REFUSED
@pytest.mark.parametrize("paid", [True, False], ids=["paid", "not paid"])
def test_a_refused_card_settles_its_open_sale(desk: Desk, why: Reason, paid: bool) -> None:
    desk.sell((answer_lost if paid else never_arrives)(LinkReason.CARD_REMOVED), DEBIT)
    desk.psam = desk.powered_psam()
    refuse(desk, why)

    card = to_settle(desk)
    assert isinstance(card, IdentifiedCard)
    assert not isinstance(verify_pin(card, PIN), Declined)
    (settlement,) = settle(card, None, desk.journal, desk.clock, pin_verified=True)

    assert settlement.state is (SaleState.CHARGED if paid else SaleState.NOT_CHARGED)


@REFUSED
def test_once_settled_it_is_refused_like_any_other(desk: Desk, why: Reason) -> None:
    desk.sell(answer_lost(LinkReason.CARD_REMOVED))
    refuse(desk, why)
    card = to_settle(desk)
    assert isinstance(card, IdentifiedCard)
    verify_pin(card, PIN)
    settle(card, None, desk.journal, desk.clock, pin_verified=True)

    declined = to_settle(desk)

    assert isinstance(declined, Declined)
    assert declined.reason is why


@REFUSED
def test_to_sell_it_stays_refused_while_its_sale_is_open(desk: Desk, why: Reason) -> None:
    desk.sell(answer_lost(LinkReason.CARD_REMOVED))
    refuse(desk, why)

    declined = identify(desk.insert(), desk.psam, desk.policy, desk.clock, pattern)

    assert isinstance(declined, Declined)
    assert declined.reason is why


@REFUSED
def test_another_refused_card_has_nothing_to_settle(desk: Desk, why: Reason) -> None:
    desk.sell(answer_lost(LinkReason.CARD_REMOVED))
    desk.card = another_card()
    refuse(desk, why, "B0000013")

    declined = to_settle(desk)

    assert isinstance(declined, Declined)
    assert declined.reason is why


def test_the_same_identification_under_another_number_is_not_the_same_card(desk: Desk) -> None:
    desk.sell(answer_lost(LinkReason.CARD_REMOVED))
    refuse(desk, Reason.EXPIRED)

    def renumbered(inner: Connection, command: CommandApdu) -> ResponseApdu:
        answer = inner.transmit(command)
        return replace(answer, data=answer.data.replace(b"D2143569X", b"A00000000"))

    declined = to_settle(desk, lambda inner: Faulty(inner, EF05, renumbered))

    assert declined == Declined(Reason.EXPIRED, expired_on=date(2032, 1, 1))


@REFUSED
def test_a_copy_is_never_believed_however_open_the_sale(desk: Desk, why: Reason) -> None:
    desk.sell(answer_lost(LinkReason.CARD_REMOVED))
    refuse(desk, why)
    copy = answers("0000000000000000 9000")

    declined = to_settle(desk, lambda inner: Faulty(inner, INTERNAL_AUTHENTICATE, copy))

    assert declined == Declined(Reason.NOT_AUTHENTIC)


def test_a_card_of_another_city_is_refused_as_ever(desk: Desk) -> None:
    desk.sell(answer_lost(LinkReason.CARD_REMOVED))
    desk.policy = Policy(accepted_regions=("371000",))

    assert to_settle(desk) == Declined(Reason.CARD_OF_OTHER_CITY, region="370900")
