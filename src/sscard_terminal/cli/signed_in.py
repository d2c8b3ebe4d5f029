"""Who is at the counter, and who answers for what only a supervisor may: asked by every command that must know.

Where no operators are configured (a developer's desk) nobody needs to sign in. Not here: signing in (sign_in.py), the
rules about it (terminal/sessions.py, terminal/operators_file.py).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from sscard_terminal.terminal.configuration import Configuration
from sscard_terminal.terminal.operators import NotAllowed, Operator, Refusal, is_number
from sscard_terminal.terminal.operators_file import OperatorsTrouble, read_operators, recognise
from sscard_terminal.terminal.sessions import end_session, signed_in

from .command import BadValue, Run
from .desk import now
from .exits import Exit, Stop
from .passwords import asked_password
from .state import made_state_folder, session_file

_Value = TypeVar("_Value")
_USAGE = frozenset({Refusal.PASSWORD_TOO_SHORT, Refusal.PASSWORD_GUESSABLE})
"""What somebody typed is wrong, rather than refused."""


class OperatorNumber(click.ParamType[str]):
    """1 to 8 digits. What was typed is not repeated: it might be a password."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not is_number(str(value)):
            raise BadValue("usage.operator-number")
        return str(value)


def supervisor_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """--supervisor and --supervisor-password-stdin, for `supervisor_for`."""
    for option in (
        click.option("--supervisor-password-stdin", is_flag=True),
        click.option("--supervisor", metavar="NUMBER", type=OperatorNumber()),
    ):
        function = option(function)
    return function


def operator_for(configuration: Configuration, given: str = "") -> str:
    """The number of whoever is signed in; without configured operators `given`, what --operator said.

    Raises:
        Stop: nobody is signed in, or `given` is somebody else.
        OSError: a file cannot be used.
    """
    if configuration.operators is None:
        return given
    operator = current_operator(configuration)
    if given not in ("", operator.number):
        raise refused(NotAllowed(Refusal.OTHER_OPERATOR, operator.number))
    return operator.number


def supervisor_for(
    run: Run,
    configuration: Configuration,
    supervisor: str | None,
    supervisor_password_stdin: bool,
    *,
    always_ask: bool = False,
) -> str:
    """The number of the supervisor who answers for this: signed in, or named and known by the password.

    The password comes from a hidden prompt or is the next line of standard input, before any PIN. `always_ask`: being
    signed in does not do. "" without configured operators, where nobody is asked.

    Raises:
        Stop: there is no supervisor, or the password is wrong.
        OSError: a file cannot be used.
    """
    if supervisor_password_stdin and supervisor is None and not always_ask:
        raise BadValue("usage.supervisor")
    if configuration.operators is None:
        if supervisor is not None:
            raise none_configured()
        return ""
    if supervisor is None:
        operator = current_operator(configuration)
        if not operator.is_supervisor:
            raise refused(NotAllowed(Refusal.NEEDS_SUPERVISOR, operator.number))
        if not always_ask:
            return operator.number
        supervisor = operator.number
    operator = by_password(run, configuration.operators, supervisor, supervisor_password_stdin)
    if not operator.is_supervisor:
        raise refused(NotAllowed(Refusal.NEEDS_SUPERVISOR, operator.number))
    return operator.number


def by_password(run: Run, file: Path, number: str, from_stdin: bool) -> Operator:
    """The operator with this number, who is asked for the password.

    Raises:
        Stop: it is wrong, or there were too many wrong ones.
        OSError: the file cannot be used.
    """
    password = asked_password(run.console, from_stdin, "password.prompt", number=number)
    with told_of_file():
        return let_through(recognise(file, number, password, now(), secrets.token_bytes))


def current_operator(configuration: Configuration) -> Operator:
    """Who is signed in.

    Raises:
        Stop: nobody, nobody any more, or no operators are configured.
        OSError: a file cannot be used.
    """
    if configuration.operators is None:
        raise none_configured()
    made_state_folder()
    with told_of_file():
        operators = read_operators(configuration.operators)
    if not operators:
        raise refused(NotAllowed(Refusal.NO_OPERATORS))
    idle = timedelta(minutes=configuration.session_minutes)
    return let_through(signed_in(session_file(), operators, now(), idle))


def sign_out(run: Run) -> None:
    """End the session with the day. A day that is closed stays so, whatever becomes of the session's file."""
    try:
        end_session(session_file())
    except OSError:
        run.console.warn("sign-out.failed", file=session_file())


def let_through(found: _Value | NotAllowed) -> _Value:
    """`found` unless it is a refusal.

    Raises:
        Stop: it is.
    """
    if isinstance(found, NotAllowed):
        raise refused(found)
    return found


def refused(why: NotAllowed) -> Stop:
    """A refusal with its sentence; no money moved."""
    code = Exit.USAGE if why.refusal in _USAGE else Exit.REFUSED
    return Stop(code, f"operators.{why.refusal}", number=why.number or None, wait_s=why.wait_s or None)


def none_configured() -> Stop:
    return Stop(Exit.USAGE, "operators.none-configured")


@contextmanager
def told_of_file() -> Iterator[None]:
    """A file of operators that cannot be trusted ends the command with its sentence."""
    try:
        yield
    except OperatorsTrouble as trouble:
        raise Stop(Exit.USAGE, f"operators.file-{trouble.fault}", file=trouble.path) from trouble
