"""The table (CLA, INS) → instruction, and the one order in which every command is checked.

Not here: what an instruction does (file_commands, applets) and the T=0 manners (chip).
Source: card.md §10 A2, A4–A6, B3, B25.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sscard_terminal.iso7816 import status
from sscard_terminal.iso7816.apdu import CommandApdu
from sscard_terminal.iso7816.errors import FormatError, LengthError, ParameterError

from .machine import Machine
from .refusal import Refusal


@dataclass(frozen=True, slots=True)
class Instruction:
    """One command a chip knows.

    `parse` reads it (ParameterError → 6A86, LengthError → 6700), `run` obeys it and returns the answer's data.
    """

    name: str
    cla: int
    ins: int
    parse: Callable[[CommandApdu], Any]
    run: Callable[[Machine, Any], bytes]
    within: str | None = None
    """The DF that must be current (else 6985, card.md §10 B3)."""
    keeps_transaction: bool = False
    """True for the commands of the state table (card.md §2.3) which leave an opened transaction alone."""
    answer_length: int = 0
    """Length of a case 4 answer that an Le may not cut; checked before anything is done."""
    always_fetched: bool = False
    """Its answer waits for GET RESPONSE under T=0 even when it came without data (SELECT of the MF)."""
    selects: bool = False
    """SELECT: it names itself which application is meant, and may be used where the current one is blocked."""


class Dispatch:
    """All instructions of one card."""

    def __init__(self, instructions: Iterable[Instruction]) -> None:
        self._table = {(entry.cla, entry.ins): entry for entry in instructions}
        self._classes = {cla for cla, _ in self._table}

    def look_up(self, machine: Machine, cla: int, ins: int) -> Instruction:
        """
        Raises:
            Refusal: 6A81 the card is blocked, 6E00 unknown class, 6D00 unknown instruction, 9303 application blocked.
        """
        if machine.card_blocked:
            raise Refusal(status.FUNCTION_NOT_SUPPORTED)
        entry = self._table.get((cla, ins))
        if entry is None:
            raise Refusal(self._unknown(machine, cla))
        if not entry.selects and machine.is_blocked(machine.volatile.current_df.name):
            raise Refusal(status.APPLICATION_BLOCKED)
        return entry

    def _unknown(self, machine: Machine, cla: int) -> status.StatusWord:
        """A class is known if any command has it; class 80 of the user card is ruled apart (card.md §10 A5)."""
        if cla not in self._classes:
            return status.CLA_UNKNOWN
        if cla == 0x80:
            return status.StatusWord(machine.profile.rules.class_80_unknown_ins)
        return status.INS_UNKNOWN

    def obey(self, machine: Machine, entry: Instruction, apdu: CommandApdu, at_once: bool) -> bytes:
        """Parse, check the place, run.

        Raises:
            Refusal: the command's own no.
        """
        try:
            command = entry.parse(apdu)
            if at_once and apdu.data and 0 < apdu.ne < entry.answer_length:
                raise LengthError("Le would cut the answer")
        except ParameterError:
            raise Refusal(status.WRONG_P1P2) from None
        except FormatError:
            raise Refusal(status.WRONG_LENGTH) from None
        if entry.within is not None and machine.volatile.current_df.name != entry.within:
            raise Refusal(status.CONDITIONS_NOT_SATISFIED)
        if not entry.keeps_transaction:
            machine.volatile.transaction = None
        return entry.run(machine, command)
