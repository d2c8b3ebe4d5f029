"""What a running counter sees to between cards: the upload to the centre, and the nightly back-up of its journal.

It does both itself, because nobody else gets at a journal that is open. Not here: when nobody is being served (the
counters: counter/workplace.py, cli/counter/clerk.py), the upload (upload.py) and the back-up (journal_backup.py).
"""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sscard_terminal.cardspec.upload_record import UploadAnswer, UploadBatch

from .configuration import Configuration
from .journal import Journal
from .journal_backup import back_up, newest_back_up
from .journal_file import JournalTrouble
from .ports import Clock
from .upload import CentreLink, CentreUnreachable, Ending, upload
from .upload_file import UploadFile

LOOK_EVERY_S = 5.0
"""How often a counter looks whether something is due. Our choice."""
PATIENCE_S = 1.0
"""How long the centre may keep the counter waiting. Our choice: a clerk hardly notices. An answer that comes later is lost,
and the next attempt brings it again."""
BACKUP_AGAIN = timedelta(minutes=15)
"""When a back-up that failed is tried again. Our choice."""


@dataclass(frozen=True, slots=True)
class Note:
    """What could not be done: `key` of its sentence in voice/messages, behind "errand.", and since when."""

    key: str
    since: datetime


class Patient:
    """A `CentreLink` that has answered after `patience_s`, or is unreachable; it sends one batch at a time."""

    def __init__(self, link: CentreLink, where: str, patience_s: float = PATIENCE_S) -> None:
        self._link = link
        self._where = where
        self._patience_s = patience_s
        self._last: Future[UploadAnswer] | None = None

    def send(self, batch: UploadBatch) -> UploadAnswer:
        """As `CentreLink.send`. A link that hangs is left to itself, and nothing more is sent until it has come back."""
        if self._last is not None and not self._last.done():
            raise CentreUnreachable(self._where)
        self._last = answer = Future[UploadAnswer]()
        threading.Thread(target=self._send, args=(batch, answer), name="upload", daemon=True).start()
        try:
            return answer.result(self._patience_s)
        except (TimeoutError, CancelledError) as error:
            raise CentreUnreachable(self._where) from error

    def _send(self, batch: UploadBatch, answer: Future[UploadAnswer]) -> None:
        try:
            answer.set_result(self._link.send(batch))
        except CentreUnreachable as trouble:
            answer.set_exception(trouble)
        finally:
            answer.cancel()  # where it has no end yet, which is a mistake of ours; nobody waits for it then


class Errands:
    """One counter's errands, for the thread that holds its journal. `notes` say what fails, nothing where all goes well."""

    def __init__(self, configuration: Configuration, clock: Clock, link: CentreLink | None = None) -> None:
        self._settings = configuration
        self._clock = clock
        file = configuration.upload
        if link is None and file is not None:
            link = UploadFile(file)
        self._link = None if link is None else Patient(link, str(file))
        self._uploaded_at: datetime | None = None
        self._backup_tried_at: datetime | None = None
        self._backup_made_for: datetime | None = None
        self._notes: dict[str, Note] = {}

    @property
    def notes(self) -> tuple[Note, ...]:
        return tuple(self._notes.values())

    def see_to(self, journal: Journal) -> bool:
        """One step of what is due: a batch for the centre, or a back-up. Whether there is more to do at once.

        Never raises: what fails becomes a note, and is tried again in its time.
        """
        if journal.training or (self._link is None and self._settings.backup_folder is None):
            return False
        now = self._clock().replace(microsecond=0)
        if self._link is not None and self._is_upload_due(now):
            return self._upload(journal, self._link, now)
        self._back_up(journal, now)
        return False

    def _is_upload_due(self, now: datetime) -> bool:
        """Also where the clock was set back."""
        every = timedelta(minutes=self._settings.upload_every_minutes)
        return bool(every) and not _is_within(every, self._uploaded_at, now)

    def _upload(self, journal: Journal, link: CentreLink, now: datetime) -> bool:
        try:
            report = upload(journal, link, self._clock, most_batches=1)
        except JournalTrouble:
            self._tell("upload", "journal", now)
            self._uploaded_at = now
            return False
        if report.ending is Ending.MORE:
            return True
        self._uploaded_at = now
        trouble = report.trouble.fault if report.trouble is not None else report.ending
        self._tell("upload", "" if report.ending is Ending.DONE else trouble, now)
        return False

    def _back_up(self, journal: Journal, now: datetime) -> None:
        """Where none was made since the last time that one should have been: a night the machine was off is made up."""
        folder, should_have_been = self._settings.backup_folder, self._last_backup_time(now)
        if folder is None or self._backup_made_for == should_have_been:
            return
        if _is_within(BACKUP_AGAIN, self._backup_tried_at, now):
            return
        self._backup_tried_at = now
        trouble = self._backed_up(journal, folder, should_have_been, now)
        if not trouble:
            self._backup_made_for = should_have_been
        self._tell("backup", trouble, now)

    def _backed_up(self, journal: Journal, folder: Path, should_have_been: datetime, now: datetime) -> str:
        """What went wrong, "" where nothing did."""
        if not folder.is_dir():
            return "no-folder"
        try:
            newest = newest_back_up(folder)
            if newest is None or newest < should_have_been:
                back_up(journal, folder, self._settings.backup_keep, now)
        except (JournalTrouble, OSError):
            return "failed"
        return ""

    def _last_backup_time(self, now: datetime) -> datetime:
        today = datetime.combine(now.date(), self._settings.backup_at)
        return today if today <= now else today - timedelta(days=1)

    def _tell(self, errand: str, trouble: str, now: datetime) -> None:
        """`trouble` "": it went well."""
        before = self._notes.pop(errand, None)
        if trouble:
            key = f"{errand}.{trouble}"
            self._notes[errand] = Note(key, before.since if before is not None else now)


def _is_within(time: timedelta, since: datetime | None, now: datetime) -> bool:
    return since is not None and timedelta(0) <= now - since < time
