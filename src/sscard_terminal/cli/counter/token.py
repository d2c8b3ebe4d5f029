"""`sscard counter token add | list | remove`: which programs may ask the counter, and for what.

Only a supervisor's password changes it, where operators are configured. Not here: the programs (terminal/programs.py) and
what they ask (counter/).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click

from sscard_terminal.terminal.configuration import Configuration
from sscard_terminal.terminal.programs import (
    ProgramsTrouble,
    Scope,
    add_program,
    is_name,
    new_program,
    read_programs,
    remove_program,
)

from ..command import BadValue, LocalGroup, Run, service
from ..desk import now
from ..exits import Exit, Stop
from ..settings import configuration_of
from ..signed_in import supervisor_for, supervisor_options
from ..state import made_state_folder, state_folder


@click.group("token", cls=LocalGroup)
def token() -> None:
    """See messages, help.counter token."""


def _token_service(name: str) -> Callable[[Callable[..., int]], click.Command]:
    """A command that reads settings, and no card."""
    return service(name, uses_readers=False, has_trace=False, has_settings=True)


_name = click.argument("program", metavar="NAME")


@_token_service("add")
@_name
@click.option(
    "--scope",
    "scopes",
    metavar="|".join(Scope),
    type=click.Choice([*map(str, Scope)]),
    multiple=True,
    required=True,
)
@click.option("--until", metavar="DATE", type=click.DateTime(["%Y-%m-%d"]))
@supervisor_options
def add(
    run: Run,
    program: str,
    scopes: tuple[str, ...],
    until: datetime | None,
    supervisor: str | None,
    supervisor_password_stdin: bool,
) -> int:
    """See messages, help.counter token add."""
    if not is_name(program):
        raise BadValue("usage.program-name")
    configuration = configuration_of(run)
    by = supervisor_for(run, configuration, supervisor, supervisor_password_stdin, always_ask=True)
    file = programs_file(configuration)
    if file.parent == state_folder():
        made_state_folder()
    last = None if until is None else until.date()
    if last is not None and last < now().date():
        raise BadValue("usage.token-until", value=last)
    new, secret = new_program(program, frozenset(map(Scope, scopes)), by, now(), secrets.token_bytes, last)
    with _told_of_file():
        if not add_program(file, new):
            raise Stop(Exit.REFUSED, "programs.name-taken", program=program)
    names = ", ".join(run.console.text(f"scope.{scope}") for scope in sorted(new.scopes))
    run.console.say("programs.added", program=program, scopes=names, token=secret)
    if last is not None:
        run.console.say("programs.until", until=last)
    run.console.give(
        {"program": program, "scopes": sorted(new.scopes), "token": secret, "until": last and str(last)}
    )
    return Exit.DONE


@_token_service("list")
def list_(run: Run) -> int:
    """See messages, help.counter token list."""
    with _told_of_file():
        known = read_programs(programs_file(configuration_of(run)))
    for one in known:
        names = ", ".join(run.console.text(f"scope.{scope}") for scope in sorted(one.scopes))
        run.console.say(
            "programs.row",
            program=one.name,
            scopes=names,
            since=f"{one.since:%Y-%m-%d %H:%M}",
            by=one.by or "-",
        )
        if one.until is not None:
            run.console.say("programs.until", until=one.until)
    if not known.all:
        run.console.say("programs.none")
    run.console.give(
        {
            "programs": [
                {
                    "program": one.name,
                    "scopes": sorted(one.scopes),
                    "since": str(one.since),
                    "by": one.by,
                    "until": one.until and str(one.until),
                }
                for one in known
            ]
        }
    )
    return Exit.DONE


@_token_service("remove")
@_name
@supervisor_options
def remove(run: Run, program: str, supervisor: str | None, supervisor_password_stdin: bool) -> int:
    """See messages, help.counter token remove."""
    configuration = configuration_of(run)
    supervisor_for(run, configuration, supervisor, supervisor_password_stdin, always_ask=True)
    with _told_of_file():
        if not remove_program(programs_file(configuration), program):
            raise Stop(Exit.REFUSED, "programs.no-such-program", program=program)
    run.console.say("programs.removed", program=program)
    run.console.give({"removed": program})
    return Exit.DONE


def programs_file(configuration: Configuration) -> Path:
    """The configured file, else programs.json in the user's state folder."""
    return configuration.programs or state_folder() / "programs.json"


@contextmanager
def _told_of_file() -> Iterator[None]:
    """A file of programs that cannot be trusted ends the command with its sentence."""
    try:
        yield
    except ProgramsTrouble as trouble:
        raise Stop(Exit.USAGE, f"programs.file.{trouble.fault}", file=trouble.path) from trouble


for _command in (add, list_, remove):
    token.add_command(_command)
