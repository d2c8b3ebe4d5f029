"""Where something stands in a script, and what is wrong there.

Not here: the sentences (voice/messages, "script.error.").
"""

from __future__ import annotations

from dataclasses import dataclass
from unicodedata import east_asian_width

from sscard_terminal.iso7816.status import Language
from sscard_terminal.voice.messages import text, text_or

NOWHERE = "-"
"""The file of a script that lies in none."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where something stands; `line` and `column` count from 1."""

    file: str = NOWHERE
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class ScriptError(ValueError):
    """A script is wrong at `at`; `shown` is the line as it stands.

    `key` finds the sentence in voice/messages ("script.error.KEY"), `facts` fill it in. A fact that is a tuple lists what
    could have stood there ("script.expected.NAME", or a word of the language).
    """

    def __init__(self, at: Position, key: str, shown: str = "", **facts: object) -> None:
        super().__init__(at, key, facts)
        self.at = at
        self.key = key
        self.facts = facts
        self.shown = shown

    def sentence(self, language: Language) -> str:
        """What is wrong, without the place."""
        told = {
            name: _listed(language, fact) if isinstance(fact, tuple) else fact
            for name, fact in self.facts.items()
        }
        return text(language, f"script.error.{self.key}", **told)

    def pointed(self) -> tuple[str, str]:
        """The line, and blanks with a caret below the column; a wide character takes two columns. Empty: no line."""
        line = self.shown.replace("\t", " ")
        before = line[: self.at.column - 1].ljust(self.at.column - 1)
        width = sum(2 if east_asian_width(char) in "WF" else 1 for char in before)
        return line, " " * width + "^"

    def __str__(self) -> str:
        return f"{self.at}: {self.sentence('en')}"


def _listed(language: Language, names: tuple[object, ...]) -> str:
    words = [text_or(language, f"script.expected.{name}") or f'"{name}"' for name in names]
    return text(language, "script.expected.or").join(words)
