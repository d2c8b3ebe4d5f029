"""A look into a journal that a running terminal has open: a copy of its file and log as they are at one moment.

Whoever sells holds the journal alone, and SQLite lets nobody else in; the bytes can be read all the same. Every change
stands in the write-ahead log before it goes into the file, so file and log are one state whenever the log was not begun
anew while they were copied; its header, with a new salt each time it is begun, tells. Only from another process: closing
the file here would take its lock from a connection that this process has.
Source: sqlite.org/fileformat2.html §4 (the WAL, its salts and check codes; a frame half written ends it).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from .journal import Journal
from .journal_file import JournalFault, JournalTrouble

WAL_HEADER_LENGTH = 32
ATTEMPTS = 5
"""How often a log that is begun anew meanwhile is tried again. Our choice."""


@contextmanager
def opened_beside(path: Path, *, training: bool = False) -> Iterator[Journal]:
    """The journal `path` as it is now, to read; what is written into it is lost, for it is a copy that goes afterwards.

    Raises:
        JournalTrouble: as `Journal.open`, about `path`; IN_USE where no state of one moment could be had.
        OSError: it cannot be read, or there is no room beside it.
    """
    with TemporaryDirectory(prefix=".look-", dir=path.parent) as folder:
        copy = Path(folder) / path.name
        if not any(_copied_at_one_moment(path, copy) for _attempt in range(ATTEMPTS)):
            raise JournalTrouble(JournalFault.IN_USE, path)
        try:
            with Journal.open(copy, training=training) as journal:
                yield journal
        except JournalTrouble as trouble:
            raise JournalTrouble(trouble.fault, path if trouble.path == copy else trouble.path) from trouble


def _copied_at_one_moment(path: Path, copy: Path) -> bool:
    """The file first, its log behind it: whatever went from the log into the file meanwhile is in both."""
    if _beside(path, "-journal").exists():  # it is being made or brought up to date, with no log yet
        return False
    before = _state_of(path)
    shutil.copyfile(path, copy)
    log = _beside(path, "-wal")
    if log.exists():
        shutil.copyfile(log, _beside(copy, "-wal"))
    else:
        _beside(copy, "-wal").unlink(missing_ok=True)
    return _state_of(path) == before


def _state_of(path: Path) -> object:
    """What stays the same as long as the log is not begun anew; without a log, as long as the file is not written."""
    log = _beside(path, "-wal")
    if log.exists():
        with log.open("rb") as file:
            if header := file.read(WAL_HEADER_LENGTH):
                return header
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
