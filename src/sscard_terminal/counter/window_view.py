"""What the service window's page shows: the counter's state, and what the window adds to it.

Not here: the counter's part (view.py), what happens (terminal/till/window.py), the words (voice).
Source: counter.md, screen rules 1, 4, 6; system.md, row "card service window".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from sscard_terminal.cardspec.issuing import LossStanding, PendingCredit
from sscard_terminal.cardspec.money import Fen, yuan_of_fen
from sscard_terminal.iso7816.status import Language
from sscard_terminal.terminal.load_records import Credited, LoadUnsettled
from sscard_terminal.terminal.load_recovery import LoadSettlement
from sscard_terminal.terminal.till.steps import AtWindow, LoadOutcome, Purpose, Screen, Step
from sscard_terminal.voice import told
from sscard_terminal.voice.messages import text
from sscard_terminal.voice.pages import word
from sscard_terminal.voice.told import Told

from .desk import Desk
from .snapshot import Snapshot
from .view import MOMENT, state_of, without_hex
from .window import InFull

_OF_COUNTER = ("confirm", "cancel", "ask-pad", "read")
_FREE = (Step.READY, Step.DONE, Step.REFUSED)


def window_state_of(desk: Desk, snapshot: Snapshot, language: Language) -> dict[str, Any]:
    """As `state_of`. `waiting`: refunds, None where the centre does not answer; `load`: yuan about to be loaded."""
    screen, state = snapshot.screen, state_of(desk, snapshot, language)
    window = screen.window
    waiting = None if window is None else window.waiting
    return {
        **state,
        "line": _line(screen, state["line"], language),
        "lines": [*_lines(screen, language), *_as_said_here(screen, state["lines"], language)],
        "may": [*_may(screen), *(what for what in state["may"] if what in _OF_COUNTER)],
        "waiting": None if waiting is None else [_credit(credit, language) for credit in waiting],
        "load": None if window is None or window.amount is None else yuan_of_fen(window.amount),
    }


def said_here(what: Told, language: Language) -> str:
    """The sentence as the page says it: with its own keys, and without the status word."""
    return without_hex(what, language, at_window=True)


def loss_of(standing: LossStanding, language: Language) -> dict[str, Any]:
    key = "loss.stands" if standing.is_lost else "loss.lifted"
    return {"says": word(language, key, since=f"{standing.since:{MOMENT}}"), "is_lost": standing.is_lost}


def in_full_of(found: InFull) -> dict[str, Any]:
    return asdict(found)


def _line(screen: Screen, otherwise: str, language: Language) -> str:
    if screen.step is Step.DONE and screen.purpose is not None and screen.purpose.is_of_window:
        return word(language, f"window.done.{screen.purpose}")
    return otherwise


def _lines(screen: Screen, language: Language) -> Iterator[str]:
    window = screen.window or AtWindow()
    for settlement in window.settled:
        yield _settled(settlement, language)
    for credit, outcome in window.loads:
        yield from _loaded(credit, outcome, language)
    match screen.step, screen.purpose:
        case Step.DONE, Purpose.PIN_RESET:
            yield text(language, "window.pin-reset")
        case Step.DONE, Purpose.UNBLOCK:
            yield text(language, "window.unblocked")
        case Step.DONE, Purpose.REFUNDS | Purpose.SETTLE if not (window.loads or window.settled):
            yield text(language, "window.nothing")
        case Step.READY, _:
            yield from _on_arrival(window, language)


def _on_arrival(window: AtWindow, language: Language) -> Iterator[str]:
    if window.is_open:
        yield word(language, "window.open-load")
    if window.waiting is None:
        yield word(language, "window.centre-away")
    elif window.waiting:
        amount = Fen(sum(credit.amount for credit in window.waiting))
        yield word(language, "window.waiting", count=len(window.waiting), amount=yuan_of_fen(amount))


def _loaded(credit: PendingCredit | None, outcome: LoadOutcome, language: Language) -> Iterator[str]:
    match outcome:
        case Credited(load=load):
            facts = {"amount": yuan_of_fen(load.amount), "balance": yuan_of_fen(load.balance_after)}
            if credit is None:
                yield word(language, "window.credited", **facts)
            else:
                yield word(language, "window.refunded", **facts, reference=credit.reference or credit.id)
            if not outcome.reported:
                yield text(language, "window.not-reported", number=load.number)
        case LoadUnsettled():
            yield said_here(told.load_unsettled(outcome), language)


def _settled(settlement: LoadSettlement, language: Language) -> str:
    load = settlement.entry.load
    evidence = text(language, f"load.evidence.{settlement.evidence}")
    facts = {"number": load.number, "amount": yuan_of_fen(load.amount), "evidence": evidence}
    return text(language, f"window.settled-{settlement.state}", **facts)


def _as_said_here(screen: Screen, lines: list[str], language: Language) -> Iterator[str]:
    """The counter's lines, the refusal among them in the page's own words."""
    if screen.declined is None:
        yield from lines
        return
    declined = told.declined(screen.declined)
    theirs, ours = without_hex(declined, language), said_here(declined, language)
    yield from (ours if line == theirs else line for line in lines)


def _may(screen: Screen) -> Iterator[str]:
    if screen.step in _FREE and screen.panel is not None:
        yield from ("load", "settle", "pin-reset", "unblock", "in-full")
        if screen.step is Step.READY and screen.window is not None and screen.window.waiting:
            yield "refunds"


def _credit(credit: PendingCredit, language: Language) -> str:
    key = "window.refund-in-doubt" if credit.in_doubt else "window.refund-waits"
    return text(language, key, amount=yuan_of_fen(credit.amount), reference=credit.reference or credit.id)
