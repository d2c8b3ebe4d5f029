"""Opening the journal's file: ours or not, how new, alone in it, every commit on the disk.

Not here: what stands in it (journal.py) and its tables (journal_schema.py).
"""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing, suppress
from enum import StrEnum
from pathlib import Path

from .journal_schema import (
    APPLICATION_ID,
    APPLICATION_ID_OFFSET,
    HEADER_LENGTH,
    LARGEST_PAGE,
    MOVED_APPLICATION_ID,
    PAGE_COUNT_OFFSET,
    PAGE_SIZE_OFFSET,
    SCHEMA_VERSION,
    SQLITE_MAGIC,
    TRAINING_APPLICATION_ID,
    USER_VERSION_OFFSET,
    creation,
    upgrade,
)
from .outcomes import Declined, Reason


class JournalFault(StrEnum):
    """What is wrong with a journal. The value is the key of its sentence in voice/messages."""

    NOT_A_JOURNAL = "not-a-journal"
    TOO_NEW = "journal-too-new"
    FOR_TRAINING = "journal-for-training"
    NOT_FOR_TRAINING = "journal-not-for-training"
    IN_USE = "journal-in-use"
    DAMAGED = "journal-damaged"
    SET_ASIDE = "journal-set-aside"
    MOVED = "journal-moved"
    NOTHING_TO_SALVAGE = "journal-nothing-to-salvage"
    EXISTS = "journal-exists"
    SOUND = "journal-sound"
    CANNOT_OPEN = "journal-cannot-open"
    CANNOT_READ = "journal-cannot-read"
    CANNOT_WRITE = "journal-cannot-write"


_SENTENCES: dict[JournalFault, str] = {
    JournalFault.NOT_A_JOURNAL: "this file is no journal of this terminal; it was left as it is",
    JournalFault.TOO_NEW: "this journal was written by a newer version of this program; it was left as it is",
    JournalFault.FOR_TRAINING: "this journal holds training sales; it was left as it is",
    JournalFault.NOT_FOR_TRAINING: "this journal holds real sales, not training ones; it was left as it is",
    JournalFault.IN_USE: "another terminal has this journal open",
    JournalFault.DAMAGED: "this journal is damaged; it was left as it is",
    JournalFault.SET_ASIDE: "the journal was set aside and nothing has taken its place",
    JournalFault.MOVED: "this journal has moved to another PC; it was left as it is",
    JournalFault.NOTHING_TO_SALVAGE: "nothing can be read of this journal any more; it was left as it is",
    JournalFault.SOUND: "there is nothing wrong with this journal; it was left as it is",
    JournalFault.EXISTS: "there is a file of this name already; it was left as it is",
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
    sqlite3.SQLITE_NOTADB: JournalFault.DAMAGED,
    sqlite3.SQLITE_CORRUPT: JournalFault.DAMAGED,
    sqlite3.SQLITE_FULL: JournalFault.CANNOT_WRITE,
    sqlite3.SQLITE_ERROR: JournalFault.DAMAGED,  # a table or column that must be there is not
}
"""By SQLite's primary code. A file gets as far as SQLite only with our marks in its header."""

_MARKS = (APPLICATION_ID, TRAINING_APPLICATION_ID, MOVED_APPLICATION_ID)

COMPANIONS = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database. Source: sqlite.org/tempfiles.html."""
ASIDE = (".damaged-", ".moved-")
"""Behind a journal's name: what was set aside, and since when (journal_care.set_aside)."""


def declined_by_journal(trouble: JournalTrouble) -> Declined:
    """The outcome of a journal that cannot be used before money is at stake."""
    is_damaged = trouble.fault is JournalFault.DAMAGED
    return Declined(Reason.JOURNAL_DAMAGED if is_damaged else Reason.JOURNAL_TROUBLE)


DATABASE_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""What Python's sqlite3 raises; the second for a column, or for a complaint, whose text is no UTF-8 any more."""


