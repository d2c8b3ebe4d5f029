"""What went wrong with a request, as its sentence and its HTTP status; the one place where a refusal becomes an answer.

Not here: the sentences (voice).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sscard_terminal.iso7816.status import Language
from sscard_terminal.terminal.operators import NotAllowed, Refusal
from sscard_terminal.voice import told
from sscard_terminal.voice.pages import word
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

    def answer(self, language: Language) -> dict[str, Any]:
        return {
            "error": self.told.key,
            "sentence": self.told.sentence(language),
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
