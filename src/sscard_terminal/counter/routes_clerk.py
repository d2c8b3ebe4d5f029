"""The clerk's page and what it asks for while a card is served. JSON in, the new state out.

Not here: signing in (routes_staff.py), slips, voids and the day (routes_office.py), the customer's pad (routes_pad.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import HTMLResponse, Response, StreamingResponse

from sscard_terminal.terminal.till.steps import Purpose, Step
from sscard_terminal.terminal.till.till import Till

from .access import (
    Acting,
    Changing,
    Looking,
    TheDesk,
    cookie_name,
    found_session,
    may_see,
    operator_of,
    session_of,
    set_cookie,
)
from .desk import Desk
from .events import MEDIA_TYPE
from .inputs import order_of
from .pairing import CODE_LASTS_S, PadState
from .sessions import Session
from .snapshot import Snapshot
from .templates import page
from .view import pad_of, state_of

router = APIRouter(include_in_schema=False)
MOST_TYPED = 64
Typed = Annotated[str, Field(max_length=MOST_TYPED)]


class Body(BaseModel):
    """What a page sends; nothing beside it."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class OnSnapshot(Body):
    """Something done on a screen. `number`: of the snapshot whoever does it saw."""

    number: int


class Selling(OnSnapshot):
    """As typed, in yuan: the total, or the account's part; with or without the other two."""

    total: Typed = ""
    account: Typed = ""
    self_paid: Typed = ""
    pooled: Typed = ""


class Asking(OnSnapshot):
    """A service that is no sale."""

    purpose: Purpose = Field(strict=False)


@router.get("/")
def clerk_page(request: Request, desk: TheDesk) -> HTMLResponse:
    """The page; a browser that has no session yet gets one."""
    session = found_session(request, desk)
    token = None
    if session is None:
        token, session = desk.sessions.begin()
    answer = page("clerk.html", session.language, desk, csrf=session.csrf)
    if token is not None:
        set_cookie(answer, desk, "clerk", token)
    return answer


@router.get("/clerk/state")
def state(desk: TheDesk, session: Looking) -> dict[str, Any]:
    """The state at this moment, for whoever cannot listen."""
    return state_of(desk, desk.snapshot, session.language)


@router.get("/clerk/events")
async def events(
    request: Request, desk: TheDesk, session: Looking, last_event_id: Annotated[str | None, Header()] = None
) -> Response:
    """Server-sent events `state`, `pad` and, when this page may not listen any longer, `gone`."""
    cookie = request.cookies.get(cookie_name(desk, "clerk"))

    def may_listen() -> bool:
        return session_of(desk, cookie) is session and may_see(desk, session)

    stream = desk.hub.stream(
        desk.begin, lambda name, value: shown(desk, session, name, value), may_listen, last_event_id
    )
    return StreamingResponse(stream, media_type=MEDIA_TYPE)


def shown(desk: Desk, session: Session, name: str, value: object) -> Mapping[str, Any] | None:
    """What the clerk's page is shown of an event."""
    match name, value:
        case ("state", Snapshot()):
            return state_of(desk, value, session.language)
        case ("pad", PadState()):
            return pad_of(value, session.language)
    return None


@router.post("/clerk/read")
async def read(asked: OnSnapshot, desk: TheDesk, session: Acting) -> dict[str, Any]:
    """F2: identify the card in the reader anew."""
    return await _act(desk, session, asked.number, Till.card_came)


@router.post("/clerk/sell")
async def sell(asked: Selling, desk: TheDesk, session: Acting) -> dict[str, Any]:
    """F3: what is to be sold; the amount is then confirmed, before any PIN."""
    shares = desk.fittings.configuration.shares
    order = order_of(asked.total, asked.account, asked.self_paid, asked.pooled, shares)
    snapshot = await desk.sell(asked.number, operator_of(session), order)
    return state_of(desk, snapshot, session.language)


@router.post("/clerk/sell-again")
async def sell_again(asked: OnSnapshot, desk: TheDesk, session: Acting) -> dict[str, Any]:
    """The sale just refused as a repeat is meant."""
    snapshot = await desk.sell_again(asked.number, operator_of(session))
    return state_of(desk, snapshot, session.language)


@router.post("/clerk/ask")
async def ask(asked: Asking, desk: TheDesk, session: Acting) -> dict[str, Any]:
    """F4, F5, F6: change the PIN, details, balance."""

    def begin(till: Till) -> None:
        ready(till)
        till.ask(asked.purpose)

    return await _act(desk, session, asked.number, begin)


@router.post("/clerk/confirm")
async def confirm(asked: OnSnapshot, desk: TheDesk, session: Acting) -> dict[str, Any]:
    """Enter."""
    return await _act(desk, session, asked.number, lambda till: till.confirm())


@router.post("/clerk/cancel")
async def cancel(asked: OnSnapshot, desk: TheDesk, session: Acting) -> dict[str, Any]:
    """Esc."""
    return await _act(desk, session, asked.number, Till.cancel)


@router.post("/clerk/ask-pad")
async def ask_pad(asked: OnSnapshot, desk: TheDesk, session: Acting) -> dict[str, Any]:
    """Have the reader's own pad ask once more, after a wrong PIN."""
    return await _act(desk, session, asked.number, Till.enter_pin_at_pad)


@router.post("/clerk/pad-code")
def pad_code(desk: TheDesk, session: Acting) -> dict[str, Any]:
    """A one-time code for a customer's pad."""
    return {"code": desk.pairing.offer(), "lasts_s": CODE_LASTS_S}


@router.post("/clerk/unpair")
def unpair(desk: TheDesk, session: Acting) -> dict[str, Any]:
    """The pad is the counter's no longer."""
    desk.pairing.unpair()
    desk.pin.wipe()
    desk.tell_pad()
    return pad_of(desk.pad, session.language)


class Language(Body):
    language: str = Field(pattern="^(zh|en)$")


@router.post("/clerk/language")
def speak(asked: Language, session: Changing) -> dict[str, Any]:
    """This browser's language from now on."""
    session.language = "zh" if asked.language == "zh" else "en"
    return {}


def ready(till: Till) -> None:
    """On to the next service where the last one is over and the card still in."""
    if till.screen.step in (Step.DONE, Step.REFUSED):
        till.confirm()


async def _act(desk: Desk, session: Session, number: int, what: Callable[[Till], None]) -> dict[str, Any]:
    snapshot = await desk.act(number, operator_of(session), what)
    return state_of(desk, snapshot, session.language)
