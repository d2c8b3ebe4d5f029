"""How a command can end: the documented exit codes, and the exception that ends one with a sentence.

Not here: the sentences (messages) and which error leads to which (sentences.py). Kept light: `sscard --help` loads it.
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes, documented and stable (README)."""

    DONE = 0
    REFUSED = 1
    """The card or this program said no; no money moved."""
    USAGE = 2
    """The command line, or a file named on it, is wrong; nothing was done."""
    TROUBLE = 3
    """Reader, card or PSAM trouble, or a centre that takes nothing; no money moved."""
    UNVERIFIED = 4
    """To be verified: money may have moved (待核实)."""


class Stop(Exception):
    """Ends the command with `code` and the sentence `key`, filled in with `facts`.

    `sw`, `money` and `file` among the facts mean the same everywhere; facts go into --json as they are.
    """

    def __init__(self, code: Exit, key: str, **facts: object) -> None:
        super().__init__(code, key)
        self.code = code
        self.key = key
        self.facts = facts


class StillOpen(Exception):
    """A recovery could not be done; its cause tells why, and the sales are as unverified as before."""
