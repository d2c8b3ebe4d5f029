"""The customer's pad: its page, pairing by code, and its state.

Not here: the keys (routes_keys.py), what is kept of them (pairing.py), its words (pad_view.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from pydantic import Field
from starlette.responses import HTMLResponse, StreamingResponse

from sscard_terminal.iso7816.status import Language

from .access import PAD_LANGUAGE, PAD_PATH, PadToken, Spoken, TheDesk, cookie_name, keying, set_cookie
from .desk import PAD, STATE
from .events import MEDIA_TYPE
from .pad_view import pad_state_of
from .pairing import CODE_DIGITS, PairingRefusal
from .routes_clerk import Body
from .routes_keys import add_keys
from .templates import page
from .words import NotDone

router = APIRouter(prefix=PAD_PATH, include_in_schema=False)


class Code(Body):
    code: str = Field(max_length=4 * CODE_DIGITS)


@router.get("")
def pad_page(desk: TheDesk, spoken: Spoken, language: Language | None = None) -> HTMLResponse:
    """The page, whoever asks; `language` is remembered for this browser."""
    answer = page("pad.html", language or spoken, desk)
    if language is not None:
        set_cookie(answer, desk, PAD_LANGUAGE, language, PAD_PATH)
    return answer


@router.post("/pair")
def pair(asked: Code, response: Response, desk: TheDesk) -> dict[str, Any]:
    """The one-time code shown at the clerk's, for the cookie that makes this browser the pad."""
    if wait_s := desk.codes.wait_s():
        raise NotDone(429, "refused.too-many", {"wait_s": wait_s})
    token = desk.pairing.pair("".join(asked.code.split()))
    if isinstance(token, PairingRefusal):
        raise NotDone(403, f"refused.{token}")
    set_cookie(response, desk, "pad", token, PAD_PATH)
    desk.pin.wipe()
    desk.tell_pad()
    return {"csrf": desk.pairing.csrf}


@router.get("/state")
def state(desk: TheDesk, pad: PadToken, spoken: Spoken) -> dict[str, Any]:
    """The pad's state at this moment, and its CSRF token."""
    return {**pad_state_of(desk, spoken), "csrf": desk.pairing.csrf}


@router.get("/events")
async def events(
    request: Request,
    desk: TheDesk,
    pad: PadToken,
    spoken: Spoken,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """Server-sent events `pad` and `state`, the pad's whole state each, and `gone` when another pad takes its place."""
    cookie = request.cookies.get(cookie_name(desk, "pad"))
    del last_event_id  # every event is the whole state: there is nothing to catch up on

    def shown(name: str, value: object) -> Mapping[str, Any] | None:
        return pad_state_of(desk, spoken) if name in (PAD, STATE) else None

    stream = desk.hub.stream(lambda: [(PAD, None)], shown, lambda: desk.pairing.holds(cookie))
    return StreamingResponse(stream, media_type=MEDIA_TYPE)


add_keys(router, keying, pad_state_of)
