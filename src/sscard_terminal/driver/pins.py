"""iVerifyPIN and iChangePIN: the holder keys the PIN at a pad or page, never a parameter.

Source: card.md §3, §8; counter.md, "PIN pad" (-33, -34, -36).
"""

from __future__ import annotations

from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.terminal.outcomes import Accepted, Declined, Reason
from sscard_terminal.terminal.workflow import change_pin, change_pin_at_pad, objection_to_new_pin

from .hand import asked, asked_twice, card_in_hand, held, open_card, with_pin
from .place import PinWish, Place
from .result import DONE, Refused, Result


def verify(place: Place, card_type: int) -> Result:
    """iVerifyPIN: -51 with the tries left, -52 where none is. A card without a PIN has nothing to verify."""
    with with_pin(place, card_type):
        return DONE


def change(place: Place, card_type: int) -> Result:
    """iChangePIN: old, new and new again, unless the reader's own pad asks for all three."""
    with card_in_hand(place, card_type) as hand:
        card = hand.card
        pad = hand.opened.find_pad()
        if card.tries_left == 0:
            raise Refused(Declined(Reason.PIN_BLOCKED, tries_left=0))
        if pad is not None and pad.can_change:
            held(change_pin_at_pad(card, pad))
            return DONE
    old = None if card.tries_left is None else asked(place, PinWish.OLD, card.tries_left)
    new: Pin | None = None
    try:
        new = asked_twice(place)
        held(_changed(place, card_type, (card.identification, card.number), old, new))
    finally:
        for pin in (old, new):
            if pin is not None:
                pin.wipe()
    return DONE


def _changed(
    place: Place, card_type: int, before: tuple[str, str], old: Pin | None, new: Pin
) -> Accepted | Declined:
    """On the card that was there before people were asked."""
    if (objection := objection_to_new_pin(old, new)) is not None:
        return Declined(objection)
    hand = open_card(place, card_type)
    with hand.stack, hand.opened.exclusively():
        if (hand.card.identification, hand.card.number) != before:
            return Declined(Reason.CARD_SWAPPED)
        return change_pin(hand.card, old, new)
