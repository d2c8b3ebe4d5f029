"""The words of the counter's pages, one catalogue a language; a test holds their keys and facts equal.

Beside the command line's (voice/messages), so that neither loads the other's. Not here: when a word is shown (counter).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sscard_terminal.iso7816.status import Language


@cache
def words(language: Language) -> Mapping[str, str]:
    """Every word of one language by its key; `{name}` in it is a fact to be filled in."""
    found: Mapping[str, str] = import_module(f"{__name__}.{language}").WORDS
    return found


def word(language: Language, key: str, **facts: object) -> str:
    """The word under `key`, filled in."""
    return words(language)[key].format(**facts)
