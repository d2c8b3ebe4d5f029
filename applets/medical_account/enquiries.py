"""GET BALANCE, GET TRANSACTION PROOF and the starting day.

Source: card.md §2.3, §10 A11, A12, B4, B6.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from sscard_terminal.card.machine import Machine
from sscard_terminal.card.refusal import Refusal
from sscard_terminal.cardspec.commands.medical import (
    GetBalance,
    GetStartingDay,
    GetTransactionProof,
    TransactionProof,
    UpdateStartingDay,
    YearTotal,
)
from sscard_terminal.cardspec.money import BalanceKind
from sscard_terminal.iso7816 import status

from . import account

LEAP_YEAR = 2000


def get_balance(machine: Machine, command: GetBalance) -> bytes:
    """Needs the PIN if one is set (card.md §10 B4)."""
    machine.security.require_pin()
    amounts = account.amounts_of(machine)
    if command.kind is BalanceKind.CIA:
        return amounts.cia.to_bytes4()
    total = amounts.spip if command.kind is BalanceKind.SPIP else amounts.spfp
    return YearTotal(total, amounts.year).build()


def get_transaction_proof(machine: Machine, command: GetTransactionProof) -> bytes:
    """Needs no PIN (card.md §10 B6).

    Raises:
        Refusal: 9406, the newest transaction is another one, or there is none.
    """
    proof = account.proof_of(machine)
    if (proof.kind, proof.number) != (command.kind, command.number):
        raise Refusal(status.PROOF_NOT_AVAILABLE)
    return TransactionProof(proof.mac, proof.tac).build()


def starting_day(machine: Machine, command: UpdateStartingDay | GetStartingDay) -> bytes:
    """Free to read; to be written after DSK authentication (card.md §10 A12, B4)."""
    amounts = account.amounts_of(machine)
    if isinstance(command, GetStartingDay):
        return amounts.starting_day
    machine.security.require_key("DSK")
    _require_day(command.day)
    with machine.nvm.transaction():
        machine.nvm.write(account.AMOUNTS, replace(amounts, starting_day=command.day).build())
    return b""


def _require_day(day: bytes) -> None:
    """
    Raises:
        Refusal: 6A80, no date MMDD.
    """
    try:
        date(LEAP_YEAR, int(day[:1].hex()), int(day[1:].hex()))
    except ValueError:
        raise Refusal(status.WRONG_DATA) from None
