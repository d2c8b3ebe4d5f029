"""`sscard trace show | export | import | dissector`: recordings of any format in words, and into other formats.

Not here: the formats and the words (lab/traces), and what `--trace` of other commands writes (trace.py).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click

from sscard_terminal.lab.traces import recording
from sscard_terminal.lab.traces.dissector import lua
from sscard_terminal.lab.traces.entries import Exchange, TraceError
from sscard_terminal.lab.traces.live import growing
from sscard_terminal.lab.traces.recording import Format
from sscard_terminal.lab.traces.words import Told, told

from .command import Run, service
from .details import detail_in
from .exits import Exit, Stop
from .values import FilePath

STANDARD = "-"
FORMATS = [str(name) for name in Format]
WRITTEN = [str(name) for name in (Format.TRANSCRIPT, Format.PCAPNG, Format.JSON_LINES)]


def reading_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """--from and --reveal."""
    function = click.option("--reveal", is_flag=True)(function)
    return click.option("--from", "of", metavar="FORMAT", type=click.Choice(FORMATS))(function)


@service("show", uses_readers=False, has_trace=False)
@click.argument("file", metavar="FILE", type=FilePath())
@reading_options
@click.option("--follow", is_flag=True)
def show(run: Run, file: Path, of: str | None, reveal: bool, follow: bool) -> int:
    """See messages, help.trace show."""
    written_as = Format.JSON_LINES if run.console.as_json else Format.TRANSCRIPT
    with told_of(run, file), _opened(file) as stream:
        source: BinaryIO = growing(stream) if follow else stream
        found = told(recording.entries(source, _format(of)), run.console.language, reveals=reveal)
        pour(recording.written(found, written_as), sys.stdout.buffer, at_once=follow)
    return Exit.DONE


@service("export", uses_readers=False, has_trace=False)
@click.argument("file", metavar="FILE", type=FilePath())
@click.argument("out", metavar="OUT", type=FilePath())
@reading_options
@click.option("--to", metavar="FORMAT", type=click.Choice(WRITTEN))
@click.option("--force", is_flag=True)
def export(run: Run, file: Path, out: Path, of: str | None, reveal: bool, to: str | None, force: bool) -> int:
    """See messages, help.trace export."""
    return _copied(run, file, out, _format(of), _format(to), reveal, force)


@service("import", uses_readers=False, has_trace=False)
@click.argument("file", metavar="FILE", type=FilePath())
@click.argument("out", metavar="OUT", type=FilePath())
@reading_options
@click.option("--force", is_flag=True)
def import_(run: Run, file: Path, out: Path, of: str | None, reveal: bool, force: bool) -> int:
    """See messages, help.trace import."""
    return _copied(run, file, out, _format(of), Format.TRANSCRIPT, reveal, force)


@service("dissector", uses_readers=False, has_trace=False)
@click.argument("out", metavar="[OUT]", type=FilePath(), required=False)
@click.option("--force", is_flag=True)
def dissector(run: Run, out: Path | None, force: bool) -> int:
    """See messages, help.trace dissector."""
    text = lua(run.console.language)
    if out is None:
        pour([text.encode("utf-8")], sys.stdout.buffer)
        return Exit.DONE
    with _written(out, force, 0o644) as stream:
        stream.write(text.encode("utf-8"))
    run.console.say("trace.dissector-written", file=out)
    run.console.give({"file": str(out)})
    return Exit.DONE


def _copied(
    run: Run, file: Path, out: Path, of: Format | None, to: Format | None, reveal: bool, force: bool
) -> int:
    to = to or recording.format_to_write(out)
    if to is None:
        raise Stop(Exit.USAGE, "trace.which-format", file=out, known=", ".join(WRITTEN))
    count = _Count()
    with told_of(run, file), _opened(file) as stream:
        found = count.over(told(recording.entries(stream, of), run.console.language, reveals=reveal))
        pieces = recording.written(found, to)
        if str(out) == STANDARD:
            pour(pieces, sys.stdout.buffer)
            return Exit.DONE
        with _written(out, force, 0o600) as target:
            target.writelines(pieces)
    run.console.say("trace.written", file=out, count=count.exchanges)
    run.console.give({"file": str(out), "exchanges": count.exchanges})
    return Exit.DONE


class _Count:
    """Counts the exchanges that pass."""

    def __init__(self) -> None:
        self.exchanges = 0

    def over(self, found: Iterable[Told]) -> Iterator[Told]:
        for one in found:
            self.exchanges += isinstance(one.entry, Exchange)
            yield one


@contextmanager
def told_of(run: Run, file: Path) -> Iterator[None]:
    """What is wrong in a recording, with its file, line and column."""
    try:
        yield
    except TraceError as error:
        facts = {"column": error.column} if error.column else {}
        key = "trace.wrong-at" if error.column else "trace.wrong"
        detail = detail_in(run.console.language, error.problem)
        raise Stop(Exit.USAGE, key, file=file, line=error.line, detail=detail, **facts) from error


def pour(pieces: Iterable[bytes], stream: BinaryIO, *, at_once: bool = False) -> None:
    """Write all of it; a reader that has seen enough (`| head`) is no error. `at_once`: nothing waits in a buffer."""
    try:
        for piece in pieces:
            stream.write(piece)
            if at_once:
                stream.flush()
        stream.flush()
    except BrokenPipeError:
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), stream.fileno()
        )  # else Python would complain while closing it
    except KeyboardInterrupt:
        if not at_once:
            raise


def _format(name: str | None) -> Format | None:
    return None if name is None else Format(name)


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    if str(file) == STANDARD:
        yield sys.stdin.buffer
    else:
        with file.open("rb") as stream:
            yield stream


@contextmanager
def _written(out: Path, force: bool, mode: int) -> Iterator[BinaryIO]:
    """A file that stands there whole or not at all; what was there is left as it is unless `force`."""
    if out.exists() and not force:
        raise FileExistsError(17, os.strerror(17), str(out))
    part = out.with_name(out.name + ".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with open(descriptor, "wb") as stream:
            yield stream
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
