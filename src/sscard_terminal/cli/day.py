"""`sscard day open`, `close` and `show`; what a day is and when it may end is the terminal's (terminal/day.py)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from sscard_terminal.cardspec.money import yuan_of_fen
from sscard_terminal.reader.connection import LinkError
from sscard_terminal.terminal.configuration import Configuration
from sscard_terminal.terminal.day import Day, Watch, close_day, newest_day, open_day
from sscard_terminal.terminal.day_records import Sum
from sscard_terminal.terminal.psam import PsamFailure
from sscard_terminal.terminal.slips.contents import Slip
from sscard_terminal.terminal.slips.day_form import slip_of_day, together
from sscard_terminal.terminal.slips.targets import Target

from .command import LocalGroup, Run, service
from .console import Console
from .debit import opened_journal, opened_to_read
from .desk import now, psam_alone, warn_of_key_end
from .exits import Exit, Stop
from .outcomes import held
from .printing import chosen, hand_out, printer_options
from .settings import Settings, settings_of
from .signed_in import operator_for, sign_out, supervisor_for, supervisor_options
from .values import FilePath


@click.group("day", cls=LocalGroup)
def day() -> None:
    """See messages, help.day."""


def _day_service(name: str, *, uses_readers: bool = False) -> Callable[[Callable[..., int]], click.Command]:
    """A command that reads settings and journal, and no card; where it `uses_readers`, it may look at the PSAM."""

    def decorate(function: Callable[..., int]) -> click.Command:
        with_journal = click.option("--journal", metavar="FILE", type=FilePath())(function)
        return service(name, uses_readers=uses_readers, has_trace=False, has_settings=True)(with_journal)

    return decorate


def _slip_options(function: Callable[..., int]) -> Callable[..., int]:
    with_flag: Callable[..., int] = click.option("--slip", is_flag=True)(printer_options(function))
    return with_flag


@_day_service("open", uses_readers=True)
@click.option("--operator", metavar="NAME", default="")
@click.option("--clock-is-right", is_flag=True)
@supervisor_options
def open_(
    run: Run,
    journal: Path | None,
    operator: str,
    supervisor: str | None,
    supervisor_password_stdin: bool,
    clock_is_right: bool,
) -> int:
    """See messages, help.day open."""
    settings = settings_of(run)
    operator = operator_for(settings.configuration, operator)
    answering = ""
    if clock_is_right or supervisor or supervisor_password_stdin:
        answering = supervisor_for(run, settings.configuration, supervisor, supervisor_password_stdin)
    watch = Watch(settings.rules.longest_closure, clock_is_right, answering)
    with opened_journal(settings.configuration, journal) as book:
        opened = held(open_day(book, now, operator, watch))
    _look_at_psam(run, settings)
    tell_day(run.console, opened)
    return Exit.DONE


def _look_at_psam(run: Run, settings: Settings) -> None:
    """Only where it is known which reader holds it; the day opens without a PSAM too, and the first card tells of it."""
    reader = run.psam_reader or settings.configuration.psam_reader
    if reader is None:
        return
    with suppress(Stop, LinkError, PsamFailure, OSError):
        warn_of_key_end(run.console, settings, psam_alone(run, settings).valid_to)


@_day_service("close")
@_slip_options
@click.option("--despite", metavar="REASON", default="")
@click.option("--operator", metavar="NAME", default="")
@click.option("--clock-is-right", is_flag=True)
@supervisor_options
def close(
    run: Run,
    journal: Path | None,
    operator: str,
    despite: str,
    supervisor: str | None,
    supervisor_password_stdin: bool,
    clock_is_right: bool,
    **asked: Any,
) -> int:
    """See messages, help.day close."""
    settings = settings_of(run)
    configuration = settings.configuration
    operator = operator_for(configuration, operator)
    answering = ""
    if despite.strip() or clock_is_right or supervisor or supervisor_password_stdin:
        answering = supervisor_for(run, configuration, supervisor, supervisor_password_stdin)
    watch = Watch(settings.rules.longest_closure, clock_is_right, answering)
    with opened_journal(configuration, journal) as book:
        closed = held(close_day(book, now, operator, despite, answering, watch))
    if configuration.operators is not None:
        sign_out(run)
    tell_day(run.console, closed, _print(run, configuration, closed, book.training, **asked))
    return Exit.DONE


@_day_service("show")
@_slip_options
def show(run: Run, journal: Path | None, **asked: Any) -> int:
    """See messages, help.day show."""
    configuration = settings_of(run).configuration
    with opened_to_read(configuration, journal) as book:
        found = newest_day(book)
    is_closed = found is not None and found.closed is not None
    printed = _print(run, configuration, found, book.training, reprint=is_closed, **asked)
    tell_day(run.console, found, printed)
    return Exit.DONE


def _print(
    run: Run,
    configuration: Configuration,
    found: Day | None,
    training: bool,
    *,
    reprint: bool = False,
    slip: bool,
    printer: Target | None,
    width_mm: int | None,
) -> str | None:
    """The day's slip where it is asked for; the day stands as it is, whatever the printer does. What --json says of it.

    `reprint`: the day was closed before, and got its slip then.
    """
    if not slip or found is None:
        return None
    language, settings = run.console.language, chosen(configuration.slips, printer, width_mm)

    def made() -> Slip:
        return slip_of_day(found, configuration.place, language, reprint=reprint, training=training)

    return hand_out(run.console, made, settings, "day.not-printed")


def tell_day(console: Console, found: Day | None, slip: str | None = None) -> None:
    """A day with its totals, for people and for programs; `slip` says what became of it on paper."""
    if console.training:
        console.say("training.report")
    if found is None:
        console.say("day.none")
        console.give({"day": None})
        return
    console.say("day.opened", number=found.number, at=found.opened.at)
    for row in found.sums:
        _tell_row(console, row, console.text("day.operator", operator=row.operator or "-"))
    for row in together(found.sums):
        _tell_row(console, row, console.text("day.everybody"))
    if not found.sums:
        console.say("day.no-sales")
    if found.closed is not None:
        console.say("day.closed", at=found.closed.at)
        for row in together(found.settled):
            _tell_row(console, row, console.text("day.settled"))
        if found.closed.despite:
            answering = found.closed.supervisor or "-"
            console.say("day.despite", reason=found.closed.despite, supervisor=answering)
    console.give(_facts(found) | ({} if slip is None else {"slip": slip}))


def _tell_row(console: Console, row: Sum, whose: str) -> None:
    console.say(
        f"sum.{row.state}",
        whose=whose,
        kind=console.text(f"kind.{row.kind}"),
        count=row.count,
        account=yuan_of_fen(row.account),
        self_paid=yuan_of_fen(row.self_paid),
        pooled=yuan_of_fen(row.pooled),
    )


def _facts(found: Day) -> dict[str, Any]:
    return {
        "day": found.number,
        "opened_at": str(found.opened.at),
        "closed_at": found.closed and str(found.closed.at),
        "despite": found.closed and (found.closed.despite or None),
        "supervisor": found.closed and (found.closed.supervisor or None),
        "sums": [_facts_of(row) for row in found.sums],
        "settled_since_close": [_facts_of(row) for row in found.settled],
    }


def _facts_of(row: Sum) -> dict[str, Any]:
    return {
        "operator": row.operator,
        "kind": row.kind,
        "state": row.state,
        "count": row.count,
        "account_fen": row.account,
        "self_paid_fen": row.self_paid,
        "pooled_fen": row.pooled,
    }


for _command in (open_, close, show):
    day.add_command(_command)
