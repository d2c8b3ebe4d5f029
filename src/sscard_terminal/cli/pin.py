"""`sscard pin verify` and `sscard pin change`; the rules about new PINs are the terminal's (terminal/workflow.py)."""

from __future__ import annotations

from contextlib import nullcontext

import click

from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.reader.connection import LinkError
from sscard_terminal.terminal.identification import IdentifiedCard
from sscard_terminal.terminal.outcomes import Accepted, Declined, Reason
from sscard_terminal.terminal.workflow import change_pin, change_pin_at_pad, verify_pin

from .command import LocalGroup, Run, service
from .console import Console
from .desk import Desk, Pair, desk_of
from .entry import Holder, ask_holder, same_card, source_of, undisturbed, warn_of_first_pin
from .exits import Exit, Stop
from .outcomes import declined, held
from .pins import asked, expected_line, pin_option, unechoed


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
            card = same_card(pair, holder)
            is_set = isinstance(held(verify_pin(card, source_of(pair, holder))), Accepted)
    warn_of_first_pin(run.console, holder)
    run.console.say("pin.right" if is_set else "pin.not-set")
    run.console.give({"verified": is_set, "pin_set": is_set})
    return Exit.DONE


@service("change")
@pin_option
def change(run: Run, pin_stdin: bool) -> int:
    """See messages, help.pin change."""
    with desk_of(run) as desk:
        with nullcontext() if pin_stdin else unechoed():
            holder = ask_holder(desk, run.console, pin_stdin, "pin.prompt-old")
            new = None if holder.at_pad else new_pin(desk, run.console, pin_stdin)
        with undisturbed(), desk.at_work() as pair:
            held(_changed(pair, same_card(pair, holder), holder, new))
    run.console.say("pin.changed")
    run.console.give({"changed": True})
    return Exit.DONE


def new_pin(desk: Desk, console: Console, pin_stdin: bool) -> Pin:
    """The new one twice: at a prompt, or on standard input, a line each (behind the old PIN where there is one)."""
    new = desk.kept(expected_line() if pin_stdin else asked(console, "pin.prompt-new"))
    if desk.kept(expected_line() if pin_stdin else asked(console, "pin.prompt-again")) != new:
        raise declined(Declined(Reason.NEW_PINS_DIFFER))
    return new


def _changed(pair: Pair, card: IdentifiedCard, holder: Holder, new: Pin | None) -> Accepted | Declined:
    try:
        if new is not None:
            return change_pin(card, holder.pin, new)
        pad = pair.find_pad()
        return Declined(Reason.PIN_PAD_REFUSED) if pad is None else change_pin_at_pad(card, pad)
    except LinkError as error:
        if not error.reached_card:
            raise
        raise Stop(Exit.TROUBLE, "pin.change-unknown", link=error.reason) from error


for _command in (verify, change):
    pin.add_command(_command)
