"""The conversation with card and PSAM written down for --trace: where to, and the words beside the bytes.

Not here: the form of the text and what is masked (reader/tracing.py, reader/transcript.py).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from sscard_terminal.iso7816.status import Language
from sscard_terminal.reader.connection import Connection
from sscard_terminal.reader.tracing import Commentary, traced
from sscard_terminal.voice.apdus import Telling

from .exits import Exit, Stop

Sink = Callable[[str], None]
STANDARD_ERROR = "-"


class Trace:
    """Lines of several cards in one text; a note says whose they are when the speaker changes."""

    def __init__(self, write: Sink, language: Language) -> None:
        self._write = write
        self._language = language
        self._speaker = ""

    def around(self, connection: Connection, speaker: str) -> Connection:
        """`connection`, with every exchange written down under the name `speaker`."""

        def sink(line: str) -> None:
            if self._speaker != speaker and not line.startswith("<"):
                self._speaker = speaker
                self._write(f"# [{speaker}]")
            self._write(line)

        telling = Telling(self._language)
        words = Commentary(
            lambda command: telling.command(command.build()).says,
            card=speaker,
            describe_answer=lambda answer: telling.answer(answer.build()).says,
        )
        return traced(connection, sink, words)


class NoTrace:
    """Stands where nothing is to be written down."""

    def around(self, connection: Connection, speaker: str) -> Connection:
        return connection


@contextmanager
def tracing_to(file: str | None, language: Language) -> Iterator[Trace | NoTrace]:
    """The trace for `--trace FILE`; "-" is standard error, None writes nothing.

    Raises:
        Stop: the file holds something that is no trace; it was left as it is.
        OSError: it cannot be written.
    """
    if file is None:
        yield NoTrace()
    else:
        with sink_to(file) as sink:
            yield Trace(sink, language)


@contextmanager
def sink_to(file: str) -> Iterator[Sink]:
    """Where the lines of `--trace FILE` go; otherwise as `tracing_to`."""
    if file == STANDARD_ERROR:
        yield _to(sys.stderr)
    else:
        with _opened(Path(file)) as stream:
            yield _to(stream)


def _to(stream: TextIO) -> Sink:
    def write(line: str) -> None:
        stream.write(line + "\n")
        stream.flush()

    return write


def _opened(file: Path) -> TextIO:
    """Over an old trace, never over anything else; for its owner only, since the card's data stand in it."""
    if file.exists() and file.stat().st_size and not file.read_bytes()[:1] == b"#":
        raise Stop(Exit.USAGE, "trace.not-a-trace", file=file)
    return open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8")
