"""What a person does to the journal as a whole: set a damaged one aside, restore a back-up, move it to another PC.

One terminal number has one PSAM, and the PSAM counts its sales: by its count a journal that lacks some is known, be it an
old back-up or the copy of a journal that was sold with since. Not here: the copy itself (journal_store.copy_to), the
check (journal_check.py), what is saved of a damaged one (journal_salvage.py).

Source: counter.md screen rule 16; the rest is our choice.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from .day_records import CareKind
from .journal import Journal
from .journal_check import Examination, examine
from .journal_file import (
    COMPANIONS,
    JournalFault,
    JournalTrouble,
    appear,
    sync_folder,
)
from .journal_salvage import Salvaged, salvage
from .outcomes import Declined, Reason
from .psam_care import PsamState

EVENTS_APART = 1_000_000
"""How far the numbers of events jump at a restore: what happened after the back-up was made may be with the centre, which
knows events by number, and no number is given twice. Our choice."""


LOCK_START, LOCK_LENGTH = 0x4000_0002, 510
"""Where SQLite locks a database it reads or writes. Source: sqlite.org/fileformat2.html §1.4 and its os.h."""


@dataclass(frozen=True, slots=True)
class Responsibility:
    """Who does it, who answers for it, and why it is done although something speaks against it."""

    operator: str = ""
    supervisor: str = ""
    despite: str = ""


NOBODY = Responsibility()


@dataclass(frozen=True, slots=True)
class SetAside:
    """A journal that is out of the way: why (`damaged`, `moved`), and under which name it lies now."""

    why: str
    file: Path


@dataclass(frozen=True, slots=True)
class Restored:
    """A journal in its place: what it holds, what was saved where it was salvaged, and what it lacks.

    `missing` is how many sales of this PSAM are not in it, at most; None where no PSAM could be asked.
    """

    found: Examination
    missing: int | None
    salvaged: Salvaged | None = None


def set_aside(path: Path, now: datetime, *, training: bool = False) -> SetAside:
    """Rename what lies in the journal's place, with its log, and say so. Nothing else is put there.

    Raises:
        JournalTrouble: there is nothing wrong with it (SOUND), it is open elsewhere (IN_USE), it is a newer program's or of
            the other sort, or it cannot be renamed (CANNOT_WRITE).
        FileNotFoundError: there is none.
    """
    log = _beside(path, "-wal")
    if not path.exists() and not log.exists():
        raise FileNotFoundError(2, os.strerror(2), str(path))
    why = _what_is_wrong(path, training)
    target = path.with_name(f"{path.name}.{why}-{now:%Y%m%dT%H%M%S}")
    if target.exists():
        raise JournalTrouble(JournalFault.EXISTS, target)
    try:
        for suffix in (
            *COMPANIONS,
            "",
        ):  # the journal last: as long as it lies there, nothing takes its place
            if _beside(path, suffix).exists():
                _beside(path, suffix).rename(_beside(target, suffix))
    except OSError as error:
        raise JournalTrouble(JournalFault.CANNOT_WRITE, path) from error
    sync_folder(path.parent)
    return SetAside(why, target)


def _what_is_wrong(path: Path, training: bool) -> str:
    if path.exists():
        _require_free(path)
    try:
        with Journal.open(path, training=training) as journal:
            if not examine(journal).is_sound:
                return "damaged"
    except JournalTrouble as trouble:
        match trouble.fault:
            case JournalFault.DAMAGED | JournalFault.NOT_A_JOURNAL:
                return "damaged"
            case JournalFault.MOVED:
                return "moved"
            case _:
                raise
    raise JournalTrouble(JournalFault.SOUND, path)


def _require_free(path: Path) -> None:
    """Even a damaged journal may be somebody's who has it open; to ask SQLite for it could cost it its log."""
    try:
        import fcntl  # here, because other systems have none; they do not rename a file that is open
    except ImportError:
        return
    with path.open("r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, LOCK_LENGTH, LOCK_START)
        except BlockingIOError as error:
            raise JournalTrouble(JournalFault.IN_USE, path) from error


def move(journal: Journal, target: Path, now: datetime, who: Responsibility = NOBODY) -> None:
    """Copy the journal to `target` and retire this one: from now on no sale is written here.

    The copy comes first, so that at no moment there is none; should the retiring fail, the copy goes again. Were both
    ever sold with, the PSAM's count would tell at the restore.

    Raises:
        JournalTrouble: as `copy_to`, or it cannot be retired (CANNOT_WRITE).
    """
    journal.copy_to(target)
    try:
        journal.retire(now, who.operator, who.supervisor)
    except JournalTrouble:
        target.unlink(missing_ok=True)
        raise


def restore(
    backup: Path,
    path: Path,
    psam: PsamState | None,
    now: datetime,
    who: Responsibility = NOBODY,
    *,
    damaged: bool = False,
    training: bool = False,
) -> Restored | Declined:
    """Put a copy of `backup` in the journal's place, where there is none; the back-up stays as it is.

    Declined where sales of the PSAM are missing from it (JOURNAL_BEHIND_PSAM) or no PSAM can be asked (PSAM_NOT_ASKED),
    unless somebody says why it is done despite that. `damaged`: what can be read of a damaged one is taken.

    Raises:
        JournalTrouble: there is a journal (EXISTS); the back-up is damaged (DAMAGED) or of another sort; CANNOT_WRITE.
        OSError: the back-up cannot be read.
    """
    if any(_beside(path, suffix).exists() for suffix in ("", *COMPANIONS)):
        raise JournalTrouble(JournalFault.EXISTS, path)
    new, rest = (path.with_name(f"{path.name}.{word}-{os.getpid()}") for word in ("new", "rest"))
    try:
        with _told_of(backup, path):
            copied = rest if damaged else new
            _copy(backup, copied)
            with Journal.open(new, training=training) as journal:
                saved = salvage(rest, journal) if damaged else None
                outcome = _judged(journal, psam, now, who, saved)
        if isinstance(outcome, Restored):
            appear(new, path)
    except FileExistsError as error:
        raise JournalTrouble(JournalFault.EXISTS, path) from error
    finally:
        for file in (new, rest):
            for suffix in ("", *COMPANIONS):
                _beside(file, suffix).unlink(missing_ok=True)
    return outcome


def _judged(
    journal: Journal, psam: PsamState | None, now: datetime, who: Responsibility, saved: Salvaged | None
) -> Restored | Declined:
    """May it take the journal's place? Then that is written down in it, and no number is given a second time."""
    missing = None if psam is None else missing_sales(journal, psam)
    despite = who.despite.strip() if missing != 0 else ""
    if missing != 0 and not despite:
        return (
            Declined(Reason.PSAM_NOT_ASKED)
            if missing is None
            else Declined(Reason.JOURNAL_BEHIND_PSAM, count=missing)
        )
    journal.skip_numbers(vouchers=missing or 0, events=EVENTS_APART)
    kind = CareKind.RESTORED if saved is None else CareKind.SALVAGED
    journal.record_care(
        kind, now, operator=who.operator, supervisor=who.supervisor, despite=despite, missing=missing or 0
    )
    found = examine(journal)
    if not found.is_sound:
        raise JournalTrouble(JournalFault.DAMAGED, journal.path)
    return Restored(found, missing, saved)


def missing_sales(journal: Journal, psam: PsamState) -> int:
    """How many sales this PSAM has begun that are not in the journal, at most.

    Each environment counts for itself (card.md §10 B40) and the journal does not know which a sale was made in, so a
    number must stand in it once for every environment that has come so far. A purchase that ended before its intent was
    written (the power failed) counts too: the PSAM cannot tell.

    Raises:
        JournalTrouble: the journal cannot be read.
    """
    query = (
        "SELECT sequence, count(*) FROM debits WHERE terminal = ? AND kind = 'purchase'"
        " GROUP BY sequence ORDER BY sequence DESC"
    )
    with journal.reading() as database:
        counted = [
            (int.from_bytes(sequence, "big"), count)
            for sequence, count in database.execute(query, (psam.terminal,))
        ]
    return sum(_behind(newest, psam.sequences, counted) for newest in psam.sequences)


def _behind(newest: int, sequences: tuple[int, ...], counted: list[tuple[int, int]]) -> int:
    for number, count in counted:
        if number <= newest and count >= sum(other >= number for other in sequences):
            return newest - number
    return newest


@contextmanager
def _told_of(backup: Path, path: Path) -> Iterator[None]:
    """What is wrong is the back-up's fault, what cannot be written the journal's; neither bears a passing file's name."""
    try:
        yield
    except JournalTrouble as trouble:
        concerned = path if trouble.fault is JournalFault.CANNOT_WRITE else backup
        raise JournalTrouble(trouble.fault, concerned) from trouble


def _copy(backup: Path, target: Path) -> None:
    """Byte by byte, with its log where it has one, its owner's alone; opening it where it lies might change it.

    Raises:
        OSError: the back-up cannot be read, or there is no room.
    """
    for suffix in ("", "-wal"):
        source = _beside(backup, suffix)
        if suffix and not source.exists():
            continue
        with source.open("rb") as reading:
            handle = os.open(_beside(target, suffix), os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
            with os.fdopen(handle, "wb") as writing:
                shutil.copyfileobj(reading, writing, 1 << 20)
                writing.flush()
                os.fsync(writing.fileno())


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
