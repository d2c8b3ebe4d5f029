"""The bytes a chip keeps without power: a port with `write` and `barrier`, in RAM and in a file.

Not here: what makes a change whole (nvm). A write may be torn, lost or reordered until the next barrier returns.
Source: reliability.md, "Card memory".
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol


class ImageInUse(OSError):
    """Another process serves this image."""


class ByteStore(Protocol):
    """Raw non-volatile bytes, addressed from 0."""

    def read_all(self) -> bytes:
        """Everything, as it stands now."""

    def write(self, address: int, data: bytes) -> None:
        """Change bytes; durable only after the next `barrier`."""

    def barrier(self) -> None:
        """Return when all earlier writes are durable."""

    def close(self) -> None: ...


class RamStore:
    """Bytes that live as long as the object; for tests and throw-away cards."""

    def __init__(self, content: bytes) -> None:
        self._bytes = bytearray(content)

    def read_all(self) -> bytes:
        return bytes(self._bytes)

    def write(self, address: int, data: bytes) -> None:
        self._bytes[address : address + len(data)] = data

    def barrier(self) -> None:
        pass

    def close(self) -> None:
        pass


class FileStore:
    """Bytes in a file, changed in place; a barrier is an fdatasync. Holds a lock so that one process has it.

    Raises:
        ImageInUse: another process holds the lock.
        OSError: the file is not there or not to be opened.
    """

    def __init__(self, path: Path, *, writable: bool = True) -> None:
        self._fd = os.open(path, os.O_RDWR if writable else os.O_RDONLY)
        try:
            fcntl.flock(self._fd, (fcntl.LOCK_EX if writable else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._fd)
            raise ImageInUse(error.errno, "another process has this image", str(path)) from error

    def read_all(self) -> bytes:
        size = os.fstat(self._fd).st_size
        return os.pread(self._fd, size, 0)

    def write(self, address: int, data: bytes) -> None:
        written = os.pwrite(self._fd, data, address)
        if written != len(data):
            raise OSError("the image file took only a part of a write")

    def barrier(self) -> None:
        os.fdatasync(self._fd)

    def close(self) -> None:
        os.close(self._fd)


def create_whole(path: Path, content: bytes, *, link: Callable[[Path, Path], None] = os.link) -> None:
    """Put a new image file in place: whole or not at all, and never over an old one.

    Raises:
        FileExistsError: there is a file of that name already.
        OSError: no room, no rights.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with open(draft, "xb") as file:
            os.fchmod(file.fileno(), 0o600)  # it holds keys
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
