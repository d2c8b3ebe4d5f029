"""The journal's files between two sessions, and a journal whose writes can go wrong, each in every way.

Not here: which ways there are (faults). A kill takes the files as they are at that moment, the write-ahead log with
them; a power cut within a commit leaves a part of what the commit has added to that log.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sscard_terminal.terminal.journal import Journal

from .faults import JOURNAL, DiskFault, Script, Trouble

WAL_MARKS = slice(18, 20)
NO_WAL = b"\x01\x01"
"""Write and read version in a database's header. Source: sqlite.org/fileformat2.html §1.3."""
_MEMORY_DISK = Path("/dev/shm")


class Killed(BaseException):
    """The terminal's process ends here: nothing catches it, nothing is written after it."""


class Disk:
    """A folder for one journal at a time. Between two sessions a journal is the bytes of its whole database.

    Where a fault of the disk itself may come, the journal is a file, opened and closed by the product. Else a database in
    memory holds the same bytes: nobody can tell the difference but by the time it takes.
    """

    def __init__(self) -> None:
        where = _MEMORY_DISK if _MEMORY_DISK.is_dir() else None
        self._folder = tempfile.TemporaryDirectory(dir=where)
        self._path = Path(self._folder.name) / "journal.db"
        self._log = self._path.with_name("journal.db-wal")
        self._is_file = True

    def close(self) -> None:
        self._folder.cleanup()

    def new_journal(self) -> bytes:
        """An empty one."""
        self._put(b"", b"")
        Journal.open(self._path).close()
        return self._whole()

    def opened(self, content: bytes, *, as_file: bool) -> Journal:
        self._is_file = as_file
        if as_file:
            self._put(content, b"")
            return Journal.open(self._path)
        database = sqlite3.connect(":memory:", isolation_level=None)
        database.deserialize(content)
        database.row_factory = sqlite3.Row
        database.execute("PRAGMA foreign_keys = ON")
        return Journal(self._path, database)

    def found(self, database: bytes, log: bytes) -> Journal:
        """What a new process opens where these two files lie: the database and its write-ahead log."""
        self._is_file = True
        self._put(database, log)
        return Journal.open(self._path)

    def closed(self, journal: Journal) -> bytes:
        """Close it; what is in it from now on."""
        content = None if self._is_file else journal._database.serialize()
        journal.close()
        return content or self._whole()

    def files(self, database: Any) -> tuple[bytes, bytes]:
        """Database and log as another process would find them now, while this one has the journal open."""
        if not self._is_file:
            return database.serialize(), b""
        return self._path.read_bytes(), self._log.read_bytes() if self._log.exists() else b""

    def log_length(self) -> int:
        return self._log.stat().st_size if self._log.exists() else 0

    def _whole(self) -> bytes:
        content = bytearray(self._path.read_bytes())
        content[WAL_MARKS] = NO_WAL
        return bytes(content)

    def _put(self, *contents: bytes) -> None:
        for path, content in zip((self._path, self._log), contents, strict=True):
            path.unlink(missing_ok=True)
            if content:
                path.write_bytes(content)


class FaultyDatabase:
    """In place of a journal's database: its writes are steps, and a step may meet a fault."""

    def __init__(
        self,
        inner: sqlite3.Connection,
        disk: Disk,
        script: Script,
        die: Callable[[tuple[bytes, bytes] | None], Killed],
    ) -> None:
        self._inner = inner
        self._disk = disk
        self._script = script
        self._die = die
        self._fault: DiskFault | None = None
        self._full = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        match sql.split()[0]:
            case "BEGIN":
                self._before = self._disk.log_length()
                self._fault = self._script.take()
                self._meet(Trouble.KILLED_BEFORE)
                if self._fault and self._fault.trouble is Trouble.FULL_FROM_NOW:
                    self._full = True
            case "INSERT" if self._full or self._is(Trouble.FULL_AT_INSERT):
                raise sqlite3.OperationalError("database or disk is full")
            case "COMMIT":
                return self._commit(sql)
        return self._inner.execute(sql, *values)

    def _commit(self, sql: str) -> sqlite3.Cursor:
        self._meet(Trouble.KILLED_INSIDE)
        if self._is(Trouble.FULL_AT_COMMIT):
            raise sqlite3.OperationalError("disk I/O error")
        done = self._inner.execute(sql)
        self._script.done(JOURNAL, "write", self._disk.log_length() - self._before)
        self._meet(Trouble.KILLED_AFTER)
        if self._fault and self._fault.trouble is Trouble.TORN:
            raise self._die(self._torn(self._fault))
        if self._is(Trouble.FAILED_YET_THERE):
            raise sqlite3.OperationalError("disk I/O error")
        return done

    def _torn(self, fault: DiskFault) -> tuple[bytes, bytes]:
        database, log = self._disk.files(self._inner)
        added = log[self._before :]
        rest = bytes(len(added) - fault.kept) if fault.zeros else b""
        return database, log[: self._before] + added[: fault.kept] + rest

    def _is(self, trouble: Trouble) -> bool:
        return self._fault is not None and self._fault.trouble is trouble

    def _meet(self, trouble: Trouble) -> None:
        if self._is(trouble):
            raise self._die(None)


def faulty(
    journal: Journal, disk: Disk, script: Script, die: Callable[[tuple[bytes, bytes] | None], Killed]
) -> Journal:
    """This journal, with steps and faults in its writes."""
    journal._database = FaultyDatabase(journal._database, disk, script, die)  # type: ignore[assignment]
    return journal
