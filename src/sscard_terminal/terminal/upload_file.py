"""A stand-in for the centre where there is no network yet: one file of a journal's records, a JSON line each, durably.

It acknowledges what lies in it. Whoever uses it in earnest is the gateway of counter.md's last paragraph in person, and
answers for carrying the file to the centre; it brings no news about requests back. The first line names the format, then
one canonical record a line (cardspec/upload_record.py), in the order of the journal. An append that was cut short leaves
half a line at the end: it was never acknowledged, and goes when the next batch comes. One journal writes into one file,
and a file that is taken away is begun again with the journal's first event. Not here: what is sent, and when (upload.py).
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

from sscard_terminal.cardspec.upload_record import UploadAnswer, UploadBatch, UploadRecord, event_of
from sscard_terminal.iso7816.errors import FormatError

from .upload import CentreUnreachable, LinkFault

try:
    import fcntl
except ImportError:  # Windows: the journal, which one terminal alone can open, has to do
    fcntl = None  # type: ignore[assignment]

PREFIX = "file:"
HEADER = b"sscard-upload 1\n"
_BLOCK = 1 << 16


def upload_path(text: str) -> str:
    """The PATH of "file:PATH", as the configuration and the command line name such a file.

    Raises:
        FormatError: it is something else.
    """
    path = text.removeprefix(PREFIX)
    if path == text or not path.strip():
        raise FormatError(f"{PREFIX}PATH is expected")
    return path


class UploadFile:
    """A `CentreLink` into a file, which is made when the first batch comes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, batch: UploadBatch) -> UploadAnswer:
        """Append what does not stand in the file yet, and have it on the disk before acknowledging.

        Raises:
            CentreUnreachable: the file cannot be written, is another's, or is damaged.
        """
        try:
            with _opened(self._path) as file:
                held = self._taken(file, batch)
            _sync_folder(self._path.parent)
        except OSError as error:
            raise CentreUnreachable(str(self._path), LinkFault.CANNOT_WRITE) from error
        return UploadAnswer(held)

    def _taken(self, file: io.FileIO, batch: UploadBatch) -> str | None:
        """What the file holds of the batch, or before a hole, once it has taken what it can."""
        end = _end_of_lines(file, self._path)
        newest = next((_record(line, self._path) for line in _lines_backwards(file, end)), None)
        if newest is not None and newest.journal != batch.journal:
            raise CentreUnreachable(str(self._path), LinkFault.OTHER_JOURNAL)
        if batch.behind is not None and (newest is None or newest.event < event_of(batch.behind)[1]):
            return None if newest is None else newest.key
        if not batch.records:
            return batch.behind
        _append(file, batch.records, end, self._path)
        return batch.records[-1].key


def records_in(path: Path) -> Iterator[UploadRecord]:
    """Every whole record of a file, oldest first.

    Raises:
        CentreUnreachable: it is no such file, or damaged.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        if file.readline() != HEADER:
            raise CentreUnreachable(str(path), LinkFault.NOT_AN_UPLOAD_FILE)
        for line in file:
            if line.endswith(b"\n"):
                yield _record(line, path)


def _opened(path: Path) -> io.FileIO:
    """The file, made where there is none (its owner's alone), and locked while we are in it."""
    file = io.FileIO(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX)
    except OSError:
        file.close()
        raise
    return file


def _sync_folder(folder: Path) -> None:
    """A new file's name is on the disk only when its folder is. Where a folder cannot be opened, it needs no sync."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _end_of_lines(file: io.FileIO, path: Path) -> int:
    """Where the whole lines end; what stands behind was cut short. 0 for a file that is still to be begun.

    Raises:
        CentreUnreachable: this is another's file; it is left as it is.
    """
    start = file.read(len(HEADER))
    if start != HEADER:
        if HEADER.startswith(start):
            return 0
        raise CentreUnreachable(str(path), LinkFault.NOT_AN_UPLOAD_FILE)
    end = file.seek(0, os.SEEK_END)
    while not (block := _block_before(file, end)).count(b"\n"):
        end -= len(block)
    return end - len(block) + block.rindex(b"\n") + 1


def _append(file: io.FileIO, records: tuple[UploadRecord, ...], end: int, path: Path) -> None:
    """Those of `records` that are not there yet, all of them or (if the system lets us) none."""
    there = _already(file, records, end, path) if end else set()
    lines = [line for line in map(_line, records) if line not in there]
    new = (b"" if end else HEADER) + b"".join(lines)
    try:
        file.truncate(end)
        file.seek(end)
        _write(file, new)
        os.fsync(file)
    except OSError:
        file.truncate(end)
        raise


def _write(file: io.FileIO, data: bytes) -> None:
    """All of it: a disk that is nearly full takes a part at first."""
    while data:
        data = data[file.write(data) or 0 :]


def _already(file: io.FileIO, records: tuple[UploadRecord, ...], end: int, path: Path) -> set[bytes]:
    """The newest lines of the file, back to before the first of `records`: a repeat can only be among them."""
    found = set()
    for line in _lines_backwards(file, end):
        if _record(line, path).event < records[0].event:
            break
        found.add(line)
    return found


def _lines_backwards(file: io.FileIO, end: int) -> Iterator[bytes]:
    """The lines between the header and `end`, the newest first, each with its end of line."""
    rest = b""  # the end of a line whose beginning has not been read yet
    while end > len(HEADER):
        block = _block_before(file, end)
        end -= len(block)
        *lines, _nothing = (line + b"\n" for line in (block + rest).split(b"\n"))
        if end > len(HEADER):
            rest, *lines = lines
        yield from reversed(lines)


def _block_before(file: io.FileIO, end: int) -> bytes:
    """A piece of the file that ends there, the header's last byte at the least."""
    start = max(end - _BLOCK, len(HEADER) - (end == len(HEADER)))
    file.seek(start)
    return file.read(end - start)


def _line(record: UploadRecord) -> bytes:
    return record.build().encode("ascii") + b"\n"


def _record(line: bytes, path: Path) -> UploadRecord:
    try:
        return UploadRecord.parse(line.decode("ascii").removesuffix("\n"))
    except (FormatError, UnicodeDecodeError) as error:
        raise CentreUnreachable(str(path), LinkFault.DAMAGED) from error
