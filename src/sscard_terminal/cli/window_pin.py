"""`sscard window pin-reset` and `unblock`: the holder's PIN at the card service window, card and document both there.

Not here: the service itself (terminal/pin_service.py) and who stands at the window (window_place.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from sscard_terminal.cardspec.issuing import IdentitySighting
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.reader.connection import LinkError
from sscard_terminal.terminal.outcomes import Accepted, Declined
from sscard_terminal.terminal.pin_service import reset_pin, unblock_pin

from .command import BadValue
from .desk import Pair, now
from .entry import Holder, same_card, undisturbed
from .exits import Exit, Stop
from .outcomes import held
from .pin import new_pin
from .pins import pin_option, unechoed
from .window_place import Place, window_service


def _sighted_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """--id-sighted."""
    return click.option("--id-sighted", is_flag=True)(function)


@window_service("pin-reset")
@_sighted_option
@pin_option
def pin_reset(place: Place, id_sighted: bool, pin_stdin: bool) -> int:
    """See messages, help.window pin-reset."""
    sighting = _sighting(place, id_sighted)
    holder, new = _new_pin(place, pin_stdin)

    def act(pair: Pair) -> Accepted | Declined:
        card = same_card(pair, holder)
        with _lost_is_said():
            return reset_pin(card, place.host, place.window(pair), sighting, new)

    _done(place, act)
    place.console.say("window.pin-reset")
    place.console.give({"pin_reset": True})
    return Exit.DONE


@window_service("unblock")
@_sighted_option
def unblock(place: Place, id_sighted: bool) -> int:
    """See messages, help.window unblock."""
    sighting = _sighting(place, id_sighted)

    def act(pair: Pair) -> Accepted | Declined:
        card = pair.identified()
        with _lost_is_said():
            return unblock_pin(card, place.host, place.window(pair), sighting)

    _done(place, act)
    place.console.say("window.unblocked")
    place.console.give({"unblocked": True})
    return Exit.DONE


def _sighting(place: Place, id_sighted: bool) -> IdentitySighting:
    """Who has held the document against the card's data, and when.

    Raises:
        BadValue: nobody says to have, or nobody is named.
    """
    if not id_sighted:
        raise BadValue("usage.id-sighted")
    if not place.operator.strip():
        raise BadValue("usage.sighted-by")
    return IdentitySighting(place.operator, now())


def _new_pin(place: Place, pin_stdin: bool) -> tuple[Holder, Pin]:
    """A card that may not be served is told so before anybody types; a locked PIN is what people come with."""
    if pin_stdin:
        return Holder(None), new_pin(place.desk, place.console, pin_stdin)
    with unechoed():
        with place.desk.at_work() as pair:
            identification = pair.identified().identification
        return Holder(None, identification), new_pin(place.desk, place.console, pin_stdin)


def _done(place: Place, act: Callable[[Pair], Accepted | Declined]) -> None:
    """Once there is an outcome a link that cannot be closed does not take its place."""
    outcome: Accepted | Declined | None = None
    try:
        with undisturbed(), place.desk.at_work() as pair:
            outcome = act(pair)
    except (LinkError, OSError):
        if outcome is None:
            raise
    assert outcome is not None
    held(outcome)


@contextmanager
def _lost_is_said() -> Iterator[None]:
    """A card that was asked and not heard may have done it; doing it again is right in either case."""
    try:
        yield
    except LinkError as error:
        raise Stop(Exit.TROUBLE, "window.pin-unknown", link=error.reason) from error
