"""How the total of a sale becomes the three amounts the card is told.

Not here: what the card can pay, which it says itself (workflow.read_balance), and the sale (debit.py).
Source: counter.md screen rule 13; that the parts add up to the total is decision 0009.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.transaction import PurchaseAmounts

from .outcomes import Declined, Reason

WHOLE = 10_000
"""A share in hundredths of a percent: 10,000 is all of it."""
NOTHING = Fen(0)


@dataclass(frozen=True, slots=True)
class Shares:
    """What a place's settings say of a total: its self-paid and its pooled share, in hundredths of a percent."""

    self_paid: int = 0
    pooled: int = 0


NO_SHARES = Shares()


def amounts_of_total(
    total: Fen, self_paid: Fen | None = None, pooled: Fen | None = None, shares: Shares = NO_SHARES
) -> PurchaseAmounts | Declined:
    """The parts of `total`: self-paid and pooled as typed, else by the settings' share (rounded down to the fen), and
    the account pays what is left."""
    self_paid = _share(total, shares.self_paid) if self_paid is None else self_paid
    pooled = _share(total, shares.pooled) if pooled is None else pooled
    if self_paid + pooled > total:
        return Declined(Reason.PARTS_EXCEED_TOTAL)
    return PurchaseAmounts(Fen(total - self_paid - pooled), self_paid, pooled)


def missing_from(balance: Fen, amounts: PurchaseAmounts) -> Fen:
    """How many fen the account is short of its part; 0 where it is not."""
    return Fen(max(0, amounts.account - balance))


def rest_in_cash(amounts: PurchaseAmounts, balance: Fen) -> PurchaseAmounts:
    """The same total where the account pays what it holds: what it is short of becomes self-paid, in cash."""
    missing = missing_from(balance, amounts)
    return replace(
        amounts, account=Fen(amounts.account - missing), self_paid=Fen(amounts.self_paid + missing)
    )


def record_keeping_amounts(total: Fen, paid: Fen) -> PurchaseAmounts | Declined:
    """What the industry driver tells the card: no account part, the total cost, and what account and pool paid of it.

    Source: card.md §4.8.
    """
    if paid > total:
        return Declined(Reason.PARTS_EXCEED_TOTAL)
    return PurchaseAmounts(NOTHING, total, paid)


def _share(total: Fen, share: int) -> Fen:
    return Fen(total * share // WHOLE)
