"""The application: every route behind one wall, every refusal an answer in words.

Not here: the server under it (serving.py), the routes (routes_*.py). To add routes: put their router into ROUTERS.
"""

from __future__ import annotations

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from sscard_terminal.iso7816.status import Language
from sscard_terminal.terminal.journal_file import JournalTrouble
from sscard_terminal.terminal.operators_file import OperatorsTrouble
from sscard_terminal.terminal.programs import ProgramsTrouble
from sscard_terminal.voice.told import failed

from . import (
    api,
    routes_clerk,
    routes_driver,
    routes_kiosk,
    routes_office,
    routes_pad,
    routes_simulator,
    routes_staff,
    routes_window,
)
from .access import spoken
from .desk import Desk
from .fittings import Fittings
from .office import NoSuchSale
from .pairing import OutOfTurn
from .security import DRIVER_PATH, Wall, preferred
from .station import Busy
from .templates import STATIC
from .words import NotDone, Refused
from .workplace import DoesNotFit, Stale

ROUTERS = (routes_clerk.router, routes_office.router, routes_staff.router, routes_pad.router)
"""Everything the pages ask for; a new page's router goes here."""
KIOSK_ROUTERS = (routes_kiosk.start, routes_kiosk.router)
"""Instead of those, where a kiosk is served."""
PROGRAM_ROUTERS = (api.router, routes_driver.router)
"""What programs ask for, with a token instead of a page's cookie."""
DESCRIPTION = (
    "The counter's service for shop software: identify a card, sell, ask how a sale stands, read details, change the PIN, "
    "reprint, void, refund, totals of the day. Every program has a token of its own; money is whole fen; a repeated request "
    "id never sells twice."
)
REFUSALS: dict[type[Exception], tuple[int, str]] = {
    Busy: (503, "refused.busy"),
    Stale: (409, "refused.stale"),
    DoesNotFit: (409, "refused.does-not-fit"),
    NoSuchSale: (404, "refused.no-such-sale"),
    OutOfTurn: (409, "refused.out-of-turn"),
    RequestValidationError: (422, "refused.request"),
    OperatorsTrouble: (503, "refused.operators-file"),
    ProgramsTrouble: (503, "refused.programs-file"),
    OSError: (503, "refused.system"),
}
"""What a request may end with, none of it having moved money. What was sent is never quoted back: it might be a digit."""

HTTP_REFUSALS = {404: "refused.not-found", 405: "refused.method"}
"""What the framework itself refuses; anything else is a request it cannot read."""


def counter_app(desk: Desk) -> ASGIApp:
    """The application of one counter, which its maker has started and will close."""
    app = FastAPI(
        title="sscard counter",
        version=api.VERSION,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None if desk.kiosk is not None else f"{api.PREFIX}/openapi.json",
    )
    app.state.desk = desk
    for router in _routers(desk.fittings):
        app.include_router(router)
    if desk.drawer is not None:
        app.include_router(routes_simulator.router)
    app.mount("/static", StaticFiles(directory=STATIC), "static")
    _tell_refusals(app)
    return Wall(app, desk.address, desk.fittings.language)


def _routers(fittings: Fittings) -> tuple[APIRouter, ...]:
    if fittings.is_kiosk:
        return KIOSK_ROUTERS
    window = (routes_window.router,) if fittings.has_window else ()
    return (*ROUTERS, *window, *PROGRAM_ROUTERS)


def _tell_refusals(app: FastAPI) -> None:
    @app.exception_handler(NotDone)
    @app.exception_handler(Refused)
    async def not_done(request: Request, error: NotDone | Refused) -> JSONResponse:
        return JSONResponse(error.answer(_language(request)), error.status)

    async def refused(request: Request, error: Exception) -> JSONResponse:
        kind = next(kind for kind in REFUSALS if isinstance(error, kind))
        status, key = REFUSALS[kind]
        if kind is RequestValidationError and request.url.path.startswith(api.PREFIX):
            key = "refused.program-request"
        return JSONResponse(NotDone(status, key).answer(_language(request)), status)

    for kind in REFUSALS:
        app.add_exception_handler(kind, refused)

    @app.exception_handler(JournalTrouble)
    async def journal(request: Request, error: JournalTrouble) -> JSONResponse:
        return JSONResponse(Refused(failed(error)).answer(_language(request)), 503)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        key = HTTP_REFUSALS.get(error.status_code, "refused.http")
        answer = NotDone(error.status_code, key).answer(_language(request))
        return JSONResponse(answer, error.status_code, headers=error.headers)

    @app.exception_handler(Exception)
    async def mistake(request: Request, error: Exception) -> JSONResponse:
        """A mistake of ours; whether money moved the journal knows."""
        answer = NotDone(500, "refused.mistake").answer(_language(request)) | {"money": "to-be-verified"}
        return JSONResponse(answer, 500)


def _language(request: Request) -> Language:
    """A page's own; of a program what it asks for (Accept-Language)."""
    desk: Desk = request.app.state.desk
    if request.url.path.startswith((api.PREFIX, DRIVER_PATH)):
        return preferred(request.headers.get("accept-language", ""), desk.fittings.language)
    return spoken(request, desk)
