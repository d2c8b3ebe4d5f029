"""Whose card is this, and may it be served here? Asked and answered before any PIN.

Not here: the services themselves (workflow, debit).
Source: card.md §4.2; system.md, "At a designated place".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sscard_terminal.cardspec.ciphers import CipherSuite
from sscard_terminal.cardspec.keys import DiversificationFactors
from sscard_terminal.cardspec.records import Cardholder, IdentificationMalformed, IssuerData
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.status import (
    APPLICATION_BLOCKED,
    COUNTER_AT_MAXIMUM,
    FILE_NOT_FOUND,
    FUNCTION_NOT_SUPPORTED,
    KEY_INDEX_NOT_SUPPORTED,
    SECURITY_NOT_SATISFIED,
)

from .algorithm import AlgorithmNotSupported, cipher_suite
from .atr_rules import broken_rule
from .client import RKSSSE_KEY_ID, SELECT_SSSE, SocialSecurityCard
from .exchange import CardRefused
from .outcomes import Declined, Reason
from .policy import Policy
from .ports import Clock, RandomBytes
from .psam import RKSSSE, Psam, PsamFailure, PsamProblem

_Value = TypeVar("_Value")
FACTOR_LENGTH = 8
"""Session factor and original information. Source: card.md §2.2, INTERNAL AUTHENTICATE."""

VERSION_WITH_LOCKED_CARDHOLDER = "3.0"
"""From this version on EF06 wants RKSSSE. Source: card.md §1.6, §9.40."""


@dataclass(frozen=True, slots=True)
class RecognisedCard:
    """A card that would be served here if it is what it says; good until it leaves the reader or is reset.

    `tries_left` as it was then: None where no PIN is set, 0 where it is locked.
    """

    client: SocialSecurityCard
    issuer: IssuerData
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
class IdentifiedCard(RecognisedCard):
    """A card that has proved itself and may be served here."""

    cardholder: Cardholder


def recognise(card: SocialSecurityCard, policy: Policy, clock: Clock) -> RecognisedCard | Declined:
    """As `identify` without a PSAM: what the card says of itself in EF05, which it has not proved. For the holder's PIN
    and for services whose keys an HSM holds; no money is taken from such a card but by MACs that prove it.

    Raises:
        LinkError: the card went away; no money has moved.

    Source: card.md §8 (the functions that need no PSAM).
    """

    def recognised() -> RecognisedCard | Declined:
        seen = _looked_at(card, policy, clock)
        if isinstance(seen, Declined):
            return seen
        issuer, suite, factors = seen
        return RecognisedCard(card, issuer, suite, factors, card.tries_left())

    return _told(recognised)


def identify(
    card: SocialSecurityCard, psam: Psam, policy: Policy, clock: Clock, random: RandomBytes
) -> IdentifiedCard | Declined:
    """Find out whose card this is and whether it may be served, before any PIN is asked.

    ATR, SSSE, EF05, region, hotlist, expiry, internal authentication by the PSAM (nothing of EF05 is believed before it, only
    disbelieved), on 3.0 external authentication, EF06, tries left. Seven card exchanges over T=0, nine on 3.0.

    Raises:
        LinkError: the card went away; no money has moved.

    Source: card.md §4.2; system.md (Q10: a card of another city is told so before the PIN).
    """
    return _told(lambda: _identified(card, psam, policy, clock, random))


def _told(act: Callable[[], _Value]) -> _Value | Declined:
    """What `act` returns, or why this card cannot be served."""
    try:
        return act()
    except CardRefused as refused:
        return _declined_by_stranger(refused)
    except PsamFailure as failure:
        return declined_by_psam(failure)
    except AlgorithmNotSupported:
        return Declined(Reason.ALGORITHM_NOT_SUPPORTED)
    except IdentificationMalformed:
        return Declined(Reason.IDENTIFICATION_MALFORMED)
    except FormatError:
        return Declined(Reason.CARD_DATA_MALFORMED)


def _looked_at(
    card: SocialSecurityCard, policy: Policy, clock: Clock
) -> tuple[IssuerData, CipherSuite, DiversificationFactors] | Declined:
    if (rule := broken_rule(card.answer_to_reset)) is not None:
        return Declined(Reason.ANSWER_TO_RESET_REFUSED, rule=rule)
    algorithm = card.select_ssse()
    issuer = card.issuer_data()
    if (declined := objection_to_issuer(issuer, policy, clock)) is not None:
        return declined
    region = issuer.identification.region
    return (
        issuer,
        cipher_suite(algorithm, region),
        DiversificationFactors.of(region, card.historical_bytes),
    )


def _identified(
    card: SocialSecurityCard, psam: Psam, policy: Policy, clock: Clock, random: RandomBytes
) -> IdentifiedCard | Declined:
    seen = _looked_at(card, policy, clock)
    if isinstance(seen, Declined):
        return seen
    issuer, suite, factors = seen
    psam.terminal_number()
    psam.open_environment(issuer.identification.raw[0], suite)
    if not _proves_itself(card, psam, factors, random):
        return Declined(Reason.NOT_AUTHENTIC)
    if issuer.version >= VERSION_WITH_LOCKED_CARDHOLDER:
        _open_cardholder_data(card, psam, factors, random)
    holder = card.cardholder(issuer.version)
    return IdentifiedCard(card, issuer, suite, factors, card.tries_left(), holder)


def objection_to_issuer(issuer: IssuerData, policy: Policy, clock: Clock) -> Declined | None:
    """Why this place serves no such card: another city's, on the hotlist, or expired; None where it does."""
    region = issuer.identification.region
    if not policy.accepts_region(region):
        return Declined(Reason.CARD_OF_OTHER_CITY, region=region)
    if policy.is_on_hotlist(issuer):
        return Declined(Reason.CARD_ON_HOTLIST)
    if not policy.accepts_age(issuer, clock().date()):
        return Declined(Reason.EXPIRED, expired_on=issuer.expires)
    return None


