"""The services of the counter but the sale: identify a card, verify and change its PIN, read balances and details.

Not here: the sale (debit.py), what it leaves open (recovery.py), words for people (cli/messages).
Everywhere: LinkError means the link to the card broke and no money has moved.
"""

from __future__ import annotations

from dataclasses import dataclass

from sscard_terminal.cardspec.ciphers import CipherSuite
from sscard_terminal.cardspec.commands.medical import YearTotal
from sscard_terminal.cardspec.keys import DiversificationFactors
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.cardspec.records import Cardholder, IssuerData, LogRecord

from .client import SocialSecurityCard
from .outcomes import Accepted, Declined, NotSet
from .policy import Policy
from .ports import Clock, RandomBytes
from .psam import Psam


@dataclass(frozen=True, slots=True)
class IdentifiedCard:
    """A card that has proved itself and may be served here; good until it leaves the reader or is reset.

    `tries_left` as at identification: None where no PIN is set, 0 where it is locked.
    """

    client: SocialSecurityCard
    issuer: IssuerData
    cardholder: Cardholder
    suite: CipherSuite
    factors: DiversificationFactors
    tries_left: int | None

    @property
    def identification(self) -> str:
        """The card identification code, 32 hex digits."""
        return str(self.issuer.identification)

    @property
    def number(self) -> str:
        return self.issuer.card_number


@dataclass(frozen=True, slots=True)
class Balances:
    """The three amounts of the medical account."""

    account: Fen
    self_paid: YearTotal
    pooled: YearTotal


def identify(
    card: SocialSecurityCard, psam: Psam, policy: Policy, clock: Clock, random: RandomBytes
) -> IdentifiedCard | Declined:
    """Find out whose card this is and whether it may be served, before any PIN is asked.

    SSSE, EF05, region, expiry, internal authentication by the PSAM (nothing of EF05 is believed before it), on 3.0
    external authentication, EF06, tries left.

    Source: card.md §4.2; system.md (Q10: a card of another city is told so before the PIN).
    """
    raise NotImplementedError


def verify_pin(card: IdentifiedCard, pin: Pin | None) -> Accepted | NotSet | Declined:
    """VERIFY; NotSet where the card has no PIN. A locked card and a missing PIN are declined without a command."""
    raise NotImplementedError


def change_pin(card: IdentifiedCard, old: Pin | None, new: Pin) -> Accepted | Declined:
    """CHANGE PIN to a new one of exactly 6 digits, no first PIN, not the old one.

    A LinkError leaves open which of the two the card has now.

    Source: system.md, row "change PIN"; counter.md, "PIN pad".
    """
    raise NotImplementedError


def read_balances(card: IdentifiedCard) -> Balances | Declined:
    """The three amounts; PIN_NEEDED unless the PIN was verified. Source: card.md §2.3."""
    raise NotImplementedError


def read_balance(card: IdentifiedCard) -> Fen | Declined:
    """The account balance alone; PIN_NEEDED unless the PIN was verified. Source: card.md §2.3."""
    raise NotImplementedError


def read_details(card: IdentifiedCard) -> tuple[LogRecord, ...] | Declined:
    """The chip's own log, newest first; PIN_NEEDED unless the PIN was verified. Source: card.md §4.6."""
    raise NotImplementedError
