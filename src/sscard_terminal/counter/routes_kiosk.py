"""The kiosk's page and what the holder asks for there: balance, details, PIN change, and to be forgotten.

Nobody signs in here, and nothing else is served beside it (app.py): a kiosk has no clerk. Not here: the keys
(routes_keys.py), the holder's time (kiosk.py).
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse, RedirectResponse, StreamingResponse

from sscard_terminal.iso7816.status import Language
from sscard_terminal.terminal.till.steps import Purpose
from sscard_terminal.terminal.till.till import Till

from .access import CSRF_HEADER, KIOSK_PATH, Spoken, TheDesk, cookie_name, kiosk_of, set_cookie
from .desk import KIOSK, STATE, Desk
from .events import MEDIA_TYPE
from .kiosk import Phase
from .kiosk_view import kiosk_state_of
from .routes_clerk import OnSnapshot, ready
from .routes_keys import add_keys, require_stage
from .templates import page
from .words import NotDone

start = APIRouter(include_in_schema=False)
router = APIRouter(prefix=KIOSK_PATH, include_in_schema=False)


def looking(request: Request, desk: TheDesk) -> None:
    """
    Raises:
        NotDone: this is not the page the kiosk shows; it has to be loaded anew.
    """
    if not kiosk_of(desk).holds(request.cookies.get(cookie_name(desk, "kiosk"))):
        raise NotDone(401, "refused.no-session")


def keying(request: Request, desk: TheDesk, page: Annotated[None, Depends(looking)]) -> None:
    """A request that changes something; it counts as somebody being there.

    Raises:
        NotDone: as `looking`, or its CSRF token is wrong.
    """
    kiosk = kiosk_of(desk)
    if not hmac.compare_digest(request.headers.get(CSRF_HEADER, "").encode(), kiosk.csrf.encode()):
        raise NotDone(401, "refused.no-session")
    kiosk.touch()


class Asking(OnSnapshot):
    purpose: Literal["balance", "details", "change-pin"]


@start.get("/")
def to_kiosk() -> RedirectResponse:
    return RedirectResponse(KIOSK_PATH)


@router.get("")
def kiosk_page(desk: TheDesk, language: Language | None = None) -> HTMLResponse:
    """The page; `language` is the holder's, until the card is taken."""
    kiosk = kiosk_of(desk)
    if language is not None:
        kiosk.language = language
        kiosk.touch()
    token = kiosk.open()
    answer = page("kiosk.html", kiosk.language, desk, csrf=kiosk.csrf)
    set_cookie(answer, desk, "kiosk", token, KIOSK_PATH)
    return answer


@router.get("/state", dependencies=[Depends(looking)])
def state(desk: TheDesk, spoken: Spoken) -> dict[str, Any]:
    return kiosk_state_of(desk, spoken)


@router.get("/events", dependencies=[Depends(looking)])
async def events(request: Request, desk: TheDesk) -> StreamingResponse:
    """Server-sent events `kiosk`, `pad` and `state`, the whole state each, and `gone` when another page took its place."""
    cookie, kiosk = request.cookies.get(cookie_name(desk, "kiosk")), kiosk_of(desk)

    def shown(name: str, value: object) -> Mapping[str, Any]:
        return kiosk_state_of(desk, kiosk.language)

    stream = desk.hub.stream(lambda: [(STATE, None)], shown, lambda: kiosk.holds(cookie))
    return StreamingResponse(stream, media_type=MEDIA_TYPE)


@router.post("/ask", dependencies=[Depends(keying)])
async def ask(asked: Asking, desk: TheDesk, spoken: Spoken) -> dict[str, Any]:
    """One of the three services."""

    def begin(till: Till) -> None:
        ready(till)
        till.ask(Purpose(asked.purpose))

    _require_serving(desk)
    await desk.act(asked.number, "", begin)
    return kiosk_state_of(desk, spoken)


@router.post("/next", dependencies=[Depends(keying)])
async def back_to_services(asked: OnSnapshot, desk: TheDesk, spoken: Spoken) -> dict[str, Any]:
    """From a result back to the services."""
    _require_serving(desk)
    await desk.act(asked.number, "", Till.confirm)
    return kiosk_state_of(desk, spoken)


@router.post("/finish", dependencies=[Depends(keying)])
async def finish(asked: OnSnapshot, desk: TheDesk, spoken: Spoken) -> dict[str, Any]:
    """The holder is done: nothing of them stays, the card is to be taken."""
    require_stage(desk, asked.number)
    await desk.leave_kiosk(Phase.FINISHED)
    return kiosk_state_of(desk, spoken)


@router.post("/again", dependencies=[Depends(keying)])
async def again(asked: OnSnapshot, desk: TheDesk, spoken: Spoken) -> dict[str, Any]:
    """The holder is there again, the card still in: it is read anew."""
    require_stage(desk, asked.number)
    kiosk_of(desk).again()
    await desk.act(asked.number, "", Till.card_came)
    desk.hub.publish(KIOSK, None)
    return kiosk_state_of(desk, spoken)


@router.post("/stay", dependencies=[Depends(keying)])
def stay(desk: TheDesk, spoken: Spoken) -> dict[str, Any]:
    """The holder needs more time, and has said so."""
    desk.hub.publish(KIOSK, None)
    return kiosk_state_of(desk, spoken)


def _require_serving(desk: Desk) -> None:
    if not kiosk_of(desk).serves:
        raise NotDone(409, "refused.stale")


add_keys(router, keying, kiosk_state_of)
