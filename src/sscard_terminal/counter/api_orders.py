"""A program's sale as the till takes it, and what of it must be the same when it is repeated.

Not here: its form (api_models.py) and what becomes of it (programs.py).
"""

from __future__ import annotations

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.terminal.amounts import Shares, amounts_of_total, record_keeping_amounts
from sscard_terminal.terminal.outcomes import Declined, SaleKind
from sscard_terminal.terminal.programs import Program
from sscard_terminal.terminal.till.till import Order
from sscard_terminal.voice.told import declined

from .api_models import SaleOrder
from .programs import name_of
from .words import NotDone, Refused


def order_of(asked: SaleOrder, shares: Shares, program: Program) -> Order:
    """
    Raises:
        NotDone: there is nothing to pay.
        Refused: the parts exceed the total.
    """
    name = name_of(program.name, asked.request)
    amounts = _amounts(asked, shares)
    if isinstance(amounts, Declined):
        raise Refused(declined(amounts), 422)
    if not any((amounts.account, amounts.self_paid, amounts.pooled)):
        raise NotDone(422, "refused.amount-zero")
    return Order(amounts, asked.rest_in_cash, asked.kind, asked.again, name)


def _amounts(asked: SaleOrder, shares: Shares) -> PurchaseAmounts | Declined:
    own, pool = _fen(asked.self_paid_fen), _fen(asked.pooled_fen)
    if asked.kind is SaleKind.RECORD_KEEPING:
        return record_keeping_amounts(Fen(asked.total_fen or 0), Fen(asked.paid_fen or 0))
    if asked.account_fen is not None:
        return PurchaseAmounts(Fen(asked.account_fen), own or Fen(0), pool or Fen(0))
    return amounts_of_total(Fen(asked.total_fen or 0), own, pool, shares)


def _fen(value: int | None) -> Fen | None:
    return None if value is None else Fen(value)


def what_of(asked: SaleOrder) -> str:
    """Everything but the id, in one order."""
    return asked.model_dump_json(exclude={"request"}, exclude_defaults=True)
