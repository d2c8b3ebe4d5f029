"""`sscard pin verify` and `sscard pin change`; the rules about new PINs are the terminal's (terminal/workflow.py)."""

from __future__ import annotations

import click

from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.reader.connection import LinkError
from sscard_terminal.terminal.identification import IdentifiedCard
from sscard_terminal.terminal.outcomes import Accepted, Declined
from sscard_terminal.terminal.workflow import change_pin, verify_pin

from .command import LocalGroup, Run, service
from .console import Console
from .desk import Desk, desk_of
from .entry import Holder, ask_holder, same_card, undisturbed, warn_of_first_pin
from .exits import Exit, Stop
from .outcomes import held
from .pins import asked, expected_line, pin_option


@click.group("pin", cls=LocalGroup)
def pin() -> None:
    """See messages, help.pin."""


@service("verify")
@pin_option
def verify(run: Run, pin_stdin: bool) -> int:
    """See messages, help.pin verify."""
    with desk_of(run) as desk:
        holder = ask_holder(desk, run.console, pin_stdin, "pin.prompt")
        with undisturbed(), desk.at_work() as pair:
            is_set = isinstance(held(verify_pin(same_card(pair, holder), holder.pin)), Accepted)
    warn_of_first_pin(run.console, holder.pin)
    run.console.say("pin.right" if is_set else "pin.not-set")
    run.console.give({"verified": is_set, "pin_set": is_set})
    return Exit.DONE


@service("change")
@pin_option
def change(run: Run, pin_stdin: bool) -> int:
    """See messages, help.pin change."""
    with desk_of(run) as desk:
        holder, new = _old_and_new(desk, run.console, pin_stdin)
        with undisturbed(), desk.at_work() as pair:
            held(_changed(same_card(pair, holder), holder.pin, new))
    run.console.say("pin.changed")
    run.console.give({"changed": True})
    return Exit.DONE


def _old_and_new(desk: Desk, console: Console, pin_stdin: bool) -> tuple[Holder, Pin]:
    """On standard input the old PIN (an empty line: none) and the new one; at a prompt the new one twice."""
    holder = ask_holder(desk, console, pin_stdin, "pin.prompt-old")
    if pin_stdin:
        return holder, expected_line()
    new = asked(console, "pin.prompt-new")
    if asked(console, "pin.prompt-again") != new:
        raise Stop(Exit.USAGE, "pin.differ")
    return holder, new


def _changed(card: IdentifiedCard, old: Pin | None, new: Pin) -> Accepted | Declined:
    try:
        return change_pin(card, old, new)
    except LinkError as error:
        if not error.reached_card:
            raise
        raise Stop(Exit.TROUBLE, "pin.change-unknown", link=error.reason) from error


for _command in (verify, change):
    pin.add_command(_command)
