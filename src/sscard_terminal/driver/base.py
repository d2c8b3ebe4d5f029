"""iReadCardBas and its HSM steps: whose card this is, proved by the PSAM or by an HSM.

Source: card.md §8 (the eleven fields, the steps), §6.6, §6.7 (which challenge is which).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sscard_terminal.cardspec.ciphers import equal
from sscard_terminal.cardspec.records import Cardholder, IssuerData
from sscard_terminal.terminal.client import RKSSSE_KEY_ID
from sscard_terminal.terminal.identification import (
    VERSION_WITH_LOCKED_CARDHOLDER,
    IdentifiedCard,
    RecognisedCard,
    identify,
)
from sscard_terminal.terminal.outcomes import Declined

from .codes import Code
from .hand import Hand, card_in_hand, open_card
from .parameters import Authentication, fields_of
from .place import Opened, Place
from .result import Refused, Result, joined
from .steps import Steps
from .values import SEPARATORS

STEP_2 = "iReadCardBas_HSM_Step2"


def read_card_base(place: Place, card_type: int) -> Result:
    """iReadCardBas: internal authentication by the PSAM, on 3.0 external authentication, then the eleven fields."""

    def proved(opened: Opened) -> RecognisedCard | Declined:
        if opened.psam is None:
            raise Refused(Code.NO_PSAM)
        return identify(opened.card, opened.psam, place.shop.policy, place.clock, place.random)

    with card_in_hand(place, card_type, look=proved) as hand:
        card = hand.card
        assert isinstance(card, IdentifiedCard)
        return Result(0, _fields(hand, card.cardholder, hand.terminal()))


@dataclass(frozen=True, slots=True)
class Proof:
    """What the card answered and what it was asked with; `external` is its original information, "" where none is needed."""

    answer: bytes
    original: bytes
    external: bytes


def step_1(place: Place, steps: Steps, card_type: int) -> Result:
    """iReadCardBas_HSM_Step1: what the HSM computes both authentications from; the newer challenge is the factor."""
    hand = open_card(place, card_type)
    with hand.stack:
        client, card = hand.card.client, hand.card
        with hand.opened.exclusively():
            original, factor = client.challenge(), client.challenge()
            answer = client.internal_authenticate(factor, original)
            external, external_factor = b"", b""
            if card.issuer.version >= VERSION_WITH_LOCKED_CARDHOLDER:
                external, external_factor = client.challenge(), client.challenge()
        steps.keep(STEP_2, hand.handed_on(), Proof(answer, original, external))
    return Result(
        0,
        joined(
            card.issuer.identification.region,
            client.historical_bytes.hex().upper(),
            hand.algorithm,
            card.identification,
            *(raw.hex().upper() for raw in (factor, original, external_factor, external)),
        ),
    )


def step_2(steps: Steps, key: str) -> Result:
    """iReadCardBas_HSM_Step2: the card is what it says if it answered what the HSM answers."""
    with steps.take(STEP_2, Proof) as (hand, proof):
        internal, external = _authentications(key)
        if internal.original != proof.original or (external is None) is not (proof.external == b""):
            raise Refused(Code.DIFFERS_FROM_CARD)
        if not equal(internal.data, proof.answer):
            raise Refused(Code.NOT_AUTHENTIC)
        with hand.opened.exclusively():
            client = hand.card.client
            if external is not None:
                if external.original != proof.external:
                    raise Refused(Code.DIFFERS_FROM_CARD)
                client.external_authenticate(RKSSSE_KEY_ID, external.data, external.original)
            holder = client.cardholder(hand.card.issuer.version)
            return Result(0, _fields(hand, holder, hand.terminal()))


def _authentications(key: str) -> tuple[Authentication, Authentication | None]:
    """pKey: internal and external authentication; the second is empty, or left out, where it is not needed."""
    internal, external = (*fields_of(key, 128, 1, 2), "")[:2]
    return Authentication.parse(internal), Authentication.parse(external) if external else None


def _fields(hand: Hand, holder: Cardholder, terminal: str) -> str:
    issuer: IssuerData = hand.card.issuer
    return joined(
        *(
            field.translate(SEPARATORS)
            for field in (
                issuer.identification.region,
                holder.social_security_number,
                issuer.card_number[:9],
                hand.card.identification,
                holder.name,
                hand.card.client.historical_bytes.hex().upper(),
                issuer.version_field,
                _day(issuer.issued),
                _day(issuer.expires),
                terminal,
                hand.place.device,
            )
        )
    )


def _day(day: date | None) -> str:
    return "" if day is None else f"{day:%Y%m%d}"
