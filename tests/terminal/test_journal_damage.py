"""A damaged journal is recognised, refused and left as it is: never replaced, never a traceback, never a wrong sale."""

import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sscard_terminal.terminal.day_records import DayEventKind
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.journal_check import Flaw, examine
from sscard_terminal.terminal.journal_events import Event, EventKind, JournalEntry
from sscard_terminal.terminal.journal_file import JournalFault, JournalTrouble, declined_by_journal
from sscard_terminal.terminal.journal_schema import MOVED_APPLICATION_ID
from sscard_terminal.terminal.outcomes import Declined, Reason
from tests.terminal.doubles import NOON
from tests.terminal.test_journal import CARD, MAC2, OTHER_CARD, TAC, intent

SALES = 60
PAGE = 4096
FLIPS = 300


def fill(path: Path) -> list[JournalEntry]:
    """A journal of some pages: sales charged, open and not charged, and a day that was opened and closed."""
    with Journal.open(path) as journal:
        journal.record_day(DayEventKind.OPENED, NOON, "07")
        for number in range(SALES):
            card, time = (CARD, OTHER_CARD)[number % 2], NOON + timedelta(minutes=number)
            sale = journal.record_intent(
                replace(intent(card, time), counter=number, sequence=number.to_bytes(4, "big"))
            )
            if number % 10:
                journal.record(sale.voucher, Event(EventKind.ANSWERED, time, TAC, MAC2))
                journal.record(sale.voucher, Event(EventKind.CONFIRMED, time))
            elif number % 20:
                journal.record(sale.voucher, Event(EventKind.NOT_SENT, time, detail="card-removed"))
        journal.record_day(DayEventKind.CLOSED, NOON + timedelta(hours=2), "07")
        return list(journal.entries())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[JournalEntry]]:
    path = tmp_path_factory.mktemp("whole") / "journal.db"
    entries = fill(path)
    return path.read_bytes(), entries


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def fault_of(path: Path) -> JournalFault | None:
    try:
        Journal.open(path).close()
    except JournalTrouble as trouble:
        return trouble.fault
    return None


