"""From the human to the card: look at the card, ask for the PIN, then do everything in one breath.

A card that may not be served here is told so before any PIN is asked for (system.md, Q10), and the PIN is asked for
while nothing is held (style.md, "Ask the human first"). A PIN on standard input is there already: then nothing is
looked at before. At the reader's own pad the PIN is keyed inside the breath, since it goes from there to the card: the
card is held meanwhile, but not idle. Not here: what is done in that breath (reading, pin, debit).
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.terminal.at_pad import AtPad, PinSource
from sscard_terminal.terminal.identification import IdentifiedCard
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.outcomes import Declined, Reason
from sscard_terminal.terminal.policy import FIRST_PINS
from sscard_terminal.terminal.workflow import verify_pin, verify_pin_to_pay

from .console import Console
from .desk import Desk, Pair
from .outcomes import declined, held
from .pins import asked, read_line, unechoed

_AT_PAD = {
    "pin.prompt-to-pay": "pin.at-pad-to-pay",
    "pin.prompt-old": "pin.at-pad-change",
    "window.prompt-to-load": "window.at-pad-to-load",
}
"""What is said where the PIN is keyed at the pad instead of after the prompt; else `pin.at-pad`."""


@dataclass(frozen=True, slots=True)
class Holder:
    """What the person at the card has said; `identification` of the card looked at before asking, "" if none was.

    `at_pad`: the PIN will be keyed at the reader's pad, and `pin` is None. `has_first_pin` outlives the PIN.
    """

    pin: Pin | None
    identification: str = ""
    at_pad: bool = False
    has_first_pin: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found out about card and reader before anything was asked."""

    identification: str
    has_pin: bool
    has_pad: bool
    """With a pad for this card: to verify its PIN."""
    can_change_at_pad: bool


def ask_holder(
    desk: Desk,
    console: Console,
    pin_stdin: bool,
    prompt: str,
    *,
    to_settle: Journal | None = None,
    **facts: object,
) -> Holder:
    """The PIN, from standard input, at the reader's pad, or (if this card has one) from a prompt with the text `prompt`.

    `to_settle` as in `Pair.identified`.

    Raises:
        Stop: the card may not be served here, its PIN is locked, or what was typed is no PIN.
    """
    if pin_stdin:
        return _keyed(desk, read_line())
    with unechoed():  # who knows the terminal types ahead while the card is read
        seen = look(desk, console, to_settle)
        is_change = prompt == "pin.prompt-old"
        if seen.can_change_at_pad if is_change else (seen.has_pad and seen.has_pin):
            console.ask(_AT_PAD.get(prompt, "pin.at-pad"), **facts)
            return Holder(None, seen.identification, at_pad=True)
        pin = asked(console, prompt, **facts) if seen.has_pin else None
    return _keyed(desk, pin, seen.identification)


def _keyed(desk: Desk, pin: Pin | None, identification: str = "") -> Holder:
    if pin is not None:
        desk.kept(pin)
    return Holder(pin, identification, has_first_pin=pin in FIRST_PINS)


def source_of(pair: Pair, holder: Holder) -> PinSource:
    """Where the PIN comes from in this breath."""
    if not holder.at_pad:
        return holder.pin
    pad = pair.find_pad()
    return None if pad is None else AtPad(pad)


def look(desk: Desk, console: Console, to_settle: Journal | None = None) -> Seen:
    """Identify the card before asking anything, and look for a pad.

    Raises:
        Stop: as `ask_holder`.
    """
    with desk.at_work() as pair:
        card = pair.identified(to_settle)
        pad = pair.find_pad()
    if card.tries_left == 0:
        raise declined(Declined(Reason.PIN_BLOCKED, tries_left=0))
    if card.tries_left == 1:
        console.warn("pin.last-try")
    can_change = pad is not None and pad.can_change
    return Seen(card.identification, card.tries_left is not None, pad is not None, can_change)


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
        source = source_of(pair, holder)
        held(verify_pin_to_pay(card, source, pair.policy) if to_pay else verify_pin(card, source))
        yield pair, card


def warn_of_first_pin(console: Console, holder: Holder) -> None:
    """Everybody knows the first PINs: an urgent hint to change one (counter.md, "PIN pad"); at a pad it stays unseen."""
    if holder.has_first_pin:
        console.warn("pin.first-pin")
