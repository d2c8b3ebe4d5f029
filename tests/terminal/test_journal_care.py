"""A journal set aside, restored, salvaged, moved: nothing is replaced, nothing goes on twice, nothing missing goes unsaid."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.journal_care import (
    EVENTS_APART,
    Responsibility,
    Restored,
    missing_sales,
    move,
    restore,
    set_aside,
)
from sscard_terminal.terminal.journal_check import examine
from sscard_terminal.terminal.journal_events import Event, EventKind
from sscard_terminal.terminal.journal_file import JournalFault, JournalTrouble
from sscard_terminal.terminal.outcomes import Approved, Declined, Reason
from sscard_terminal.terminal.psam_care import PsamState, look_at
from tests.terminal.doubles import NOON, Desk, fill_the_disk
from tests.terminal.test_journal import intent
from tests.terminal.test_journal_damage import PAGE, SALES, fill

TERMINAL = "370900000001"
DESPITE = Responsibility("07", "01", "the other PC burnt")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """Of a journal whose newest sale has sequence SALES - 1."""
    folder = tmp_path / "usb"
    folder.mkdir()
    fill(folder / "backup.db")
    return folder / "backup.db"


def psam(*sequences: int, terminal: str = TERMINAL) -> PsamState:
    return PsamState(terminal, sequences)


UP_TO_DATE = psam(SALES - 1, 0)


def trouble(act: object, *arguments: object, **more: object) -> JournalFault:
    with pytest.raises(JournalTrouble) as caught:
        act(*arguments, **more)  # type: ignore[operator]
    return caught.value.fault


def damage(path: Path) -> None:
    """One leaf full of sales is gone; the rest can be read."""
    raw = path.read_bytes()
    pages = [raw[place : place + PAGE] for place in range(0, len(raw), PAGE)]
    leaves = [number for number, page in enumerate(pages) if page[:1] == b"\x0d" and b"D2143569X" in page]
    middle = leaves[len(leaves) // 2]
    path.write_bytes(raw[: middle * PAGE] + bytes(PAGE) + raw[(middle + 1) * PAGE :])


# Setting aside -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", bytes(8192), b"SQLite format 3\x00 and no more", b"thesis" * 1000])
def test_what_is_no_sound_journal_is_renamed_and_nothing_else_begins(content: bytes, path: Path) -> None:
    path.write_bytes(content)

    done = set_aside(path, NOON)

    assert (done.why, done.file.name) == ("damaged", "journal.db.damaged-20260105T101530")
    assert done.file.read_bytes() == content
    assert trouble(Journal.open, path) is JournalFault.SET_ASIDE
    assert list(path.parent.iterdir()) == [done.file]


def test_a_page_that_is_damaged_in_the_middle_is_reason_enough(path: Path) -> None:
    fill(path)
    damage(path)

    assert set_aside(path, NOON).why == "damaged"


def test_its_log_goes_with_it_under_the_name_that_belongs_to_it(path: Path) -> None:
    with Journal.open(path) as journal:
        journal.record_intent(intent())
        files = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    for name, content in files.items():
        (path.parent / name).write_bytes(content)
    path.write_bytes(b"")

    done = set_aside(path, NOON)

    assert done.file.with_name(done.file.name + "-wal").read_bytes() == files["journal.db-wal"]
    assert not path.with_name("journal.db-wal").exists()


def test_a_log_alone_is_set_aside_too(path: Path) -> None:
    path.with_name("journal.db-wal").write_bytes(b"what was left")

    done = set_aside(path, NOON)

    assert [file.name for file in path.parent.iterdir()] == [done.file.name + "-wal"]


def test_a_sound_journal_is_left_alone(path: Path) -> None:
    fill(path)
    before = path.read_bytes()

    assert trouble(set_aside, path, NOON) is JournalFault.SOUND
    assert path.read_bytes() == before


def test_a_newer_journal_and_one_for_training_are_left_alone(path: Path) -> None:
    Journal.open(path, training=True).close()

    assert trouble(set_aside, path, NOON) is JournalFault.FOR_TRAINING
    assert path.exists()


def test_a_damaged_journal_that_is_open_elsewhere_is_left_alone(path: Path) -> None:
    Journal.open(path).close()
    program = (
        "import sys, pathlib; from sscard_terminal.terminal.journal import Journal;"
        "Journal.open(pathlib.Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == "open\n"
        with path.open("r+b") as file:
            file.write(bytes(100))

        assert trouble(set_aside, path, NOON) is JournalFault.IN_USE
        other.kill()

    assert set_aside(path, NOON).why == "damaged"


def test_where_nothing_is_there_is_nothing_to_set_aside(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        set_aside(path, NOON)


def test_two_in_the_same_second_do_not_fall_on_each_other(path: Path) -> None:
    path.write_bytes(b"one")
    first = set_aside(path, NOON)
    path.write_bytes(b"two")

    assert trouble(set_aside, path, NOON) is JournalFault.EXISTS
    assert (path.read_bytes(), first.file.read_bytes()) == (b"two", b"one")


# Restoring ---------------------------------------------------------------------------------------------


def test_a_backup_takes_the_place_of_a_lost_journal_and_stays_as_it_is(path: Path, backup: Path) -> None:
    before = backup.read_bytes()

    done = restore(backup, path, UP_TO_DATE, NOON)

    assert isinstance(done, Restored)
    assert (done.missing, done.found.sales, done.found.newest_voucher) == (0, SALES, SALES)
    assert backup.read_bytes() == before
    assert list(backup.parent.iterdir()) == [backup]
    assert [file.name for file in path.parent.iterdir() if file.is_file()] == ["journal.db"]
    assert path.stat().st_mode & 0o077 == 0
    with Journal.open(path) as journal:
        assert examine(journal).is_sound
        assert len(journal.open_sales()) == 3


def test_a_backup_that_lacks_sales_of_the_psam_is_refused_with_how_many(path: Path, backup: Path) -> None:
    done = restore(backup, path, psam(SALES + 4, 0), NOON)

    assert done == Declined(Reason.JOURNAL_BEHIND_PSAM, count=5)
    assert not path.exists()


def test_with_a_reason_it_is_taken_and_the_vouchers_it_lacks_stay_free(path: Path, backup: Path) -> None:
    done = restore(backup, path, psam(SALES + 4, 0), NOON, DESPITE)

    assert isinstance(done, Restored)
    assert done.missing == 5
    with Journal.open(path) as journal:
        with journal.reading() as database:
            row = database.execute("SELECT kind, missing, operator, supervisor, despite FROM care").fetchone()
        sale = journal.record_intent(intent())
        journal.record(sale.voucher, Event(EventKind.NOT_SENT, NOON))
        entry = journal.entry(sale.voucher)
        sound = examine(journal).is_sound
    assert tuple(row) == ("restored", 5, "07", "01", "the other PC burnt")
    assert sale.voucher == SALES + 5 + 1
    assert entry is not None and entry.events[0].number is not None
    assert entry.events[0].number > EVENTS_APART
    assert sound


def test_without_a_psam_a_reason_is_needed(path: Path, backup: Path) -> None:
    assert restore(backup, path, None, NOON) == Declined(Reason.PSAM_NOT_ASKED)

    done = restore(backup, path, None, NOON, DESPITE)

    assert isinstance(done, Restored)
    assert done.missing is None


@pytest.mark.parametrize("there", ["journal.db", "journal.db-wal"])
def test_whatever_lies_in_the_place_is_never_overwritten(there: str, path: Path, backup: Path) -> None:
    (path.parent / there).write_bytes(b"mine")

    assert trouble(restore, backup, path, UP_TO_DATE, NOON, DESPITE) is JournalFault.EXISTS
    assert (path.parent / there).read_bytes() == b"mine"


def test_a_damaged_backup_is_refused_and_leaves_nothing_behind(path: Path, backup: Path) -> None:
    damage(backup)

    with pytest.raises(JournalTrouble) as caught:
        restore(backup, path, UP_TO_DATE, NOON, DESPITE)

    assert (caught.value.fault, caught.value.path) == (JournalFault.DAMAGED, backup)
    assert [file for file in path.parent.iterdir() if file.is_file()] == []


@pytest.mark.parametrize("content", [b"shopping list", b""])
def test_what_is_no_backup_is_refused(content: bytes, path: Path, backup: Path) -> None:
    backup.write_bytes(content)

    assert trouble(restore, backup, path, UP_TO_DATE, NOON) in (
        JournalFault.NOT_A_JOURNAL,
        JournalFault.DAMAGED,
    )
    assert not path.exists()


def test_a_copy_with_its_log_is_a_backup_too(path: Path, tmp_path: Path) -> None:
    """As a person copies files, or a crash leaves them."""
    usb = tmp_path / "usb"
    usb.mkdir()
    with Journal.open(usb / "live.db") as journal:
        journal.record_intent(intent())
        files = {file.name: file.read_bytes() for file in usb.iterdir()}
    for name, content in files.items():
        (usb / name).write_bytes(content)

    done = restore(usb / "live.db", path, psam(1, 0), NOON)

    assert isinstance(done, Restored)
    assert done.found.sales == 1
    assert (usb / "live.db-wal").read_bytes() == files["live.db-wal"]


@pytest.mark.parametrize(
    ("sequences", "missing"),
    [
        ((SALES - 1,), 0),
        ((SALES - 1, 0), 0),
        ((SALES + 9, 0), 10),
        ((0, 0), 0),
        ((5, 0), 0),
        ((SALES - 1, 3), 3),
        ((SALES + 1, 3), 5),
    ],
)
def test_missing_sales_are_counted_in_every_environment(
    sequences: tuple[int, ...], missing: int, backup: Path
) -> None:
    with Journal.open(backup) as journal:
        assert missing_sales(journal, psam(*sequences)) == missing


def test_sales_in_two_environments_do_not_stand_in_for_each_other(path: Path) -> None:
    """Sequences 1 to 5 in one, 1 to 3 in the other, of which the last is missing."""
    with Journal.open(path) as journal:
        for number in (1, 2, 3, 4, 5, 1, 2):
            journal.record_intent(replace(intent(), sequence=number.to_bytes(4, "big")))

        assert missing_sales(journal, psam(5, 3)) == 1
        assert missing_sales(journal, psam(5, 2)) == 0


def test_another_terminals_psam_knows_none_of_these_sales(backup: Path) -> None:
    with Journal.open(backup) as journal:
        assert missing_sales(journal, psam(7, 0, terminal="370900000002")) == 7


def test_a_real_psam_tells_how_many_sales_an_old_backup_lacks(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path)
    desk.sell()
    desk.journal.copy_to(tmp_path / "backup.db")
    desk.sell()
    desk.sell()

    with Journal.open(tmp_path / "backup.db") as old:
        assert missing_sales(old, look_at(desk.powered_psam())) == 2


# Salvaging ---------------------------------------------------------------------------------------------


def test_what_can_be_read_of_a_damaged_journal_is_saved_with_what_belongs_to_it(
    path: Path, backup: Path
) -> None:
    with Journal.open(backup) as journal:
        entries = {entry.sale.voucher: entry for entry in journal.entries()}
    damage(backup)

    done = restore(backup, path, UP_TO_DATE, NOON, DESPITE, damaged=True)

    assert isinstance(done, Restored) and done.salvaged is not None
    with Journal.open(path) as journal:
        saved = list(journal.entries())
        assert examine(journal).is_sound
        next_voucher = journal.record_intent(intent()).voucher
    assert SALES / 2 < len(saved) < SALES
    assert saved == [entries[entry.sale.voucher] for entry in saved]
    assert done.salvaged.sales == len(saved)
    assert next_voucher > SALES


def test_a_row_that_is_not_what_was_written_is_left_out(path: Path, backup: Path) -> None:
    backup.write_bytes(backup.read_bytes().replace(b"D2143569X", b"D2143569Y", 1))

    done = restore(backup, path, UP_TO_DATE, NOON, DESPITE, damaged=True)

    assert isinstance(done, Restored) and done.salvaged is not None
    assert done.salvaged.sales == SALES - 1
    assert done.salvaged.left_out >= 1


def test_a_sale_whose_end_was_lost_is_to_be_verified_again(path: Path, backup: Path) -> None:
    with closing(sqlite3.connect(backup)) as database:
        database.executescript(
            "DROP TRIGGER events_stay; UPDATE events SET detail = 'x' WHERE voucher = 2 AND kind = 'confirmed'"
        )

    restore(backup, path, UP_TO_DATE, NOON, DESPITE, damaged=True)

    with Journal.open(path) as journal:
        assert 2 in [entry.sale.voucher for entry in journal.open_sales()]


def test_what_is_salvaged_answers_to_the_psam_too(path: Path, backup: Path) -> None:
    damage(backup)

    assert isinstance(restore(backup, path, psam(SALES + 1, 0), NOON, damaged=True), Declined)
    assert not path.exists()


def test_where_not_even_the_tables_are_left_nothing_is_saved(path: Path, backup: Path) -> None:
    raw = backup.read_bytes()
    backup.write_bytes(raw[:100] + bytes(PAGE - 100) + raw[PAGE:])

    fault = trouble(restore, backup, path, UP_TO_DATE, NOON, DESPITE, damaged=True)
    assert fault is JournalFault.NOTHING_TO_SALVAGE
    assert [file for file in path.parent.iterdir() if file.is_file()] == []


@pytest.mark.parametrize("content", [b"", bytes(100), bytes(3 * PAGE)], ids=["empty", "short", "zeros"])
def test_where_nothing_is_left_nothing_is_saved_and_it_is_said_so(
    content: bytes, path: Path, backup: Path
) -> None:
    backup.write_bytes(content)

    fault = trouble(restore, backup, path, UP_TO_DATE, NOON, DESPITE, damaged=True)

    assert fault is JournalFault.NOTHING_TO_SALVAGE
    assert backup.read_bytes() == content


@pytest.mark.parametrize("header", [bytes(100), b"\xff" * 100], ids=["zeroed", "ones"])
def test_where_only_the_header_is_lost_every_sale_is_saved(header: bytes, path: Path, backup: Path) -> None:
    raw = backup.read_bytes()
    backup.write_bytes(header + raw[100:])

    done = restore(backup, path, UP_TO_DATE, NOON, DESPITE, damaged=True)

    assert isinstance(done, Restored) and done.salvaged is not None
    assert (done.salvaged.sales, done.salvaged.left_out) == (SALES, 0)
    assert backup.read_bytes() == header + raw[100:]


# Moving ------------------------------------------------------------------------------------------------


def test_a_journal_that_has_moved_sells_here_no_more_and_there_again(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    desk = Desk.at(here)
    assert isinstance(desk.sell(), Approved)

    move(desk.journal, tmp_path / "usb.db", NOON)
    arrived = restore(tmp_path / "usb.db", there / "journal.db", look_at(desk.powered_psam()), NOON)
    with Journal.open(there / "journal.db") as journal:
        desk.journal, desk.psam = journal, desk.powered_psam()
        sold = desk.sell()

    assert trouble(Journal.open, here / "journal.db") is JournalFault.MOVED
    assert isinstance(arrived, Restored) and arrived.missing == 0
    assert isinstance(sold, Approved)
    assert sold.sale.voucher == 2


def test_the_mark_stands_in_the_header_and_the_move_in_the_journal(path: Path) -> None:
    fill(path)

    with Journal.open(path) as journal:
        move(journal, path.with_name("usb.db"), NOON, Responsibility("07", "01"))

    assert path.read_bytes()[68:72] == b"SSJM"
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT kind, operator, supervisor FROM care").fetchall() == [
            ("moved", "07", "01")
        ]


def test_a_moved_journal_can_come_back_once_the_old_one_is_out_of_the_way(path: Path) -> None:
    fill(path)
    with Journal.open(path) as journal:
        move(journal, path.with_name("usb.db"), NOON)

    assert trouble(restore, path.with_name("usb.db"), path, UP_TO_DATE, NOON) is JournalFault.EXISTS
    assert set_aside(path, NOON + timedelta(days=1)).why == "moved"
    assert isinstance(restore(path.with_name("usb.db"), path, UP_TO_DATE, NOON), Restored)


def test_the_retired_file_is_no_backup(path: Path) -> None:
    fill(path)
    with Journal.open(path) as journal:
        move(journal, path.with_name("usb.db"), NOON)

    assert trouble(restore, path, path.with_name("second.db"), UP_TO_DATE, NOON) is JournalFault.MOVED


def test_a_journal_that_cannot_be_retired_has_not_moved(path: Path) -> None:
    fill(path)
    with Journal.open(path) as journal:
        fill_the_disk(journal)
        with journal.writing() as database:  # leave no room in the last pages either
            database.execute(
                "INSERT INTO care (kind, at, after_voucher, after_day, missing, operator, supervisor, despite)"
                " VALUES ('restored', '', 0, 0, 0, '', '', ?)",
                ("x" * 1500,),
            )
        with pytest.raises(JournalTrouble):
            move(journal, path.with_name("usb.db"), NOON, Responsibility("药" * 1400))

    assert not path.with_name("usb.db").exists()
    Journal.open(path).close()


def test_a_move_never_overwrites(path: Path) -> None:
    fill(path)
    path.with_name("usb.db").write_bytes(b"mine")

    with Journal.open(path) as journal:
        assert trouble(move, journal, path.with_name("usb.db"), NOON) is JournalFault.EXISTS
        journal.record_intent(intent())

    assert path.with_name("usb.db").read_bytes() == b"mine"
