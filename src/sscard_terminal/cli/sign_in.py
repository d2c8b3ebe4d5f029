"""`sscard sign-in` and `sscard sign-out`: who is at the counter from now on. Source: counter.md (登录).

Not here: what needs somebody who is signed in (signed_in.py), and the operators themselves (operator.py).
"""

from __future__ import annotations

import click

from sscard_terminal.terminal.operators import NotAllowed, Refusal
from sscard_terminal.terminal.operators_file import read_operators
from sscard_terminal.terminal.sessions import begin_session, end_session

from . import signed_in
from .command import Run, service
from .desk import now
from .exits import Exit
from .passwords import password_option
from .settings import configuration_of
from .state import made_state_folder, session_file


@service("sign-in", uses_readers=False, has_trace=False, has_settings=True)
@click.argument("number", metavar="NUMBER", type=signed_in.OperatorNumber())
@password_option
def sign_in(run: Run, number: str, password_stdin: bool) -> int:
    """See messages, help.sign-in."""
    configuration = configuration_of(run)
    if configuration.operators is None:
        raise signed_in.none_configured()
    with signed_in.told_of_file():
        if not read_operators(configuration.operators):
            raise signed_in.refused(NotAllowed(Refusal.NO_OPERATORS))
    operator = signed_in.by_password(run, configuration.operators, number, password_stdin)
    made_state_folder()
    begin_session(session_file(), operator, now())
    right = run.console.text(f"right.{operator.right}")
    minutes = configuration.session_minutes
    run.console.say("sign-in.done", number=operator.number, name=operator.name, right=right, minutes=minutes)
    run.console.give(
        {
            "operator": operator.number,
            "name": operator.name,
            "right": str(operator.right),
            "session_minutes": minutes,
        }
    )
    return Exit.DONE


@service("sign-out", uses_readers=False, has_trace=False, has_settings=True)
def sign_out(run: Run) -> int:
    """See messages, help.sign-out."""
    configuration_of(run)
    was_signed_in = end_session(session_file())
    run.console.say("sign-out.done" if was_signed_in else "sign-out.nobody")
    run.console.give({"signed_out": was_signed_in})
    return Exit.DONE
