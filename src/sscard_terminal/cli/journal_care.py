"""`sscard journal check | set-aside | restore | move`: what a person does to the journal as a whole.

Not here: what these do (terminal/journal_check.py, journal_care.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sscard_terminal.reader.connection import LinkError
from sscard_terminal.terminal.journal_care import Responsibility, Restored, move, restore, set_aside
from sscard_terminal.terminal.journal_check import Examination, examine
from sscard_terminal.terminal.psam import PsamFailure
from sscard_terminal.terminal.psam_care import PsamState

from .command import Run, service
from .console import Console
from .debit import opened_journal, opened_to_read
from .desk import now, psam_alone
from .exits import Exit, Stop
from .outcomes import held
from .settings import Settings, configuration_of, settings_of
from .signed_in import operator_for, supervisor_for, supervisor_options
from .state import made_state_folder, state_folder
from .training import journal_path
from .values import FilePath


@service("check", uses_readers=False, has_trace=False, has_settings=True)
@click.option("--journal", "source", metavar="FILE", type=FilePath())
def check(run: Run, source: Path | None) -> int:
    """See messages, help.journal check."""
    configuration = configuration_of(run)
    file = journal_path(configuration, source)
    if not file.exists():
        raise FileNotFoundError(2, "", str(file))
    with opened_to_read(configuration, source) as book:
        found = examine(book)
    console = run.console
    _tell_counts(console, found)
    for item in found.flaws:
        console.say(f"check.{item.flaw}", count=item.count, voucher=item.voucher or "-")
    console.say("check.sound" if found.is_sound else "check.flawed", file=file)
    flaws = [{"flaw": str(item.flaw), "count": item.count, "voucher": item.voucher} for item in found.flaws]
    console.give({"file": str(file), "sound": found.is_sound, **_counts(found), "flaws": flaws})
    return Exit.DONE if found.is_sound else Exit.REFUSED


def _counts(found: Examination) -> dict[str, Any]:
    moment = found.newest_moment
    return {
        "sales": found.sales,
        "open_sales": found.open_sales,
        "events": found.events,
        "newest_voucher": found.newest_voucher,
        "newest_entry_at": None if moment is None else str(moment),
    }


def _tell_counts(console: Console, found: Examination) -> None:
    told = {name: "-" if value is None else value for name, value in _counts(found).items()}
    console.say("check.counts", **told)


@service("set-aside", uses_readers=False, has_trace=False, has_settings=True)
@click.option("--journal", "source", metavar="FILE", type=FilePath())
def aside(run: Run, source: Path | None) -> int:
    """See messages, help.journal set-aside."""
    configuration = configuration_of(run)
    file = journal_path(configuration, source)
    done = set_aside(file, now(), training=configuration.training)
    run.console.say(f"aside.{done.why}", file=file, aside=done.file)
    run.console.give({"journal": str(file), "aside": str(done.file), "why": done.why})
    return Exit.DONE


@service("restore", has_trace=False)
@click.argument("source", metavar="BACKUP", type=FilePath())
@click.option("--damaged", is_flag=True)
@click.option("--despite", metavar="REASON", default="")
@click.option("--operator", metavar="NAME", default="")
@click.option("--journal", "target", metavar="FILE", type=FilePath())
@supervisor_options
def restored(
    run: Run,
    source: Path,
    damaged: bool,
    despite: str,
    operator: str,
    target: Path | None,
    supervisor: str | None,
    supervisor_password_stdin: bool,
) -> int:
    """See messages, help.journal restore."""
    settings = settings_of(run)
    configuration = settings.configuration
    answering = ""
    if despite.strip() or supervisor or supervisor_password_stdin:
        answering = supervisor_for(run, configuration, supervisor, supervisor_password_stdin)
    who = Responsibility(operator_for(configuration, operator), answering, despite)
    file = journal_path(configuration, target)
    if file.parent == state_folder():
        made_state_folder()
    psam = _psam_or_none(run, settings)
    done = held(restore(source, file, psam, now(), who, damaged=damaged, training=configuration.training))
    _tell_restored(run.console, file, done)
    return Exit.DONE


def _psam_or_none(run: Run, settings: Settings) -> PsamState | None:
    """None where none can be asked; that is then told and needs a reason."""
    try:
        return psam_alone(run, settings)
    except (Stop, LinkError, PsamFailure):
        return None


def _tell_restored(console: Console, file: Path, done: Restored) -> None:
    console.say("restore.done", file=file, voucher=done.found.newest_voucher or "-")
    _tell_counts(console, done.found)
    saved = done.salvaged
    if saved is not None:
        console.say("restore.salvaged", sales=saved.sales, events=saved.events, left_out=saved.left_out)
    if done.missing is None:
        console.warn("restore.psam-not-asked")
    elif done.missing:
        console.warn("restore.missing", count=done.missing)
    left_out = None if saved is None else saved.left_out
    console.give({"journal": str(file), **_counts(done.found), "missing": done.missing, "left_out": left_out})


@service("move", uses_readers=False, has_trace=False, has_settings=True)
@click.argument("target", metavar="FILE", type=FilePath())
@click.option("--operator", metavar="NAME", default="")
@click.option("--journal", "source", metavar="FILE", type=FilePath())
def moved(run: Run, target: Path, operator: str, source: Path | None) -> int:
    """See messages, help.journal move."""
    configuration = configuration_of(run)
    who = Responsibility(operator_for(configuration, operator))
    file = journal_path(configuration, source)
    if not file.exists():
        raise FileNotFoundError(2, "", str(file))
    with opened_journal(configuration, source) as book:
        newest = book.last_entry()
        move(book, target, now(), who)
    voucher = None if newest is None else newest.sale.voucher
    run.console.say("move.done", journal=file, file=target, voucher=voucher or "-")
    run.console.give({"journal": str(file), "file": str(target), "voucher": voucher})
    return Exit.DONE
