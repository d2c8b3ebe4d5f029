"""The known function set by its names: what each takes and returns, and one object that any face calls.

Not here: the functions (base, files, pins, issuing, pay), and JSON or C around them. One caller at a time: whoever owns the
reader sees to it. Source: card.md §8.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.reader.connection import LinkError
from sscard_terminal.terminal.exchange import CardRefused
from sscard_terminal.terminal.journal_file import JournalTrouble
from sscard_terminal.terminal.psam import PsamFailure

from . import base, files, files_by_hsm, issuing, pay, pay_by_hsm, pins
from .codes import Code, of_code, result_of, result_of_failure
from .place import Place
from .result import Refused, Result
from .steps import Steps

Kind = Literal["int", "str"]
"""Of a parameter."""
_TYPE: tuple[str, Kind] = ("iType", "int")
_AUTH_TYPE: tuple[str, Kind] = ("iAuthType", "int")
_CARD_INFO: tuple[str, Kind] = ("pCardInfo", "str")
_FILE_ADDRESS: tuple[str, Kind] = ("pFileAddr", "str")
_WRITE_DATA: tuple[str, Kind] = ("pWriteData", "str")
_PAY_INFO: tuple[str, Kind] = ("pPayInfo", "str")
_KEY: tuple[str, Kind] = ("pKey", "str")
BASE, PIN, DETAILS, GENERAL = 1024, 512, 2048, 20480
"""Bytes of pOutInfo, the closing NUL among them. Source: card.md §8."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function: `parameters` in their order, before pOutInfo; `size` of pOutInfo in bytes, its NUL included."""

    parameters: tuple[tuple[str, Kind], ...]
    size: int
    run: Callable[..., Result]
    """Place, steps, and the parameters."""

    def arguments(self, given: Mapping[str, object]) -> list[Any] | None:
        """The parameters in their order; None where one is missing, or there is another, or it is of another kind."""
        if given.keys() != {name for name, _ in self.parameters}:
            return None
        values = [given[name] for name, _ in self.parameters]
        kinds = [type(value) for value in values]
        return values if kinds == [_KINDS[kind] for _, kind in self.parameters] else None


_KINDS: dict[Kind, type] = {"int": int, "str": str}


def _whole(function: Callable[..., Result], size: int, *parameters: tuple[str, Kind]) -> Function:
    """A function that is one call."""
    return Function(parameters, size, lambda place, steps, *given: function(place, *given))


def _first(function: Callable[..., Result], size: int, *parameters: tuple[str, Kind]) -> Function:
    """The first step of a flow."""
    return Function(parameters, size, function)


def _next(function: Callable[..., Result], size: int, *parameters: tuple[str, Kind]) -> Function:
    """A later step: place and card are those of the first."""
    return Function(parameters, size, lambda place, steps, *given: function(steps, *given))


FUNCTIONS: dict[str, Function] = {
    "iReadCardBas": _whole(base.read_card_base, BASE, _TYPE),
    "iReadCardBas_HSM_Step1": _first(base.step_1, BASE, _TYPE),
    base.STEP_2: _next(base.step_2, BASE, _KEY),
    "iReadCard": _whole(files.read_card, GENERAL, _TYPE, _AUTH_TYPE, _CARD_INFO, _FILE_ADDRESS),
    "iReadCard_HSM_Step1": _first(files_by_hsm.read_step_1, BASE, _TYPE, _CARD_INFO, _FILE_ADDRESS),
    files_by_hsm.READ_STEP_2: _next(files_by_hsm.read_step_2, GENERAL, _KEY),
    "iWriteCard": _whole(files.write_card, BASE, _TYPE, _CARD_INFO, _FILE_ADDRESS, _WRITE_DATA),
    "iWriteCard_HSM_Step1": _first(files_by_hsm.write_step_1, BASE, _TYPE, _CARD_INFO, _FILE_ADDRESS),
    files_by_hsm.WRITE_STEP_2: _next(files_by_hsm.write_step_2, BASE, _KEY, _WRITE_DATA),
    "iVerifyPIN": _whole(pins.verify, PIN, _TYPE),
    "iChangePIN": _whole(pins.change, PIN, _TYPE),
    "iReloadPIN": _whole(issuing.reload_pin, PIN, _TYPE, _CARD_INFO),
    "iReloadPIN_HSM_Step1": _first(issuing.reload_step_1, PIN, _TYPE, _CARD_INFO),
    issuing.RELOAD_STEP_2: _next(issuing.reload_step_2, BASE, _KEY),
    issuing.RELOAD_STEP_3: _next(issuing.reload_step_3, BASE, _KEY),
    "iUnblockPIN": _whole(issuing.unblock_pin, PIN, _TYPE, _CARD_INFO),
    "iUnblockPIN_HSM_Step1": _first(issuing.unblock_step_1, PIN, _TYPE, _CARD_INFO),
    issuing.UNBLOCK_STEP_2: _next(issuing.unblock_step_2, BASE, _KEY),
    issuing.UNBLOCK_STEP_3: _next(issuing.unblock_step_3, BASE, _KEY),
    "iDoDebit": _whole(pay.do_debit, PIN, _TYPE, _CARD_INFO, _PAY_INFO),
    "iDoDebit_HSM_Step1": _first(pay_by_hsm.step_1, PIN, _TYPE, _CARD_INFO, _PAY_INFO),
    pay_by_hsm.STEP_2: _next(pay_by_hsm.step_2, BASE, _KEY),
    "iReadDebitRecord": _whole(pay.read_debit_records, DETAILS, _TYPE),
}
"""Source: card.md §8, signatures and sizes."""


class Driver:
    """The driver of one place. A flow of HSM steps that waits is ended by any other call, and by `close`."""

    def __init__(self, place: Callable[[], Place], now: Callable[[], float] = time.monotonic) -> None:
        """`place` is asked at each call: its rules may have changed."""
        self._place = place
        self._steps = Steps(now)

    @property
    def holds_card(self) -> bool:
        """Whether a flow of HSM steps keeps the card for its next step."""
        return self._steps.is_waiting

    def call(self, name: str, parameters: Mapping[str, object], operator: str = "") -> Result:
        """Do what the function of that name does, for `operator`; whatever goes wrong is a code. -13 an unknown name, -14
        wrong parameters.
        """
        function, place = FUNCTIONS.get(name), self._place()
        language = place.language
        if function is None:
            return of_code(Code.COMMAND_UNKNOWN, language)
        arguments = function.arguments(parameters)
        if arguments is None:
            return of_code(Code.BAD_PARAMETER, language)
        if "_Step" not in name or name.endswith("_Step1"):
            self._steps.end()
        try:
            result = function.run(replace(place, operator=operator), self._steps, *arguments)
        except Refused as refused:
            result = (
                of_code(refused.why, language)
                if isinstance(refused.why, int)
                else result_of(refused.why, language)
            )
        except (LinkError, CardRefused, PsamFailure, JournalTrouble, FormatError) as error:
            result = result_of_failure(error, language)
        if len(result.out.encode("gb18030", errors="replace")) >= function.size:
            return of_code(Code.WRONG_LENGTH, language)
        return result

    def close(self) -> None:
        """Let go of the card."""
        self._steps.end()
