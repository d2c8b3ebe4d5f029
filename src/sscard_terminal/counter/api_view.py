"""The counter as programs see it: snapshots, sales and days as the models of the description.

Not here: the models themselves (api_models.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sscard_terminal.iso7816.status import Language
from sscard_terminal.terminal.outcomes import SaleKind
from sscard_terminal.terminal.programs import Program
from sscard_terminal.voice.told import Told, declined, for_programs

from . import api_models as models
from .office import Picture
from .services import SaleStatus, Service, Standing
from .snapshot import Became, Snapshot
from .words import said

_MOVED: dict[Standing, models.Moved | None] = {
    Standing.AT_WORK: None,
    Standing.CHARGED: "charged",
    Standing.NOT_CHARGED: "not-charged",
    Standing.TO_BE_VERIFIED: "to-be-verified",
}


def card_of(snapshot: Snapshot, program: Program, language: Language) -> models.Card:
    """Masked; of the sale at hand only whether it is this program's own."""
    screen, service = snapshot.screen, snapshot.service
    own = "" if service is None or service.program != program.name else service.request
    shown = models.Card(
        step=screen.step,
        is_in=snapshot.card_is_in,
        request=own.partition(" ")[2] or None,
        refusal=None if screen.declined is None else refusal_of(declined(screen.declined), language),
    )
    panel = screen.panel
    if panel is None:
        return shown
    return shown.model_copy(
        update={
            "identification": panel.identification,
            "number": panel.number,
            "name": panel.name,
            "expires": panel.expires,
            "tries_left": panel.tries_left,
        }
    )


def event_of(snapshot: Snapshot, program: Program, language: Language) -> Mapping[str, Any]:
    return card_of(snapshot, program, language).model_dump(mode="json")


def refusal_of(told: Told, language: Language) -> models.Refusal:
    return models.Refusal(
        error=told.key,
        sentence=said(told, language),
        money=told.money.value,
        facts=for_programs(told.facts),
    )


def sale_of(status: SaleStatus, snapshot: Snapshot, language: Language) -> models.Sale:
    at_work = status.standing is Standing.AT_WORK
    shown = models.Sale(
        request=status.request,
        state=status.standing,
        money=_MOVED[status.standing],
        step=snapshot.screen.step if at_work else None,
        refusal=_refusal(status, language),
    )
    entry = status.entry
    if entry is None:
        return shown
    sale, amounts = entry.sale, entry.sale.amounts
    is_charged = status.standing is Standing.CHARGED
    return shown.model_copy(
        update={
            "voucher": sale.voucher,
            "kind": SaleKind(sale.kind),
            "account_fen": int(amounts.account),
            "self_paid_fen": int(amounts.self_paid),
            "pooled_fen": int(amounts.pooled),
            "balance_fen": int(sale.balance_after) if is_charged else None,
            "terminal": sale.terminal,
            "sequence": sale.sequence.hex().upper(),
            "counter": sale.counter,
            "time": sale.time,
            "tac": None if entry.tac is None else entry.tac.hex().upper(),
            "card": sale.identification,
        }
    )


def _refusal(status: SaleStatus, language: Language) -> models.Refusal | None:
    why = status.why
    if why is None:
        return None
    return models.Refusal(
        error=why["error"],
        sentence=why["sentence"][language],
        money=_MOVED[status.standing] or "not-charged",
        facts=why["facts"],
    )


def balances_of(service: Service) -> models.Balances:
    assert service.screen is not None and service.screen.balances is not None
    found = service.screen.balances
    return models.Balances(
        account_fen=int(found.account),
        self_paid_fen=int(found.self_paid.amount),
        pooled_fen=int(found.pooled.amount),
        year=found.self_paid.year.hex(),
    )


def details_of(service: Service) -> models.Details:
    return models.Details(
        lines=[
            models.DetailLine(
                match=line.match,
                counter=line.counter,
                terminal=line.terminal,
                time=line.at,
                account_fen=int(line.amounts.account),
                self_paid_fen=int(line.amounts.self_paid),
                pooled_fen=int(line.amounts.pooled),
                voucher=line.voucher,
            )
            for line in service.lines
        ]
    )


def slip_of(snapshot: Snapshot) -> models.Slip:
    """The paper just handed out."""
    paper = snapshot.paper
    assert paper is not None
    return models.Slip(
        voucher=paper.voucher, text=paper.text, is_printing=paper.became is not Became.ON_SCREEN
    )


def day_of(picture: Picture) -> models.Day:
    day = picture.day
    if day is None:
        return models.Day(number=0, is_open=False)
    sums = [
        models.DaySum(
            operator=row.operator,
            kind=row.kind,
            state=row.state,
            count=row.count,
            account_fen=row.account,
            self_paid_fen=row.self_paid,
            pooled_fen=row.pooled,
        )
        for row in day.sums
    ]
    closed = None if day.closed is None else day.closed.at
    return models.Day(
        number=day.number, is_open=closed is None, opened=day.opened.at, closed=closed, sums=sums
    )
