"""The deck one practises with: every card is in the state it is said to be in, as a terminal finds it."""

import tomllib
from datetime import datetime

import pytest

from sscard_terminal.card.loopback import LoopbackConnection
from sscard_terminal.card.memory import RamStore
from sscard_terminal.card.person import parse_person
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.cli.demo.deck import DeckCard, deck
from sscard_terminal.cli.images import chip_over
from sscard_terminal.cli.making import card_image, card_profile
from sscard_terminal.reader.completing import completing
from sscard_terminal.terminal.client import SocialSecurityCard
from sscard_terminal.terminal.hotlist import Hotlist
from sscard_terminal.terminal.identification import IdentifiedCard, identify
from sscard_terminal.terminal.outcomes import Accepted, Declined, Reason
from sscard_terminal.terminal.policy import Policy
from sscard_terminal.terminal.psam import Psam
from sscard_terminal.terminal.workflow import read_balance, verify_pin
from sscard_terminal.voice.pages import words
from tests.cards import FIXTURES, KEYS, new_psam
from tests.terminal.doubles import pattern

CARDS = {card.name: card for card in deck()}
REFUSED = {
    "other-city": Reason.CARD_OF_OTHER_CITY,
    "expired": Reason.EXPIRED,
    "on-hotlist": Reason.CARD_ON_HOTLIST,
}
TRIES = {"one-try": 1, "locked": 0}


def now() -> datetime:
    return datetime(2026, 6, 1, 9, 0, 0)


def found(card: DeckCard) -> IdentifiedCard | Declined:
    """What a terminal with the practice hotlist makes of it."""
    lost = tuple((card.number[:8], card.number[:8]) for card in CARDS.values() if card.is_on_hotlist)
    policy = Policy(hotlist=Hotlist(1, now(), frozenset(), lost))
    held = SocialSecurityCard(completing(LoopbackConnection(chip_over(RamStore(card.image)))))
    psam = Psam(completing(LoopbackConnection(new_psam())))
    return identify(held, psam, policy, now, pattern)


@pytest.mark.parametrize("name", CARDS)
def test_a_card_is_in_the_state_it_is_said_to_be_in(name: str) -> None:
    card = CARDS[name]

    identified = found(card)

    if isinstance(identified, Declined):
        assert identified.reason is REFUSED[card.state]
        return
    assert identified.tries_left == TRIES.get(card.state, 3)
    verified = verify_pin(identified, Pin(card.pin))
    if card.state == "locked":
        assert isinstance(verified, Declined) and verified.reason is Reason.PIN_BLOCKED
        return
    assert isinstance(verified, Accepted)
    balance = read_balance(identified)
    assert isinstance(balance, int)
    assert (balance == 0) == (card.state == "empty")


def test_the_deck_has_every_state_and_every_generation() -> None:
    states = {card.state for card in CARDS.values()}
    told = {key.removeprefix("card-state.") for key in words("en") if key.startswith("card-state.")}

    assert states == told
    assert {card.profile for card in CARDS.values()} == {"gen1-16k", "gen2-32k", "gen3"}
    assert len({card.number for card in CARDS.values()}) == len(CARDS)


@pytest.mark.parametrize("person", sorted(path.stem for path in (FIXTURES / "cards").glob("*.toml")))
@pytest.mark.parametrize("profile", ["gen1-16k", "gen2-32k", "gen3"])
def test_every_shipped_person_fits_every_kind_of_card(person: str, profile: str) -> None:
    text = (FIXTURES / f"cards/{person}.toml").read_text("utf-8")

    image = card_image(card_profile(profile), parse_person(text, profile), KEYS, Fen(1))

    assert tomllib.loads(text)["purpose"] == "test"
    assert chip_over(RamStore(image)).respond(bytes.fromhex("0020000000")).hex() == "63c3"
