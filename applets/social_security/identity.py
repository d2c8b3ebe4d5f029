"""INTERNAL AUTHENTICATE: the card shows that it holds IRK.

Not here: EXTERNAL AUTHENTICATE (card.file_commands), which shows what the terminal holds.
Source: card.md §6.6, §9.25.
"""

from __future__ import annotations

from sscard_terminal.card.machine import Machine
from sscard_terminal.cardspec.commands.security import InternalAuthenticate

KEY = "IRK"


def internal_authenticate(machine: Machine, command: InternalAuthenticate) -> bytes:
    """8 bytes over the original information, under the session key of the terminal's factor.

    Raises:
        Refusal: 6A88, no such key group.
    """
    key = machine.security.key(KEY, 1 if command.key_version is None else command.key_version)
    return machine.suite.authentication_data(machine.suite.session_key(key, command.factor), command.original)
