"""The card a function has in hand: found, opened, recognised, held against pCardInfo, and its PIN verified.

People are asked while nothing is held: the first breath recognises the card and ends, then the holder keys the PIN, and a
second breath begins with the same card. Not here: what is then done with it.
Source: docs/style.md part 2 ("Ask the human first, then the card"); card.md §8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.reader.connection import LinkError, LinkReason
from sscard_terminal.terminal.at_pad import AtPad, PinSource
from sscard_terminal.terminal.identification import RecognisedCard, recognise
from sscard_terminal.terminal.outcomes import Accepted, Declined, NotSet, Reason
from sscard_terminal.terminal.psam import Psam, PsamFailure
from sscard_terminal.terminal.workflow import objection_to_new_pin, verify_pin

from .codes import Code
from .parameters import CardInfo, interfaces_of
from .place import Opened, PinWish, Place
from .result import Refused

_Value = TypeVar("_Value")
_ELSEWHERE = (LinkReason.NO_CARD, LinkReason.UNKNOWN_READER)
"""After these the next interface is looked at, where iType allows one."""

ALGORITHMS = {"3DES": "01", "SM4": "03"}
"""As the card's FCI numbers them, and the driver after it. Source: card.md §1.2, §6.7."""
NO_TERMINAL = "0" * 12
"""The terminal number where there is no PSAM. Source: card.md §8, §10 B43."""

Look = Callable[[Opened], RecognisedCard | Declined]
"""How the card is made out; it may be stricter than `recognise`."""


@dataclass(frozen=True, slots=True)
class Hand:
    """An open card; whoever has the hand closes `stack`, which holds it open."""

    place: Place
    stack: ExitStack
    opened: Opened
    card: RecognisedCard

    @property
    def algorithm(self) -> str:
        """01 DES, 03 SM4."""
        return ALGORITHMS[self.card.suite.name]

    def psam(self) -> Psam:
        """The PSAM with this card's environment open.

        Raises:
            Refused: -2201, there is none.
            PsamFailure: it lacks the algorithm, or what is there is none.
        """
        psam = self.opened.psam
        if psam is None:
            raise Refused(Code.NO_PSAM)
        psam.terminal_number()
        psam.open_environment(self.card.issuer.identification.raw[0], self.card.suite)
        return psam

    def terminal(self) -> str:
        """12 digits, zeros where there is no PSAM, or what is there is none."""
        try:
            return NO_TERMINAL if self.opened.psam is None else self.opened.psam.terminal_number()
        except PsamFailure:
            return NO_TERMINAL

    def handed_on(self) -> Hand:
        """The same card for the next step: this block's end does not close it any more."""
        return replace(self, stack=self.stack.pop_all())


def held(outcome: _Value | Declined) -> _Value:
    """
    Raises:
        Refused: it was declined.
    """
    if isinstance(outcome, Declined):
        raise Refused(outcome)
    return outcome


@contextmanager
def card_in_hand(
    place: Place, card_type: int, info: CardInfo | None = None, look: Look | None = None
) -> Iterator[Hand]:
    """One breath without a PIN.

    Raises: as `open_card`.
    """
    hand = open_card(place, card_type, info, look)
    with hand.stack, hand.opened.exclusively():
        yield hand


def open_card(place: Place, card_type: int, info: CardInfo | None = None, look: Look | None = None) -> Hand:
    """The card iType says, recognised; no other program is held off any longer.

    Raises:
        Refused: -14, -22, or what the card was declined for.
        LinkError: there is none.
    """
    with ExitStack() as stack:
        opened = _found(place, card_type, stack)
        with opened.exclusively():
            card = held(_looked(place, opened, look))
        if info is not None and (info.identification, info.number) != (card.identification, card.number[:9]):
            raise Refused(Code.DIFFERS_FROM_CARD)
        return Hand(place, stack.pop_all(), opened, card)


def _looked(place: Place, opened: Opened, look: Look | None) -> RecognisedCard | Declined:
    return recognise(opened.card, place.shop.policy, place.clock) if look is None else look(opened)


def _found(place: Place, card_type: int, stack: ExitStack) -> Opened:
    missing: LinkError | None = None
    for interface in interfaces_of(card_type):
        try:
            return stack.enter_context(place.readers.opened(interface))
        except LinkError as error:
            if error.reason not in _ELSEWHERE:
                raise
            if missing is None or error.reason is LinkReason.NO_CARD:
                missing = error
    assert missing is not None
    raise missing


Verify = Callable[[RecognisedCard, PinSource], Accepted | NotSet | Declined]


@contextmanager
def with_pin(
    place: Place,
    card_type: int,
    verify: Verify = verify_pin,
    info: CardInfo | None = None,
    look: Look | None = None,
    amounts: PurchaseAmounts | None = None,
) -> Iterator[Hand]:
    """One breath with the PIN verified; nobody is asked where the card has none, or it is locked.

    Raises: as `open_card`; Refused also for whatever becomes of the PIN.
    """
    hand = open_with_pin(place, card_type, verify, info, look, amounts)
    with hand.stack, hand.opened.exclusively():
        yield hand


def open_with_pin(
    place: Place,
    card_type: int,
    verify: Verify = verify_pin,
    info: CardInfo | None = None,
    look: Look | None = None,
    amounts: PurchaseAmounts | None = None,
) -> Hand:
    """As `with_pin`; no other program is held off any longer.

    Raises: as `with_pin`.
    """
    first = open_card(place, card_type, info, look)
    with first.stack:
        pad = first.opened.find_pad()
        if pad is not None or not first.card.tries_left:
            with first.opened.exclusively():
                held(verify(first.card, None if pad is None else AtPad(pad)))
            return first.handed_on()
    pin = asked(place, PinWish.CURRENT, first.card.tries_left, amounts)
    try:
        return _same_card(first, card_type, look, lambda card: verify(card, pin))
    finally:
        pin.wipe()


def _same_card(
    first: Hand,
    card_type: int,
    look: Look | None,
    verify: Callable[[RecognisedCard], Accepted | NotSet | Declined],
) -> Hand:
    """The second breath: the card of the first, and its PIN."""
    with ExitStack() as stack:
        opened = _found(first.place, card_type, stack)
        with opened.exclusively():
            card = held(_looked(first.place, opened, look))
            if (card.identification, card.number) != (first.card.identification, first.card.number):
                raise Refused(Declined(Reason.CARD_SWAPPED))
            held(verify(card))
        return Hand(first.place, stack.pop_all(), opened, card)


def asked(
    place: Place,
    wish: PinWish,
    tries_left: int | None = None,
    amounts: PurchaseAmounts | None = None,
) -> Pin:
    """The PIN the holder keys at a page or pad of ours; wipe it.

    Raises:
        Refused: -31, -32, -33; -13 where there is nothing to key it at.
    """
    if place.pins is None:
        raise Refused(Declined(Reason.PIN_PAD_REFUSED))
    return held(place.pins.ask(wish, tries_left, amounts))


def asked_twice(place: Place) -> Pin:
    """A new PIN that may be one, keyed twice; wipe it.

    Raises:
        Refused: as `asked`; -33, -34, -36.
    """
    new = asked(place, PinWish.NEW)
    if (objection := objection_to_new_pin(None, new)) is not None:
        raise Refused(Declined(objection))
    again = asked(place, PinWish.REPEAT)
    is_same = again == new
    again.wipe()
    if not is_same:
        new.wipe()
        raise Refused(Declined(Reason.NEW_PINS_DIFFER))
    return new
