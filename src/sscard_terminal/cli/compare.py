"""`sscard compare A B`: the first difference of two recordings in words; 0 where there is none, 1 where there is."""

from __future__ import annotations

from pathlib import Path

import click

from sscard_terminal.lab.traces import recording
from sscard_terminal.lab.traces.compare import Difference, Side, Where, first_difference
from sscard_terminal.lab.traces.entries import Entries

from .command import Run, service
from .console import Console
from .exits import Exit
from .trace_files import told_of
from .values import FilePath

WIDEST = 96
"""Digits a line; longer bytes go on in the next."""


@service("compare", uses_readers=False, has_trace=False)
@click.argument("first", metavar="A", type=FilePath())
@click.argument("second", metavar="B", type=FilePath())
@click.option("--headers-only", is_flag=True)
def compare(run: Run, first: Path, second: Path, headers_only: bool) -> int:
    """See messages, help.compare."""
    console = run.console
    with recording.opened(first) as one, recording.opened(second) as other:
        entries = _told(run, one, first), _told(run, other, second)
        found = first_difference(*entries, console.language, headers_only=headers_only)
    if found is None:
        console.say("compare.same", first=first, second=second)
        console.give({"same": True})
        return Exit.DONE
    _tell(console, found, (first, second))
    console.give(_facts(found))
    return Exit.REFUSED


def _told(run: Run, entries: Entries, file: Path) -> Entries:
    with told_of(run, file):
        yield from entries


def _tell(console: Console, found: Difference, files: tuple[Path, Path]) -> None:
    where = console.text(f"compare.where.{found.where}")
    console.say("compare.differ", number=found.number, where=where)
    if found.command.says:
        console.print(f"    > {found.command.octets}  {found.command.says}")
    sign = ">" if found.where in (Where.COMMAND, Where.KIND, Where.ENDED) else "<"
    for side, file in zip((found.first, found.second), files, strict=True):
        if side.line == 0:
            console.say("compare.nothing", file=file)
        else:
            console.say("compare.side", file=file, line=side.line, says=side.says)
    for at in range(0, max(len(found.first.octets), len(found.second.octets), 1), WIDEST):
        rows = [text[at : at + WIDEST] for text in (found.first.octets, found.second.octets, found.marks)]
        if not any(rows):
            break
        for name, row in zip(("A " + sign, "B " + sign, "   "), rows, strict=True):
            if row.strip():
                console.print(f"{name} {row}")


def _facts(found: Difference) -> dict[str, object]:
    def side(one: Side) -> dict[str, object]:
        return {"line": one.line, "bytes": one.octets, "says": one.says}

    return {
        "same": False,
        "number": found.number,
        "where": str(found.where),
        "command": found.command.octets,
        "first": side(found.first),
        "second": side(found.second),
        "marks": found.marks,
    }
