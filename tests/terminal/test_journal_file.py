"""A journal's file appears whole or not at all, takes nobody's place, and is copied whole or not at all."""

import errno
import os
from pathlib import Path

import pytest

from sscard_terminal.terminal import journal_store
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.journal_file import ASIDE, JournalFault, JournalTrouble, appear
from tests.terminal.test_journal_damage import PAGE, fill


def no_links(source: Path, target: Path) -> None:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


@pytest.mark.parametrize("has_links", [True, False])
def test_a_finished_file_takes_the_place_of_none(
    has_links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, there = tmp_path / "new", tmp_path / "there"
    new.write_text("new")
    there.write_text("there")
    if not has_links:
        monkeypatch.setattr(os, "link", no_links)

    with pytest.raises(FileExistsError):
        appear(new, there)

    assert there.read_text() == "there"


def test_where_there_are_no_links_a_new_journal_is_renamed_into_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", no_links)

    Journal.open(tmp_path / "journal.db").close()

    assert [file.name for file in tmp_path.iterdir()] == ["journal.db"]


def test_no_journal_begins_where_one_was_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.with_name(path.name + ASIDE[0] + "20260105").touch()

    with pytest.raises(JournalTrouble) as trouble:
        Journal.open(path)

    assert trouble.value.fault is JournalFault.SET_ASIDE
    assert not path.exists()


def test_a_copy_that_cannot_be_synced_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "copy.db"

    def fails(folder: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with Journal.open(tmp_path / "journal.db") as journal, pytest.raises(JournalTrouble) as trouble:
        monkeypatch.setattr(journal_store, "sync_folder", fails)
        journal.copy_to(copy)

    assert trouble.value.fault is JournalFault.CANNOT_WRITE
    assert not copy.exists()


def test_a_copy_that_does_not_read_back_whole_is_none(tmp_path: Path) -> None:
    path, copy = tmp_path / "journal.db", tmp_path / "copy.db"
    fill(path)
    content = bytearray(path.read_bytes())
    at = len(content) - 3 * PAGE
    content[at : at + PAGE] = b"\x5a" * PAGE
    path.write_bytes(content)

    with Journal.open(path) as journal, pytest.raises(JournalTrouble) as trouble:
        journal.copy_to(copy)

    assert trouble.value.fault is JournalFault.DAMAGED
    assert not copy.exists()
