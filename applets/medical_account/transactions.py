"""Load and purchase: INITIALIZE opens a transaction, CREDIT or DEBIT finishes it.

Not here: the byte strings under the MACs (cardspec.transaction) and the memory (account).
Source: card.md §4.3, §4.4; the order of checks §10 A4.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sscard_terminal.card.machine import Machine
from sscard_terminal.card.refusal import Refusal
from sscard_terminal.card.secure_messaging import key_object_name
from sscard_terminal.cardspec import transaction
from sscard_terminal.cardspec.bcd import is_decimal
from sscard_terminal.cardspec.ciphers import equal
from sscard_terminal.cardspec.commands.medical import (
    CreditForLoad,
    DebitAnswer,
    DebitForPurchase,
    InitializeForLoad,
    InitializeForPurchase,
    LoadChallenge,
    PurchaseChallenge,
)
from sscard_terminal.cardspec.money import MAX_FEN, Fen
from sscard_terminal.cardspec.records import LogRecord
from sscard_terminal.iso7816 import status

from . import account
from .account import MAX_COUNTER, Proof

RANDOM_LENGTH = 4
NO_MAC = bytes(4)
"""The MAC field of a load's proof. Source: inferred, card.md §4.7."""


@dataclass(frozen=True, slots=True)
class OpenLoad:
    """Between INITIALIZE FOR LOAD and CREDIT FOR LOAD."""

    command: InitializeForLoad
    session_key: bytes


@dataclass(frozen=True, slots=True)
class OpenPurchase:
    """Between INITIALIZE FOR PURCHASE and DEBIT FOR PURCHASE."""

    command: InitializeForPurchase
    random: bytes


def initialize(machine: Machine, command: InitializeForLoad | InitializeForPurchase) -> bytes:
    """Open a transaction; an open one was given up by the dispatch."""
    machine.security.require_pin()
    if isinstance(command, InitializeForLoad):
        return _initialize_load(machine, command)
    return _initialize_purchase(machine, command)


def _key(machine: Machine, name: str, index: int) -> bytes:
    """
    Raises:
        Refusal: 9403, no key of that index.
    """
    if key_object_name(name, index) not in machine.nvm:
        raise Refusal(status.KEY_INDEX_NOT_SUPPORTED)
    return machine.security.key(name, index)


def _initialize_load(machine: Machine, command: InitializeForLoad) -> bytes:
    key, amounts = _key(machine, "DLK", command.key_index), account.amounts_of(machine)
    if amounts.load_counter == MAX_COUNTER:
        raise Refusal(status.COUNTER_AT_MAXIMUM)
    if amounts.cia + command.amount > MAX_FEN:
        raise Refusal(status.CONDITIONS_NOT_SATISFIED)  # inferred, card.md §9.30
    suite, random = machine.suite, machine.random_bytes(RANDOM_LENGTH)
    session_key = transaction.load_session_key(suite, key, random, amounts.load_counter)
    mac1 = transaction.load_mac1(suite, session_key, amounts.cia, command.amount, command.terminal)
    machine.volatile.transaction = OpenLoad(command, session_key)
    algorithm = suite.algorithm_id
    return LoadChallenge(
        amounts.cia, amounts.load_counter, command.key_index, algorithm, random, mac1
    ).build()


def _initialize_purchase(machine: Machine, command: InitializeForPurchase) -> bytes:
    _key(machine, "DPK", command.key_index)
    amounts, spent = account.amounts_of(machine), command.amounts
    if spent.account > amounts.cia:
        raise Refusal(status.INSUFFICIENT_BALANCE)
    if amounts.purchase_counter == MAX_COUNTER:
        raise Refusal(status.COUNTER_AT_MAXIMUM)
    account_only = account.is_account_only(machine)
    if not account_only and account.totals_overflow(amounts, spent):
        raise Refusal(status.CONDITIONS_NOT_SATISFIED)
    random = machine.random_bytes(RANDOM_LENGTH)
    machine.volatile.transaction = OpenPurchase(command, random)
    totals = (Fen(0), Fen(0), bytes(2)) if account_only else (amounts.spip, amounts.spfp, amounts.year)
    key_and_algorithm = (command.key_index, machine.suite.algorithm_id)
    return PurchaseChallenge(
        amounts.cia, *totals, amounts.purchase_counter, *key_and_algorithm, random
    ).build()


def credit(machine: Machine, command: CreditForLoad) -> bytes:
    """The load itself; answers the TAC. Source: card.md §4.3 steps 6 and 7."""
    opened, machine.volatile.transaction = machine.volatile.transaction, None
    if not isinstance(opened, OpenLoad):
        raise Refusal(status.WRONG_STATE)
    suite, asked = machine.suite, opened.command
    wanted = transaction.load_mac2(suite, opened.session_key, asked.amount, asked.terminal, command.time)
    _require_mac(wanted, command.mac2)
    _require_time(command.time)
    before = account.amounts_of(machine)
    after = replace(before, cia=Fen(before.cia + asked.amount), load_counter=before.load_counter + 1)
    number, dtk = before.load_counter, machine.security.key("DTK")
    tac = transaction.load_tac(suite, dtk, after.cia, number, asked.amount, asked.terminal, command.time)
    record = LogRecord(number, transaction.LOAD_TYPE, asked.terminal, command.time, asked.amount)
    account.commit(machine, after, record, Proof(transaction.LOAD_TYPE, number, NO_MAC, tac))
    return tac


def debit(machine: Machine, command: DebitForPurchase) -> bytes:
    """The purchase itself; answers TAC and MAC2. Source: card.md §4.4 steps 7 to 9, §4.5."""
    opened, machine.volatile.transaction = machine.volatile.transaction, None
    if not isinstance(opened, OpenPurchase):
        raise Refusal(status.WRONG_STATE)
    suite, asked, before = machine.suite, opened.command, account.amounts_of(machine)
    dpk, number, spent = _key(machine, "DPK", asked.key_index), before.purchase_counter, asked.amounts.build()
    session_key = transaction.purchase_session_key(suite, dpk, opened.random, number, command.sequence)
    _require_mac(
        transaction.purchase_mac1(suite, session_key, spent, asked.terminal, command.time), command.mac1
    )
    _require_time(command.time)
    mac2, dtk = transaction.purchase_mac2(suite, session_key, spent), machine.security.key("DTK")
    tac = transaction.purchase_tac(suite, dtk, spent, asked.terminal, command.sequence, command.time)
    after = account.after_purchase(before, asked.amounts, command.time, account.is_account_only(machine))
    amounts = (asked.amounts.account, asked.amounts.self_paid, asked.amounts.pooled)
    record = LogRecord(number, transaction.PURCHASE_TYPE, asked.terminal, command.time, *amounts)
    account.commit(machine, after, record, Proof(transaction.PURCHASE_TYPE, number, mac2, tac))
    return DebitAnswer(tac, mac2).build()


def _require_mac(wanted: bytes, offered: bytes) -> None:
    """
    Raises:
        Refusal: 9302.
    """
    if not equal(wanted, offered):
        raise Refusal(status.TRANSACTION_MAC_WRONG)


def _require_time(time: bytes) -> None:
    """
    Raises:
        Refusal: 6A80, nibbles that are no digits; after the MAC (card.md §10 B34).
    """
    if not is_decimal(time):
        raise Refusal(status.WRONG_DATA)
