"""Training mode: its own journal, its own colour, and no reader that may hold a real card.

Not here: the mark of a training journal (terminal/journal_file.py) and 培训 on slips (terminal/slips/forms.py).
Source: counter.md screen rule 8; docs/decisions/0008-training.md.
"""

from __future__ import annotations

from pathlib import Path

from sscard_terminal.terminal.configuration import Configuration

from .exits import Exit, Stop
from .state import default_journal

JOURNAL_NAME = "training.db"
"""Beside the real journal. Our choice."""
IMAGE_PREFIX = "image:"
"""Before a file's name: a virtual card in this process instead of a reader."""


def journal_path(configuration: Configuration, named: Path | None) -> Path:
    """The journal of this run: the named one, else the configured one, else the user's; in training the one beside."""
    if named is not None:
        return named
    real = configuration.journal or default_journal()
    return real.with_name(JOURNAL_NAME) if configuration.training else real


def may_use(configuration: Configuration, reader: str) -> bool:
    """Whether a card in this reader may be used at all: in training only one that cannot be real."""
    if not configuration.training or reader.startswith(IMAGE_PREFIX):
        return True
    return any(part in reader for part in configuration.training_readers)


def usable(configuration: Configuration, readers: list[str]) -> list[str]:
    """Those of `readers` that may be used.

    Raises:
        Stop: there are some, and in training none of them may.
    """
    found = [reader for reader in readers if may_use(configuration, reader)]
    if readers and not found:
        raise Stop(Exit.REFUSED, "training.no-virtual-reader", found=", ".join(readers))
    return found


def require_usable(configuration: Configuration, reader: str) -> str:
    """`reader`, which somebody has named.

    Raises:
        Stop: in training it may not be used.
    """
    if not may_use(configuration, reader):
        raise Stop(Exit.REFUSED, "training.real-reader", name=reader)
    return reader
