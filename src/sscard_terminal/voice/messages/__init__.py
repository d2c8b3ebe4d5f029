"""The words the command line speaks, one catalogue a language; a test holds their keys and facts equal.

Not here: when something is said. A catalogue is loaded when it is first needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sscard_terminal.iso7816.status import Language


@cache
def catalogue(language: Language) -> Mapping[str, str]:
    """Every text of one language by its key; `{name}` in a text is a fact to be filled in."""
    texts: Mapping[str, str] = import_module(f"{__name__}.{language}").TEXTS
    return texts


def text(language: Language, key: str, **facts: object) -> str:
    """The text under `key`, filled in."""
    return catalogue(language)[key].format(**facts)


def text_or(language: Language, key: str, otherwise: str = "") -> str:
    """The text under `key` as it stands, or `otherwise` where there is none."""
    return catalogue(language).get(key, otherwise)
