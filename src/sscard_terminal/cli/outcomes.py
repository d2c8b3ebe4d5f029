"""What the terminal's outcomes mean here: exit code, sentence, facts.

Not here: the outcomes themselves (terminal/outcomes.py) and the sentences (messages).
"""

from __future__ import annotations

from typing import TypeVar

from sscard_terminal.iso7816.status import BLOCKED, StatusWord, tries_left_word
from sscard_terminal.terminal.outcomes import Declined, Reason, Unsettled

from .exits import Exit, Stop

TROUBLE = frozenset(
    {
        Reason.CARD_DATA_MALFORMED,
        Reason.LINK_BROKEN,
        Reason.PIN_PAD_REFUSED,
        Reason.PSAM_TROUBLE,
        Reason.PSAM_KEY_LEVEL,
        Reason.PSAM_KEY_MISSING,
    }
)
"""Reasons that are reader, card or PSAM trouble rather than a no."""

_Value = TypeVar("_Value")


def held(outcome: _Value | Declined) -> _Value:
    """`outcome` unless it was declined.

    Raises:
        Stop: it was; with the sentence of its reason.
    """
    if isinstance(outcome, Declined):
        raise declined(outcome)
    return outcome


def declined(outcome: Declined) -> Stop:
    """No money moved."""
    code = Exit.TROUBLE if outcome.reason in TROUBLE else Exit.REFUSED
    return Stop(
        code,
        _sentence_key(outcome),
        reason=str(outcome.reason),
        command=outcome.command or None,
        sw=_word_of(outcome),
        link=outcome.link,
        tries_left=outcome.tries_left,
        balance=outcome.balance,
        missing=outcome.missing,
        region=outcome.region or None,
        expired_on=outcome.expired_on,
        voucher=outcome.voucher,
        rule=outcome.rule or None,
        issued_at=outcome.issued_at,
        ceiling=outcome.ceiling,
        left=outcome.left,
        clock=outcome.clock,
        known=outcome.known,
        count=outcome.count,
    )


def unsettled(outcome: Unsettled, slip: str | None = None) -> Stop:
    """Money may have moved; `slip` says whether that is on paper."""
    return Stop(
        Exit.UNVERIFIED,
        f"doubt.{outcome.doubt}",
        voucher=outcome.sale.voucher,
        sw=outcome.sw,
        link=outcome.link,
        tac=None if outcome.tac is None else outcome.tac.hex().upper(),
        slip=slip,
    )


def _word_of(outcome: Declined) -> StatusWord | None:
    """The card's word; a wrong or locked PIN leaves only its meaning in the outcome, which has one word.

    Source: card.md §3.
    """
    match outcome:
        case Declined(reason=Reason.WRONG_PIN, tries_left=int(left)):
            return tries_left_word(left)
        case Declined(reason=Reason.PIN_BLOCKED):
            return BLOCKED
    return outcome.sw


def _sentence_key(outcome: Declined) -> str:
    match outcome:
        case Declined(reason=Reason.WRONG_PIN, tries_left=1):
            return "declined.wrong-pin-last"
        case Declined(reason=Reason.INSUFFICIENT_BALANCE, missing=int()):
            return "declined.insufficient-balance-by"
    return f"declined.{outcome.reason}"
