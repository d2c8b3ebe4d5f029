"""Is the journal whole? Its pages, its rows, and what must hold between them, whatever has happened.

Not here: how damage is noticed in passing (journal_file.py, journal.py), and what to do about it (journal_care.py).
Everything is read once, so a check of a million sales takes a while; nothing is changed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .day_records import CareKind
from .journal import Journal
from .journal_rows import DEBIT_COLUMNS, EVENT_COLUMNS, event_of, is_whole, sale_of


class Flaw(StrEnum):
    """What is wrong in a journal. The value is the key of its words in voice/messages."""

    PAGES = "pages"
    """SQLite's own check: pages, indexes and limits that do not fit together."""
    SALES_CHANGED = "sales-changed"
    """Sales that are not what was written: their check code does not hold."""
    EVENTS_CHANGED = "events-changed"
    EVENTS_WITHOUT_SALE = "events-without-sale"
    VOUCHERS_MISSING = "vouchers-missing"
    """Numbers that were given to sales which are not there. In a journal that was restored or salvaged they are expected."""
    CHARGED_TWICE = "charged-twice"
    """A card has paid twice with one purchase counter, which no chip does (reliability.md, "The law")."""
    OPEN_SALES_WRONG = "open-sales-wrong"
    """Sales that are to be verified and not listed so, or the other way round."""
    DAYS_OUT_OF_ORDER = "days-out-of-order"
    """Two days opened, or closed, one straight after the other."""


@dataclass(frozen=True, slots=True)
class Found:
    """How often a flaw was met, and the voucher of the first sale concerned, where it is one."""

    flaw: Flaw
    count: int
    voucher: int | None = None


@dataclass(frozen=True, slots=True)
class Examination:
    """What a journal holds, and what is wrong with it: nothing, where `flaws` is empty."""

    sales: int
    open_sales: int
    events: int
    days: int
    newest_voucher: int | None
    newest_moment: datetime | None
    flaws: tuple[Found, ...]

    @property
    def is_sound(self) -> bool:
        return not self.flaws


def examine(journal: Journal) -> Examination:
    """Look at everything. Read twice where it is needed, never written.

    Raises:
        JournalTrouble: it cannot even be read (DAMAGED, CANNOT_READ).
    """
    with journal.reading() as database:
        flaws = tuple(_flaws(database))
        sales, events, days = (_number(database, f"SELECT count(*) FROM {table}") for table in _TABLES)
        open_sales = _number(database, "SELECT count(*) FROM open_debits")
        newest = _number(database, "SELECT coalesce(max(voucher), 0) FROM debits") or None
    return Examination(sales, open_sales, events, days, newest, journal.newest_moment(), flaws)


_TABLES = ("debits", "events", "days")


def _flaws(database: sqlite3.Connection) -> Iterator[Found]:
    complaints = database.execute("PRAGMA integrity_check(100)").fetchall()
    if [row[0] for row in complaints] != ["ok"]:
        yield Found(Flaw.PAGES, len(complaints))
    yield from _changed(database, "debits", DEBIT_COLUMNS, sale_of, Flaw.SALES_CHANGED)
    yield from _changed(database, "events", EVENT_COLUMNS, event_of, Flaw.EVENTS_CHANGED)
    for flaw, query in _QUERIES.items():
        count, voucher = database.execute(query).fetchone()
        if count:
            yield Found(flaw, count, voucher)


def _changed(
    database: sqlite3.Connection,
    table: str,
    columns: tuple[str, ...],
    parse: Callable[[sqlite3.Row], object],
    flaw: Flaw,
) -> Iterator[Found]:
    changed = [
        row["voucher"] for row in database.execute(f"SELECT * FROM {table}") if not _fits(row, columns, parse)
    ]
    if changed:
        yield Found(flaw, len(changed), min(changed))


def _fits(row: sqlite3.Row, columns: tuple[str, ...], parse: Callable[[sqlite3.Row], object]) -> bool:
    """By its check code, or where it has none by being understood at all."""
    if row["crc"] is not None:
        return is_whole(row, columns)
    try:
        parse(row)
    except (ValueError, TypeError):
        return False
    return True


_QUERIES = {
    Flaw.EVENTS_WITHOUT_SALE: "SELECT count(*), min(voucher) FROM events WHERE voucher NOT IN (SELECT voucher FROM debits)",
    Flaw.VOUCHERS_MISSING: "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'debits' AND NOT EXISTS"
    f" (SELECT 1 FROM care WHERE kind IN ('{CareKind.SALVAGED}', '{CareKind.RESTORED}')))"
    " - (SELECT count(*) FROM debits), 0), NULL",
    Flaw.CHARGED_TWICE: "SELECT count(*), min(voucher) FROM (SELECT min(voucher) AS voucher FROM debits WHERE EXISTS"
    " (SELECT 1 FROM events WHERE events.voucher = debits.voucher AND kind IN ('confirmed', 'settled-charged'))"
    " AND kind = 'purchase' GROUP BY identification, card_number, counter HAVING count(*) > 1)",
    Flaw.OPEN_SALES_WRONG: "SELECT count(*), min(voucher) FROM ("
    "SELECT voucher FROM open_debits WHERE voucher NOT IN (SELECT voucher FROM open_vouchers)"
    " UNION SELECT voucher FROM open_vouchers WHERE voucher NOT IN (SELECT voucher FROM open_debits))",
    Flaw.DAYS_OUT_OF_ORDER: "SELECT count(*), NULL FROM (SELECT kind, lag(kind) OVER (ORDER BY id) AS before FROM days)"
    " WHERE kind IS before OR (before IS NULL AND kind <> 'opened')",
}
"""Each answers how many there are, and the first voucher or nothing."""


def _number(database: sqlite3.Connection, query: str) -> int:
    return int(database.execute(query).fetchone()[0])
