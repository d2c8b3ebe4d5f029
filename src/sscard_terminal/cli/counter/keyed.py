"""Sentences that name a command where this face has a key: the face's own, under the same key behind `keyed.`.

Not here: the sentences (voice/messages) and when they are said (clerk.py, view.py, office.py).
"""

from __future__ import annotations

from dataclasses import replace

from sscard_terminal.iso7816.status import Language
from sscard_terminal.terminal.outcomes import Declined, Unsettled
from sscard_terminal.voice import told
from sscard_terminal.voice.messages import catalogue, text

from ..exits import Stop
from ..sentences import KNOWN_ERRORS, report_of

__all__ = ["KNOWN_ERRORS", "declined", "key_of", "sentence_of", "text_of", "unsettled"]


def key_of(language: Language, key: str) -> str:
    own = f"keyed.{key}"
    return own if own in catalogue(language) else key


def text_of(language: Language, key: str, **facts: object) -> str:
    return text(language, key_of(language, key), **facts)


def declined(outcome: Declined, language: Language) -> str:
    """No money moved."""
    found = told.declined(outcome)
    return replace(found, key=key_of(language, found.key)).sentence(language)


def unsettled(outcome: Unsettled, language: Language) -> str:
    """Money may have moved."""
    found = told.unsettled(outcome)
    return replace(found, key=key_of(language, found.key)).sentence(language)


def sentence_of(error: BaseException, language: Language) -> str:
    """The sentence of any of KNOWN_ERRORS."""
    if isinstance(error, Stop):
        return told.sentence(language, key_of(language, error.key), error.facts)
    return report_of(error, language).sentence
