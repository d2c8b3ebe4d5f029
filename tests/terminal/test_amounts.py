"""A total and its parts: they always sum up, and nothing is rounded away."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.terminal.amounts import (
    WHOLE,
    Shares,
    amounts_of_total,
    missing_from,
    record_keeping_amounts,
    rest_in_cash,
)
from sscard_terminal.terminal.debit import DebitRequest, debit
from sscard_terminal.terminal.outcomes import Approved, Declined, Reason, SaleKind
from tests.terminal.doubles import Desk

fen = st.integers(0, 100_000_00).map(Fen)


@pytest.mark.parametrize(
    ("self_paid", "pooled", "shares", "parts"),
    [
        (None, None, Shares(), (5800, 0, 0)),
        (None, 2000, Shares(), (3800, 0, 2000)),
        (800, 2000, Shares(), (3000, 800, 2000)),
        (None, None, Shares(1000, 6250), (1595, 580, 3625)),
        (0, 0, Shares(1000, 6250), (5800, 0, 0)),
        (5800, None, Shares(), (0, 5800, 0)),
    ],
)
def test_the_account_pays_what_self_paid_and_pooled_leave(
    self_paid: int | None, pooled: int | None, shares: Shares, parts: tuple[int, int, int]
) -> None:
    amounts = amounts_of_total(Fen(5800), _fen(self_paid), _fen(pooled), shares)

    assert amounts == PurchaseAmounts(*map(Fen, parts))


def _fen(value: int | None) -> Fen | None:
    return None if value is None else Fen(value)


def test_parts_above_the_total_are_refused() -> None:
    assert amounts_of_total(Fen(100), Fen(60), Fen(41)) == Declined(Reason.PARTS_EXCEED_TOTAL)
    assert record_keeping_amounts(Fen(100), Fen(101)) == Declined(Reason.PARTS_EXCEED_TOTAL)


@given(total=fen, balance=fen, self_paid=st.integers(0, WHOLE), pooled=st.integers(0, WHOLE))
def test_whatever_the_balance_the_parts_are_the_total(
    total: Fen, balance: Fen, self_paid: int, pooled: int
) -> None:
    amounts = amounts_of_total(total, shares=Shares(self_paid, min(pooled, WHOLE - self_paid)))
    assert isinstance(amounts, PurchaseAmounts)

    paid = rest_in_cash(amounts, balance)

    assert paid.account <= balance
    assert paid.account + paid.self_paid + paid.pooled == total
    assert paid.self_paid - amounts.self_paid == missing_from(balance, amounts)


def test_a_record_keeping_debit_leaves_the_account_and_adds_to_the_totals(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path)
    amounts = record_keeping_amounts(Fen(5800), Fen(4100))
    assert isinstance(amounts, PurchaseAmounts)
    before = desk.balance()

    outcome = debit(
        desk.identified(),
        desk.psam,
        desk.journal,
        DebitRequest(amounts, kind=SaleKind.RECORD_KEEPING),
        desk.clock,
    )

    assert isinstance(outcome, Approved)
    assert desk.balance() == before
    entry = desk.journal.entry(outcome.sale.voucher)
    assert entry is not None
    assert (entry.sale.kind, entry.sale.amounts) == (SaleKind.RECORD_KEEPING, amounts)
