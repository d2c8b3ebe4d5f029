"""`sscard operator add | remove | password | list`: who may sign in. Only a supervisor's password changes it.

Not here: signing in (sign_in.py), and the rules (terminal/operators.py, terminal/operators_file.py).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

import click

from sscard_terminal.terminal.configuration import Configuration
from sscard_terminal.terminal.operators import (
    NotAllowed,
    Operators,
    Refusal,
    Right,
    is_name,
    new_operator,
)
from sscard_terminal.terminal.operators_file import (
    add_operator,
    read_operators,
    remove_operator,
    set_password,
)

from .command import BadValue, LocalGroup, Run, service
from .exits import Exit
from .passwords import asked_new_password, password_option
from .settings import configuration_of
from .signed_in import (
    OperatorNumber,
    by_password,
    let_through,
    none_configured,
    refused,
    supervisor_for,
    supervisor_options,
    told_of_file,
)


@click.group("operator", cls=LocalGroup)
def operator() -> None:
    """See messages, help.operator."""


def _operator_service(name: str) -> Callable[[Callable[..., int]], click.Command]:
    """A command that reads settings, and no card."""
    return service(name, uses_readers=False, has_trace=False, has_settings=True)


_number = click.argument("number", metavar="NUMBER", type=OperatorNumber())


@_operator_service("add")
@_number
@click.option("--name", metavar="NAME", required=True)
@click.option("--right", metavar="|".join(Right), type=click.Choice([*map(str, Right)]), default="clerk")
@password_option
@supervisor_options
def add(
    run: Run,
    number: str,
    name: str,
    right: str,
    password_stdin: bool,
    supervisor: str | None,
    supervisor_password_stdin: bool,
) -> int:
    """See messages, help.operator add."""
    name = " ".join(name.split())
    if not is_name(name):
        raise BadValue("usage.operator-name")
    configuration, file = _configured(run)
    with told_of_file():
        is_first = not read_operators(file)
    if is_first and (supervisor or supervisor_password_stdin):
        raise refused(NotAllowed(Refusal.NO_OPERATORS))
    if not is_first:
        supervisor_for(run, configuration, supervisor, supervisor_password_stdin, always_ask=True)
    password = asked_new_password(run.console, password_stdin, number)
    with told_of_file():
        new = new_operator(number, name, Right(right), password, secrets.token_bytes)
        let_through(add_operator(file, let_through(new), first=is_first))
    run.console.say("operator.added", number=number, name=name, right=run.console.text(f"right.{right}"))
    run.console.give({"operator": number, "name": name, "right": str(right)})
    return Exit.DONE


@_operator_service("remove")
@_number
@supervisor_options
def remove(run: Run, number: str, supervisor: str | None, supervisor_password_stdin: bool) -> int:
    """See messages, help.operator remove."""
    configuration, file = _configured(run)
    supervisor_for(run, configuration, supervisor, supervisor_password_stdin, always_ask=True)
    with told_of_file():
        let_through(remove_operator(file, number))
    run.console.say("operator.removed", number=number)
    run.console.give({"removed": number})
    return Exit.DONE


@_operator_service("password")
@_number
@password_option
@supervisor_options
def password(
    run: Run, number: str, password_stdin: bool, supervisor: str | None, supervisor_password_stdin: bool
) -> int:
    """See messages, help.operator password."""
    configuration, file = _configured(run)
    if supervisor is None and supervisor_password_stdin:
        raise BadValue("usage.supervisor")
    if supervisor is None:
        by_password(run, file, number, password_stdin)
    else:
        supervisor_for(run, configuration, supervisor, supervisor_password_stdin, always_ask=True)
    new = asked_new_password(run.console, password_stdin, number)
    with told_of_file():
        let_through(set_password(file, number, new, secrets.token_bytes))
    run.console.say("operator.password-changed", number=number)
    run.console.give({"operator": number, "changed": True})
    return Exit.DONE


@_operator_service("list")
def list_(run: Run) -> int:
    """See messages, help.operator list."""
    _, file = _configured(run)
    with told_of_file():
        everyone = read_operators(file)
    for one in everyone:
        right = run.console.text(f"right.{one.right}")
        run.console.say("operator.row", number=one.number, name=one.name, right=right)
    if not everyone:
        run.console.say("operator.none")
    run.console.give({"operators": _facts(everyone)})
    return Exit.DONE


def _facts(everyone: Operators) -> list[dict[str, object]]:
    return [{"operator": one.number, "name": one.name, "right": str(one.right)} for one in everyone]


def _configured(run: Run) -> tuple[Configuration, Path]:
    configuration = configuration_of(run)
    if configuration.operators is None:
        raise none_configured()
    return configuration, configuration.operators


for _command in (add, remove, password, list_):
    operator.add_command(_command)
