"""The journal's file as an object: opened by one terminal alone, written in durable transactions, copied.

Not here: how a file is recognised (journal_file.py) and what stands in it (journal.py, journal_days.py).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from .journal_file import DATABASE_ERRORS, JournalFault, JournalTrouble, fault_of, open_database, sync_folder


class JournalStore:
    """One terminal's journal file; no second terminal can open it while this one has it."""

    def __init__(self, path: Path, database: sqlite3.Connection, *, training: bool = False) -> None:
        """For `open` only."""
        self._path = path
        self._database = database
        self.training = training

    @classmethod
    def open(cls, path: Path, *, training: bool = False) -> Self:
        """Open the journal, or create it where there is no file.

        `training`: it holds training sales only; such a journal never opens as a real one, nor a real one so.

        Raises:
            JournalTrouble: no journal (NOT_A_JOURNAL), a newer program's (TOO_NEW), one of the other sort
                (FOR_TRAINING, NOT_FOR_TRAINING), a damaged one (DAMAGED) or one that has moved (MOVED), all left
                untouched; one that was set aside and not replaced (SET_ASIDE); open elsewhere (IN_USE); CANNOT_OPEN.
        """
        return cls(path, open_database(path, training=training), training=training)

    @property
    def path(self) -> Path:
        return self._path

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def copy_to(self, target: Path) -> None:
        """A whole copy in a new file, its owner's alone, for a back-up or another PC.

        Raises:
            JournalTrouble: there is a file of that name (EXISTS), it cannot be written (CANNOT_WRITE), or what was
                written does not read back whole (DAMAGED). Then there is no copy.
        """
        try:
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except FileExistsError as error:
            raise JournalTrouble(JournalFault.EXISTS, target) from error
        except OSError as error:
            raise JournalTrouble(JournalFault.CANNOT_WRITE, target) from error
        try:
            with closing(sqlite3.connect(target)) as copy:
                self._database.backup(copy)
                is_whole = copy.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
            sync_folder(target.parent)
        except (OSError, sqlite3.Error) as error:
            target.unlink(missing_ok=True)
            raise JournalTrouble(fault_of(error, JournalFault.CANNOT_WRITE), target) from error
        if not is_whole:
            target.unlink()
            raise JournalTrouble(JournalFault.DAMAGED, target)

    def skip_numbers(self, *, vouchers: int, events: int) -> None:
        """Leave out so many numbers before the next sale and the next event.

        Raises:
            JournalTrouble: it could not be written (CANNOT_WRITE).
        """
        with self.writing() as database:
            for table, count in (("debits", vouchers), ("events", events)):
                database.execute(
                    "INSERT INTO sqlite_sequence (name, seq) SELECT ?1, 0"
                    " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?1)",
                    (table,),
                )
                database.execute("UPDATE sqlite_sequence SET seq = seq + ? WHERE name = ?", (count, table))

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One durable transaction: whatever happens inside or at its commit, all of it or nothing is on the disk.

        Raises:
            JournalTrouble: it could not be written (CANNOT_WRITE), or is damaged (DAMAGED).
        """
        try:
            self._database.execute("BEGIN IMMEDIATE")
            yield self._database
            self._database.execute("COMMIT")
        except DATABASE_ERRORS as error:
            self._roll_back()
            raise JournalTrouble(fault_of(error, JournalFault.CANNOT_WRITE), self._path) from error
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        try:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
        except sqlite3.Error:
            self._database.close()  # a journal that cannot even roll back is used no more

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A look into the file.

        Raises:
            JournalTrouble: it cannot be read (CANNOT_READ), or is damaged (DAMAGED).
        """
        try:
            yield self._database
        except DATABASE_ERRORS as error:
            raise JournalTrouble(fault_of(error, JournalFault.CANNOT_READ), self._path) from error
