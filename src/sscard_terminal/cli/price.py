"""What a sale costs, as typed: its account part, or a total that is divided; and what is done where the card has less.

Not here: the rules of the division (terminal/amounts.py) and the sale (debit.py).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import click

from sscard_terminal.cardspec.money import Fen, yuan_of_fen
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.terminal.amounts import (
    NOTHING,
    Shares,
    amounts_of_total,
    missing_from,
    record_keeping_amounts,
    rest_in_cash,
)
from sscard_terminal.terminal.identification import IdentifiedCard
from sscard_terminal.terminal.outcomes import SaleKind
from sscard_terminal.terminal.workflow import read_balance

from .command import BadValue
from .console import Console
from .desk import Desk
from .entry import Holder, verified
from .exits import Exit, Stop
from .outcomes import held
from .values import Yuan


@dataclass(frozen=True, slots=True)
class Price:
    """The amounts as far as they are known before the card is asked.

    `rest_in_cash`: None where nothing may be paid otherwise than typed, True where the rest in cash was agreed on,
    False where it has to be asked.
    """

    amounts: PurchaseAmounts
    kind: SaleKind = SaleKind.PURCHASE
    rest_in_cash: bool | None = None

    @property
    def total(self) -> Fen:
        """What the person at the card is asked to pay: the total where it is one, else the account's part."""
        amounts = self.amounts
        if self.kind is SaleKind.RECORD_KEEPING:
            return amounts.self_paid
        if self.rest_in_cash is None:
            return amounts.account
        return Fen(amounts.account + amounts.self_paid + amounts.pooled)


def price_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """--account or --total, --self, --pooled, --rest-in-cash, --record-keeping; taken together by `price_of`."""
    for option in (
        click.option("--record-keeping", is_flag=True),
        click.option("--rest-in-cash", is_flag=True),
        click.option("--pooled", metavar="YUAN", type=Yuan()),
        click.option("--self", "self_paid", metavar="YUAN", type=Yuan()),
        click.option("--total", metavar="YUAN", type=Yuan()),
        click.option("--account", metavar="YUAN", type=Yuan()),
    ):
        function = option(function)
    return function


def price_of(
    shares: Shares,
    *,
    account: Fen | None,
    total: Fen | None,
    self_paid: Fen | None,
    pooled: Fen | None,
    rest_in_cash: bool,
    record_keeping: bool,
) -> Price:
    """The price the options name.

    Raises:
        BadValue: they contradict each other, or there is nothing to pay.
        Stop: the parts exceed the total.
    """
    if account is None and total is None:
        raise BadValue("usage.no-price")
    if (account is None) == (total is None) or (record_keeping and (total is None or self_paid is not None)):
        raise BadValue("usage.price")
    if not (account or total):
        raise BadValue("usage.amount-zero")
    if total is None:
        assert account is not None
        return Price(PurchaseAmounts(account, self_paid or NOTHING, pooled or NOTHING))
    if record_keeping:
        amounts = held(record_keeping_amounts(total, pooled or NOTHING))
        return Price(amounts, SaleKind.RECORD_KEEPING)
    return Price(held(amounts_of_total(total, self_paid, pooled, shares)), rest_in_cash=rest_in_cash)


def agreed(desk: Desk, console: Console, holder: Holder, price: Price) -> Price:
    """The price to pay: of a total the account's part is what the card holds, after a question about the rest.

    The balance is looked at in a breath of its own, for nobody holds a card while a person thinks. Where the PIN is keyed
    at the reader's pad that would mean keying it twice: there the price stays open until `amounts_of`, in the breath of
    the sale, and nobody is asked.

    Raises:
        Stop: the card says no, or the rest was not agreed on; what is missing stands in it.
        LinkError: the card went away; no money has moved.
    """
    if price.rest_in_cash is None or holder.at_pad:
        return price
    with verified(desk, holder, to_pay=True) as (_, card):
        balance = held(read_balance(card))
    missing = missing_from(balance, price.amounts)
    if missing and not (price.rest_in_cash or _is_agreed(console, balance, missing)):
        raise _short(balance, missing)
    return replace(price, amounts=rest_in_cash(price.amounts, balance), rest_in_cash=None)


def amounts_of(price: Price, card: IdentifiedCard) -> PurchaseAmounts:
    """What this card, its PIN verified, pays of the price.

    Raises:
        Stop: the price is still open, and the card holds less without the rest in cash agreed on (--rest-in-cash).
        LinkError: the card went away; no money has moved.
    """
    if price.rest_in_cash is None:
        return price.amounts
    balance = held(read_balance(card))
    missing = missing_from(balance, price.amounts)
    if missing and not price.rest_in_cash:
        raise _short(balance, missing)
    return rest_in_cash(price.amounts, balance)


def _short(balance: Fen, missing: Fen) -> Stop:
    return Stop(Exit.REFUSED, "debit.short-of-total", balance=balance, missing=missing)


def _is_agreed(console: Console, balance: Fen, missing: Fen) -> bool:
    """No, where nobody is there to ask (standard input is no terminal)."""
    if console.as_json or not sys.stdin.isatty():
        return False
    facts = {"balance": yuan_of_fen(balance), "missing": yuan_of_fen(missing)}
    return click.confirm(console.text("debit.rest-in-cash", **facts), default=False, err=True)
