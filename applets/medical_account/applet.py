"""The medical account as an applet: the table of class B0.

Not here: what the commands do (transactions, enquiries).
Source: card.md §2.3.
"""

from __future__ import annotations

from collections.abc import Iterable

from sscard_terminal.card.dispatch import Instruction
from sscard_terminal.cardspec.commands import medical
from sscard_terminal.cardspec.profile import CardProfile

from . import enquiries, transactions

HOME = "DF04"


class MedicalAccount:
    """The account that a load fills and a purchase empties."""

    name = "medical_account"

    def instructions(self, profile: CardProfile) -> Iterable[Instruction]:
        return COMMANDS


COMMANDS = (
    Instruction(
        "INITIALIZE",
        medical.CLA,
        0x28,
        medical.initialize_from_apdu,
        transactions.initialize,
        within=HOME,
        answer_length=16,
    ),
    Instruction(
        "CREDIT FOR LOAD",
        medical.CLA,
        0x2A,
        medical.CreditForLoad.from_apdu,
        transactions.credit,
        within=HOME,
        keeps_transaction=True,
        answer_length=4,
    ),
    Instruction(
        "DEBIT FOR PURCHASE",
        medical.CLA,
        0x2C,
        medical.DebitForPurchase.from_apdu,
        transactions.debit,
        within=HOME,
        keeps_transaction=True,
        answer_length=8,
    ),
    Instruction(
        "GET BALANCE",
        medical.CLA,
        0x26,
        medical.GetBalance.from_apdu,
        enquiries.get_balance,
        within=HOME,
        keeps_transaction=True,
    ),
    Instruction(
        "GET TRANSACTION PROOF",
        medical.CLA,
        0x2E,
        medical.GetTransactionProof.from_apdu,
        enquiries.get_transaction_proof,
        within=HOME,
        keeps_transaction=True,
        answer_length=8,
    ),
    Instruction(
        "STARTING DAY",
        medical.CLA,
        0x56,
        medical.starting_day_from_apdu,
        enquiries.starting_day,
        within=HOME,
    ),
)
"""`keeps_transaction` marks the commands of the state table (card.md §2.3, table 49)."""