def fault_of(error: Exception, otherwise: JournalFault) -> JournalFault:
    """What an error of SQLite says about the journal, `otherwise` where it says nothing about the file."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return _FAULTS.get(code & 0xFF, otherwise)
    is_text = isinstance(error, (UnicodeDecodeError, sqlite3.OperationalError))
    return JournalFault.DAMAGED if is_text else otherwise


def open_database(path: Path, *, training: bool = False) -> sqlite3.Connection:
    """The journal's database, alone in it until the connection is closed (or the process is gone).

    Raises:
        JournalTrouble: as `Journal.open`.
    """
    application_id = TRAINING_APPLICATION_ID if training else APPLICATION_ID
    try:
        if not path.exists():
            _create(path, application_id)
        _require_ours(path, training)
        database = sqlite3.connect(path, timeout=0, isolation_level=None)
    except OSError as error:
        has_no_room = error.errno in (errno.ENOSPC, errno.EDQUOT)
        fault = JournalFault.CANNOT_WRITE if has_no_room else JournalFault.CANNOT_OPEN
        raise JournalTrouble(fault, path) from error
    except sqlite3.Error as error:
        raise JournalTrouble(fault_of(error, JournalFault.CANNOT_OPEN), path) from error
    try:
        _prepare(database)
    except DATABASE_ERRORS as error:
        database.close()
        raise JournalTrouble(fault_of(error, JournalFault.CANNOT_OPEN), path) from error
    return database


def _create(path: Path, application_id: int) -> None:
    """A new journal appears whole or not at all, so that an empty file is known for a damaged one.

    Not where one was set aside, or has left its log behind: what those held would be forgotten.
    """
    if left_aside(path):
        raise JournalTrouble(JournalFault.SET_ASIDE, path)
    if any(path.with_name(path.name + suffix).exists() for suffix in COMPANIONS):
        raise JournalTrouble(JournalFault.DAMAGED, path)
    new = path.with_name(f"{path.name}.new-{os.getpid()}")
    try:
        os.close(os.open(new, os.O_CREAT | os.O_TRUNC | os.O_RDWR, 0o600))
        with closing(sqlite3.connect(new, isolation_level=None)) as database:
            database.execute("PRAGMA synchronous = FULL")
            database.executescript(creation(application_id))
        with suppress(
            FileExistsError
        ):  # another terminal was quicker; which of the two goes on, its lock decides
            appear(new, path)
    finally:
        new.unlink(missing_ok=True)


def appear(new: Path, path: Path) -> None:
    """Give the finished file `new` the name `path`, durably.

    Raises:
        FileExistsError: somebody was quicker, or there is one; it is left as it is.
    """
    try:
        os.link(new, path)
    except FileExistsError:
        raise
    except OSError:  # no links on this file system
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        new.rename(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system knows of such a thing."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def left_aside(path: Path) -> list[Path]:
    """What was set aside of the journal `path` and still lies beside it."""
    starts = tuple(path.name + mark for mark in ASIDE)
    if not path.parent.is_dir():
        return []
    found = (file for file in path.parent.iterdir() if file.name.startswith(starts))
    return sorted(file for file in found if not file.name.endswith(COMPANIONS))


def _require_ours(path: Path, training: bool) -> None:
    """Look at the header with no database opened, so that a file which is not ours stays as it is.

    The header never waits in the write-ahead log: tables and marks are written before WAL is switched on. A file
    that is empty, or begins with nothing but zeros, was a journal once: no program makes such a one.
    """
    with path.open("rb") as file:
        header = file.read(HEADER_LENGTH)
    fault = _fault_in(header, training)
    if fault is None and _is_cut_off(path, header):
        fault = JournalFault.DAMAGED
    if fault is not None:
        raise JournalTrouble(fault, path)


def _is_cut_off(path: Path, header: bytes) -> bool:
    """Fewer pages than the header counts, or a part of one; while a log lies beside it, that may hold the rest."""
    if any(path.with_name(path.name + suffix).exists() for suffix in ("-wal", "-journal")):
        return False
    page = int.from_bytes(header[PAGE_SIZE_OFFSET : PAGE_SIZE_OFFSET + 2], "big")
    page = LARGEST_PAGE if page == 1 else page
    size = path.stat().st_size
    return not page or size % page != 0 or size < page * _number(header, PAGE_COUNT_OFFSET)


def _fault_in(header: bytes, training: bool) -> JournalFault | None:
    if not any(header):
        return JournalFault.DAMAGED
    mark, version = _number(header, APPLICATION_ID_OFFSET), _number(header, USER_VERSION_OFFSET)
    if not header.startswith(SQLITE_MAGIC) or mark not in _MARKS:
        return JournalFault.NOT_A_JOURNAL
    if mark == MOVED_APPLICATION_ID:
        return JournalFault.MOVED
    if (mark == TRAINING_APPLICATION_ID) is not training:
        return JournalFault.NOT_FOR_TRAINING if training else JournalFault.FOR_TRAINING
    if version > SCHEMA_VERSION:
        return JournalFault.TOO_NEW
    return None if version else JournalFault.DAMAGED


def _number(header: bytes, offset: int) -> int:
    return int.from_bytes(header[offset : offset + 4], "big")


def _prepare(database: sqlite3.Connection) -> None:
    database.row_factory = sqlite3.Row
    for setting in ("locking_mode = EXCLUSIVE", "synchronous = FULL", "fullfsync = ON", "foreign_keys = ON"):
        database.execute(f"PRAGMA {setting}")
    # Reading the version takes the lock, and in this mode it is kept until the connection is closed.
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version < SCHEMA_VERSION:
        _upgrade(database, version)
    database.execute("PRAGMA journal_mode = WAL")
    for table in ("debits", "events", "days"):  # where a sale is looked for first
        database.execute(f"SELECT * FROM {table} ORDER BY rowid DESC LIMIT 1").fetchone()


def _upgrade(database: sqlite3.Connection, version: int) -> None:
    """All of it or nothing; then out of the write-ahead log, so that an older program sees the new version."""
    database.executescript(upgrade(version))
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
