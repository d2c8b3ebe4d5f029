"""The services of the counter but the sale: identify a card, verify and change its PIN, read balances and details.

Not here: the sale (debit.py), what it leaves open (recovery.py), words for people (voice/messages).
Everywhere: LinkError means the link to the card broke and no money has moved.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sscard_terminal.cardspec.commands.medical import YearTotal
from sscard_terminal.cardspec.money import BalanceKind, Fen
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.cardspec.records import LogRecord
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.status import (
    APPLICATION_BLOCKED,
    CLA_UNKNOWN,
    CONDITIONS_NOT_SATISFIED,
    FUNCTION_NOT_SUPPORTED,
    INS_UNKNOWN,
    WRONG_DATA,
    WRONG_LENGTH,
    WRONG_P1P2,
)
from sscard_terminal.reader.pinpad import PinPad

from .at_pad import AtPad, PinSource, change_at_pad, verify_at_pad
from .exchange import CardRefused
from .identification import RecognisedCard, declined_by_card
from .outcomes import Accepted, Blocked, Declined, NotSet, PinVerdict, Reason, Wrong
from .policy import FIRST_PINS, NEW_PIN_DIGITS, Policy

_Value = TypeVar("_Value")

PIN_UNCHANGED = (
    WRONG_LENGTH,
    CONDITIONS_NOT_SATISFIED,
    WRONG_DATA,
    FUNCTION_NOT_SUPPORTED,
    WRONG_P1P2,
    INS_UNKNOWN,
    CLA_UNKNOWN,
    APPLICATION_BLOCKED,
)
"""The words to CHANGE PIN that stand before execution; 6581 comes out of it, and others are not in its list. Source: card.md §2.2, §10 A4, B12."""


@dataclass(frozen=True, slots=True)
class Balances:
    """The three amounts of the medical account."""

    account: Fen
    self_paid: YearTotal
    pooled: YearTotal


def verify_pin(card: RecognisedCard, pin: PinSource) -> Accepted | NotSet | Declined:
    """VERIFY, keyed here or at the pad; NotSet where the card has no PIN.

    A locked card and a missing PIN are declined without a command, and no pad is asked then.
    """
    match card.tries_left:
        case None:
            return NotSet()
        case 0:
            return Declined(Reason.PIN_BLOCKED, tries_left=0)
    match pin:
        case None:
            return Declined(Reason.PIN_NEEDED, tries_left=card.tries_left)
        case AtPad(pad):
            return _told(lambda: _judged(verify_at_pad(card, pad)))
        case keyed:
            return _told(lambda: _judged(card.client.verify_pin(keyed)))


def verify_pin_to_pay(card: RecognisedCard, pin: PinSource, policy: Policy) -> Accepted | NotSet | Declined:
    """As `verify_pin`; where first PINs may not pay one of them is declined without a command. Source: card.md §9.18.

    The amount has been confirmed before, and apart from the PIN (terminal.md, "Security"). A PIN keyed at the pad is
    seen by nobody: there `first_pin_may_pay = false` cannot be kept, and a first PIN pays. Asking the card whether it
    still has its first PIN would cost a try. A place that must keep that rule refuses its pad (`[readers] pad = false`).
    """
    if isinstance(pin, Pin) and pin in FIRST_PINS and not policy.first_pin_may_pay:
        return Declined(Reason.FIRST_PIN_MAY_NOT_PAY)
    return verify_pin(card, pin)


def change_pin(card: RecognisedCard, old: Pin | None, new: Pin) -> Accepted | Declined:
    """CHANGE PIN to a new one of exactly 6 digits, no first PIN, not the old one; both keyed here.

    A LinkError and PIN_CHANGE_UNKNOWN leave open which of the two the card has now.

    Source: system.md, row "change PIN"; counter.md, "PIN pad".
    """
    if (objection := objection_to_new_pin(old, new)) is not None:
        return Declined(objection)
    if card.tries_left == 0:
        return Declined(Reason.PIN_BLOCKED, tries_left=0)
    if card.tries_left is not None and old is None:
        return Declined(Reason.PIN_NEEDED, tries_left=card.tries_left)
    return _told(lambda: _changed(card, old, new))


def change_pin_at_pad(card: RecognisedCard, pad: PinPad) -> Accepted | Declined:
    """CHANGE PIN where both PINs are keyed at the pad, the new one twice; otherwise as `change_pin`.

    Only the pad's rules hold: six digits, twice the same. That the new PIN is no first PIN and not the old one nobody
    here can see.
    """
    if card.tries_left == 0:
        return Declined(Reason.PIN_BLOCKED, tries_left=0)
    return _told(lambda: _unless_unclear(card, lambda: change_at_pad(card, pad)))


def objection_to_new_pin(old: Pin | None, new: Pin) -> Reason | None:
    """Why `new` may be nobody's PIN, or not after `old`; None where it may. Source: system.md, row "change PIN"."""
    if len(new) != NEW_PIN_DIGITS:
        return Reason.NEW_PIN_NOT_SIX_DIGITS
    if new in FIRST_PINS:
        return Reason.NEW_PIN_IS_A_FIRST_PIN
    return Reason.NEW_PIN_EQUALS_OLD if new == old else None


