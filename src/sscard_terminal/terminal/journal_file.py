"""Opening the journal's file: ours or not, how new, alone in it, every commit on the disk.

Not here: what stands in it (journal.py) and its tables (journal_schema.py).
"""

from __future__ import annotations

import os
import sqlite3
from enum import StrEnum
from pathlib import Path

from .journal_schema import (
    APPLICATION_ID,
    APPLICATION_ID_OFFSET,
    HEADER_LENGTH,
    SCHEMA_VERSION,
    SQLITE_MAGIC,
    TRAINING_APPLICATION_ID,
    USER_VERSION_OFFSET,
    creation,
    upgrade,
)


class JournalFault(StrEnum):
    """What is wrong with a journal. The value is the key of its sentence in cli/messages."""

    NOT_A_JOURNAL = "not-a-journal"
    TOO_NEW = "journal-too-new"
    FOR_TRAINING = "journal-for-training"
    NOT_FOR_TRAINING = "journal-not-for-training"
    IN_USE = "journal-in-use"
    CANNOT_OPEN = "journal-cannot-open"
    CANNOT_READ = "journal-cannot-read"
    CANNOT_WRITE = "journal-cannot-write"


_SENTENCES: dict[JournalFault, str] = {
    JournalFault.NOT_A_JOURNAL: "this file is no journal of this terminal; it was left as it is",
    JournalFault.TOO_NEW: "this journal was written by a newer version of this program; it was left as it is",
    JournalFault.FOR_TRAINING: "this journal holds training sales; it was left as it is",
    JournalFault.NOT_FOR_TRAINING: "this journal holds real sales, not training ones; it was left as it is",
    JournalFault.IN_USE: "another terminal has this journal open",
    JournalFault.CANNOT_OPEN: "the journal cannot be opened",
    JournalFault.CANNOT_READ: "the journal cannot be read",
    JournalFault.CANNOT_WRITE: "the journal cannot be written",
}


class JournalTrouble(Exception):
    """The journal cannot be used; `fault` says how, `path` which. What was to be written is not in it."""

    def __init__(self, fault: JournalFault, path: Path) -> None:
        super().__init__(fault, path)
        self.fault = fault
        self.path = path

    def __str__(self) -> str:
        return f"{_SENTENCES[self.fault]}: {self.path}"


_FAULTS = {
    sqlite3.SQLITE_BUSY: JournalFault.IN_USE,
    sqlite3.SQLITE_NOTADB: JournalFault.NOT_A_JOURNAL,
    sqlite3.SQLITE_CORRUPT: JournalFault.NOT_A_JOURNAL,
}


def open_database(path: Path, *, training: bool = False) -> sqlite3.Connection:
    """The journal's database, alone in it until the connection is closed (or the process is gone).

    Raises:
        JournalTrouble: as `Journal.open`.
    """
    try:
        _require_ours(path, training)
        database = sqlite3.connect(path, timeout=0, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise JournalTrouble(JournalFault.CANNOT_OPEN, path) from error
    try:
        _prepare(database, training)
    except sqlite3.Error as error:
        database.close()
        raise JournalTrouble(_FAULTS.get(error.sqlite_errorcode, JournalFault.CANNOT_OPEN), path) from error
    return database


def _require_ours(path: Path, training: bool) -> None:
    """Look at the header with no database opened, so that a file which is not ours stays as it is.

    The header never waits in the write-ahead log: tables and marks are written before WAL is switched on.
    """
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    with path.open("rb") as file:
        header = file.read(HEADER_LENGTH)
    if not header:
        return
    is_for_training = _sort_of(header)
    if is_for_training is None:
        raise JournalTrouble(JournalFault.NOT_A_JOURNAL, path)
    if is_for_training and not training:
        raise JournalTrouble(JournalFault.FOR_TRAINING, path)
    if training and not is_for_training:
        raise JournalTrouble(JournalFault.NOT_FOR_TRAINING, path)
    if _number(header, USER_VERSION_OFFSET) > SCHEMA_VERSION:
        raise JournalTrouble(JournalFault.TOO_NEW, path)


def _sort_of(header: bytes) -> bool | None:
    """True for a training journal, False for a real one, None for none at all."""
    if not header.startswith(SQLITE_MAGIC):
        return None
    sorts = {APPLICATION_ID: False, TRAINING_APPLICATION_ID: True}
    return sorts.get(_number(header, APPLICATION_ID_OFFSET))


def _number(header: bytes, offset: int) -> int:
    return int.from_bytes(header[offset : offset + 4], "big")


def _prepare(database: sqlite3.Connection, training: bool) -> None:
    database.row_factory = sqlite3.Row
    for setting in ("locking_mode = EXCLUSIVE", "synchronous = FULL", "fullfsync = ON", "foreign_keys = ON"):
        database.execute(f"PRAGMA {setting}")
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        database.executescript(creation(TRAINING_APPLICATION_ID if training else APPLICATION_ID))
    elif version < SCHEMA_VERSION:
        _upgrade(database, version)
    # Reading the version took the lock, and in this mode it is kept until the connection is closed.
    database.execute("PRAGMA journal_mode = WAL")


def _upgrade(database: sqlite3.Connection, version: int) -> None:
    """All of it or nothing; then out of the write-ahead log, so that an older program sees the new version."""
    database.executescript(upgrade(version))
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
