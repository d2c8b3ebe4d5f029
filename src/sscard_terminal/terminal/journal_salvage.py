"""What can still be read of a damaged journal, row by row, into a new one.

Not here: when that is done (journal_care.py) and how damage is noticed (journal_file.py, journal_check.py).
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from .journal import Journal
from .journal_file import DATABASE_ERRORS, JournalFault, JournalTrouble
from .journal_rows import DEBIT_COLUMNS, EVENT_COLUMNS, is_whole
from .journal_schema import PAGE_COUNT_OFFSET, PAGE_SIZE_OFFSET, SQLITE_MAGIC

DATABASE_HEADER, CHANGES_OFFSET, VALID_FOR_OFFSET = 100, 24, 92
"""The length of the header; where it counts changes, and the change by which its number of pages holds."""
FILLED_BY_ITSELF = frozenset({"open_vouchers"})
"""Tables that other tables' triggers fill."""
_COVERED = {"debits": DEBIT_COLUMNS, "events": EVENT_COLUMNS}


@dataclass(frozen=True, slots=True)
class Salvaged:
    """How many sales and events could be saved, and how many rows were found that cannot be trusted.

    Such a row (its check code does not hold, or the sale it belongs to is lost) is left out: a sale without the event
    that ended it is to be verified again, and its card knows the truth.
    """

    sales: int
    events: int
    left_out: int


def salvage(damaged: Path, journal: Journal) -> Salvaged:
    """Copy every row of the file `damaged` that can be read into the empty `journal`, all in one transaction. The file is
    a copy of ours: where its header is lost it gets that of a new journal.

    Raises:
        JournalTrouble: not even its tables can be found (NOTHING_TO_SALVAGE), or the journal cannot be written
            (CANNOT_WRITE).
    """
    _give_header(damaged, journal.path)
    saved: Counter[str] = Counter()
    left_out = 0
    with closing(sqlite3.connect(damaged, isolation_level=None)) as source, journal.writing() as target:
        source.row_factory = sqlite3.Row
        for table in _tables_in(source, damaged, target):
            for row in readable_rows(source, table):
                if _is_trusted(table, row) and _inserted(target, table, row):
                    saved[table] += 1
                else:
                    left_out += 1
        for name, number in _numbers_given(source):
            target.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (number, name))
    return Salvaged(saved["debits"], saved["events"], left_out)


def _give_header(damaged: Path, journal: Path) -> None:
    """Where the first 100 bytes are none of SQLite's: those of a new journal, whose pages are laid out alike, with as many
    pages as there are and none of them free. The tables begin behind them. Source: sqlite.org/fileformat2.html §1.3."""
    with damaged.open("r+b") as file, journal.open("rb") as new:
        if file.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC:
            return
        header = bytearray(new.read(DATABASE_HEADER))
        page = int.from_bytes(header[PAGE_SIZE_OFFSET : PAGE_SIZE_OFFSET + 2], "big")
        pages = damaged.stat().st_size // page
        if not pages:
            return
        header[PAGE_COUNT_OFFSET : PAGE_COUNT_OFFSET + 4] = pages.to_bytes(4, "big")
        header[PAGE_COUNT_OFFSET + 4 : PAGE_COUNT_OFFSET + 12] = bytes(8)
        header[VALID_FOR_OFFSET : VALID_FOR_OFFSET + 4] = header[CHANGES_OFFSET : CHANGES_OFFSET + 4]
        file.seek(0)
        file.write(header)


def readable_rows(database: sqlite3.Connection, table: str) -> Iterator[sqlite3.Row]:
    """Forwards up to the first fault, from the end backwards up to the last one, number by number in between."""
    last = 0
    select = f"SELECT rowid AS at_row, * FROM {table}"
    with suppress(*DATABASE_ERRORS):
        for row in database.execute(f"{select} ORDER BY rowid"):
            yield row
            last = row["at_row"]
        return
    behind = last + 1
    with suppress(*DATABASE_ERRORS):
        for row in database.execute(f"SELECT rowid AS at_row FROM {table} ORDER BY rowid DESC"):
            if row["at_row"] <= last:
                break
            behind = row["at_row"]
    for place in range(last + 1, behind):
        with suppress(*DATABASE_ERRORS):
            yield from database.execute(f"{select} WHERE rowid = ?", (place,)).fetchall()
    with suppress(*DATABASE_ERRORS):
        yield from database.execute(f"{select} WHERE rowid >= ? ORDER BY rowid", (max(behind, last + 1),))


def _tables_in(source: sqlite3.Connection, damaged: Path, target: sqlite3.Connection) -> list[str]:
    """Those of a new journal that the damaged one has, in the order they are made: what a row refers to comes first."""
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
    try:
        names = {row[0] for row in source.execute(query)}
    except DATABASE_ERRORS as error:
        raise JournalTrouble(JournalFault.NOTHING_TO_SALVAGE, damaged) from error
    if "debits" not in names:
        raise JournalTrouble(JournalFault.NOTHING_TO_SALVAGE, damaged)
    return [row[0] for row in target.execute(query) if row[0] in names - FILLED_BY_ITSELF]


def _is_trusted(table: str, row: sqlite3.Row) -> bool:
    columns = _COVERED.get(table)
    return columns is None or "crc" not in row.keys() or is_whole(row, columns)  # noqa: SIM118  a Row's `in` means values


def _inserted(target: sqlite3.Connection, table: str, row: sqlite3.Row) -> bool:
    """False where the journal's own rules refuse it; a full disk is another thing."""
    columns = [column for column in row.keys() if column != "at_row"]  # noqa: SIM118
    marks = ", ".join("?" * len(columns))
    try:
        target.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})",
            [row[column] for column in columns],
        )
    except sqlite3.IntegrityError:
        return False
    return True


def _numbers_given(source: sqlite3.Connection) -> list[tuple[str, int]]:
    """Up to which number each table has counted, so that no voucher is given twice."""
    with suppress(*DATABASE_ERRORS):
        return [
            (str(name), int(number))
            for name, number in source.execute("SELECT name, seq FROM sqlite_sequence")
        ]
    return []