def _changed(card: RecognisedCard, old: Pin | None, new: Pin) -> Accepted | Declined:
    card.client.enter_ssse()
    known = old if card.tries_left is not None else None
    return _unless_unclear(card, lambda: card.client.change_pin(known, new))


def _unless_unclear(card: RecognisedCard, change: Callable[[], PinVerdict | Declined]) -> Accepted | Declined:
    """What CHANGE PIN came to. An answer that settles nothing is not taken for a refusal, nor is a wrong old PIN that
    the card's own counter (free to ask) denies: two bytes of a bad link say so as well.
    """
    try:
        verdict = change()
    except CardRefused as refused:
        if refused.sw in PIN_UNCHANGED:
            raise
        return Declined(Reason.PIN_CHANGE_UNKNOWN, sw=refused.sw, command=refused.command)
    if isinstance(verdict, Wrong | Blocked):
        told = verdict.tries_left if isinstance(verdict, Wrong) else 0
        if card.client.tries_left() != told:
            return Declined(Reason.PIN_CHANGE_UNKNOWN, command="CHANGE PIN")
    return _judged(verdict)


def _judged(verdict: PinVerdict | Declined) -> Accepted | Declined:
    match verdict:
        case Declined():
            return verdict
        case Wrong(tries_left):
            return Declined(Reason.WRONG_PIN, tries_left=tries_left)
        case Blocked():
            return Declined(Reason.PIN_BLOCKED, tries_left=0)
        case _:
            return Accepted()


def read_balances(card: RecognisedCard) -> Balances | Declined:
    """The three amounts; PIN_NEEDED unless the PIN was verified. Source: card.md §2.3."""
    client = card.client
    return _in_account(
        card,
        lambda: Balances(
            client.balance(), client.year_total(BalanceKind.SPIP), client.year_total(BalanceKind.SPFP)
        ),
    )


def read_balance(card: RecognisedCard) -> Fen | Declined:
    """The account balance alone; PIN_NEEDED unless the PIN was verified. Source: card.md §2.3."""
    return _in_account(card, card.client.balance)


def read_details(card: RecognisedCard) -> tuple[LogRecord, ...] | Declined:
    """The chip's own log, newest first; PIN_NEEDED unless the PIN was verified. Source: card.md §4.6."""
    return _in_account(card, lambda: tuple(card.client.log_records()))


def _in_account(card: RecognisedCard, read: Callable[[], _Value]) -> _Value | Declined:
    def reading() -> _Value:
        card.client.enter_medical_account()
        return read()

    return _told(reading)


def _told(act: Callable[[], _Value]) -> _Value | Declined:
    """What `act` returns, or why the card does not do it."""
    try:
        return act()
    except CardRefused as refused:
        return declined_by_card(refused)
    except FormatError:
        return Declined(Reason.CARD_DATA_MALFORMED)
