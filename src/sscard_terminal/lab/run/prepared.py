"""A quick look at an answer, without reasons: whether it is what a command expects.

Not here: what exactly differs in an answer that does not fit (script/masks.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sscard_terminal.iso7816.apdu import ResponseApdu

from ..script.syntax import Answer, Capture, Command, MaskPart, Nibbles, Octets, Rest, Variable, WordMask
from .exact import ExactCommand, exact

Fits = Callable[[ResponseApdu], bool]


class Prepared(NamedTuple):
    """A command of a block, made ready to be sent often. `command` None: it depends on variables."""

    statement: Command
    command: ExactCommand | None


def prepared(statement: Command) -> Prepared:
    return Prepared(statement, exact_of(statement))


def exact_of(statement: Command) -> ExactCommand | None:
    """The bytes of a command, where the text tells them all."""
    parts = statement.parts
    if len(parts) == 1 and isinstance(parts[0], Octets):
        return exact(parts[0].value)
    if all(isinstance(part, Octets) for part in parts):
        return exact(b"".join(part.value for part in parts if isinstance(part, Octets)))
    return None


class QuickLooks:
    """Makes one for each expectation, once; those that are the same text are the same value (parse.py)."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Answer, Fits | None]] = {}

    def at(self, answer: Answer) -> Fits | None:
        """None: only the long way tells, since there are captures or variables."""
        known = self._made.get(id(answer))
        if known is None:
            known = self._made[id(answer)] = answer, quick_look(answer)
        return known[1]


def quick_look(answer: Answer) -> Fits | None:
    """A test of an answer; None where the mask has captures or variables."""
    word_fits, data = _word_test(answer.words), answer.data
    if data is None:
        return lambda answer: word_fits(answer.sw)
    if any(isinstance(part, Capture | Variable) for part in data):
        return None
    return _data_test(word_fits, data)


def _word_test(words: tuple[WordMask, ...]) -> Callable[[int], bool]:
    if all(word.care == 0xFFFF for word in words):
        return frozenset(word.value for word in words).__contains__
    return lambda sw: any(sw & word.care == word.value for word in words)


def _data_test(word_fits: Callable[[int], bool], data: tuple[MaskPart, ...]) -> Fits:
    is_open = bool(data) and isinstance(data[-1], Rest)
    nibbles = [part for part in data if isinstance(part, Nibbles)]
    value = b"".join(part.value for part in nibbles)
    care = b"".join(part.care for part in nibbles)
    length, wanted, mask = len(value), int.from_bytes(value, "big"), int.from_bytes(care, "big")

    def fits(answer: ResponseApdu) -> bool:
        got = answer.data
        if len(got) != length and (not is_open or len(got) < length):
            return False
        return int.from_bytes(got[:length], "big") & mask == wanted and word_fits(answer.sw)

    return fits
