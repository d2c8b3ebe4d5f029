"""The bureau's card service window: what it can do with a card that no shop can.

Loads and refunds need the holder's PIN; PIN reset and unblock need the identity document (system.md, row "unlock") and
stand in pin_service.py. Not here: the load itself (load.py), what it leaves open (load_recovery.py), words for people.
"""

from __future__ import annotations

from dataclasses import dataclass

from sscard_terminal.cardspec.issuing import HostUnreachable, PendingCredit

from .identification import IdentifiedCard
from .issuer_host import IssuerHost
from .load import LoadOrder, Window, load, reference_of
from .load_records import Credited, LoadUnsettled
from .load_recovery import LoadSettlement, report_outcomes, settle_by_host, settle_loads
from .outcomes import Declined, Reason


@dataclass(frozen=True, slots=True)
class RefundOutcome:
    """A refund that waited, and what came of loading it."""

    credit: PendingCredit
    outcome: Credited | Declined | LoadUnsettled


def tidy_up(
    card: IdentifiedCard, host: IssuerHost, window: Window, *, pin_verified: bool
) -> tuple[LoadSettlement, ...]:
    """Before anything else at the window: settle this card's open loads and tell the host what it is still owed.

    Raises:
        LinkError: the card went away; what was settled before is in the journal.
        JournalTrouble: the journal cannot be used.
    """
    settled = settle_loads(card, host, window, pin_verified=pin_verified)
    report_outcomes(host, window)
    return settled


def tidy_up_without_card(host: IssuerHost, window: Window) -> tuple[LoadSettlement, ...]:
    """At the start of a day: what the host knows of open loads, because the cards have been at other windows since.

    Raises:
        JournalTrouble: the journal cannot be used.
    """
    settled = settle_by_host(host, window)
    report_outcomes(host, window)
    return settled


def refunds_of(card: IdentifiedCard, host: IssuerHost) -> tuple[PendingCredit, ...] | Declined:
    """The refunds that wait for this card, oldest first. Needs no PIN."""
    try:
        return host.pending_credits(reference_of(card))
    except HostUnreachable:
        return Declined(Reason.HOST_UNREACHABLE)


def load_refunds(
    card: IdentifiedCard, host: IssuerHost, window: Window, operator: str = ""
) -> tuple[RefundOutcome, ...] | Declined:
    """Load every refund that waits, one after the other; the first that is not credited ends it.

    The PIN must have been verified if one is set.
    """
    waiting = refunds_of(card, host)
    if isinstance(waiting, Declined):
        return waiting
    outcomes: list[RefundOutcome] = []
    for credit in waiting:
        order = LoadOrder(credit.amount, credit.id, operator)
        outcomes.append(RefundOutcome(credit, load(card, host, window, order)))
        if not isinstance(outcomes[-1].outcome, Credited):
            break
    return tuple(outcomes)
