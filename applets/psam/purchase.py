"""The PSAM's half of a purchase: 80 70 makes MAC1, 80 72 checks the card's MAC2.

Source: card.md §5.4, §9.13, §10 B40.
"""

from __future__ import annotations

from sscard_terminal.card.machine import Machine
from sscard_terminal.card.objects import TERMINAL_NUMBER
from sscard_terminal.card.refusal import Refusal
from sscard_terminal.cardspec import transaction
from sscard_terminal.cardspec.ciphers import equal
from sscard_terminal.cardspec.commands.psam import (
    CreditSamForPurchase,
    InitializeSamForPurchase,
    SamPurchaseAnswer,
)
from sscard_terminal.cardspec.profile import PsamKeySpec
from sscard_terminal.iso7816 import status

from . import environment
from .environment import OpenSamPurchase

PURCHASE_KEY = 2
"""Key type of the usage byte (card.md §5.1)."""
SEQUENCE = "0019"
VALIDITY_FILES = ("001A", "001B", "001C")
"""DPK index, authentication key version, valid from, valid to; dates in BCD compare as they stand (card.md §5.1)."""
LAST_SEQUENCE = 0xFFFF_FFFF


def initialize(machine: Machine, command: InitializeSamForPurchase) -> bytes:
    """The sequence goes up, durably, before it is used; then MAC1 over this PSAM's own terminal number."""
    suite, home = environment.suite_of(machine), environment.current_environment(machine)
    machine.volatile.transaction = None
    spec = _purchase_key(machine, home, command.key_version)
    key = environment.stored_key(machine, spec)
    if len(command.factors) != 8 * spec.levels:
        raise Refusal(status.WRONG_LENGTH)
    if command.algorithm != suite.algorithm_id:
        raise Refusal(status.CONDITIONS_NOT_SATISFIED)
    if machine.profile.rules.psam_checks_validity:
        _require_valid(machine, home, command)
    sequence = _next_sequence(machine, f"{home}/{SEQUENCE}")
    dpk = environment.diversified(suite, key, command.factors)
    session_key = transaction.purchase_session_key(suite, dpk, command.random, command.counter, sequence)
    amounts, terminal = command.amounts.build(), machine.nvm.read(TERMINAL_NUMBER)
    mac1 = transaction.purchase_mac1(suite, session_key, amounts, terminal, command.time, command.kind)
    machine.volatile.transaction = OpenSamPurchase(suite, session_key, amounts)
    return SamPurchaseAnswer(sequence, mac1).build()


def _purchase_key(machine: Machine, home: str, version: int) -> PsamKeySpec:
    """
    Raises:
        Refusal: 6A88.
    """
    for spec in machine.profile.psam_keys:
        if (spec.df, spec.type, spec.id) == (home, PURCHASE_KEY, version):
            return spec
    raise Refusal(status.REFERENCE_NOT_FOUND)


def _require_valid(machine: Machine, home: str, command: InitializeSamForPurchase) -> None:
    """
    Raises:
        Refusal: 6985, no DPK file of this key version covers the day of the purchase.
    """
    day = command.time[:4]
    for name in VALIDITY_FILES:
        content = machine.nvm.read(f"{home}/{name}")
        if content[0] == command.key_version and content[2:6] <= day <= content[6:10]:
            return
    raise Refusal(status.CONDITIONS_NOT_SATISFIED)


def _next_sequence(machine: Machine, name: str) -> bytes:
    """
    Raises:
        Refusal: 6985, all numbers are used up (our choice; the text is silent).
    """
    number = int.from_bytes(machine.nvm.read(name), "big")
    if number == LAST_SEQUENCE:
        raise Refusal(status.CONDITIONS_NOT_SATISFIED)
    sequence = (number + 1).to_bytes(4, "big")
    with machine.nvm.transaction():
        machine.nvm.write(name, sequence)
    return sequence


def confirm(machine: Machine, command: CreditSamForPurchase) -> bytes:
    """Right or wrong, the session is used up: one guess a purchase (our choice).

    Raises:
        Refusal: 6901 no purchase is open, 9302 wrong MAC2.
    """
    opened, machine.volatile.transaction = machine.volatile.transaction, None
    if not isinstance(opened, OpenSamPurchase):
        raise Refusal(status.WRONG_STATE)
    if not equal(transaction.purchase_mac2(opened.suite, opened.session_key, opened.amounts), command.mac2):
        raise Refusal(status.TRANSACTION_MAC_WRONG)
    return b""
