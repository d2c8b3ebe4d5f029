"""A command made ready before it is sent: its bytes where the text tells them all, and a quick look at the answer.

Not here: sending, and what exactly differs in an answer that does not fit (script/masks.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sscard_terminal.iso7816.apdu import ResponseApdu

from ..script.masks import written_answer
from ..script.syntax import Answer, Break, Capture, Command, MaskPart, Nibbles, Octets, Rest, WordMask
from .exact import ExactCommand, exact

Fits = Callable[[ResponseApdu], bool]


@dataclass(frozen=True, slots=True)
class Prepared:
    """`command` None: it depends on variables. `fits` None: nothing is expected, or only the long way tells."""

    statement: Command
    command: ExactCommand | None
    expected: str
    fits: Fits | None
    captures: bool


def prepared(statement: Command) -> Prepared:
    """The command ready to be sent as often as it is needed."""
    parts, expectation = statement.parts, statement.expectation
    command = None
    if all(isinstance(part, Octets) for part in parts):
        command = exact(b"".join(part.value for part in parts if isinstance(part, Octets)))
    match expectation:
        case None:
            return Prepared(statement, command, "", None, False)
        case Break(reason):
            return Prepared(statement, command, f"link {reason}".rstrip(), None, False)
        case Answer(words, data):
            captures = any(isinstance(part, Capture) for part in data or ())
            fits = None if captures else _quick(words, data)
            return Prepared(statement, command, written_answer(expectation), fits, captures)


def _quick(words: tuple[WordMask, ...], data: tuple[MaskPart, ...] | None) -> Fits | None:
    """A test without reasons; None where the mask has variables."""
    word_fits = _word_test(words)
    match data:
        case None:
            return lambda answer: word_fits(answer.sw)
        case () | (Rest(),):
            is_open = bool(data)
            return lambda answer: (is_open or not answer.data) and word_fits(answer.sw)
        case (Nibbles(value, care),):
            return _data_test(word_fits, value, care, False)
        case (Nibbles(value, care), Rest()):
            return _data_test(word_fits, value, care, True)
        case _:
            return None


def _word_test(words: tuple[WordMask, ...]) -> Callable[[int], bool]:
    if all(word.care == 0xFFFF for word in words):
        return frozenset(word.value for word in words).__contains__
    return lambda sw: any(sw & word.care == word.value for word in words)


def _data_test(word_fits: Callable[[int], bool], value: bytes, care: bytes, is_open: bool) -> Fits:
    length, wanted, mask = len(value), int.from_bytes(value, "big"), int.from_bytes(care, "big")

    def fits(answer: ResponseApdu) -> bool:
        data = answer.data
        if len(data) != length and (not is_open or len(data) < length):
            return False
        return int.from_bytes(data[:length], "big") & mask == wanted and word_fits(answer.sw)

    return fits
