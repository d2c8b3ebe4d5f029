"""`sscard window load`, `refunds`, `settle` and `fund`: money onto the chip at the bureau's card service window.

Not here: the load itself (terminal/load.py), the PIN at the window (window_pin.py), which host it is (issuer.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import click

from sscard_terminal.cardspec.issuing import PendingCredit
from sscard_terminal.cardspec.money import Fen, yuan_of_fen
from sscard_terminal.reader.connection import LinkError
from sscard_terminal.terminal.identification import IdentifiedCard
from sscard_terminal.terminal.load import LoadOrder, Window, load, reference_of
from sscard_terminal.terminal.load_journal import LoadJournal
from sscard_terminal.terminal.load_records import Credited, LoadState, LoadUnsettled
from sscard_terminal.terminal.load_recovery import LoadSettlement
from sscard_terminal.terminal.outcomes import Declined
from sscard_terminal.terminal.service_window import (
    load_refunds,
    refunds_of,
    tidy_up,
    tidy_up_without_card,
)
from sscard_terminal.terminal.slips.contents import Slip
from sscard_terminal.terminal.slips.load_form import slip_of_load
from sscard_terminal.voice.told import load_unsettled

from .command import BadValue, LocalGroup
from .console import Console
from .entry import Holder, ask_holder, verified, warn_of_first_pin
from .exits import Exit, Stop
from .outcomes import declined, held, stop_of
from .pins import pin_option
from .printing import hand_out
from .values import Yuan
from .window_pin import pin_reset, unblock
from .window_place import Place, window_service

_KEYS = {
    LoadState.CREDITED: "window.settled-credited",
    LoadState.NOT_CREDITED: "window.settled-not-credited",
    LoadState.OPEN: "window.settled-open",
}
Outcome = Credited | Declined | LoadUnsettled


@click.group("window", cls=LocalGroup)
def window() -> None:
    """See messages, help.window."""


@dataclass(slots=True)
class _Work:
    """What was done in one breath with the card, kept whatever fails after it."""

    settled: tuple[LoadSettlement, ...] = ()
    loads: list[tuple[PendingCredit | None, Outcome]] = field(default_factory=list)


@window_service("load")
@click.option("--amount", metavar="YUAN", type=Yuan(), required=True)
@pin_option
def load_(place: Place, amount: Fen, pin_stdin: bool) -> int:
    """See messages, help.window load."""
    if not amount:
        raise BadValue("usage.amount-zero")
    prompt = "window.prompt-to-load"
    holder = ask_holder(place.desk, place.console, pin_stdin, prompt, amount=yuan_of_fen(amount))

    def act(work: _Work, card: IdentifiedCard, at: Window) -> None:
        work.loads.append((None, load(card, place.host, at, LoadOrder(amount, operator=place.operator))))

    return _told(place, holder, _in_one_breath(place, holder, act))


@window_service("refunds")
@click.option("--list", "list_only", is_flag=True)
@pin_option
def refunds(place: Place, list_only: bool, pin_stdin: bool) -> int:
    """See messages, help.window refunds."""
    if list_only:
        with place.desk.at_work() as pair:
            return _list(place.console, held(refunds_of(pair.identified(), place.host)))
    holder = ask_holder(place.desk, place.console, pin_stdin, "pin.prompt")

    def act(work: _Work, card: IdentifiedCard, at: Window) -> None:
        found = held(load_refunds(card, place.host, at, place.operator))
        work.loads.extend((refund.credit, refund.outcome) for refund in found)

    return _told(place, holder, _in_one_breath(place, holder, act))


@window_service("settle")
@pin_option
def settle(place: Place, pin_stdin: bool) -> int:
    """See messages, help.window settle."""
    holder = ask_holder(place.desk, place.console, pin_stdin, "pin.prompt")
    return _told(place, holder, _in_one_breath(place, holder, lambda work, card, at: None))


@window_service("fund")
@click.option("--amount", metavar="YUAN", type=Yuan(), required=True)
@click.option("--refund", metavar="REFERENCE", default="")
def fund(place: Place, amount: Fen, refund: str) -> int:
    """See messages, help.window fund."""
    if not amount:
        raise BadValue("usage.amount-zero")
    with place.desk.at_work() as pair:
        card = reference_of(pair.identified())
    if refund:
        place.host.owe(card, PendingCredit(refund, amount, refund))
    else:
        place.host.deposit(card, amount)
    available = place.host.available(card)
    key = "window.owed" if refund else "window.funded"
    place.console.say(key, amount=yuan_of_fen(amount), available=yuan_of_fen(available), reference=refund)
    place.console.give({"amount_fen": int(amount), "available_fen": available, "refund": refund or None})
    return Exit.DONE


def _in_one_breath(
    place: Place, holder: Holder, act: Callable[[_Work, IdentifiedCard, Window], None]
) -> _Work:
    """Settle what is open, then act; once something was done, a link that cannot be closed does not hide it."""
    work = _Work()
    try:
        with verified(place.desk, holder) as (pair, card):
            at = place.window(pair)
            work.settled = tidy_up(card, place.host, at, pin_verified=True)
            work.settled += tidy_up_without_card(place.host, at)
            act(work, card, at)
    except (LinkError, OSError):
        if not (work.settled or work.loads):
            raise
    return work


def _told(place: Place, holder: Holder, work: _Work) -> int:
    """Everything that was done, in words or as JSON; the last thing that was not ends the command."""
    console = place.console
    slips = {
        outcome.load.number: _print_slip(place, outcome.load.number)
        for _, outcome in work.loads
        if not isinstance(outcome, Declined)
    }
    for settlement in work.settled:
        evidence = console.text(f"load.evidence.{settlement.evidence}")
        console.say(_KEYS[settlement.state], **{**_facts_of(settlement), "evidence": evidence})
    for credit, outcome in work.loads:
        if isinstance(outcome, Credited):
            _tell_credited(console, credit, outcome)
    if not (work.settled or work.loads):
        console.say("window.nothing")
    rows = [
        _facts_of_load(credit, outcome) | {"slip": slips[outcome.load.number]}
        for credit, outcome in work.loads
        if isinstance(outcome, Credited)
    ]
    if work.loads and not isinstance(last := work.loads[-1][1], Credited):
        raise _stopped(last, rows)
    warn_of_first_pin(console, holder)
    is_open = any(settlement.state is LoadState.OPEN for settlement in work.settled)
    code = Exit.UNVERIFIED if is_open else Exit.DONE
    settled = [_facts_of(settlement) for settlement in work.settled]
    console.give({"exit": code, "loads": rows, "settled": settled})
    return code


def _print_slip(place: Place, number: int) -> str:
    """From the journal (counter.md screen rule 9). What --json says of it."""
    configuration, language = place.desk.settings.configuration, place.console.language

    def made() -> Slip:
        entry = LoadJournal(place.journal).entry(number)
        assert entry is not None
        return slip_of_load(entry, configuration.place, language, training=place.journal.training)

    return hand_out(place.console, made, configuration.slips, "window.not-printed", number=number)


def _stopped(outcome: Declined | LoadUnsettled, rows: list[dict[str, Any]]) -> Stop:
    stop = stop_of(load_unsettled(outcome)) if isinstance(outcome, LoadUnsettled) else declined(outcome)
    if rows:
        stop.facts["loads_done"] = len(rows)
    return stop


def _tell_credited(console: Console, credit: PendingCredit | None, outcome: Credited) -> None:
    done, tac = outcome.load, outcome.tac.hex().upper()
    amount, balance = yuan_of_fen(done.amount), yuan_of_fen(done.balance_after)
    if credit is None:
        console.say("window.loaded", amount=amount, balance=balance, tac=tac)
    else:
        reference = credit.reference or credit.id
        console.say("window.refunded", amount=amount, balance=balance, tac=tac, reference=reference)
    if not outcome.reported:
        console.warn("window.not-reported", number=done.number)


def _facts_of_load(credit: PendingCredit | None, outcome: Credited) -> dict[str, Any]:
    done = outcome.load
    return {
        "money": "credited",
        "number": done.number,
        "refund": credit and credit.id,
        "amount_fen": int(done.amount),
        "balance_fen": int(done.balance_after),
        "terminal": done.terminal,
        "counter": done.counter,
        "time": str(done.time),
        "tac": outcome.tac.hex().upper(),
        "reported": outcome.reported,
    }


def _facts_of(settlement: LoadSettlement) -> dict[str, Any]:
    found = settlement.entry.load
    return {
        "number": found.number,
        "state": str(settlement.state),
        "evidence": str(settlement.evidence),
        "amount": yuan_of_fen(found.amount),
        "amount_fen": int(found.amount),
    }


def _list(console: Console, waiting: tuple[PendingCredit, ...]) -> int:
    for credit in waiting:
        reference = credit.reference or credit.id
        key = "window.refund-in-doubt" if credit.in_doubt else "window.refund-waits"
        console.say(key, amount=yuan_of_fen(credit.amount), reference=reference)
    if not waiting:
        console.say("window.no-refunds")
    console.give(
        {
            "refunds": [
                {
                    "refund": credit.id,
                    "amount_fen": int(credit.amount),
                    "reference": credit.reference,
                    "in_doubt": credit.in_doubt,
                }
                for credit in waiting
            ]
        }
    )
    return Exit.DONE


for _command in (load_, refunds, settle, pin_reset, unblock, fund):
    window.add_command(_command)
