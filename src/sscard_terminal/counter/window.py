"""What is done at the service window beside the card's services: the holder's data in full, and losses.

Each function is handed the workplace, in its thread. Not here: loads, refunds and PINs (terminal/till/window.py), who may
(routes_window.py), words (window_view.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from sscard_terminal.cardspec.issuing import (
    HostRefused,
    HostUnreachable,
    IdentitySighting,
    LossChange,
    LossReport,
    LossStanding,
)
from sscard_terminal.cardspec.numbers import card_number_check, identity_check
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.reader.connection import LinkError
from sscard_terminal.terminal.identification import IdentifiedCard, identify
from sscard_terminal.terminal.outcomes import Declined, Reason

from .workplace import DoesNotFit, Workplace

REQUEST_ID_LENGTH = 16
"""Random bytes, as the window's other requests have. Our choice."""
CARD_NUMBER_LENGTH, IDENTITY_LENGTH = 9, 18


@dataclass(frozen=True, slots=True)
class InFull:
    """A holder's data, unmasked; for one answer and nothing else."""

    name: str
    social_security_number: str
    card_number: str


def loss_number(typed: str) -> str:
    """A card number or a social security number, whichever it is; both have a check character, because a slip of the
    finger would lock somebody else's card.

    Raises:
        FormatError: it is neither.
    """
    number = "".join(typed.split()).upper()
    body, check = number[:-1], number[-1:]
    try:
        if len(number) == CARD_NUMBER_LENGTH and card_number_check(body) == check:
            return number
        if len(number) == IDENTITY_LENGTH and identity_check(body) == check:
            return number
    except ValueError:
        pass
    raise FormatError("neither a card number nor a social security number")


def report_loss(
    work: Workplace, number: str, change: LossChange, sighting: IdentitySighting
) -> LossStanding | Declined:
    """A temporary loss, or its end; the card is not there, and no other card in the reader is touched."""
    assert work.host is not None
    report = LossReport(
        request=work.fittings.random(REQUEST_ID_LENGTH).hex(),
        number=number,
        change=change,
        sighting=sighting,
        place=work.shop.place,
    )
    try:
        answer = work.host.report_loss(report)
    except HostUnreachable:
        return Declined(Reason.HOST_UNREACHABLE)
    if isinstance(answer, HostRefused):
        return Declined(Reason.HOST_REFUSED, host=answer.reason)
    return answer


def show_in_full(work: Workplace, number: int, operator: str, supervisor: str) -> InFull | Declined:
    """Name and numbers of the card in the reader, the same as on the screen; written down before they are shown.

    Raises:
        Stale, DoesNotFit: another screen, no card on it, or a service has begun.
        JournalTrouble: it cannot be written down; nothing may be shown then.

    Source: counter.md screen rule 4.
    """
    work.require_current(number)
    work.require_nobody_at_it()
    panel = work.till.screen.panel
    if panel is None:
        raise DoesNotFit
    card = _identified(work)
    if isinstance(card, Declined):
        return card
    if card.identification != panel.identification:
        return Declined(Reason.CARD_SWAPPED)
    at = work.fittings.clock().replace(microsecond=0)
    work.journal.record_disclosure(at, operator, supervisor, card.identification)
    holder = card.cardholder
    return InFull(holder.name, holder.social_security_number, card.number)


def _identified(work: Workplace) -> IdentifiedCard | Declined:
    fittings = work.fittings
    try:
        with fittings.slots.at_work() as pair:
            return identify(pair.card, pair.psam, work.shop.policy, fittings.clock, fittings.random)
    except LinkError as error:
        return Declined(Reason.LINK_BROKEN, link=error.reason)
