"""Guests of the bench that the plain installation lacks: imported when first needed, and named in one sentence when absent.

Not here: what they are for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


class NotInstalled(ImportError):
    """A package of the extra `lab` is missing; the sentence is "lab.missing" in voice/messages."""


def needed(module: str) -> Any:
    """The module, imported.

    Raises:
        NotInstalled: it is not there.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise NotInstalled(f"{module}: pip install 'sscard-terminal[lab]'", name=error.name) from error
