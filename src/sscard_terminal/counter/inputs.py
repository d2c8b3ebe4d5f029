"""What people type on a page, made values or refused with one sentence.

Not here: yuan themselves (cardspec/money.py).
"""

from __future__ import annotations

from sscard_terminal.cardspec.money import Fen, fen_of_items, fen_of_yuan
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.terminal.amounts import Shares, amounts_of_total
from sscard_terminal.terminal.outcomes import Declined
from sscard_terminal.terminal.passwords import Password
from sscard_terminal.terminal.till.till import Order
from sscard_terminal.voice.told import declined

from .words import NotDone, Refused

MOST_CHARACTERS = 16
"""Of an amount; 42949672.95 has 11."""
_WIDE = str.maketrans("０１２３４５６７８９．。＋＊×", "0123456789..+**")
"""What a Chinese input method in full width makes of digits, point and the signs between items."""
NOTHING = Fen(0)


def amount_of(typed: str) -> Fen | None:
    """An amount in yuan, None where nothing was typed; never rounded.

    Raises:
        NotDone: it is none.
    """
    text = typed.strip().translate(_WIDE)
    if not text:
        return None
    try:
        if len(text) > MOST_CHARACTERS:
            raise FormatError("too long")
        return fen_of_yuan(text)
    except FormatError:
        raise NotDone(422, "refused.amount") from None


def total_of(typed: str) -> Fen | None:
    """The total, or the items it is the sum of ("12.50+3.20*2"); None where nothing was typed.

    The items are for adding up only; nothing keeps them (decision 0016).

    Raises:
        NotDone: an item is none.
    """
    if not typed.strip():
        return None
    try:
        return fen_of_items(typed.translate(_WIDE))
    except FormatError:
        raise NotDone(422, "refused.amount") from None


def order_of(total: str, account: str, self_paid: str, pooled: str, shares: Shares) -> Order:
    """What is to be sold: a total that is divided, or the account's part itself with the others beside it.

    Raises:
        NotDone: an amount is none, both or neither of total and account are typed, or nothing is to be paid.
        Refused: the parts exceed the total.
    """
    whole, paid = total_of(total), amount_of(account)
    own, pool = amount_of(self_paid), amount_of(pooled)
    if (whole is None) == (paid is None):
        raise NotDone(422, "refused.price")
    if not (whole or paid):
        raise NotDone(422, "refused.amount-zero")
    if paid is not None:
        return Order(PurchaseAmounts(paid, own or NOTHING, pool or NOTHING))
    assert whole is not None
    amounts = amounts_of_total(whole, own, pool, shares)
    if isinstance(amounts, Declined):
        raise Refused(declined(amounts), 422)
    return Order(amounts, by_total=True)


def password_of(typed: str) -> Password | None:
    """None where nothing was typed.

    Raises:
        NotDone: no password could be so.
    """
    if not typed:
        return None
    try:
        return Password(typed)
    except FormatError:
        raise NotDone(403, "refused.password-wrong") from None


def voucher_of(typed: str) -> int | None:
    """None where nothing was typed.

    Raises:
        NotDone: it is no voucher number.
    """
    text = typed.strip().translate(_WIDE)
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= MOST_CHARACTERS and int(text) > 0):
        raise NotDone(422, "refused.voucher")
    return int(text)
