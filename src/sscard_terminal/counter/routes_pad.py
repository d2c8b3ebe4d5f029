"""What the customer's pad asks for: pairing by code, its state, and the keys the holder presses.

A body here holds one digit at most; none is ever logged. Not here: the page (pages/), what is kept of it (pairing.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from pydantic import Field
from starlette.responses import StreamingResponse

from sscard_terminal.terminal.till.till import Till

from .access import Keying, PadToken, TheDesk, cookie_name, set_cookie
from .desk import Desk
from .events import MEDIA_TYPE
from .pad_view import pad_state_of
from .pairing import CODE_DIGITS, PairingRefusal
from .routes_clerk import Body
from .words import NotDone

router = APIRouter(prefix="/pad", include_in_schema=False)


class Code(Body):
    code: str = Field(max_length=4 * CODE_DIGITS)


class Key(Body):
    """One digit. `at`: how many were typed before it."""

    number: int
    at: int
    digit: int = Field(ge=0, le=9)


class OnStage(Body):
    number: int


@router.post("/pair")
def pair(asked: Code, response: Response, desk: TheDesk) -> dict[str, Any]:
    """The one-time code shown at the clerk's, for the cookie that makes this browser the pad."""
    if wait_s := desk.codes.wait_s():
        raise NotDone(429, "refused.too-many", {"wait_s": wait_s})
    token = desk.pairing.pair("".join(asked.code.split()))
    if isinstance(token, PairingRefusal):
        raise NotDone(403, f"refused.{token}")
    set_cookie(response, desk, "pad", token, "/pad")
    desk.pin.wipe()
    desk.tell_pad()
    return {"csrf": desk.pairing.csrf}


@router.get("/state")
def state(desk: TheDesk, pad: PadToken) -> dict[str, Any]:
    """The pad's state at this moment, and its CSRF token."""
    return {**pad_state_of(desk), "csrf": desk.pairing.csrf}


@router.get("/events")
async def events(
    request: Request, desk: TheDesk, pad: PadToken, last_event_id: Annotated[str | None, Header()] = None
) -> StreamingResponse:
    """Server-sent events `state` (whole each time) and, when another pad takes this one's place, `gone`."""
    cookie = request.cookies.get(cookie_name(desk, "pad"))
    del last_event_id  # every event is the whole state: there is nothing to catch up on

    def shown(name: str, value: object) -> Mapping[str, Any] | None:
        return pad_state_of(desk) if name == "pad" else None

    stream = desk.hub.stream(lambda: [("pad", None)], shown, lambda: desk.pairing.holds(cookie))
    return StreamingResponse(stream, media_type=MEDIA_TYPE)


@router.post("/digit")
def digit(asked: Key, desk: TheDesk, pad: Keying) -> dict[str, Any]:
    """One key."""
    require_stage(desk, asked.number)
    desk.pin.type(asked.at, asked.digit)
    desk.tell_pad()
    return pad_state_of(desk)


@router.post("/clear")
def clear(asked: OnStage, desk: TheDesk, pad: Keying) -> dict[str, Any]:
    """The Clear key."""
    require_stage(desk, asked.number)
    desk.pin.clear()
    desk.tell_pad()
    return pad_state_of(desk)


@router.post("/ok")
async def ok(asked: OnStage, desk: TheDesk, pad: Keying) -> dict[str, Any]:
    """The OK key: the PIN goes to the card, or the new one is asked for once more."""
    require_stage(desk, asked.number)
    await desk.pad_ok()
    return pad_state_of(desk)


@router.post("/cancel")
async def cancel(asked: OnStage, desk: TheDesk, pad: Keying) -> dict[str, Any]:
    """The holder's Cancel key: the service ends, nothing was charged."""
    require_stage(desk, asked.number)
    desk.pin.wipe()
    await desk.act(asked.number, desk.operator, Till.cancel)
    return pad_state_of(desk)


def require_stage(desk: Desk, number: int) -> None:
    """
    Raises:
        NotDone: the pad shows another screen than the one the key was pressed on.
    """
    if number != desk.pin.number:
        raise NotDone(409, "refused.stale")
