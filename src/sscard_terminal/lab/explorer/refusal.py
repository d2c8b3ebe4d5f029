"""How a line said to the explorer can fail without anything being broken."""

from __future__ import annotations

from sscard_terminal.iso7816.status import Language, StatusWord
from sscard_terminal.voice import told


class Refused(Exception):
    """The card, or the explorer, says no; `key` is that of the sentence in voice/messages, `facts` fill it in."""

    def __init__(self, key: str, **facts: object) -> None:
        super().__init__(key)
        self.key = key
        self.facts = facts


class NotUnderstood(Exception):
    """The line is none; `key`, `facts` as in Refused. `column` from 1."""

    def __init__(self, key: str, column: int = 1, **facts: object) -> None:
        super().__init__(key)
        self.key = key
        self.column = column
        self.facts = facts


def sentence(error: Refused | NotUnderstood, language: Language) -> str:
    """For people; the card's status word, if any, with its meaning, and behind it in brackets."""
    sw = error.facts.get("sw")
    meaning = {"meaning": sw.meaning(language)} if isinstance(sw, StatusWord) else {}
    return told.sentence(language, error.key, {**error.facts, **meaning})
