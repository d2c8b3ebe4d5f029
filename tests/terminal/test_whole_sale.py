"""Whole days at the counter over the loopback card, for every kind of card there is a description of."""

from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from sscard_applets.catalogue import profile_names
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.reader.connection import Connection, LinkReason
from sscard_terminal.reader.counting import Counting, counting
from sscard_terminal.terminal.debit import DebitRequest, debit
from sscard_terminal.terminal.journal_events import SaleState
from sscard_terminal.terminal.outcomes import Accepted, Approved, Unsettled
from sscard_terminal.terminal.policy import Policy
from sscard_terminal.terminal.slips.forms import slip_of_sale
from sscard_terminal.terminal.slips.layout import text_of
from sscard_terminal.terminal.workflow import change_pin, read_balance, read_details
from tests.cards import new_card
from tests.terminal.doubles import AMOUNTS, DEBIT, OPENING, Desk, Faulty, answer_lost, delivered_twice

CARDS = [name for name in profile_names() if name.startswith("gen")]
FIRST_PINS = {"gen1-16k": Pin("1234")}
EXCHANGES = {"gen3": 15}
"""Thirteen, and on 3.0 two more for the external authentication that opens EF06."""
NEW = Pin("246810")
MOST_EXCHANGES = 16


@pytest.fixture(params=CARDS)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Desk:
    """A counter with a card of each generation; the PIN has been changed to a new one of six digits."""
    desk = Desk.at(tmp_path, new_card(balance=OPENING, profile_name=request.param))
    desk.policy = Policy(accept_expired=True)
    first = FIRST_PINS.get(request.param, Pin("123456"))
    assert change_pin(desk.identified(pin=None), first, NEW) == Accepted()
    return desk


def test_read_sell_and_read_again(desk: Desk, request: pytest.FixtureRequest) -> None:
    links: list[Counting] = []

    def counted(inner: Connection) -> Connection:
        links.append(counting(inner))
        return links[-1]

    card = desk.identified(counted, pin=NEW)
    outcome = debit(card, desk.psam, desk.journal, DebitRequest(AMOUNTS, "泰安药店", "01"), desk.clock)
    exchanges = links[0].counts.apdus
    balance, details = read_balance(card), read_details(card)

    entry = desk.journal.last_entry()
    assert isinstance(outcome, Approved)
    assert isinstance(details, tuple)
    assert entry is not None
    assert exchanges == EXCHANGES.get(request.node.callspec.params["desk"], 13) <= MOST_EXCHANGES
    assert balance == OPENING - AMOUNTS.account
    assert [(record.account, record.self_paid, record.pooled) for record in details] == [(1234, 2000, 8000)]
    assert "87.66" in text_of(slip_of_sale(entry, "zh"))


def test_ten_sales_with_every_third_answer_lost_add_up(desk: Desk) -> None:
    charged = 0
    for turn in range(10):
        lost = turn % 3 == 2
        fault = answer_lost(LinkReason.CARD_REMOVED) if lost else delivered_twice
        card = desk.identified(partial(Faulty, header=DEBIT, fault=fault), pin=NEW)
        outcome = debit(
            card, desk.psam, desk.journal, DebitRequest(PurchaseAmounts(Fen(100 + turn))), desk.clock
        )
        assert isinstance(outcome, Unsettled if lost else Approved)
        desk.come_back(NEW)
        charged += 100 + turn

    states = {entry.state for entry in desk.journal.entries()}
    counters = [entry.sale.counter for entry in desk.journal.entries()]
    assert states == {SaleState.CHARGED}
    assert counters == list(range(10))
    assert read_balance(desk.identified(pin=NEW)) == OPENING - charged


def test_an_expired_card_sells_only_where_the_setting_lets_it(desk: Desk) -> None:
    desk.clock.now = datetime(2041, 1, 1)

    assert isinstance(
        debit(desk.identified(pin=NEW), desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock), Approved
    )
