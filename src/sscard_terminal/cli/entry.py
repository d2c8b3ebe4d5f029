"""From the human to the card: look at the card, ask for the PIN, then do everything in one breath.

A card that may not be served here is told so before any PIN is asked for (system.md, Q10), and the PIN is asked for
while nothing is held (style.md, "Ask the human first"). A PIN on standard input is there already: then nothing is
looked at before. Not here: what is done in that breath (reading, pin, debit).
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.terminal.identification import IdentifiedCard
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.outcomes import Declined, Reason
from sscard_terminal.terminal.policy import FIRST_PINS
from sscard_terminal.terminal.workflow import verify_pin, verify_pin_to_pay

from .console import Console
from .desk import Desk, Pair
from .outcomes import declined, held
from .pins import asked, read_line


@dataclass(frozen=True, slots=True)
class Holder:
    """What the person at the card has said; `identification` of the card looked at before asking, "" if none was."""

    pin: Pin | None
    identification: str = ""


def ask_holder(
    desk: Desk,
    console: Console,
    pin_stdin: bool,
    prompt: str,
    *,
    to_settle: Journal | None = None,
    **facts: object,
) -> Holder:
    """The PIN, from standard input or (if this card has one) from a prompt with the text `prompt`.

    `to_settle` as in `Pair.identified`.

    Raises:
        Stop: the card may not be served here, its PIN is locked, or what was typed is no PIN.
    """
    if pin_stdin:
        return Holder(read_line())
    identification, has_pin = look(desk, console, to_settle)
    return Holder(asked(console, prompt, **facts) if has_pin else None, identification)


def look(desk: Desk, console: Console, to_settle: Journal | None = None) -> tuple[str, bool]:
    """Identify the card before asking anything: its identification code, and whether it has a PIN.

    Raises:
        Stop: as `ask_holder`.
    """
    with desk.at_work() as pair:
        card = pair.identified(to_settle)
    if card.tries_left == 0:
        raise declined(Declined(Reason.PIN_BLOCKED, tries_left=0))
    if card.tries_left == 1:
        console.warn("pin.last-try")
    return card.identification, card.tries_left is not None


def same_card(pair: Pair, holder: Holder, to_settle: Journal | None = None) -> IdentifiedCard:
    """The card in the reader, which must be the one that was looked at; `to_settle` as in `Pair.identified`.

    Raises:
        Stop: it is another one, or may not be served here.
    """
    card = pair.identified(to_settle)
    if holder.identification not in ("", card.identification):
        raise declined(Declined(Reason.CARD_SWAPPED))
    return card


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let Ctrl-C pass by: what the card does in this breath is done before anybody could know that it is not."""
    waiting: list[int] = []

    def remember(number: int, _frame: FrameType | None) -> None:
        waiting.append(number)

    previous = signal.signal(signal.SIGINT, remember)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


@contextmanager
def verified(desk: Desk, holder: Holder, *, to_pay: bool = False) -> Iterator[tuple[Pair, IdentifiedCard]]:
    """Card and PSAM in one breath, the card identified and its PIN verified; `to_pay`: a first PIN only where it may.

    Raises:
        Stop: the card, its PIN or the PSAM says no.
        LinkError: the link broke; a wrong PIN may have cost a try.
    """
    with undisturbed(), desk.at_work() as pair:
        card = same_card(pair, holder)
        held(verify_pin_to_pay(card, holder.pin, pair.policy) if to_pay else verify_pin(card, holder.pin))
        yield pair, card


def warn_of_first_pin(console: Console, pin: Pin | None) -> None:
    """Everybody knows the first PINs: an urgent hint to change one (counter.md, "PIN pad")."""
    if pin in FIRST_PINS:
        console.warn("pin.first-pin")
