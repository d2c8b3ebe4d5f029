"""The PSAM as an applet: reading, and the commands of classes BF and 80.

Source: card.md §5.2–5.4.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sscard_terminal.card.dispatch import Instruction
from sscard_terminal.card.file_commands import reading
from sscard_terminal.cardspec.commands import psam as commands
from sscard_terminal.cardspec.profile import CardProfile

from . import ciphering, loading, purchase


class PurchaseSam:
    """What makes a chip a terminal's security module."""

    name = "psam"

    def instructions(self, profile: CardProfile) -> Iterable[Instruction]:
        """Reading leaves an open purchase alone: recovery may need its session (reliability.md, "Recovery" 2)."""
        return (*map(_of_a_psam, reading(profile)), *COMMANDS)


def _of_a_psam(entry: Instruction) -> Instruction:
    if entry.selects:
        return replace(entry, run=ciphering.select)
    return replace(entry, keeps_transaction=True)


COMMANDS = (
    Instruction(
        "INITIALIZE ENVIRONMENT",
        0xBF,
        0xEC,
        commands.InitializeEnvironment.from_apdu,
        ciphering.initialize_environment,
        keeps_transaction=True,
    ),
    Instruction(
        "DELIVERY SESSION KEY",
        0xBF,
        0xDE,
        commands.DeliverySessionKey.from_apdu,
        ciphering.delivery_session_key,
        keeps_transaction=True,
    ),
    Instruction(
        "CIPHER DATA",
        0x80,
        0xFA,
        commands.CipherData.from_apdu,
        ciphering.cipher_data,
        keeps_transaction=True,
    ),
    Instruction(
        "INITIALIZE SAM FOR PURCHASE",
        0x80,
        0x70,
        commands.InitializeSamForPurchase.from_apdu,
        purchase.initialize,
        answer_length=8,
    ),
    Instruction(
        "CREDIT SAM FOR PURCHASE",
        0x80,
        0x72,
        commands.CreditSamForPurchase.from_apdu,
        purchase.confirm,
        keeps_transaction=True,
    ),
    Instruction("CREATE KEY, CHANGE KEY", 0x84, 0xD4, commands.WriteKey.from_apdu, loading.write_key),
)
