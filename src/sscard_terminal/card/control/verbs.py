"""The verbs that bring a fault to a virtual card: their one vocabulary, read and written; nothing is done here.

    verb = "eject"                                  (* pulled out *)
         | "insert" [ name ]                        (* put in: this one, or the one that was in last *)
         | "swap" name                              (* pulled out, and another put in its place at once *)
         | "mute" "for" seconds "s"                 (* obeys, and answers only when the time is over *)
         | "cut" "answer" "after" number "bytes"    (* contact is lost in the middle of the next answer *)
         | "tear" "after-write" number              (* the power goes right after so many writes; 0: before the first *)
         | "reset-by-other" ;                       (* another program resets the card *)
    name = word without blanks | '"' any text without '"' '"' ;

Source: scripts.md §8 and the faults of pcsc.md §6 and reliability.md; the words are ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

LONGEST_MUTE_MS = 3_600_000
MOST_BYTES = 65_538
"""Of an answer: 65,536 and the status word."""
MOST_WRITES = 1_000_000
LONGEST_NAME = 4096
"""A file's path may stand for a name."""
_WORD = re.compile(r'"(?P<quoted>[^"]*)"|(?P<plain>[^\s"]+)|(?P<foreign>\S)')
_SECONDS = re.compile(r"(\d{1,4})(?:\.(\d{1,3}))?", re.ASCII)
_NUMBER = re.compile(r"\d{1,7}", re.ASCII)
_PLAIN_NAME = re.compile(r'[^\s"]+')


class VerbError(ValueError):
    """A text is no verb; `column` counts from 1, `expected` is what could have stood there."""

    def __init__(self, column: int, expected: str) -> None:
        super().__init__(f"column {column}: expected {expected}")
        self.column = column
        self.expected = expected


@dataclass(frozen=True, slots=True)
class Eject:
    def __str__(self) -> str:
        return "eject"


@dataclass(frozen=True, slots=True)
class Insert:
    """`name` None: the card that was in last."""

    name: str | None = None

    def __str__(self) -> str:
        return "insert" if self.name is None else f"insert {_written(self.name)}"


@dataclass(frozen=True, slots=True)
class Swap:
    name: str

    def __str__(self) -> str:
        return f"swap {_written(self.name)}"


@dataclass(frozen=True, slots=True)
class Mute:
    duration_ms: int

    def __str__(self) -> str:
        seconds = f"{self.duration_ms // 1000}.{self.duration_ms % 1000:03d}".rstrip("0").rstrip(".")
        return f"mute for {seconds} s"


@dataclass(frozen=True, slots=True)
class CutAnswer:
    """`length` bytes of the next answer arrive; an answer no longer than that loses nothing but the contact."""

    length: int

    def __str__(self) -> str:
        return f"cut answer after {self.length} bytes"


@dataclass(frozen=True, slots=True)
class Tear:
    writes: int

    def __str__(self) -> str:
        return f"tear after-write {self.writes}"


@dataclass(frozen=True, slots=True)
class ResetByOther:
    def __str__(self) -> str:
        return "reset-by-other"


Verb = Eject | Insert | Swap | Mute | CutAnswer | Tear | ResetByOther


def parse_verb(text: str) -> Verb:
    """Read one verb, all of `text`.

    Raises:
        VerbError: it is none; the text is not quoted back.

    >>> parse_verb("mute for 1.5 s")
    Mute(duration_ms=1500)
    """
    words = _Words(text)
    verb = _verb(words)
    words.end()
    return verb


def _verb(words: _Words) -> Verb:
    match words.one_of("eject", "insert", "swap", "mute", "cut", "tear", "reset-by-other"):
        case "eject":
            return Eject()
        case "insert":
            return Insert() if words.is_over else Insert(words.name())
        case "swap":
            return Swap(words.name())
        case "mute":
            words.one_of("for")
            mute = Mute(words.milliseconds())
            words.one_of("s")
            return mute
        case "cut":
            words.one_of("answer")
            words.one_of("after")
            cut = CutAnswer(words.number(MOST_BYTES))
            words.one_of("bytes", "byte")
            return cut
        case "tear":
            words.one_of("after-write")
            return Tear(words.number(MOST_WRITES))
        case _:
            return ResetByOther()


class _Words:
    """Takes a text word by word; the word that does not fit is where the error is."""

    def __init__(self, text: str) -> None:
        self._found = list(_WORD.finditer(text))
        self._end = len(text) + 1
        self._at = 0

    @property
    def is_over(self) -> bool:
        return self._at >= len(self._found)

    def one_of(self, *words: str) -> str:
        expected = " or ".join(f'"{word}"' for word in words)
        word = self._look()["plain"] if not self.is_over else None
        if word not in words:
            self._refuse(expected)
        return self._taken(str(word))

    def name(self) -> str:
        found = {} if self.is_over else self._look().groupdict()
        name = found.get("plain") or found.get("quoted") or ""
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            self._refuse("a card's name")
        return self._taken(name)

    def number(self, most: int) -> int:
        found = None if self.is_over else _NUMBER.fullmatch(self._look()[0])
        if found is None or int(found[0]) > most:
            self._refuse(f"a whole number up to {most}")
        return int(self._taken(found[0]))

    def milliseconds(self) -> int:
        found = None if self.is_over else _SECONDS.fullmatch(self._look()[0])
        duration = 0 if found is None else int(found[1]) * 1000 + int((found[2] or "0").ljust(3, "0"))
        if not 0 < duration <= LONGEST_MUTE_MS:
            self._refuse(f"seconds above 0 and up to {LONGEST_MUTE_MS // 1000}, with at most three decimals")
        self._at += 1
        return duration

    def end(self) -> None:
        if not self.is_over:
            self._refuse("nothing more")

    def _look(self) -> re.Match[str]:
        return self._found[self._at]

    def _taken(self, word: str) -> str:
        self._at += 1
        return word

    def _refuse(self, expected: str) -> NoReturn:
        raise VerbError(self._end if self.is_over else self._look().start() + 1, expected)


def _written(name: str) -> str:
    return name if _PLAIN_NAME.fullmatch(name) else f'"{name}"'
