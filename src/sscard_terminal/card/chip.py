"""The chip: power, reset, and bytes in, bytes out; GET RESPONSE and the T=0 manners live here.

Not here: what a command does (dispatch and what it calls) and the reader it sits in (vpicc, loopback).
Source: card.md §2.1, §10 B7, B20–B23, B38, B39.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Protocol

from sscard_terminal.cardspec.ciphers import suite_named
from sscard_terminal.cardspec.commands.basic import GetResponse
from sscard_terminal.cardspec.profile import CardProfile
from sscard_terminal.iso7816 import status
from sscard_terminal.iso7816.apdu import CommandApdu
from sscard_terminal.iso7816.errors import FormatError, LengthError
from sscard_terminal.iso7816.status import StatusWord

from .dispatch import Dispatch, Instruction
from .filesystem import FileSystem
from .machine import Machine, RandomBytes
from .nvm import MemoryFailure, Nvm
from .refusal import Refusal
from .retry_counter import PinStore
from .secure_messaging import Security
from .volatile import Volatile

ATR = "atr"
"""The object with this card's own answer to reset."""


class Applet(Protocol):
    """What one loads onto a chip: its name and its instructions."""

    @property
    def name(self) -> str: ...

    def instructions(self, profile: CardProfile) -> Iterable[Instruction]:
        """Its commands, as the description's rulings want them."""


def _get_response(machine: Machine, command: GetResponse) -> bytes:
    """What waits; with a smaller Le that part, the rest goes on waiting (card.md §10 B21).

    Le 00 means 256 bytes, which is as wrong as any Le beyond what waits: 6Cxx (P5 §6.6.4).
    """
    waiting = machine.volatile.waiting
    if not waiting:
        raise Refusal(status.NO_DATA)
    if command.ne > len(waiting):
        raise Refusal(status.exact_ne_word(len(waiting)))
    machine.volatile.waiting = waiting[command.ne :]
    return waiting[: command.ne]


GET_RESPONSE = Instruction(
    "GET RESPONSE", 0x00, 0xC0, GetResponse.from_apdu, _get_response, keeps_transaction=True
)
_GET_RESPONSE_HEADER = bytes((GET_RESPONSE.cla, GET_RESPONSE.ins))


class Chip:
    """One card. `respond` never raises and always answers at least two bytes.

    `profile` is what the memory was personalised by; `random_bytes` makes challenges.
    """

    def __init__(
        self,
        profile: CardProfile,
        applets: Iterable[Applet],
        nvm: Nvm,
        random_bytes: RandomBytes = os.urandom,
    ) -> None:
        self._profile = profile
        self._nvm = nvm
        self._random_bytes = random_bytes
        entries = [entry for applet in applets for entry in applet.instructions(profile)]
        self._dispatch = Dispatch([*entries, GET_RESPONSE])
        self._machine = self._fresh_machine()
        self._powered = False
        self._memory_failed = False

    def _fresh_machine(self) -> Machine:
        profile, nvm = self._profile, self._nvm
        suite, volatile, pin = suite_named(profile.algorithm), Volatile(profile.dfs[0]), PinStore(nvm)
        security = Security(profile, suite, nvm, volatile, pin)
        files = FileSystem(profile, nvm, volatile, security)
        return Machine(profile, suite, nvm, volatile, files, security, pin, self._random_bytes)

    def atr(self) -> bytes:
        """The answer to reset; asking for it disturbs nothing (card.md §10 B39)."""
        return self._nvm.read(ATR)

    def power_on(self) -> bytes:
        """Start a session and answer to reset."""
        self._machine = self._fresh_machine()
        self._powered = True
        return self.atr()

    def reset(self) -> bytes:
        """A warm reset forgets what a power-off forgets (card.md §10 B7)."""
        return self.power_on()

    def power_off(self) -> None:
        self._powered = False

    def close(self) -> None:
        """Power off for good and seal the memory."""
        self.power_off()
        self._nvm.close()

    def respond(self, raw: bytes) -> bytes:
        """Answer one command APDU of any form and length."""
        if not self._powered:
            self.power_on()
        volatile = self._machine.volatile
        data, sw = b"", status.OK
        try:
            data, sw = self._obey(raw)
        except Refusal as refusal:
            sw = refusal.sw
            if (
                sw.exact_ne is None
            ):  # 6Cxx asks for the same again and fails nothing (our choice, card.md §10 A2)
                volatile.transaction = None
        except MemoryFailure:
            self._memory_failed = True
            sw, volatile.transaction = status.MEMORY_FAILURE, None
        return data + sw.to_bytes(2, "big")

    def _obey(self, raw: bytes) -> tuple[bytes, StatusWord]:
        machine, volatile = self._machine, self._machine.volatile
        if self._memory_failed:
            raise Refusal(status.MEMORY_FAILURE)
        if len(raw) < 4:
            raise Refusal(status.FUNCTION_NOT_SUPPORTED if machine.card_blocked else status.WRONG_LENGTH)
        if raw[:2] != _GET_RESPONSE_HEADER:
            volatile.waiting = b""
        entry = self._dispatch.look_up(machine, raw[0], raw[1])
        apdu = self._parsed(entry, raw)
        at_once = self._profile.rules.answers_at_once
        answer = self._dispatch.obey(machine, entry, apdu, at_once)
        if answer and not at_once and (apdu.data or entry.always_fetched):
            volatile.waiting = answer
            return b"", status.more_available_word(len(answer))
        if entry is GET_RESPONSE and volatile.waiting:
            return answer, status.more_available_word(len(volatile.waiting))
        return answer, status.OK

    def _parsed(self, entry: Instruction, raw: bytes) -> CommandApdu:
        """A command of impossible length is still told first that its P1 P2 are wrong (card.md §10 A4)."""
        try:
            return CommandApdu.parse(raw)
        except FormatError:
            self._refuse_parameters(entry, CommandApdu(raw[0], raw[1], raw[2], raw[3]))
            raise Refusal(status.WRONG_LENGTH) from None

    @staticmethod
    def _refuse_parameters(entry: Instruction, header: CommandApdu) -> None:
        try:
            entry.parse(header)
        except LengthError:
            return
        except FormatError:
            raise Refusal(status.WRONG_P1P2) from None
