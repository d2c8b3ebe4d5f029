"""`sscard journal backup`: the whole journal in a new file, or one more in a folder; `disclosures`: who was shown what in full.

Not here: the journal itself (terminal/journal.py).
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from sscard_terminal.terminal.journal_backup import back_up

from .command import BadValue, LocalGroup, Run, service
from .debit import opened_to_read
from .desk import now
from .exits import Exit
from .journal_care import aside, check, moved, restored
from .settings import configuration_of
from .values import FilePath


@click.group("journal", cls=LocalGroup)
def journal() -> None:
    """See messages, help.journal."""


@service("backup", uses_readers=False, has_trace=False, has_settings=True)
@click.argument("target", metavar="FILE", type=FilePath())
@click.option("--keep", metavar="COUNT", type=click.IntRange(min=1))
@click.option("--journal", "source", metavar="FILE", type=FilePath())
def backup(run: Run, target: Path, keep: int | None, source: Path | None) -> int:
    """See messages, help.journal backup."""
    is_folder = target.is_dir()
    if keep is not None and not is_folder:
        raise BadValue("usage.keep", file=target)
    file, dropped = target, tuple[Path, ...]()
    with opened_to_read(configuration_of(run), source) as book:
        if is_folder:
            made = back_up(book, target, keep, now())
            file, dropped = made.file, made.dropped
        else:
            book.copy_to(file)
        newest = book.last_entry()
    voucher = None if newest is None else newest.sale.voucher
    run.console.say("backup.done", file=file, voucher=voucher or "-")
    if dropped:
        run.console.say("backup.dropped", count=len(dropped), keep=keep)
    run.console.give({"file": str(file), "voucher": voucher, "dropped": [str(old) for old in dropped]})
    return Exit.DONE


@service("disclosures", uses_readers=False, has_trace=False, has_settings=True)
@click.option("--journal", "source", metavar="FILE", type=FilePath())
def disclosures(run: Run, source: Path | None) -> int:
    """See messages, help.journal disclosures."""
    with opened_to_read(configuration_of(run), source) as book:
        rows = book.disclosures()
    for row in rows:
        facts = {"at": row.at, "operator": row.operator, "supervisor": row.supervisor}
        run.console.say("disclosures.row", identification=row.identification, **facts)
    if not rows:
        run.console.say("disclosures.none")
    run.console.give({"disclosures": [{**asdict(row), "at": str(row.at)} for row in rows]})
    return Exit.DONE


for _command in (backup, check, aside, restored, moved, disclosures):
    journal.add_command(_command)
