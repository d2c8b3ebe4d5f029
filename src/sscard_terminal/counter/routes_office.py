"""What the clerk's page asks for without a card: slips again, voids and refunds, the day, the settings.

Not here: what is done (office.py), the card's services (routes_clerk.py).
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from sscard_terminal.terminal.day import Day, Watch
from sscard_terminal.terminal.journal_events import Request
from sscard_terminal.terminal.operators import NotAllowed
from sscard_terminal.terminal.outcomes import Declined
from sscard_terminal.terminal.requests import Asker
from sscard_terminal.voice.told import declined

from . import office
from .access import Acting, Looking, TheDesk, operator_of
from .desk import Desk
from .inputs import amount_of, password_of, voucher_of
from .office_view import day_of, request_of, sale_of, settings_of
from .routes_clerk import Body, Typed
from .routes_staff import Secret, require_try
from .sessions import Session
from .words import NotDone, Refused, not_allowed

router = APIRouter(prefix="/clerk", include_in_schema=False)
MOST_WORDS = 200


class Answered(Body):
    """Who answers for it, where whoever is signed in is no supervisor."""

    supervisor: Typed = ""
    password: Secret = ""


class Voucher(Body):
    voucher: Typed = ""


class GivingBack(Answered):
    """Void or refund. `amount`: yuan, for a refund of a part; `again`: the same amount is meant a second time."""

    voucher: Typed
    amount: Typed = ""
    again: bool = False


class OpeningDay(Answered):
    clock_is_right: bool = False


class ClosingDay(OpeningDay):
    """`despite`: why over sales to be verified."""

    despite: str = Field("", max_length=MOST_WORDS)


@router.post("/reprint")
async def reprint(asked: Voucher, desk: TheDesk, session: Acting) -> dict[str, Any]:
    """F8: the slip of a sale again, of the last one without a number."""
    voucher = voucher_of(asked.voucher)
    await desk.station.do(lambda work: office.reprint(work, voucher))
    return {}


@router.get("/sale")
async def sale(
    desk: TheDesk, session: Looking, voucher: Annotated[str, Query(max_length=64)] = ""
) -> dict[str, Any]:
    """A sale before it is asked back, of the last one without a number."""
    number = voucher_of(voucher)
    found = await desk.station.do(lambda work: office.sale(work, number))
    return sale_of(found, session.language)


@router.post("/void")
async def void(asked: GivingBack, desk: TheDesk, session: Acting) -> dict[str, Any]:
    """F9: ask the centre for a sale of today."""
    voucher, asker = await _asking(asked, desk, session)
    return _told(await desk.station.do(lambda work: office.void(work, voucher, asker)), session)


@router.post("/refund")
async def refund(asked: GivingBack, desk: TheDesk, session: Acting) -> dict[str, Any]:
    """F9: ask the centre for an earlier sale, or a part of it."""
    amount = amount_of(asked.amount)
    voucher, asker = await _asking(asked, desk, session)
    return _told(await desk.station.do(lambda work: office.refund(work, voucher, amount, asker)), session)


@router.get("/day")
async def day(desk: TheDesk, session: Looking) -> dict[str, Any]:
    """The newest day: totals by operator and kind, sales by hour."""
    return day_of(await desk.station.do(office.picture), session.language)


@router.post("/day/open")
async def open_day(asked: OpeningDay, desk: TheDesk, session: Acting) -> dict[str, Any]:
    """签到."""
    watch = await _watch(asked, desk, session)
    operator = operator_of(session)
    _held(await desk.station.do(lambda work: office.begin_day(work, operator, watch)))
    return day_of(await desk.station.do(office.picture), session.language)


@router.post("/day/close")
async def close_day(asked: ClosingDay, desk: TheDesk, session: Acting) -> dict[str, Any]:
    """签退; over sales to be verified only with a reason, for which a supervisor answers."""
    despite, operator = asked.despite.strip(), operator_of(session)
    answering = await _supervisor(asked, desk, session) if despite else ""
    watch = await _watch(asked, desk, session)
    _held(await desk.station.do(lambda work: office.end_day(work, operator, despite, answering, watch)))
    return day_of(await desk.station.do(office.picture), session.language)


@router.get("/settings")
def settings(desk: TheDesk, session: Looking) -> dict[str, Any]:
    """Every setting as it is; nothing can be changed here."""
    return {
        "settings": settings_of(desk.fittings.configuration, session.language),
        "reader": desk.fittings.reader,
    }


async def _asking(asked: GivingBack, desk: Desk, session: Session) -> tuple[int, Asker]:
    voucher = voucher_of(asked.voucher)
    if voucher is None:
        raise NotDone(422, "refused.voucher")
    answering = await _supervisor(asked, desk, session)
    return voucher, Asker(operator_of(session), answering, asked.again)


async def _supervisor(asked: Answered, desk: Desk, session: Session) -> str:
    if asked.password:
        require_try(desk)
    password = password_of(asked.password)
    found = await desk.staff.supervisor(session.operator, asked.supervisor.strip(), password)
    if isinstance(found, NotAllowed):
        raise not_allowed(found)
    return found


async def _watch(asked: OpeningDay, desk: Desk, session: Session) -> Watch:
    """How the clock is judged; that it is right in spite of the journal a supervisor answers for."""
    longest = desk.fittings.shop.rules.longest_closure
    if not asked.clock_is_right:
        return Watch(longest)
    return Watch(longest, True, await _supervisor(asked, desk, session))


def _told(asked: Request | Declined, session: Session) -> dict[str, Any]:
    if isinstance(asked, Declined):
        raise Refused(declined(asked))
    return request_of(asked, session.language)


def _held(found: Day | Declined) -> Day:
    if isinstance(found, Declined):
        raise Refused(declined(found))
    return found
