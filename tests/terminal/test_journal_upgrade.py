"""A journal of an older version learns what it lacks and keeps what it holds; the old tables are the real ones."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from sscard_terminal.terminal.day import Day, close_day, newest_day, open_day
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.journal_check import examine
from sscard_terminal.terminal.journal_events import JournalEntry
from sscard_terminal.terminal.journal_schema import SCHEMA_VERSION, UPGRADES
from sscard_terminal.terminal.outcomes import Approved
from tests.terminal.doubles import NOON, Desk
from tests.terminal.test_journal_damage import SALES, fill

SCRIPTS = Path(__file__).parent / "journals"
OLDER = pytest.mark.parametrize("version", sorted(UPGRADES))


def make_older(file: Path, version: int) -> None:
    """The same sales and events in a journal as that version made it, left as a crash would leave it or not."""
    newer = file.with_name("newer.db")
    file.rename(newer)
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.executescript((SCRIPTS / f"version_{version}.sql").read_text("utf-8"))
        database.execute("ATTACH ? AS newer", (str(newer),))
        tables = database.execute(
            "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        )
        for (table,) in tables.fetchall():
            columns = ", ".join(row[1] for row in database.execute(f"PRAGMA main.table_info({table})"))
            database.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table}")
        database.execute("DETACH newer")
        database.execute("PRAGMA journal_mode = WAL")
    newer.unlink()


def plan_of(file: Path) -> dict[str, object]:
    """Every table with its columns, every index, trigger and view, whatever order they were made in."""
    with closing(sqlite3.connect(file)) as database:
        names = database.execute(
            "SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_autoindex%'"
        ).fetchall()
        return {
            f"{kind} {name}": sorted(row[1:4] for row in database.execute(f"PRAGMA table_info({name})"))
            if kind == "table"
            else [row[2] for row in database.execute(f"PRAGMA index_info({name})")]
            for kind, name in names
        }


@OLDER
def test_it_keeps_its_sales_and_what_happened_to_them(version: int, tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    before = fill(file)
    make_older(file, version)

    with Journal.open(file) as journal:
        after = list(journal.entries())
        still_open = [entry.sale.voucher for entry in journal.open_sales()]
        found = examine(journal)
        in_file = int.from_bytes(file.read_bytes()[60:64], "big")

    assert in_file == SCHEMA_VERSION
    assert after == before
    assert still_open == open_in(before)
    assert (found.is_sound, found.sales) == (True, SALES)


def open_in(entries: list[JournalEntry]) -> list[int]:
    return [entry.sale.voucher for entry in entries if entry.state == "open"]


@OLDER
def test_it_is_built_as_a_new_one_is(version: int, tmp_path: Path) -> None:
    new, file = tmp_path / "new.db", tmp_path / "journal.db"
    fill(new)
    fill(file)
    make_older(file, version)

    Journal.open(file).close()

    assert plan_of(file) == plan_of(new)


@OLDER
def test_days_and_sales_go_on_where_they_were(version: int, tmp_path: Path) -> None:
    desk = Desk.at(tmp_path)
    assert isinstance(desk.sell(), Approved)
    desk.journal.close()
    make_older(tmp_path / "journal.db", version)

    with Journal.open(tmp_path / "journal.db") as journal:
        desk.journal = journal
        opened = open_day(journal, desk.clock)
        sold = desk.sell()
        journal.record_disclosure(NOON, "07", "01", "00" * 16)
        closed = close_day(journal, desk.clock)

    assert isinstance(opened, Day) and isinstance(closed, Day)
    assert isinstance(sold, Approved)
    assert (opened.opened.after_voucher, sold.sale.voucher) == (1, 2)
    assert [row.count for row in closed.sums] == [1]


def test_a_day_opened_by_the_version_before_is_closed_by_this_one(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path)
    open_day(desk.journal, desk.clock)
    desk.sell()
    desk.journal.close()
    make_older(tmp_path / "journal.db", 2)

    with Journal.open(tmp_path / "journal.db") as journal:
        day = newest_day(journal)
        closed = close_day(journal, lambda: NOON + timedelta(hours=1))

    assert day is not None and day.closed is None
    assert isinstance(closed, Day)
    assert [row.count for row in closed.sums] == [1]


@pytest.mark.parametrize("version", sorted(UPGRADES))
def test_an_upgrade_the_disk_has_no_room_for_changes_nothing(version: int, tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    before = fill(file)
    make_older(file, version)
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        pages = database.execute("PRAGMA page_count").fetchone()[0]

        with pytest.raises(sqlite3.OperationalError, match="full"):
            database.execute(f"PRAGMA max_page_count = {pages}")
            from sscard_terminal.terminal.journal_schema import upgrade

            database.executescript(upgrade(version))

    with Journal.open(file) as journal:
        assert list(journal.entries()) == before
