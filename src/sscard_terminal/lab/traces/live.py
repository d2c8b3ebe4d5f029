"""A recording while it is being made: a trace file that grows, and the PC/SC calls of any other program (libpcscspy).

Linux: the program is shown a folder in which libpcsclite.so.1 is a spying one (spy_library.py); whether it was linked
against it or loads it later makes no difference, and nothing is installed. What the library hears goes through a FIFO and
is never on a disk. A program that is set-user-id ignores such a folder.
Source: pcsc-spy(1), ld.so(8).
"""

from __future__ import annotations

import io
import os
import select
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from .spy_library import REAL, spy_library, stand_in

LOOK_S = 0.1
FIFO = "pcsc-spy"
"""In the home folder: compiled into the library."""


class SpyBusy(Exception):
    """Another trace is running in this home folder; `fifo` says where."""

    def __init__(self, fifo: Path) -> None:
        super().__init__(fifo)
        self.fifo = fifo


class _Growing(io.RawIOBase):
    """A file that others write to: at its end we wait."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed's WriteableBuffer has no length
        while not (some := self._stream.read1(len(buffer))):  # type: ignore[attr-defined]  # a BufferedReader has it
            time.sleep(LOOK_S)
        buffer[: len(some)] = some
        return len(some)


def growing(stream: BinaryIO) -> BinaryIO:
    """`stream` (a buffered file) without an end: reading waits for more."""
    return _Lines(_Growing(stream))


class _Lines(io.BufferedReader):
    """Hands out what is there instead of filling its buffer first."""

    def read(self, size: int | None = -1) -> bytes:
        return self.read1(-1 if size is None else size)


@contextmanager
def spied(
    command: Sequence[str], environment: Mapping[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], Iterator[str]]]:
    """Run `command` and hear its PC/SC calls: the process, and the library's lines (formats/spy.py) until it ends.

    Raises:
        NoSpy, SpyBusy: it cannot be heard; nothing was started.
        OSError: it cannot be started.
    """
    spy, real = spy_library()
    fifo = Path(environment.get("HOME") or "/") / FIFO
    with tempfile.TemporaryDirectory(prefix="sscard-spy-") as folder, _made(fifo) as descriptor:
        (Path(folder) / REAL).symlink_to(stand_in(spy))
        (Path(folder) / "libpcsclite_nospy.so.1").symlink_to(real)
        paths = [folder, *filter(None, [environment.get("LD_LIBRARY_PATH")])]
        process = subprocess.Popen(
            list(command), env={**environment, "LD_LIBRARY_PATH": os.pathsep.join(paths)}
        )
        try:
            yield process, _heard(descriptor, process)
        finally:
            for _ in _heard(descriptor, process):
                pass  # a FIFO nobody empties would hold the program up for ever


@contextmanager
def _made(fifo: Path) -> Iterator[int]:
    """The FIFO, open for reading; what a killed run left is taken over, what is in use or no FIFO is not touched."""
    if fifo.exists() or fifo.is_symlink():
        if not stat.S_ISFIFO(fifo.lstat().st_mode) or _is_read(fifo):
            raise SpyBusy(fifo)
    else:
        os.mkfifo(fifo, 0o600)
    descriptor = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
        fifo.unlink(missing_ok=True)


def _is_read(fifo: Path) -> bool:
    """Whether somebody listens at the FIFO already. Source: fifo(7): without a reader opening to write fails."""
    with suppress(OSError):
        os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
        return True
    return False


def _heard(descriptor: int, process: subprocess.Popen[bytes]) -> Iterator[str]:
    """Whole lines as they come, until the process has ended and all is read."""
    rest = b""
    while True:
        has_ended = process.poll() is not None
        some = b""
        if select.select([descriptor], [], [], 0 if has_ended else LOOK_S)[0]:
            with suppress(BlockingIOError):
                some = os.read(descriptor, 1 << 16)
        if some:
            *lines, rest = (rest + some).split(b"\n")
            yield from (line.decode("utf-8", "replace") for line in lines)
        elif has_ended:
            return
        else:
            time.sleep(LOOK_S / 10)
