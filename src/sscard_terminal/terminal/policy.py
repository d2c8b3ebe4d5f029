"""What this terminal accepts: whose cards, how old, which PINs.

Not here: what the card itself enforces, and where the settings are read from (cli).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.cardspec.records import IssuerData

from .hotlist import Hotlist

FIRST_PINS = (Pin("123456"), Pin("1234"))
"""The PINs cards are issued with: 32K and later, 16K. Source: card.md §1.10, system.md (Q9)."""

NEW_PIN_DIGITS = 6
"""Source: system.md, row "change PIN"; counter.md, "PIN pad" (-33)."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings of one terminal.

    `accepted_regions` are six-digit region codes; a code that ends in 00 stands for everything below it, so
    "370900" is the whole city of Tai'an. `accept_expired` lets the out-of-date test card pass.
    `first_pin_may_pay`: driver code -35 is reserved for the other choice (card.md §9.18).
    `hotlist` is the list in use, None at a place that has none.
    """

    accepted_regions: tuple[str, ...] = ("370900",)
    accept_expired: bool = False
    first_pin_may_pay: bool = True
    hotlist: Hotlist | None = None

    def to_settle(self) -> Policy:
        """The same place towards a card that left a sale open: neither hotlist nor age undoes what it may have paid."""
        return replace(self, hotlist=None, accept_expired=True)

    def accepts_region(self, region: str) -> bool:
        """True for a card issued in one of the accepted regions. Source: system.md, "where" (inside the city)."""
        return any(region.startswith(_prefix(code)) for code in self.accepted_regions)

    def is_on_hotlist(self, issuer: IssuerData) -> bool:
        """True for a card the hotlist names, alone or in a range. Source: terminal.md, "Hotlist"."""
        return self.hotlist is not None and self.hotlist.holds(str(issuer.identification), issuer.card_number)

    def accepts_age(self, issuer: IssuerData, today: date) -> bool:
        """True until the end of the card's last day; a card without a date does not expire."""
        return self.accept_expired or issuer.expires is None or today <= issuer.expires


def _prefix(code: str) -> str:
    while code.endswith("00"):
        code = code[:-2]
    return code
