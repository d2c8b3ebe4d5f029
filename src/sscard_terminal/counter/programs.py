"""What programs do at the counter's till, each function in the working thread: identify, sell, ask, cancel.

A request is known by the program's name and the id it gave: the journal has it before anything is done, takes a debit under
it once, and keeps how it ended. Not here: who may ask (clients.py), HTTP (api.py), what follows (services.py).
Source: counter.md, "The local service"; issue 5 (a repeated request id never sells twice).
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from sscard_terminal.terminal.journal_requests import SaleRequest, SaleRequests
from sscard_terminal.terminal.outcomes import Declined, Reason
from sscard_terminal.terminal.till.steps import PEOPLE_ARE_AT_IT, Purpose, Screen, Step
from sscard_terminal.terminal.till.till import Order, Till
from sscard_terminal.voice.told import declined

from .services import SaleStatus, Service, Standing, status_of, written
from .words import NotDone, Refused
from .workplace import Workplace

_OVER = (Step.DONE, Step.REFUSED)
INTERRUPTED = Declined(Reason.CANCELLED)
"""The counter was stopped in the middle of a request, before its debit: nothing was paid, and nothing will be."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A sale as a program asks for it. `card`: the identification code of the card it means, "" any; `name` is the request
    in the journal, `what` all that must be the same when it is repeated."""

    program: str
    request: str
    order: Order
    card: str
    what: str

    @property
    def name(self) -> str:
        return name_of(self.program, self.request)


def name_of(program: str, request: str) -> str:
    """A request's name in the journal: no program can name another's, for no name of one has a blank in it."""
    return f"{program} {request}"


def sell(work: Workplace, asked: Asked) -> SaleStatus:
    """Begin a sale, unless this request was made before: then how that one stands.

    Raises:
        NotDone: the counter is at work for somebody else, no card is in, another than the one meant, or the same id
            was given to another sale. Nothing was begun, and the id may be used again.
        JournalTrouble: the journal cannot be used.
    """
    requests = SaleRequests(work.journal)
    if (known := requests.find(asked.name)) is not None:
        if known.asked != asked.what:
            raise NotDone(409, "refused.request-reused")
        return _standing(work, requests, known)
    _require_card(work, asked.card)
    requests.begin(asked.name, asked.what, work.fittings.clock())

    def begin(till: Till) -> None:
        till.operator = asked.program
        _ready(till)
        till.sell(asked.order)
        if till.screen.step is Step.CONFIRM_AMOUNT:  # the amount was confirmed where the program asked for it
            till.confirm()

    work.serve(Service(asked.program, asked.name), begin)
    return _found(work, asked.program, asked.request)


def status(work: Workplace, program: str, request: str) -> SaleStatus:
    """How a request stands.

    Raises:
        NotDone: it was never made.
        JournalTrouble: the journal cannot be used.
    """
    return _found(work, program, request)


def _found(work: Workplace, program: str, request: str) -> SaleStatus:
    requests = SaleRequests(work.journal)
    known = requests.find(name_of(program, request))
    if known is None:
        raise NotDone(404, "refused.no-such-request")
    return _standing(work, requests, known)


def _standing(work: Workplace, requests: SaleRequests, known: SaleRequest) -> SaleStatus:
    request = known.request.partition(" ")[2]
    if known.entry is not None and not _is_at_hand(work, known.request):
        return status_of(request, known.entry)
    if _is_at_hand(work, known.request):
        return SaleStatus(request, Standing.AT_WORK)
    answer = known.answer
    if answer is None:
        answer = written(INTERRUPTED)
        requests.answer(known.request, answer, work.fittings.clock())
    return SaleStatus(request, Standing.NOT_CHARGED, why=json.loads(answer))


def _is_at_hand(work: Workplace, name: str) -> bool:
    return work.service is not None and work.service.request == name


def voucher_of(work: Workplace, program: str, request: str) -> int:
    """The voucher of a request that came to a debit.

    Raises:
        NotDone: it was never made, or came to none.
    """
    entry = _found(work, program, request).entry
    if entry is None:
        raise NotDone(404, "refused.no-such-request")
    return entry.sale.voucher


def cancel(work: Workplace, program: str, request: str) -> SaleStatus:
    """End a sale people are still at; one that is charging, or has ended, stays as it is.

    Raises:
        NotDone, JournalTrouble: as `status`.
    """
    if _is_at_hand(work, name_of(program, request)) and work.till.screen.step in PEOPLE_ARE_AT_IT:
        work.cancel()
    return _found(work, program, request)


def ask(work: Workplace, program: str, purpose: Purpose, card: str) -> Service:
    """Begin a service that is no sale.

    Raises:
        NotDone: as `sell`.
    """
    _require_card(work, card)
    service = Service(program)

    def begin(till: Till) -> None:
        till.operator = program
        _ready(till)
        till.ask(purpose)

    work.serve(service, begin)
    return service


def give_up(work: Workplace, service: Service) -> None:
    """The holder did not key the PIN in time: the service ends, if it is still the one at hand."""
    if work.service is service and work.till.screen.step in PEOPLE_ARE_AT_IT:
        work.cancel()


def read(work: Workplace) -> Screen:
    """Identify the card in the reader anew.

    Raises:
        NotDone: the counter is at work, or no card is in.
    """
    _require_nobody(work)
    if not work.snapshot.card_is_in:
        raise NotDone(409, "refused.no-card")
    work.read_card()
    return work.till.screen


def _require_card(work: Workplace, card: str) -> None:
    _require_nobody(work)
    screen = work.till.screen
    if screen.step is Step.TO_BE_VERIFIED:
        raise NotDone(409, "refused.to-be-verified")
    if screen.panel is None or screen.step not in (Step.READY, *_OVER):
        if screen.declined is not None:
            raise Refused(declined(screen.declined))
        raise NotDone(409, "refused.no-card")
    if card and card != screen.panel.identification:
        raise Refused(declined(Declined(Reason.CARD_SWAPPED)))


def _require_nobody(work: Workplace) -> None:
    if work.is_at_work:
        raise NotDone(409, "refused.busy")


def _ready(till: Till) -> None:
    if till.screen.step in _OVER:
        till.confirm()
