"""The keys of a customer's screen, the pad's and the kiosk's: digits, Clear, OK, Cancel.

A body here holds one digit at most; none is ever logged. Not here: what is kept of it (pairing.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Depends
from pydantic import Field

from sscard_terminal.iso7816.status import Language
from sscard_terminal.terminal.till.till import Till

from .access import Spoken, TheDesk
from .desk import Desk
from .routes_clerk import Body
from .words import NotDone

State = Callable[[Desk, Language], dict[str, Any]]


class Key(Body):
    """One digit. `at`: how many were typed before it."""

    number: int
    at: int
    digit: int = Field(ge=0, le=9)


class OnStage(Body):
    number: int


def add_keys(router: APIRouter, keying: Callable[..., Any], state_of: State) -> None:
    """The routes of the keys, for whoever `keying` lets through; each answers with the state that follows."""
    guard = [Depends(keying)]

    @router.post("/digit", dependencies=guard)
    def digit(asked: Key, desk: TheDesk, spoken: Spoken) -> dict[str, Any]:
        """One key."""
        require_stage(desk, asked.number)
        desk.pin.type(asked.at, asked.digit)
        desk.tell_pad()
        return state_of(desk, spoken)

    @router.post("/clear", dependencies=guard)
    def clear(asked: OnStage, desk: TheDesk, spoken: Spoken) -> dict[str, Any]:
        """The Clear key."""
        require_stage(desk, asked.number)
        desk.pin.clear()
        desk.tell_pad()
        return state_of(desk, spoken)

    @router.post("/ok", dependencies=guard)
    async def ok(asked: OnStage, desk: TheDesk, spoken: Spoken) -> dict[str, Any]:
        """The OK key: the PIN goes to the card, or the new one is asked for once more."""
        require_stage(desk, asked.number)
        await desk.pad_ok()
        return state_of(desk, spoken)

    @router.post("/cancel", dependencies=guard)
    async def cancel(asked: OnStage, desk: TheDesk, spoken: Spoken) -> dict[str, Any]:
        """The holder's Cancel key: the service ends, nothing was charged."""
        require_stage(desk, asked.number)
        desk.pin.wipe()
        await desk.act(asked.number, desk.operator, Till.cancel)
        return state_of(desk, spoken)


def require_stage(desk: Desk, number: int) -> None:
    """
    Raises:
        NotDone: the screen is another one than that on which the key was pressed.
    """
    if number != desk.pin.number:
        raise NotDone(409, "refused.stale")
