"""A sale out of the explorer: the terminal's own, with PSAM, journal and rules, over the card one is looking at.

Not here: the sale (terminal/debit.py), and where PSAM, journal and settings come from (cli).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from sscard_terminal.cardspec.money import yuan_of_fen
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.iso7816.status import Language
from sscard_terminal.reader.completing import completing
from sscard_terminal.reader.connection import Connection, exclusively
from sscard_terminal.terminal.client import SocialSecurityCard
from sscard_terminal.terminal.debit import DebitRequest, debit
from sscard_terminal.terminal.identification import identify
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.outcomes import Approved, Declined, Unsettled
from sscard_terminal.terminal.policy import Policy
from sscard_terminal.terminal.psam import Psam
from sscard_terminal.terminal.sale_rules import SaleRules, objection_before_card
from sscard_terminal.terminal.workflow import verify_pin_to_pay
from sscard_terminal.voice import told
from sscard_terminal.voice.messages import text

from .refusal import Refused


@dataclass(frozen=True, slots=True)
class SaleDesk:
    """What a sale needs beside the card."""

    psam: Callable[[], AbstractContextManager[Connection]]
    journal: Callable[[], AbstractContextManager[Journal]]
    policy: Policy
    rules: SaleRules
    place: str = ""
    operator: str = ""
    clock: Callable[[], datetime] = datetime.now


def sell(
    card: Connection,
    desk: SaleDesk,
    amounts: PurchaseAmounts,
    ask_pin: Callable[[str], Pin],
    language: Language,
) -> str:
    """Pay once, and tell it in a sentence. The PIN is asked for before anything is held, and wiped.

    Raises:
        Refused: it was declined (no money moved), or is to be verified (`doubt.…`: see `sscard recover`).
        LinkError, PsamFailure, JournalTrouble: card, PSAM or journal could not be used; no money has moved.
    """
    with desk.journal() as journal:
        if (objection := objection_before_card(desk.rules, journal, amounts, desk.clock())) is not None:
            raise _declined(objection)
        pin = ask_pin(text(language, "pin.prompt-to-pay", amount=yuan_of_fen(amounts.account)))
        try:
            with desk.psam() as connection, exclusively(card), exclusively(connection):
                outcome = _sold(card, Psam(completing(connection)), journal, desk, amounts, pin)
        finally:
            pin.wipe()
    match outcome:
        case Declined():
            raise _declined(outcome)
        case Unsettled():
            found = told.unsettled(outcome)
            raise Refused(found.key, **found.facts)
        case Approved():
            amount, rest = yuan_of_fen(outcome.sale.amounts.account), yuan_of_fen(outcome.sale.balance_after)
            tac = outcome.tac.hex().upper()
            return text(language, "debit.approved", amount=amount, balance=rest, tac=tac)


def _sold(
    connection: Connection, psam: Psam, journal: Journal, desk: SaleDesk, amounts: PurchaseAmounts, pin: Pin
) -> Approved | Declined | Unsettled:
    card = SocialSecurityCard(completing(connection))
    identified = identify(card, psam, desk.policy, desk.clock, secrets.token_bytes)
    if isinstance(identified, Declined):
        return identified
    verdict = verify_pin_to_pay(identified, pin, desk.policy)
    if isinstance(verdict, Declined):
        return verdict
    request = DebitRequest(amounts, desk.place, desk.operator)
    return debit(identified, psam, journal, request, desk.clock, desk.rules)


def _declined(outcome: Declined) -> Refused:
    found = told.declined(outcome)
    return Refused(found.key, **found.facts)
