"""Opens recordings of any format: which one it is, by its name or its beginning; and writes them.

Not here: the formats themselves (formats/).
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from .entries import Entries, TraceError
from .formats import jsonl, opensc, pcapng, pcscd, scriptor, spy, transcript
from .words import Told

SNIFFED = 1 << 16
"""Bytes looked at to tell the format."""


class Format(StrEnum):
    """What a recording is written in."""

    TRANSCRIPT = "transcript"
    PCAPNG = "pcapng"
    JSON_LINES = "jsonl"
    OPENSC = "opensc"
    OPENSC_TOOL = "opensc-tool"
    PCSC_SPY = "pcsc-spy"
    PCSC_SPY_RAW = "pcsc-spy-raw"
    PCSCD = "pcscd"
    SCRIPTOR = "scriptor"


_READERS: dict[Format, Callable[[Iterable[str]], Entries]] = {
    Format.TRANSCRIPT: transcript.read,
    Format.JSON_LINES: jsonl.read,
    Format.OPENSC: opensc.read,
    Format.OPENSC_TOOL: opensc.read_sent,
    Format.PCSC_SPY: spy.read,
    Format.PCSC_SPY_RAW: spy.read_raw,
    Format.PCSCD: pcscd.read,
    Format.SCRIPTOR: scriptor.read,
}
_BY_SUFFIX = {
    ".pcapng": Format.PCAPNG,
    ".jsonl": Format.JSON_LINES,
    ".ndjson": Format.JSON_LINES,
    ".apdu": Format.TRANSCRIPT,
    ".txt": Format.TRANSCRIPT,
    ".trace": Format.TRANSCRIPT,
}
_SIGNS: tuple[tuple[Format, re.Pattern[str]], ...] = (
    (Format.PCSC_SPY_RAW, re.compile(r"^[0-9A-Fa-f]+@[><]\|\d+\|\d+\|SCard", re.MULTILINE)),
    (
        Format.OPENSC,
        re.compile(r"^Outgoing APDU (?:data )?[(\[] *\d+ bytes?|\[[\w.-]+\] \S+\.c:\d+:\w+: ", re.MULTILINE),
    ),
    (Format.OPENSC_TOOL, re.compile(r"^Sending: [0-9A-F]{2} ", re.MULTILINE)),
    (
        Format.PCSC_SPY,
        re.compile(r"^(?:\x1b\[[0-9;]*m)?(?: \(t\d+\) )?(?:\x1b\[[0-9;]*m)?SCard\w+", re.MULTILINE),
    ),
    (Format.PCSCD, re.compile(r"^(?:\x1b\[[0-9;]*m)*\d{8} .*(?:APDU|SW): [0-9A-F]{2} ", re.MULTILINE)),
    (
        Format.SCRIPTOR,
        re.compile(
            r"^Using T=[01] protocol|^< OK: [0-9A-F]{2} |^(?:< )?(?:[0-9A-F]{2} ){2,}: \w", re.MULTILINE
        ),
    ),
    (Format.JSON_LINES, re.compile(r"\A\s*\{")),
    (Format.TRANSCRIPT, re.compile(r"^\s*[#>]", re.MULTILINE)),
)
"""The first that is found in the beginning of a text tells its format."""


def format_of(beginning: bytes) -> Format | None:
    """The format of what begins so; None where nothing tells it."""
    if beginning.startswith(pcapng.MAGIC):
        return Format.PCAPNG
    text = beginning.decode("utf-8", "replace")
    return next((found for found, sign in _SIGNS if sign.search(text)), None)


def format_to_write(file: Path) -> Format | None:
    """The format a file of this name is written in; None where its name does not tell."""
    return _BY_SUFFIX.get(file.suffix.lower())


@contextmanager
def opened(file: Path, of: Format | None = None) -> Iterator[Entries]:
    """The entries of a file, as they are asked for.

    Raises:
        TraceError: nothing tells its format; from the entries: it does not fit.
        OSError: it cannot be read.
    """
    with file.open("rb") as stream:
        yield entries(stream, of)


def entries(stream: BinaryIO, of: Format | None = None) -> Entries:
    """The entries of an open stream that may be no file (a pipe): what was looked at is not lost."""
    beginning = b""
    if of is None:
        beginning = stream.read(SNIFFED)
        of = format_of(beginning)
        if of is None:
            raise TraceError(1, "nothing tells the format; name it")
    whole: BinaryIO = io.BufferedReader(_Joined(beginning, stream)) if beginning else stream
    if of is Format.PCAPNG:
        return pcapng.read(whole)
    return _READERS[of](_lines(whole))


def written(found: Iterable[Told], of: Format) -> Iterator[bytes]:
    """The bytes of a recording in a format, piece by piece.

    Raises:
        ValueError: that format is only read.
    """
    match of:
        case Format.PCAPNG:
            yield from pcapng.write(found)
        case Format.JSON_LINES:
            yield from (line.encode("utf-8") for line in jsonl.write(found))
        case Format.TRANSCRIPT:
            yield from (line.encode("utf-8") for line in transcript.write(found))
        case _:
            raise ValueError(f"{of} is read, not written")


def _lines(stream: BinaryIO) -> Iterator[str]:
    for line in stream:
        yield line.decode("utf-8", "replace")


class _Joined(io.RawIOBase):
    """What was read already, and then the rest."""

    def __init__(self, beginning: bytes, stream: BinaryIO) -> None:
        self._beginning = beginning
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed's WriteableBuffer has no length
        if self._beginning:
            some, self._beginning = self._beginning[: len(buffer)], self._beginning[len(buffer) :]
        else:
            some = self._stream.read(len(buffer))
        buffer[: len(some)] = some
        return len(some)
