"""`sscard journal backup`: the whole journal in a new file; `disclosures`: who was shown what in full.

Not here: the journal itself (terminal/journal.py).
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from .command import LocalGroup, Run, service
from .debit import opened_journal
from .exits import Exit
from .settings import configuration_of
from .values import FilePath


@click.group("journal", cls=LocalGroup)
def journal() -> None:
    """See messages, help.journal."""


@service("backup", uses_readers=False, has_trace=False, has_settings=True)
@click.argument("target", metavar="FILE", type=FilePath())
@click.option("--journal", "source", metavar="FILE", type=FilePath())
def backup(run: Run, target: Path, source: Path | None) -> int:
    """See messages, help.journal backup."""
    with opened_journal(configuration_of(run), source) as book:
        book.copy_to(target)
        newest = book.last_entry()
    voucher = None if newest is None else newest.sale.voucher
    run.console.say("backup.done", file=target, voucher=voucher or "-")
    run.console.give({"file": str(target), "voucher": voucher})
    return Exit.DONE


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


journal.add_command(backup)
journal.add_command(disclosures)
