"""Settles what the journal holds open, once the same card is back: did it pay, or not?

Not here: a second DEBIT, ever.
Source: reliability.md, "Recovery".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .client import SocialSecurityCard
from .journal import Journal, JournalEntry, SaleState
from .ports import Clock
from .psam import Psam
from .workflow import IdentifiedCard


class Evidence(StrEnum):
    """What a settlement rests on, or why there is none yet. The value is the key of its sentence in cli/messages."""

    PSAM_ACCEPTED_MAC2 = "psam-accepted-mac2"
    LOG_SHOWS_OURS = "log-shows-ours"
    LOG_SHOWS_ANOTHER = "log-shows-another"
    COUNTER_UNMOVED = "counter-unmoved"
    PIN_NEEDED = "pin-needed"
    LOG_TOO_SHORT = "log-too-short"
    CARD_CONTRADICTS = "card-contradicts"
    CARD_REFUSED = "card-refused"


@dataclass(frozen=True, slots=True)
class Settlement:
    """How one open sale ended, or why it has not: `entry` is the sale as the journal holds it now."""

    entry: JournalEntry
    evidence: Evidence

    @property
    def state(self) -> SaleState:
        return self.entry.state


def settle(
    card: IdentifiedCard, psam: Psam | None, journal: Journal, clock: Clock, *, pin_verified: bool
) -> tuple[Settlement, ...]:
    """Settle the open sales of this card (same identification code and number), by all the evidence there is.

    `pin_verified`: the PIN was verified in this session, or the card has none; without it log and counter stay shut.

    Raises:
        LinkError: the card went away; what was settled before is in the journal.
        JournalTrouble: the journal cannot be written.
    """
    raise NotImplementedError


def settle_by_psam(
    card: SocialSecurityCard, psam: Psam, journal: Journal, clock: Clock
) -> tuple[Settlement, ...]:
    """Before identification: ask the card for its proof and the PSAM whether it accepts it. Needs no PIN.

    For a card that comes straight back, while the PSAM still holds the purchase: identification would end that.
    Costs nothing (no command) while the journal has no open sale. Only "charged" can come out of it: an
    accepted MAC2 proves itself, anything else needs an identified card.

    Raises: as `settle`.
    """
    raise NotImplementedError
