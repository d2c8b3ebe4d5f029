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

Files = tuple[bytes, bytes]
"""The database and its write-ahead log."""
_MEMORY_DISK = Path("/dev/shm")


class Killed(BaseException):
    """The terminal's process ends here: nothing catches it, nothing is written after it."""


class Disk:
    """A folder for one session's journal at a time; `take` says which fault the next step meets, if any."""

    def __init__(self) -> None:
        where = _MEMORY_DISK if _MEMORY_DISK.is_dir() else None
        self._folder = tempfile.TemporaryDirectory(dir=where)
        self._path = Path(self._folder.name) / "journal.db"
        self._log = self._path.with_name("journal.db-wal")

    def close(self) -> None:
        self._folder.cleanup()

    def put(self, files: Files) -> None:
        for path, content in zip((self._path, self._log), files, strict=True):
            path.unlink(missing_ok=True)
            if content:
                path.write_bytes(content)

    def opened(self) -> Journal:
        return Journal.open(self._path)

    def new_files(self) -> Files:
        """An empty journal's."""
        self.put((b"", b""))
        self.opened().close()
        return self.files()

    def files(self) -> Files:
        """As another process would find them now."""
        return self._path.read_bytes(), self._log.read_bytes() if self._log.exists() else b""

    def log_length(self) -> int:
        return self._log.stat().st_size if self._log.exists() else 0


class FaultyDatabase:
    """In place of a journal's database: its writes are steps, and a step may meet a fault."""

    def __init__(
        self, inner: sqlite3.Connection, disk: Disk, script: Script, die: Callable[[Files], Killed]
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

    def _torn(self, fault: DiskFault) -> Files:
        database, log = self._disk.files()
        added = log[self._before :]
        rest = bytes(len(added) - fault.kept) if fault.zeros else b""
        return database, log[: self._before] + added[: fault.kept] + rest

    def _is(self, trouble: Trouble) -> bool:
        return self._fault is not None and self._fault.trouble is trouble

    def _meet(self, trouble: Trouble) -> None:
        if self._is(trouble):
            raise self._die(self._disk.files())


def faulty(journal: Journal, disk: Disk, script: Script, die: Callable[[Files], Killed]) -> Journal:
    """This journal, with steps and faults in its writes."""
    journal._database = FaultyDatabase(journal._database, disk, script, die)  # type: ignore[assignment]
    return journal
