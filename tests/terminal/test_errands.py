"""A counter's own errands: the centre hears of every sale while it is open, every night has its back-up, nobody waits."""

import threading
import time as clocks
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest

from sscard_terminal.cardspec.upload_record import UploadAnswer, UploadBatch
from sscard_terminal.terminal.configuration import Configuration
from sscard_terminal.terminal.errands import Errands, Note, Patient
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.upload import CentreUnreachable, LinkFault
from sscard_terminal.terminal.upload_file import records_in
from sscard_terminal.terminal.upload_queue import waiting
from sscard_terminal.voice.messages import text
from tests.terminal.test_upload import CHARGED, sold

EVENING = datetime(2026, 7, 1, 21, 0)


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = EVENING

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **time: float) -> None:
        self.now += timedelta(**time)


class Held:
    """A centre that answers only when it is let."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.heard = 0

    def send(self, batch: UploadBatch) -> UploadAnswer:
        self.heard += 1
        assert self.let.wait(5)
        return UploadAnswer(batch.behind)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "journal.db") as journal:
        yield journal


@pytest.fixture
def clock() -> Watch:
    return Watch()


@pytest.fixture
def centre(tmp_path: Path) -> Path:
    return tmp_path / "centre"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder


def backups(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


# Upload ------------------------------------------------------------------------------------------------


def test_at_the_start_and_every_quarter_of_an_hour_the_centre_hears_of_it(
    journal: Journal, clock: Watch, centre: Path
) -> None:
    errands = Errands(Configuration(upload=centre), clock)
    sold(journal, *CHARGED)

    assert errands.see_to(journal) is False
    at_start = waiting(journal).count
    sold(journal, *CHARGED)
    clock.forward(minutes=14)
    errands.see_to(journal)
    too_early = waiting(journal).count
    clock.forward(minutes=1)
    errands.see_to(journal)

    assert (at_start, too_early, waiting(journal).count) == (0, 2, 0)
    assert [record.event for record in records_in(centre)] == [1, 2, 3, 4]


def test_much_goes_step_by_step(journal: Journal, clock: Watch, centre: Path) -> None:
    errands = Errands(Configuration(upload=centre), clock)
    for _sale in range(60):
        sold(journal, *CHARGED)

    assert errands.see_to(journal) is True
    assert waiting(journal).count == 20
    assert errands.see_to(journal) is False
    assert waiting(journal).count == 0


@pytest.mark.parametrize("settings", [{"upload_every_minutes": 0}, {"upload": None}])
def test_without_the_setting_nothing_is_sent(
    settings: dict[str, object], journal: Journal, clock: Watch, centre: Path
) -> None:
    sold(journal, *CHARGED)

    Errands(Configuration(**{"upload": centre, **settings}), clock).see_to(journal)  # type: ignore[arg-type]

    assert not centre.exists()


def test_what_fails_is_a_note_until_it_goes_well(journal: Journal, clock: Watch, centre: Path) -> None:
    errands = Errands(Configuration(upload=centre), clock)
    sold(journal, *CHARGED)
    centre.mkdir()

    errands.see_to(journal)
    clock.forward(minutes=15)
    errands.see_to(journal)
    failing = errands.notes
    centre.rmdir()
    clock.forward(minutes=15)
    errands.see_to(journal)

    assert failing == (Note("upload.cannot-write", EVENING),)
    assert (errands.notes, waiting(journal).count) == ((), 0)


def test_a_clock_that_is_set_back_does_not_stop_the_upload(
    journal: Journal, clock: Watch, centre: Path
) -> None:
    errands = Errands(Configuration(upload=centre), clock)
    sold(journal, *CHARGED)
    errands.see_to(journal)
    sold(journal, *CHARGED)
    clock.forward(days=-400)

    errands.see_to(journal)

    assert waiting(journal).count == 0


def test_a_centre_that_hangs_keeps_nobody_waiting() -> None:
    centre = Held()
    link = Patient(centre, "centre", patience_s=0.05)
    batch = UploadBatch("370900000001")

    began = clocks.monotonic()
    for _attempt in range(2):
        with pytest.raises(CentreUnreachable) as caught:
            link.send(batch)
    took = clocks.monotonic() - began
    centre.let.set()

    assert caught.value.fault is LinkFault.UNREACHABLE
    assert centre.heard == 1
    assert took < 1


def test_training_sales_stay_here(tmp_path: Path, clock: Watch, centre: Path, folder: Path) -> None:
    with Journal.open(tmp_path / "training.db", training=True) as journal:
        sold(journal, *CHARGED)
        Errands(Configuration(upload=centre, backup_folder=folder, training=True), clock).see_to(journal)

    assert not centre.exists() and backups(folder) == []


# Back-up -----------------------------------------------------------------------------------------------


def test_every_night_there_is_one_more_back_up_and_the_newest_stay(
    journal: Journal, clock: Watch, folder: Path
) -> None:
    errands = Errands(Configuration(backup_folder=folder, backup_at=time(22, 0), backup_keep=2), clock)
    sold(journal, *CHARGED)

    for _half_hour in range(3 * 48):
        errands.see_to(journal)
        clock.forward(minutes=30)

    assert backups(folder) == ["journal-20260702T220000.db", "journal-20260703T220000.db"]
    assert errands.notes == ()


def test_a_night_the_counter_was_closed_is_made_up_once(journal: Journal, clock: Watch, folder: Path) -> None:
    (folder / "journal-20260630T223000.db").touch()
    settings = Configuration(backup_folder=folder)

    Errands(settings, clock).see_to(journal)
    last_night_is_there = backups(folder)
    clock.forward(hours=11)
    for _start in range(2):
        Errands(settings, clock).see_to(journal)
        clock.forward(minutes=1)

    assert last_night_is_there == ["journal-20260630T223000.db"]
    assert backups(folder) == ["journal-20260630T223000.db", "journal-20260702T080000.db"]


def test_a_disk_that_is_not_there_is_a_note_until_it_is(journal: Journal, clock: Watch, folder: Path) -> None:
    errands = Errands(Configuration(backup_folder=folder), clock)
    folder.rmdir()

    errands.see_to(journal)
    missing = errands.notes
    folder.mkdir()
    clock.forward(minutes=16)
    errands.see_to(journal)

    assert missing == (Note("backup.no-folder", EVENING),)
    assert (errands.notes, len(backups(folder))) == ((), 1)


@pytest.mark.parametrize("fault", [*LinkFault, "took-nothing", "not-believed", "journal"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_note_has_its_words(fault: str, language: str) -> None:
    assert "21:00" in text(language, f"errand.upload.{fault}", since="21:00")  # type: ignore[arg-type]
