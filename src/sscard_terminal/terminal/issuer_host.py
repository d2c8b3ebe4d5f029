"""The issuer's host as a terminal sees it: whoever holds the keys that load a card and reset its PIN.

Questions and answers are the values of cardspec/issuing.py. In this process the centre's `WindowHost` has this shape; over
HTTP a client of the centre's API will, one POST a method, the request id as its idempotency key, `HostRefused` as a
409 with its reason, and everything else that goes wrong as `HostUnreachable`. Not here: any key; the terminal never
sees one.

Every method answers within about three seconds or raises HostUnreachable: card and PSAM are held meanwhile, and
Windows resets a card that is held idle for five (docs/style.md part 2).
"""

from __future__ import annotations

from typing import Protocol

from sscard_terminal.cardspec.issuing import (
    CardReference,
    HostRefused,
    LoadAuthorised,
    LoadReport,
    LoadRequest,
    LoadStanding,
    LossReport,
    LossStanding,
    PendingCredit,
    PinCommand,
    PinCommandRequest,
    PinPermission,
    PinPermissionRequest,
)


class IssuerHost(Protocol):
    """All methods may raise HostUnreachable."""

    def authorise_load(self, asked: LoadRequest) -> LoadAuthorised | HostRefused:
        """Debit the centre's account and say what makes the card credit it. Safe to ask again with the same id."""

    def report_load(self, report: LoadReport) -> LoadStanding | HostRefused:
        """Tell what became of a load, and hear what the centre holds of it. Safe to tell again."""

    def pending_credits(self, card: CardReference) -> tuple[PendingCredit, ...]:
        """The refunds that wait for this card, oldest first."""

    def permit_pin_service(self, asked: PinPermissionRequest) -> PinPermission | HostRefused:
        """What opens the PIN commands of this card: EXTERNAL AUTHENTICATE data with PUK. Safe to ask again."""

    def pin_command(self, asked: PinCommandRequest) -> PinCommand | HostRefused:
        """The body of RELOAD or UNBLOCK, once within a permission."""

    def report_loss(self, report: LossReport) -> LossStanding | HostRefused:
        """A temporary loss, or its end; it takes effect at once. Safe to tell again with the same id."""
