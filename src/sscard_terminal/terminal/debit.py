"""The sale: one debit of the medical account, exactly once.

Not here: what a lost answer leaves open (recovery.py) and who holds the card for us meanwhile: call it inside
`reader.connection.exclusively(connection)`, in one breath with identification and PIN.
"""

from __future__ import annotations

from dataclasses import dataclass

from sscard_terminal.cardspec.transaction import PurchaseAmounts

from .journal import Journal
from .outcomes import Approved, Declined, Unsettled
from .ports import Clock
from .psam import Psam
from .workflow import IdentifiedCard


@dataclass(frozen=True, slots=True)
class DebitRequest:
    """What the shop asks for. `place` and `operator` go to the journal and the slip."""

    amounts: PurchaseAmounts
    place: str = ""
    operator: str = ""


def debit(
    card: IdentifiedCard, psam: Psam, journal: Journal, request: DebitRequest, clock: Clock
) -> Approved | Declined | Unsettled:
    """INITIALIZE, MAC1, intent in the journal, DEBIT (once, ever), answer in the journal, MAC2, end in the journal.

    Raises no LinkError: a link broken before DEBIT left is Declined, after it Unsettled.

    Source: card.md §4.4; reliability.md.
    """
    raise NotImplementedError
