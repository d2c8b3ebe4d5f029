"""`sscard trace live -- COMMAND…`: what any other program says to its card, in words, while it says it.

Not here: how it is heard (lab/traces/live.py).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from sscard_terminal.lab.traces import recording
from sscard_terminal.lab.traces.formats import spy
from sscard_terminal.lab.traces.live import SpyBusy, spied
from sscard_terminal.lab.traces.recording import Format
from sscard_terminal.lab.traces.spy_library import NoSpy
from sscard_terminal.lab.traces.words import told

from .command import Run, service
from .exits import Exit, Stop
from .trace_files import WRITTEN, pour, told_of
from .values import FilePath


@service("live", uses_readers=False, has_trace=False)
@click.argument("command", metavar="-- COMMAND…", nargs=-1, required=True)
@click.option("--out", metavar="FILE", type=FilePath())
@click.option("--to", metavar="FORMAT", type=click.Choice(WRITTEN))
@click.option("--reveal", is_flag=True)
def live(run: Run, command: tuple[str, ...], out: Path | None, to: str | None, reveal: bool) -> int:
    """See messages, help.trace live."""
    chosen = Format(to) if to else (recording.format_to_write(out) if out else None)
    written_as = chosen or (Format.JSON_LINES if run.console.as_json else Format.TRANSCRIPT)
    try:
        with (
            _target(out) as target,
            told_of(run, Path(command[0])),
            spied(command, os.environ) as (program, lines),
        ):
            found = told(spy.read_raw(lines), run.console.language, reveals=reveal)
            pour(recording.written(found, written_as), target, at_once=True)
            return _code_of(program.wait())
    except NoSpy as error:
        raise Stop(Exit.TROUBLE, "trace.no-spy") from error
    except SpyBusy as error:
        raise Stop(Exit.REFUSED, "trace.spy-busy", file=error.fifo) from error
    except (FileNotFoundError, PermissionError) as error:
        if error.filename != command[0]:
            raise
        raise Stop(Exit.USAGE, "trace.no-command", command=command[0]) from error


def _code_of(returned: int) -> int:
    """The program's own exit code; for one that a signal ended what a shell says."""
    return returned if returned >= 0 else 128 - returned


@contextmanager
def _target(out: Path | None) -> Iterator[BinaryIO]:
    """Standard error where no file is named: standard output is the program's."""
    if out is None:
        yield sys.stderr.buffer
    else:
        with open(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            yield stream
