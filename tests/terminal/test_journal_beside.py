"""A look into a journal somebody has open: what stands in it at one moment, and the one who has it notices nothing."""

from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile

import pytest

from sscard_terminal.terminal import journal_beside
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.journal_beside import opened_beside
from sscard_terminal.terminal.journal_check import examine
from sscard_terminal.terminal.journal_file import JournalFault, JournalTrouble
from tests.terminal.test_upload import CHARGED, sold


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "journal.db") as journal:
        sold(journal, *CHARGED)
        yield journal


def log_begun_anew(journal: Journal) -> None:
    with journal.reading() as database:
        database.execute("PRAGMA wal_checkpoint(FULL)")
    sold(journal, *CHARGED)


def test_what_stands_only_in_the_log_is_seen(journal: Journal) -> None:
    with pytest.raises(JournalTrouble), Journal.open(journal.path):
        pass
    with opened_beside(journal.path) as seen:
        assert [entry.sale.voucher for entry in seen.entries()] == [1]
        assert examine(seen).is_sound

    assert sold(journal, *CHARGED) == 2


def test_nothing_stays_beside_the_journal(journal: Journal) -> None:
    before = sorted(journal.path.parent.iterdir())

    with opened_beside(journal.path):
        pass

    assert sorted(journal.path.parent.iterdir()) == before


def test_a_log_that_is_begun_anew_meanwhile_is_no_state_of_one_moment(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []

    def copy(source: Path, target: Path) -> None:
        copyfile(source, target)
        copied.append(source.name)
        if len(copied) == 1:
            log_begun_anew(journal)

    monkeypatch.setattr(journal_beside.shutil, "copyfile", copy)

    with opened_beside(journal.path) as seen:
        assert [entry.sale.voucher for entry in seen.entries()] == [1, 2]

    assert copied == ["journal.db", "journal.db-wal"] * 2


def test_where_it_never_stands_still_it_is_in_use(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    def copy(source: Path, target: Path) -> None:
        copyfile(source, target)
        log_begun_anew(journal)

    monkeypatch.setattr(journal_beside.shutil, "copyfile", copy)

    with pytest.raises(JournalTrouble) as caught, opened_beside(journal.path):
        pass

    assert (caught.value.fault, caught.value.path) == (JournalFault.IN_USE, journal.path)


def test_what_is_wrong_with_the_copy_is_told_of_the_journal(journal: Journal) -> None:
    with pytest.raises(JournalTrouble) as caught, opened_beside(journal.path, training=True):
        pass

    assert (caught.value.fault, caught.value.path) == (JournalFault.NOT_FOR_TRAINING, journal.path)


def test_what_has_gone_from_the_log_into_the_file_is_seen_too(journal: Journal) -> None:
    for _round in range(3):
        for _sale in range(5):
            sold(journal, *CHARGED)
        with journal.reading() as database:
            database.execute("PRAGMA wal_checkpoint(PASSIVE)")
        with opened_beside(journal.path) as seen:
            newest = seen.last_entry()
        own = journal.last_entry()
        assert newest == own
