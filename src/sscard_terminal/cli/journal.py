"""`sscard journal backup`: the whole journal in a new file, or one more in a folder; `disclosures`: who was shown what in full.

Not here: the journal itself (terminal/journal.py).
"""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

import click

from .command import BadValue, LocalGroup, Run, service
from .debit import opened_journal
from .desk import now
from .exits import Exit
from .journal_care import aside, check, moved, restored
from .settings import configuration_of
from .values import FilePath

STAMPED = re.compile(r"journal-\d{8}T\d{6}\.db")
"""What a back-up into a folder is called, and so what --keep may delete there."""


@click.group("journal", cls=LocalGroup)
def journal() -> None:
    """See messages, help.journal."""


@service("backup", uses_readers=False, has_trace=False, has_settings=True)
@click.argument("target", metavar="FILE", type=FilePath())
@click.option("--keep", metavar="COUNT", type=click.IntRange(min=1))
@click.option("--journal", "source", metavar="FILE", type=FilePath())
def backup(run: Run, target: Path, keep: int | None, source: Path | None) -> int:
    """See messages, help.journal backup."""
    folder = target if target.is_dir() else None
    if keep is not None and folder is None:
        raise BadValue("usage.keep", file=target)
    file = target if folder is None else folder / f"journal-{now():%Y%m%dT%H%M%S}.db"
    with opened_journal(configuration_of(run), source) as book:
        book.copy_to(file)
        newest = book.last_entry()
    dropped = [] if folder is None or keep is None else _drop_oldest(folder, keep)
    voucher = None if newest is None else newest.sale.voucher
    run.console.say("backup.done", file=file, voucher=voucher or "-")
    if dropped:
        run.console.say("backup.dropped", count=len(dropped), keep=keep)
    run.console.give({"file": str(file), "voucher": voucher, "dropped": [str(old) for old in dropped]})
    return Exit.DONE


def _drop_oldest(folder: Path, keep: int) -> list[Path]:
    """Only what this command has named itself; the name is the time."""
    stamped = sorted(file for file in folder.iterdir() if STAMPED.fullmatch(file.name))
    old = stamped[:-keep]
    for file in old:
        file.unlink()
    return old


@service("disclosures", uses_readers=False, has_trace=False, has_settings=True)
@click.option("--journal", "source", metavar="FILE", type=FilePath())
def disclosures(run: Run, source: Path | None) -> int:
    """See messages, help.journal disclosures."""
    with opened_journal(configuration_of(run), source) as book:
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
