"""Back-ups of the journal in a folder: each named by its time, the newest few kept.

Not here: the copy itself (journal_store.copy_to) and putting one back (journal_care.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from .journal import Journal

STAMP = "journal-%Y%m%dT%H%M%S.db"
STAMPED = re.compile(r"journal-\d{8}T\d{6}\.db")
"""What a back-up into a folder is called, and so what keeping only the newest may delete there."""


@dataclass(frozen=True, slots=True)
class BackUp:
    """A back-up that was made, and the older ones deleted for it."""

    file: Path
    dropped: tuple[Path, ...]


def back_up(journal: Journal, folder: Path, keep: int | None, now: datetime) -> BackUp:
    """One more whole copy in `folder`; of those made so the newest `keep` stay, all without a number.

    Raises:
        JournalTrouble: as `copy_to`; nothing is deleted then.
        OSError: an old one cannot be deleted; the new one is there.
    """
    file = folder / now.strftime(STAMP)
    journal.copy_to(file)
    old = [] if keep is None else _stamped(folder)[:-keep]
    for other in old:
        other.unlink()
    return BackUp(file, tuple(old))


def newest_back_up(folder: Path) -> datetime | None:
    """When the newest one in `folder` was made, by its name; None where there is none.

    Raises:
        OSError: the folder cannot be read.
    """
    for file in reversed(_stamped(folder)):
        try:
            return datetime.strptime(file.name, STAMP)
        except ValueError:  # digits, and no time
            continue
    return None


def _stamped(folder: Path) -> list[Path]:
    """Only what is named as ours, oldest first; the name is the time."""
    return sorted(file for file in folder.iterdir() if STAMPED.fullmatch(file.name))