def _proves_itself(
    card: SocialSecurityCard, psam: Psam, factors: DiversificationFactors, random: RandomBytes
) -> bool:
    factor, original = random(FACTOR_LENGTH), random(FACTOR_LENGTH)
    answer = card.internal_authenticate(factor, original)
    return psam.check_internal_authentication(factors, factor, original, answer)


def _open_cardholder_data(
    card: SocialSecurityCard, psam: Psam, factors: DiversificationFactors, random: RandomBytes
) -> None:
    original = random(FACTOR_LENGTH)
    data = psam.external_authentication_data(RKSSSE, factors, card.challenge(), original)
    card.external_authenticate(RKSSSE_KEY_ID, data, original)


_REASONS_OF_WORDS = {
    FUNCTION_NOT_SUPPORTED: Reason.CARD_BLOCKED,
    APPLICATION_BLOCKED: Reason.APPLICATION_BLOCKED,
    COUNTER_AT_MAXIMUM: Reason.COUNTER_AT_MAXIMUM,
    KEY_INDEX_NOT_SUPPORTED: Reason.KEY_INDEX_NOT_SUPPORTED,
}
"""What a refusal means to the counter, whichever command met it. Source: card.md §2.1; 6A81: §9.12."""


def _declined_by_stranger(refused: CardRefused) -> Declined:
    """A card that refuses the SSSE, in whatever words, or lacks its files is no social security card."""
    foreign = refused.command == SELECT_SSSE or refused.sw == FILE_NOT_FOUND
    return _declined(refused, Reason.NOT_A_SOCIAL_SECURITY_CARD if foreign else Reason.CARD_REFUSED)


def declined_by_card(refused: CardRefused) -> Declined:
    """The outcome of a refusal of an identified card that came before DEBIT."""
    shut = refused.sw == SECURITY_NOT_SATISFIED
    return _declined(refused, Reason.PIN_NEEDED if shut else Reason.CARD_REFUSED)


def _declined(refused: CardRefused, otherwise: Reason) -> Declined:
    return Declined(_REASONS_OF_WORDS.get(refused.sw, otherwise), sw=refused.sw, command=refused.command)


def declined_by_psam(failure: PsamFailure) -> Declined:
    """The outcome of a PSAM that cannot do its part before DEBIT."""
    match failure.problem:
        case PsamProblem.KEY_LEVEL:
            reason = Reason.PSAM_KEY_LEVEL
        case PsamProblem.KEY_MISSING:
            reason = Reason.PSAM_KEY_MISSING
        case _:
            reason = Reason.PSAM_TROUBLE
    return Declined(reason, sw=failure.sw, command=failure.command, link=failure.link)
