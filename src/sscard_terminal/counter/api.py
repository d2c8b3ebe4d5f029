"""The typed service for shop software: `/api/v1`, described by `/api/v1/openapi.json`, events as a stream.

A sale is asked for once and may be asked about for ever: by the program's own request id. A request waits for the holder at the
pad up to `wait_s` seconds and then says `at-work`. Not here: the till's part (programs.py), tokens (clients.py), the known
driver's functions (routes_driver.py).
Source: counter.md, "The local service that pharmacy software calls".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Response
from starlette.responses import StreamingResponse

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.terminal.journal_events import Request
from sscard_terminal.terminal.operators import NotAllowed
from sscard_terminal.terminal.operators import Refusal as OperatorRefusal
from sscard_terminal.terminal.outcomes import Declined, Reason
from sscard_terminal.terminal.programs import Program
from sscard_terminal.terminal.requests import Asker
from sscard_terminal.terminal.till.steps import Purpose
from sscard_terminal.voice.told import declined

from . import api_models as models
from . import office, programs
from .access import TheDesk
from .api_orders import order_of, what_of
from .api_view import balances_of, card_of, day_of, details_of, event_of, sale_of, slip_of
from .clients import ForCard, ForDay, ForDetails, ForPin, ForRefund, ForSale
from .desk import STATE, Desk
from .events import MEDIA_TYPE
from .services import SaleStatus, Service, Standing
from .snapshot import Snapshot
from .words import Refused, not_allowed
from .workplace import Workplace

PREFIX, VERSION = "/api/v1", "1.0"
REFUSALS: dict[int | str, dict[str, Any]] = {
    code: {"model": models.Refusal, "description": what}
    for code, what in {
        400: "The request cannot be read (not UTF-8, no JSON).",
        401: "No token, one that is not known, or one whose last day is past.",
        403: "The token does not allow this.",
        409: "It cannot be done now; nothing was done.",
        413: "The request is too long.",
        421: "The Host is not this counter's.",
        422: "The request is wrong.",
        429: "Too many wrong tokens.",
        503: "The counter is busy, or its journal cannot be used.",
    }.items()
}
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": models.Refusal, "description": "There is none."}}
router = APIRouter(prefix=PREFIX, responses=REFUSALS)
WaitS = Annotated[
    float, Query(ge=0, le=models.LONGEST_WAIT_S, description="How long to wait for the end, in seconds.")
]
InPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
PIN_ENTRY_S = 60.0


# The card -----------------------------------------------------------------------------------------------


@router.get("/card", summary="The card in the reader, masked")
def card(desk: TheDesk, program: ForCard) -> models.Card:
    """Needs no PIN; the balance shows only after one. Why a card is not served, and what to do now, stands in `refusal`."""
    return card_of(desk.snapshot, program, desk.fittings.language)


@router.post("/card/read", summary="Identify the card anew")
async def read(desk: TheDesk, program: ForCard) -> models.Card:
    """Where a card was put in while the counter was at work for somebody else."""
    await desk.station.do(programs.read)
    return card_of(desk.snapshot, program, desk.fittings.language)


@router.get(
    "/events", summary="What happens at the counter, as server-sent events", response_class=StreamingResponse
)
async def events(
    desk: TheDesk, program: ForCard, last_event_id: Annotated[str | None, Header(max_length=64)] = None
) -> StreamingResponse:
    """`state`: the same as `GET /card`, first as it is and then at each change; `gone` when the token ends."""
    language = desk.fittings.language

    def shown(name: str, value: object) -> Mapping[str, Any] | None:
        if name != STATE or not isinstance(value, Snapshot):
            return None
        return event_of(value, program, language)

    stream = desk.hub.stream(desk.begin, shown, lambda: desk.clients.is_still(program), last_event_id)
    return StreamingResponse(stream, media_type=MEDIA_TYPE)


# Sales --------------------------------------------------------------------------------------------------


@router.post("/sales", summary="Sell", responses={202: {"model": models.Sale, "description": "At work."}})
async def sell(
    order: models.SaleOrder, response: Response, desk: TheDesk, program: ForSale, wait_s: WaitS = PIN_ENTRY_S
) -> models.Sale:
    """Begin a sale with the card in the reader and wait for its end: the holder keys the PIN at the pad.

    The amount counts as confirmed. The same request again, whatever happened to the first answer, never sells a second time:
    it says how the first one stands.
    """
    asked = programs.Asked(
        program.name,
        order.request,
        order_of(order, desk.fittings.configuration.shares, program),
        order.card or "",
        what_of(order),
    )
    found = await desk.station.do(lambda work: programs.sell(work, asked))
    return await _waited(desk, program, found, wait_s, response)


@router.get(
    "/sales/{request}",
    summary="How a sale stands",
    responses=NOT_FOUND | {202: {"model": models.Sale, "description": "At work."}},
)
async def status(
    request: InPath, response: Response, desk: TheDesk, program: ForSale, wait_s: WaitS = 0.0
) -> models.Sale:
    """By this program's own request id. To be verified: the sale is settled when the same card comes back."""
    found = await desk.station.do(lambda work: programs.status(work, program.name, request))
    return await _waited(desk, program, found, wait_s, response)


