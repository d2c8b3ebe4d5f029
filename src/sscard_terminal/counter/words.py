"""What went wrong with a request, as its sentence and its HTTP status; the one place where a refusal becomes an answer.

A sentence of the command line may name a command; where it does, the counter has one of its own (`here.…` in voice/pages),
which names a key. Not here: the sentences (voice).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sscard_terminal.cardspec.money import Fen, yuan_of_fen
from sscard_terminal.iso7816.status import Language
from sscard_terminal.terminal.operators import NotAllowed, Refusal
from sscard_terminal.voice import told
from sscard_terminal.voice.messages import text
from sscard_terminal.voice.pages import word, words
from sscard_terminal.voice.told import Money, Told

_TO_SIGN_IN = (Refusal.NOT_SIGNED_IN, Refusal.TIMED_OUT, Refusal.SESSION_VOID)


@dataclass
class NotDone(Exception):
    """The request was not carried out, and no money moved by it. `key` is a word of voice/pages."""

    status: int
    key: str
    facts: Mapping[str, object] = field(default_factory=dict)

    def answer(self, language: Language) -> dict[str, Any]:
        return {
            "error": self.key.removeprefix("refused."),
            "sentence": word(language, self.key, **self.facts),
            "money": str(Money.NOT_CHARGED),
        }


@dataclass
class Refused(Exception):
    """The terminal itself said no; its own sentence tells."""

    told: Told
    status: int = 409
    at_window: bool = False

    def answer(self, language: Language) -> dict[str, Any]:
        return {
            "error": self.told.key,
            "sentence": said(self.told, language, at_window=self.at_window),
            "money": str(self.told.money),
            "facts": told.for_programs(self.told.facts),
        }


def not_allowed(why: NotAllowed) -> NotDone:
    """An operator who is not let through."""
    facts = {"number": why.number, "wait_s": why.wait_s}
    match why.refusal:
        case Refusal.HELD_BACK:
            return NotDone(429, "refused.held-back", facts)
        case Refusal.PASSWORD_WRONG:
            return NotDone(403, "refused.password-wrong", facts)
        case Refusal.NEEDS_SUPERVISOR:
            return NotDone(403, "refused.needs-supervisor", facts)
        case Refusal.NO_OPERATORS:
            return NotDone(403, "refused.no-operators", facts)
        case refusal if refusal in _TO_SIGN_IN:
            return NotDone(401, "refused.not-signed-in", facts)
        case _:
            return NotDone(403, "refused.not-allowed", facts)


def said(what: Told, language: Language, *, at_window: bool = False) -> str:
    """The sentence as the counter says it; the status word, if any, behind it in brackets."""
    own = _own(what.key, language, at_window)
    if own is None:
        return what.sentence(language)
    sw = what.facts.get("sw")
    return own.format(**_for_people(what.facts)) + ("" if sw is None else f" [{sw}]")


def text_here(language: Language, key: str, **facts: object) -> str:
    """A text of the command line as the counter says it."""
    own = _own(key, language, False)
    return text(language, key, **facts) if own is None else own.format(**facts)


def _own(key: str, language: Language, at_window: bool) -> str | None:
    """The page's own words, at the service window that page's first; None where the command line's serve."""
    known = words(language)
    own = known.get(f"here.{key}")
    return known.get(f"window.{key}", own) if at_window else own


def _for_people(facts: Mapping[str, object]) -> dict[str, object]:
    yuan = {name: yuan_of_fen(value) for name, value in facts.items() if isinstance(value, Fen)}
    return {name: "" if value is None else value for name, value in facts.items()} | yuan