def zeroed(raw: bytes, start: int, end: int) -> bytes:
    return raw[:start] + bytes(end - start) + raw[end:]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut off in the header": lambda raw: raw[:100],
    "cut off after a page": lambda raw: raw[:PAGE],
    "cut in half": lambda raw: raw[: len(raw) // 2],
    "a byte short": lambda raw: raw[:-1],
    "emptied": lambda raw: b"",
    "nothing but zeros": lambda raw: bytes(len(raw)),
    "its header zeroed": lambda raw: zeroed(raw, 0, 100),
    "its first page zeroed": lambda raw: zeroed(raw, 0, PAGE),
    "its tables' page zeroed": lambda raw: zeroed(raw, 100, PAGE),
    "noise behind the header": lambda raw: raw[:100] + b"\xa5" * 3000 + raw[3100:],
    "its version lost": lambda raw: zeroed(raw, 60, 64),
    "its version an older one": lambda raw: raw[:60] + b"\x00\x00\x00\x02" + raw[64:],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_journal_is_refused_as_such_and_left_as_it_is(
    damage: Callable[[bytes], bytes], path: Path, whole: tuple[bytes, list[JournalEntry]]
) -> None:
    damaged = damage(whole[0])
    path.write_bytes(damaged)

    assert fault_of(path) is JournalFault.DAMAGED
    assert path.read_bytes() == damaged
    assert list(path.parent.iterdir()) == [path]


def test_wherever_it_is_cut_off_it_is_never_taken_for_a_journal(
    path: Path, whole: tuple[bytes, list[JournalEntry]]
) -> None:
    raw = whole[0]
    lengths = [*range(0, 120, 7), *range(PAGE - 1, len(raw) - 1, 1023)]

    for length in lengths:
        path.write_bytes(raw[:length])
        assert fault_of(path) in (JournalFault.DAMAGED, JournalFault.NOT_A_JOURNAL), length
        assert path.stat().st_size == length


def test_a_flipped_bit_is_noticed_or_changes_nothing(
    path: Path, whole: tuple[bytes, list[JournalEntry]]
) -> None:
    """Anywhere in the file: the journal is refused, or its check finds fault, or what is read is what was written."""
    raw, entries = whole
    dice = random.Random(20260105)
    noticed = 0

    for _ in range(FLIPS):
        place, bit = dice.randrange(len(raw)), 1 << dice.randrange(8)
        path.write_bytes(raw[:place] + bytes([raw[place] ^ bit]) + raw[place + 1 :])
        try:
            with Journal.open(path) as journal:
                sound = examine(journal).is_sound
                assert not sound or list(journal.entries()) == entries, (place, bit)
        except JournalTrouble:
            sound = False
        noticed += not sound

    assert noticed > FLIPS / 8


def test_a_digit_that_became_another_is_noticed_when_the_sale_is_read(path: Path) -> None:
    """The page makes sense all the same; only the row's check code tells."""
    fill(path)
    raw = path.read_bytes()
    assert raw.count(b"D2143569X") == SALES
    path.write_bytes(raw.replace(b"D2143569X", b"D2143569Y", 1))

    with Journal.open(path) as journal:
        found = {item.flaw for item in examine(journal).flaws}
        with pytest.raises(JournalTrouble) as caught:
            list(journal.entries())

    assert found == {Flaw.SALES_CHANGED}
    assert caught.value.fault is JournalFault.DAMAGED


def test_an_old_row_without_a_check_code_is_believed_if_it_can_be_understood(path: Path) -> None:
    fill(path)
    with closing(sqlite3.connect(path)) as database:
        database.executescript(
            "DROP TRIGGER debits_stay; DROP TRIGGER events_stay; UPDATE debits SET crc = NULL; UPDATE events SET crc = NULL"
        )

    with Journal.open(path) as journal:
        assert examine(journal).is_sound
        assert len(list(journal.entries())) == SALES


@pytest.mark.parametrize(
    "wrong",
    ["UPDATE events SET kind = 'paid' WHERE id = 1", "UPDATE debits SET time = 'soon' WHERE voucher = 2"],
)
def test_an_old_row_that_makes_no_sense_is_damage_and_no_crash(wrong: str, path: Path) -> None:
    fill(path)
    with closing(sqlite3.connect(path)) as database:
        database.executescript(
            "DROP TRIGGER debits_stay; DROP TRIGGER events_stay; UPDATE debits SET crc = NULL; UPDATE events SET crc = NULL;"
            + wrong
        )

    with Journal.open(path) as journal:
        assert not examine(journal).is_sound
        with pytest.raises(JournalTrouble) as caught:
            list(journal.entries())
    assert caught.value.fault is JournalFault.DAMAGED


def test_damage_met_in_the_middle_of_the_day_is_called_so(
    path: Path, whole: tuple[bytes, list[JournalEntry]]
) -> None:
    """A page in the middle: the journal opens, and the first look that comes there says it."""
    raw = whole[0]
    pages = [raw[place : place + PAGE] for place in range(0, len(raw), PAGE)]
    leaf_of_sales = b"\x0d"
    middle = next(
        number for number, page in enumerate(pages) if page[:1] == leaf_of_sales and b"D2143569X" in page
    )
    path.write_bytes(zeroed(raw, middle * PAGE, (middle + 1) * PAGE))

    with Journal.open(path) as journal, pytest.raises(JournalTrouble) as caught:
        list(journal.entries())
    assert caught.value.fault is JournalFault.DAMAGED


def test_a_log_without_its_journal_is_not_put_under_a_new_one(path: Path) -> None:
    with Journal.open(path) as journal:
        journal.record_intent(intent())
        log = path.with_name("journal.db-wal").read_bytes()
    path.unlink()
    path.with_name("journal.db-wal").write_bytes(log)

    assert fault_of(path) is JournalFault.DAMAGED
    assert not path.exists()


def test_a_new_journal_appears_whole_or_not_at_all(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("sscard_terminal.terminal.journal_file.os.link", full)
        broken.setattr("pathlib.Path.rename", full)
        assert fault_of(path) is JournalFault.CANNOT_WRITE
        assert list(path.parent.iterdir()) == []

    assert fault_of(path) is None


def test_a_file_system_without_links_gets_its_journal_too(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("sscard_terminal.terminal.journal_file.os.link", unknown)

    assert fault_of(path) is None
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("mark", ["damaged", "moved"])
def test_where_a_journal_was_set_aside_no_new_one_begins_by_itself(mark: str, path: Path) -> None:
    aside = path.with_name(f"journal.db.{mark}-20260105T101530")
    aside.write_bytes(b"whatever")

    assert fault_of(path) is JournalFault.SET_ASIDE
    assert list(path.parent.iterdir()) == [aside]

    shutil.move(aside, path.parent.parent / "elsewhere")
    assert fault_of(path) is None


def test_a_journal_that_has_moved_is_refused(path: Path) -> None:
    fill(path)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = DELETE")
        database.execute(f"PRAGMA application_id = {MOVED_APPLICATION_ID}")

    assert fault_of(path) is JournalFault.MOVED


def test_a_sound_journal_is_counted_and_found_sound(path: Path) -> None:
    fill(path)
    before = path.read_bytes()

    with Journal.open(path) as journal:
        found = examine(journal)

    assert found.is_sound
    assert (found.sales, found.open_sales, found.days, found.newest_voucher) == (SALES, 3, 2, SALES)
    assert found.newest_moment == NOON + timedelta(hours=2)
    assert path.read_bytes() == before


FLAWS = {
    Flaw.EVENTS_WITHOUT_SALE: "PRAGMA foreign_keys = OFF; DELETE FROM debits WHERE voucher = 2;",
    Flaw.VOUCHERS_MISSING: "PRAGMA foreign_keys = OFF; DELETE FROM events WHERE voucher > 58; DELETE FROM debits WHERE voucher > 58;",
    Flaw.CHARGED_TWICE: "UPDATE debits SET counter = 1, crc = NULL WHERE voucher IN (2, 4);",
    Flaw.OPEN_SALES_WRONG: "DELETE FROM open_vouchers; INSERT INTO open_vouchers VALUES (2);",
    Flaw.DAYS_OUT_OF_ORDER: "DELETE FROM days WHERE id = 1;",
    Flaw.PAGES: "DROP INDEX debits_by_card; CREATE INDEX debits_by_card ON debits (identification) WHERE voucher > 3;"
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = 'CREATE INDEX debits_by_card ON debits (identification)'"
    " WHERE name = 'debits_by_card';",
}


@pytest.mark.parametrize(("flaw", "script"), FLAWS.items(), ids=FLAWS)
def test_what_must_hold_is_looked_at_by_the_check(flaw: Flaw, script: str, path: Path) -> None:
    fill(path)
    with closing(sqlite3.connect(path)) as database:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        database.executescript("".join(f"DROP TRIGGER {name};" for name in names) + script)

    with Journal.open(path) as journal:
        found = examine(journal)

    assert flaw in {item.flaw for item in found.flaws}
    assert all(item.count for item in found.flaws)


@pytest.mark.parametrize("fault", list(JournalFault))
def test_a_sale_declined_for_its_journal_says_whether_that_is_damaged(
    fault: JournalFault, path: Path
) -> None:
    reason = Reason.JOURNAL_DAMAGED if fault is JournalFault.DAMAGED else Reason.JOURNAL_TROUBLE

    assert declined_by_journal(JournalTrouble(fault, path)) == Declined(reason)