@router.delete("/sales/{request}", summary="Cancel a sale that waits for people", responses=NOT_FOUND)
async def cancel(request: InPath, desk: TheDesk, program: ForSale) -> models.Sale:
    """One that is charging, or has ended, stays as it is: the answer tells."""
    found = await desk.station.do(lambda work: programs.cancel(work, program.name, request))
    return sale_of(found, desk.snapshot, desk.fittings.language)


async def _waited(
    desk: Desk, program: Program, found: SaleStatus, wait_s: float, response: Response
) -> models.Sale:
    """The sale at its end, or where it is when the time is over (202)."""
    name = programs.name_of(program.name, found.request)

    def is_over() -> bool:
        service = desk.snapshot.service
        return service is None or service.request != name

    if found.standing is Standing.AT_WORK and await desk.until(is_over, wait_s):
        found = await desk.station.do(lambda work: programs.status(work, program.name, found.request))
    if found.standing is Standing.AT_WORK:
        response.status_code = 202
    return sale_of(found, desk.snapshot, desk.fittings.language)


# What the holder keys the PIN for -------------------------------------------------------------------------


@router.post("/balance", summary="The three balances")
async def balance(
    asked: models.Service, desk: TheDesk, program: ForDetails, wait_s: WaitS = PIN_ENTRY_S
) -> models.Balances:
    """Once the holder has keyed the PIN; a holder who does not within `wait_s` ends the service."""
    return balances_of(await _asked(desk, program, asked, Purpose.BALANCE, wait_s))


@router.post("/details", summary="The card's log beside the journal")
async def details(
    asked: models.Service, desk: TheDesk, program: ForDetails, wait_s: WaitS = PIN_ENTRY_S
) -> models.Details:
    """Once the holder has keyed the PIN; newest first."""
    service = await _asked(desk, program, asked, Purpose.DETAILS, wait_s)
    return details_of(service)


@router.post("/pin-change", summary="The holder changes the PIN")
async def pin_change(
    asked: models.Service, desk: TheDesk, program: ForPin, wait_s: WaitS = PIN_ENTRY_S
) -> models.Done:
    """Old, new and new again at the pad; none of them passes through the program."""
    await _asked(desk, program, asked, Purpose.CHANGE_PIN, wait_s)
    return models.Done()


async def _asked(
    desk: Desk, program: Program, asked: models.Service, purpose: Purpose, wait_s: float
) -> Service:
    """The service at its end.

    Raises:
        Refused: it was refused, cancelled, or nobody keyed the PIN in time.
    """
    card = asked.card or ""
    service = await desk.station.do(lambda work: programs.ask(work, program.name, purpose, card))
    in_time = await desk.until(lambda: service.is_over, wait_s)
    if not in_time:
        await desk.station.do(lambda work: programs.give_up(work, service))
    if not service.is_done:
        raise Refused(declined(service.why_not if in_time else Declined(Reason.PIN_ENTRY_TIMED_OUT)))
    return service


# Without a card -------------------------------------------------------------------------------------------


@router.post("/slips", summary="A slip again, marked as a reprint", responses=NOT_FOUND)
async def reprint(asked: models.Reprint, desk: TheDesk, program: ForSale) -> models.Slip:
    """From the journal, on the place's printer and as text."""

    def printed(work: Workplace) -> models.Slip:
        voucher = asked.voucher
        if asked.request is not None:
            voucher = programs.voucher_of(work, program.name, asked.request)
        office.reprint(work, voucher)
        return slip_of(work.snapshot)

    return await desk.station.do(printed)


@router.post("/voids", summary="Ask the centre for a sale of today", responses=NOT_FOUND)
async def void(asked: models.GivingBack, desk: TheDesk, program: ForRefund) -> models.AskedBack:
    """The shop cannot credit a chip: the centre does, when the card next comes to it."""
    asker = _asker(desk, program, asked)
    return _asked_back(await desk.station.do(lambda work: office.void(work, asked.voucher, asker)))


@router.post("/refunds", summary="Ask the centre for an earlier sale, or a part of it", responses=NOT_FOUND)
async def refund(asked: models.Refunding, desk: TheDesk, program: ForRefund) -> models.AskedBack:
    """Likewise, after the sale's day and within the days for refunds."""
    asker = _asker(desk, program, asked)
    amount = None if asked.amount_fen is None else Fen(asked.amount_fen)
    return _asked_back(await desk.station.do(lambda work: office.refund(work, asked.voucher, amount, asker)))


def _asker(desk: Desk, program: Program, asked: models.GivingBack) -> Asker:
    """The supervisor who let the program in answers for what it asks back."""
    if desk.staff.is_needed and not program.by:
        raise not_allowed(NotAllowed(OperatorRefusal.NEEDS_SUPERVISOR))
    return Asker(program.name, program.by, asked.again)


def _asked_back(asked: Request | Declined) -> models.AskedBack:
    if isinstance(asked, Declined):
        raise Refused(declined(asked))
    return models.AskedBack(voucher=asked.entry.sale.voucher, amount_fen=asked.event.amount or 0)


@router.get("/day", summary="The totals of the day")
async def day(desk: TheDesk, program: ForDay) -> models.Day:
    """By operator, kind and state; a program stands under its name. Opened and closed by people."""
    return day_of(await desk.station.do(office.picture))
