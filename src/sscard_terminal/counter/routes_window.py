"""The card service window's page and what it asks for: loads, refunds, PIN reset and unblock, losses, data in full.

Whoever is signed in may do all of it (system.md, row "unlock": card and document both sighted), but see a holder's data in
full, for which a supervisor answers. Reading, confirming, cancelling and pairing are the counter's (routes_clerk.py). Not
here: the services (terminal/till/window.py), their words (window_view.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Request
from starlette.responses import HTMLResponse, Response, StreamingResponse

from sscard_terminal.cardspec.issuing import IdentitySighting, LossChange
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.terminal.operators import NotAllowed, Refusal
from sscard_terminal.terminal.outcomes import Declined
from sscard_terminal.terminal.till.steps import Purpose
from sscard_terminal.terminal.till.till import Till
from sscard_terminal.terminal.till.window import Errand, WindowTill
from sscard_terminal.voice.told import declined

from . import window
from .access import (
    Acting,
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
from .inputs import amount_of, password_of
from .pairing import PadState
from .routes_clerk import Body, OnSnapshot, Typed, ready
from .routes_office import Answered
from .routes_staff import require_try
from .sessions import Session
from .snapshot import Snapshot
from .templates import page
from .view import pad_of
from .window_view import in_full_of, loss_of, window_state_of
from .words import NotDone, Refused, not_allowed

router = APIRouter(prefix="/window", include_in_schema=False)


class Sighted(Body):
    """Whether the holder's document was held against the card's data; by whom, where nobody needs to sign in."""

    sighted: bool = False
    sighted_by: Typed = ""


class Asking(OnSnapshot, Sighted):
    """`amount`: yuan, for a load."""

    purpose: Literal["load", "refunds", "settle", "pin-reset", "unblock"]
    amount: Typed = ""


class Losing(Sighted):
    """`holder`: the card's number, or the holder's social security number."""

    holder: Typed
    change: Literal["reported", "lifted"]


class Showing(OnSnapshot, Answered):
    pass


@router.get("")
def window_page(request: Request, desk: TheDesk) -> HTMLResponse:
    """The page; a browser that has no session yet gets one."""
    session, token = found_session(request, desk), None
    if session is None:
        token, session = desk.sessions.begin()
    answer = page(
        "window.html", session.language, desk, csrf=session.csrf, needs_name=not desk.staff.is_needed
    )
    if token is not None:
        set_cookie(answer, desk, "clerk", token)
    return answer


@router.get("/state")
def state(desk: TheDesk, session: Looking) -> dict[str, Any]:
    return window_state_of(desk, desk.snapshot, session.language)


@router.get("/events")
async def events(
    request: Request, desk: TheDesk, session: Looking, last_event_id: Annotated[str | None, Header()] = None
) -> Response:
    """Server-sent events as the counter's."""
    cookie = request.cookies.get(cookie_name(desk, "clerk"))

    def shown(name: str, value: object) -> Mapping[str, Any] | None:
        match value:
            case Snapshot():
                return window_state_of(desk, value, session.language)
            case PadState():
                return pad_of(value, session.language)
        return None

    def may_listen() -> bool:
        return session_of(desk, cookie) is session and may_see(desk, session)

    stream = desk.hub.stream(desk.begin, shown, may_listen, last_event_id)
    return StreamingResponse(stream, media_type=MEDIA_TYPE)


@router.post("/ask")
async def ask(asked: Asking, desk: TheDesk, session: Acting) -> dict[str, Any]:
    """One of the window's services."""
    errand = _errand(asked, desk, session)

    def begin(till: Till) -> None:
        assert isinstance(till, WindowTill)
        ready(till)
        till.ask_at_window(errand)

    snapshot = await desk.act(asked.number, operator_of(session), begin)
    return window_state_of(desk, snapshot, session.language)


@router.post("/loss")
async def loss(asked: Losing, desk: TheDesk, session: Acting) -> dict[str, Any]:
    """A temporary loss, or its end."""
    try:
        number = window.loss_number(asked.holder)
    except FormatError:
        raise NotDone(422, "refused.loss-number") from None
    sighting = _sighting(asked, desk, session)
    change = LossChange(asked.change)
    found = await desk.station.do(lambda work: window.report_loss(work, number, change, sighting))
    if isinstance(found, Declined):
        raise Refused(declined(found), at_window=True)
    return loss_of(found, session.language)


@router.post("/in-full")
async def in_full(asked: Showing, desk: TheDesk, session: Acting) -> dict[str, Any]:
    """The holder's data unmasked, to be held against the document. A supervisor answers, and it is written down."""
    if not desk.staff.is_needed:
        raise not_allowed(NotAllowed(Refusal.NO_OPERATORS))
    if asked.password:
        require_try(desk)
    answering = await desk.staff.supervisor(
        session.operator, asked.supervisor.strip(), password_of(asked.password)
    )
    if isinstance(answering, NotAllowed):
        raise not_allowed(answering)
    operator = operator_of(session)
    found = await desk.station.do(lambda work: window.show_in_full(work, asked.number, operator, answering))
    if isinstance(found, Declined):
        raise Refused(declined(found), at_window=True)
    return in_full_of(found)


def _errand(asked: Asking, desk: Desk, session: Session) -> Errand:
    """
    Raises:
        NotDone: an amount is none, or nobody has sighted the document.
    """
    match Purpose(asked.purpose):
        case Purpose.LOAD:
            amount = amount_of(asked.amount)
            if amount is None:
                raise NotDone(422, "refused.amount")
            if not amount:
                raise NotDone(422, "refused.amount-zero")
            return Errand(Purpose.LOAD, amount)
        case Purpose.PIN_RESET | Purpose.UNBLOCK as purpose:
            return Errand(purpose, sighting=_sighting(asked, desk, session))
        case purpose:
            return Errand(purpose)


def _sighting(asked: Sighted, desk: Desk, session: Session) -> IdentitySighting:
    """
    Raises:
        NotDone: nobody has sighted the document, or nobody is named.
    """
    if not asked.sighted:
        raise NotDone(422, "refused.not-sighted")
    by = operator_of(session) or asked.sighted_by.strip()
    if not by:
        raise NotDone(422, "refused.sighted-by")
    return IdentitySighting(by, desk.fittings.clock().replace(microsecond=0))
