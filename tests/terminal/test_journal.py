"""The journal's file: what it keeps, that it keeps it, and whose files it leaves alone."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.iso7816.status import StatusWord
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.journal_events import ENDS, Event, EventKind, SaleState
from sscard_terminal.terminal.journal_file import JournalFault, JournalTrouble
from sscard_terminal.terminal.journal_schema import APPLICATION_ID, SCHEMA_VERSION
from sscard_terminal.terminal.outcomes import DebitIntent
from tests.terminal.doubles import NOON, fill_the_disk

CARD, OTHER_CARD = "37" * 16, "36" * 16
TAC, MAC2 = bytes.fromhex("CEA3FB75"), bytes.fromhex("37F86753")


def intent(
    identification: str = CARD,
    time: datetime = NOON,
    place: str = "泰安药店",
    terminal: str = "370900000001",
) -> DebitIntent:
    return DebitIntent(
        identification=identification,
        card_number="D2143569X",
        amounts=PurchaseAmounts(Fen(1234), Fen(2000), Fen(4_294_967_295)),
        counter=65_534,
        key_index=1,
        balance_before=Fen(10_000),
        terminal=terminal,
        sequence=bytes.fromhex("00000001"),
        time=time,
        mac1=bytes.fromhex("409CAC6A"),
        place=place,
        operator="01",
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def trouble(path: Path) -> JournalFault:
    with pytest.raises(JournalTrouble) as caught:
        Journal.open(path)
    assert str(path) in str(caught.value)
    return caught.value.fault


def test_what_was_written_is_there_when_the_journal_is_opened_again(path: Path) -> None:
    answered = Event(EventKind.ANSWERED, NOON, TAC, MAC2)
    unproved = Event(EventKind.UNPROVED, NOON, sw=StatusWord(0x6901), detail="psam-failed")
    with Journal.open(path) as journal:
        sale = journal.record_intent(intent())
        journal.record(sale.voucher, answered)
        journal.record(sale.voucher, unproved)

    with Journal.open(path) as journal:
        entry = journal.entry(sale.voucher)

    assert entry is not None
    assert entry.sale == sale
    assert entry.events == (answered, unproved)
    assert (entry.state, entry.tac, entry.mac2) == (SaleState.OPEN, TAC, MAC2)


def test_vouchers_count_from_one_and_are_given_once(path: Path) -> None:
    with Journal.open(path) as journal:
        first, second = journal.record_intent(intent()), journal.record_intent(intent())
    with Journal.open(path) as journal:
        third = journal.record_intent(intent())

    assert [sale.voucher for sale in (first, second, third)] == [1, 2, 3]


def test_a_commit_is_synchronous_and_logged_ahead(path: Path) -> None:
    with Journal.open(path) as journal:
        settings = {
            name: journal._database.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("synchronous", "journal_mode", "locking_mode", "foreign_keys", "fullfsync")
        }

    assert settings == {
        "synchronous": 2,
        "journal_mode": "wal",
        "locking_mode": "exclusive",
        "foreign_keys": 1,
        "fullfsync": 1,
    }


def test_an_intent_is_in_the_files_before_the_call_returns(path: Path, tmp_path: Path) -> None:
    """What a power cut would leave: the files as they are now, without any closing."""
    with Journal.open(path) as journal:
        journal.record_intent(intent())
        left = tmp_path / "left"
        left.mkdir()
        for file in tmp_path.glob("journal.db*"):
            (left / file.name).write_bytes(file.read_bytes())

    with Journal.open(left / "journal.db") as found:
        assert len(found.open_sales()) == 1


@pytest.mark.parametrize("exists", [False, True], ids=["just created", "opened again"])
def test_a_second_terminal_cannot_open_the_same_journal(path: Path, exists: bool) -> None:
    if exists:
        Journal.open(path).close()

    with Journal.open(path):
        assert trouble(path) is JournalFault.IN_USE
        assert trouble(path) is JournalFault.IN_USE


def test_a_second_process_cannot_either_and_death_frees_the_journal(path: Path) -> None:
    program = (
        "import sys, pathlib; from sscard_terminal.terminal.journal import Journal;"
        "Journal.open(pathlib.Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"

        while_it_lives = trouble(path)
        other.kill()

    assert while_it_lives is JournalFault.IN_USE
    Journal.open(path).close()


@pytest.mark.parametrize(
    "content",
    [b"x", b"SQLite format 3\x00", b"not a database at all " * 300],
    ids=["short", "a header's start", "long"],
)
def test_a_file_that_is_no_database_is_refused_and_untouched(path: Path, content: bytes) -> None:
    path.write_bytes(content)

    assert trouble(path) is JournalFault.NOT_A_JOURNAL
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_another_programs_database_is_refused_and_untouched(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
    before = path.read_bytes()

    assert trouble(path) is JournalFault.NOT_A_JOURNAL
    assert path.read_bytes() == before


def test_a_newer_journal_is_refused_and_untouched(path: Path) -> None:
    with closing(sqlite3.connect(path)) as newer:
        newer.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        newer.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
        newer.execute("CREATE TABLE debits (voucher INTEGER)")
    before = path.read_bytes()

    assert trouble(path) is JournalFault.TOO_NEW
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_journal_can_be_told_by_its_header_from_the_first_moment(path: Path) -> None:
    """`TOO_NEW` and `NOT_A_JOURNAL` are read from the file itself, so its own marks must stand there, not in the log."""
    with Journal.open(path) as journal:
        journal.record_intent(intent())
        header = path.read_bytes()[:100]

    assert int.from_bytes(header[68:72], "big") == APPLICATION_ID
    assert int.from_bytes(header[60:64], "big") == SCHEMA_VERSION


@pytest.mark.parametrize("where", ["missing/journal.db", "."])
def test_a_place_that_cannot_hold_a_file_is_said(tmp_path: Path, where: str) -> None:
    assert trouble(tmp_path / where) is JournalFault.CANNOT_OPEN


def test_only_its_owner_may_read_a_new_journal(path: Path) -> None:
    with Journal.open(path):
        assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE debits SET account = 0",
        "DELETE FROM debits",
        "UPDATE events SET kind = 'lost'",
        "DELETE FROM events",
    ],
)
def test_nothing_is_ever_changed_or_deleted(path: Path, statement: str) -> None:
    with Journal.open(path) as journal:
        journal.record(journal.record_intent(intent()).voucher, Event(EventKind.LOST, NOON))

        with pytest.raises(sqlite3.IntegrityError, match="append only"):
            journal._database.execute(statement)


@pytest.mark.parametrize("first", ENDS)
@pytest.mark.parametrize("second", ENDS)
def test_a_sale_ends_once(path: Path, first: EventKind, second: EventKind) -> None:
    with Journal.open(path) as journal:
        voucher = journal.record_intent(intent()).voucher
        journal.record(voucher, Event(first, NOON))

        with pytest.raises(JournalTrouble):
            journal.record(voucher, Event(second, NOON))

        entry = journal.entry(voucher)
    assert entry is not None
    assert entry.state is ENDS[first]


@pytest.mark.parametrize("kind", EventKind)
def test_a_sale_is_open_until_an_event_ends_it(path: Path, kind: EventKind) -> None:
    with Journal.open(path) as journal:
        voucher = journal.record_intent(intent()).voucher
        journal.record(voucher, Event(kind, NOON))

        entry = journal.entry(voucher)
        still_open = journal.open_sales()

    assert entry is not None
    assert entry.state is ENDS.get(kind, SaleState.OPEN)
    assert bool(still_open) is (kind not in ENDS)


def test_an_event_without_a_sale_is_refused(path: Path) -> None:
    with Journal.open(path) as journal, pytest.raises(JournalTrouble):
        journal.record(7, Event(EventKind.CONFIRMED, NOON))


def test_open_sales_are_found_by_card(path: Path) -> None:
    with Journal.open(path) as journal:
        ours, others = journal.record_intent(intent()), journal.record_intent(intent(OTHER_CARD))
        ended = journal.record_intent(intent())
        journal.record(ended.voucher, Event(EventKind.CONFIRMED, NOON))

        found = [[entry.sale for entry in journal.open_sales(card)] for card in (CARD, OTHER_CARD, None)]

    assert found == [[ours], [others], [ours, others]]


def test_entries_can_be_had_from_a_moment_on(path: Path) -> None:
    with Journal.open(path) as journal:
        for minutes in range(3):
            journal.record_intent(intent(time=NOON + timedelta(minutes=minutes)))

        everything = [entry.sale.voucher for entry in journal.entries()]
        later = [entry.sale.voucher for entry in journal.entries(NOON + timedelta(minutes=1))]
        last = journal.last_entry()

    assert everything == [1, 2, 3]
    assert later == [2, 3]
    assert last is not None
    assert last.sale.voucher == 3


def test_a_voucher_that_was_never_given_is_none(path: Path) -> None:
    with Journal.open(path) as journal:
        assert journal.entry(1) is None
        assert journal.last_entry() is None


def test_a_full_disk_is_said_and_leaves_no_half_record(path: Path) -> None:
    with Journal.open(path) as journal:
        fill_the_disk(journal)
        long_place = "药" * 4000

        with pytest.raises(JournalTrouble) as caught:
            journal.record_intent(intent(place=long_place))

        assert caught.value.fault is JournalFault.CANNOT_WRITE
        assert journal.last_entry() is None
        journal.record_intent(intent())


def test_a_closed_journal_is_trouble_and_no_crash(path: Path) -> None:
    journal = Journal.open(path)
    journal.close()

    with pytest.raises(JournalTrouble) as reading:
        journal.open_sales()
    with pytest.raises(JournalTrouble) as writing:
        journal.record_intent(intent())

    assert (reading.value.fault, writing.value.fault) == (JournalFault.CANNOT_READ, JournalFault.CANNOT_WRITE)


def test_an_interrupted_write_is_rolled_back(path: Path) -> None:
    with Journal.open(path) as journal:
        voucher = journal.record_intent(intent()).voucher
        with pytest.raises(KeyboardInterrupt), journal.writing():
            journal._database.execute(
                "INSERT INTO events (voucher, kind, at, detail) VALUES (1, 'lost', '', '')"
            )
            raise KeyboardInterrupt

        journal.record(voucher, Event(EventKind.CONFIRMED, NOON))
        entry = journal.entry(voucher)

    assert entry is not None
    assert [event.kind for event in entry.events] == [EventKind.CONFIRMED]


def test_a_refused_record_does_not_stop_the_next(path: Path) -> None:
    with Journal.open(path) as journal:
        voucher = journal.record_intent(intent()).voucher
        with pytest.raises(JournalTrouble):
            journal.record(voucher + 1, Event(EventKind.LOST, NOON))

        journal.record(voucher, Event(EventKind.LOST, NOON))

        entry = journal.entry(voucher)
    assert entry is not None
    assert len(entry.events) == 1


def test_a_journal_that_cannot_even_roll_back_is_used_no_more(path: Path) -> None:
    journal = Journal.open(path)

    with pytest.raises(JournalTrouble), journal.writing():
        real, journal._database = journal._database, NoRollback(journal._database)  # type: ignore[assignment]
        raise sqlite3.OperationalError("disk I/O error")

    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        real.execute("SELECT 1")


class NoRollback:
    """A database on a disk that has gone."""

    in_transaction = True

    def __init__(self, database: sqlite3.Connection) -> None:
        self.close = database.close

    def execute(self, statement: str) -> None:
        raise sqlite3.OperationalError("disk I/O error")


def test_a_copy_holds_everything_and_replaces_nothing(path: Path, tmp_path: Path) -> None:
    with Journal.open(path) as journal:
        sale = journal.record_intent(intent())
        journal.copy_to(tmp_path / "copy.db")

        with pytest.raises(JournalTrouble):
            journal.copy_to(tmp_path / "copy.db")

    with Journal.open(tmp_path / "copy.db") as copy:
        entry = copy.last_entry()
    assert entry is not None
    assert entry.sale == sale


def test_a_copy_that_cannot_be_written_is_said(path: Path, tmp_path: Path) -> None:
    with Journal.open(path) as journal, pytest.raises(JournalTrouble) as caught:
        journal.copy_to(tmp_path / "missing" / "copy.db")

    assert caught.value.fault is JournalFault.CANNOT_WRITE


def test_no_column_has_room_for_a_name_an_identity_number_or_a_pin(path: Path) -> None:
    with Journal.open(path) as journal:
        columns = {
            row["name"]
            for table in journal._database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for row in journal._database.execute(f"PRAGMA table_info({table['name']})")
            if not table["name"].startswith("sqlite_")
        }

    assert columns == {
        "voucher", "identification", "card_number", "account", "self_paid", "pooled", "counter", "key_index",
        "balance_before", "terminal", "sequence", "time", "mac1", "place", "operator",
        "id", "kind", "at", "tac", "mac2", "sw", "detail", "after_voucher", "despite", "amount", "supervisor",
            "after_event", "number", "request", "event", "after_day", "missing", "crc", "answers",
            "credit", "outcome", "answer", "asked", "service", "sighted_by", "sighted_at",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("training", "fault"), [(True, JournalFault.FOR_TRAINING), (False, JournalFault.NOT_FOR_TRAINING)]
)
def test_training_and_earnest_never_share_a_journal(path: Path, training: bool, fault: JournalFault) -> None:
    Journal.open(path, training=training).close()
    before = path.read_bytes()

    with pytest.raises(JournalTrouble) as caught:
        Journal.open(path, training=not training)

    assert caught.value.fault is fault
    assert path.read_bytes() == before
    Journal.open(path, training=training).close()


def test_a_request_stands_with_its_sale_until_it_is_credited(path: Path) -> None:
    with Journal.open(path) as journal:
        voucher = journal.record_intent(intent()).voucher
        journal.record(voucher, Event(EventKind.CONFIRMED, NOON))
        asked = Event(EventKind.REFUND_REQUESTED, NOON, amount=Fen(1000), operator="07", supervisor="01")
        journal.record(voucher, asked)
        first = journal.entry(voucher)
        journal.record(voucher, Event(EventKind.REQUEST_CREDITED, NOON, amount=Fen(400)))
        second = journal.entry(voucher)
        journal.record(voucher, Event(EventKind.REQUEST_REFUSED, NOON, amount=Fen(600)))
        third = journal.entry(voucher)

    assert first is not None and second is not None and third is not None
    assert first.events[-1] == asked
    assert [(entry.requested, entry.on_its_way) for entry in (first, second, third)] == [
        (1000, 1000),
        (1000, 600),
        (400, 0),
    ]
    assert third.state is SaleState.CHARGED


def sold(journal: Journal) -> int:
    voucher = journal.record_intent(intent()).voucher
    journal.record(voucher, Event(EventKind.CONFIRMED, NOON))
    return voucher


def test_every_request_knows_its_answer(path: Path) -> None:
    with Journal.open(path) as journal:
        voucher = sold(journal)
        for amount in (Fen(500), Fen(500), Fen(200)):
            journal.record(voucher, Event(EventKind.REFUND_REQUESTED, NOON, amount=amount))
        refused = Event(EventKind.REQUEST_REFUSED, NOON, amount=Fen(500), answers=3)
        journal.record(voucher, refused)
        entry = journal.entry(voucher)

    assert entry is not None
    assert [event.number for event in entry.events] == [1, 2, 3, 4, 5]
    assert [request.answer for request in entry.requests] == [None, refused, None]


def test_a_request_is_answered_once(path: Path) -> None:
    with Journal.open(path) as journal:
        voucher = sold(journal)
        journal.record(voucher, Event(EventKind.REFUND_REQUESTED, NOON, amount=Fen(500)))
        journal.record(voucher, Event(EventKind.REQUEST_CREDITED, NOON, amount=Fen(500), answers=2))

        with pytest.raises(JournalTrouble):
            journal.record(voucher, Event(EventKind.REQUEST_REFUSED, NOON, amount=Fen(500), answers=2))


@pytest.mark.parametrize("kind", [EventKind.VOID_REQUESTED, EventKind.REFUND_REQUESTED])
def test_no_more_can_be_asked_back_than_the_account_paid(path: Path, kind: EventKind) -> None:
    with Journal.open(path) as journal:
        voucher = sold(journal)
        journal.record(voucher, Event(EventKind.REFUND_REQUESTED, NOON, amount=Fen(1000)))

        with pytest.raises(JournalTrouble):
            journal.record(voucher, Event(kind, NOON, amount=Fen(235)))
        journal.record(voucher, Event(EventKind.REQUEST_REFUSED, NOON, amount=Fen(1000), answers=2))
        journal.record(voucher, Event(kind, NOON, amount=Fen(1234)))


def test_the_sales_of_a_card_come_newest_first(path: Path) -> None:
    with Journal.open(path) as journal:
        mine = [journal.record_intent(intent()).voucher for _ in range(3)]

        found = journal.entries_of_card(intent().identification, most=2)

    assert [entry.sale.voucher for entry in found] == mine[:0:-1]
