"""Small files of the terminal that are nobody else's business: read only while they are private, written whole or not.

Not here: what stands in them (operators_file.py, sessions.py).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PRIVATE = 0o600
"""Rights of a file that only its owner reads and writes."""
OTHERS = 0o077
"""The rights of group and others; none of them may be set."""
OTHERS_WRITE = 0o022
STICKY = 0o1000
"""In a folder: nobody replaces files of another. Source: chmod(2)."""
MAX_BYTES = 1 << 20
"""More than any of these files can hold. Our choice."""


class NotPrivate(Exception):
    """Others can read or replace the file, so what it says counts for nothing."""


def read_private(path: Path) -> bytes | None:
    """The file's bytes; None where there is no file.

    Raises:
        NotPrivate: it, or the folder it lies in, is open to others, or belongs to somebody else.
        OSError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            if os.name == "posix":
                _require_private(os.fstat(file.fileno()), OTHERS)
                _require_private(path.parent.stat(), OTHERS_WRITE)
            return file.read(MAX_BYTES)
    except FileNotFoundError:
        return None


def _require_private(found: os.stat_result, forbidden: int) -> None:
    """Root may own what we read; a sticky folder may be open, for its files can be replaced by nobody else."""
    if sys.platform == "win32":
        return
    is_sticky = bool(found.st_mode & STICKY) and forbidden == OTHERS_WRITE
    if found.st_uid not in (0, os.geteuid()) or (found.st_mode & forbidden and not is_sticky):
        raise NotPrivate


def write_private(path: Path, content: bytes) -> None:
    """Put `content` in the place of the file, durably: after a power cut there is the old one or the new.

    Raises:
        OSError: no room, no rights; the old one stands.
    """
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)  # of a process that was killed here
    try:
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE)
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":  # a folder cannot be opened there, and a rename is journalled by NTFS
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Nobody else is in a block over the same file: what was read in it is still true when it is written.

    Raises:
        OSError: the lock, a file beside it, cannot be made.
    """
    descriptor = os.open(path.with_name(f".{path.name}.lock"), os.O_CREAT | os.O_RDWR, PRIVATE)
    try:
        _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    """Until the descriptor is closed, or its process is gone."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX)
