"""The PIN keyed on the reader's own pad: our card's PIN commands as a pad is asked for them, and how it ends.

Not here: the pad (reader/pinpad.py), and PINs keyed anywhere else (workflow.py).
Source: card.md §3; counter.md, "PIN pad"; the driver codes -31 to -34 of card.md §8.
"""

from __future__ import annotations

from dataclasses import dataclass

from sscard_terminal.cardspec.commands.security import PIN_SEPARATOR, ChangePin, VerifyPin
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.iso7816.apdu import CommandApdu
from sscard_terminal.iso7816.status import WRONG_LENGTH, StatusWord
from sscard_terminal.reader.pinpad import PadRefusal, PinPad, PinRequest

from .client import pin_verdict
from .identification import RecognisedCard
from .outcomes import Declined, PinVerdict, Reason, Wrong
from .policy import NEW_PIN_DIGITS


@dataclass(frozen=True, slots=True)
class AtPad:
    """The holder keys the PIN on `pad`; it never enters this process, and nobody here knows it."""

    pad: PinPad


PinSource = Pin | AtPad | None
"""Where the PIN comes from: keyed here, at the pad, or nowhere."""

VERSION_WITH_SHORT_PINS = "1.0"
"""Cards of this version were issued with a PIN of four digits, later ones with six. Source: card.md §1.10, §3."""

PAD_DIGITS = (4, 12)
"""What a pad must take. Source: terminal.md, "Parts"."""

_FRAME = NEW_PIN_DIGITS // 2
_FILLER = b"\xff" * _FRAME
_SEPARATOR = bytes((PIN_SEPARATOR,))

VERIFY_SIX = PinRequest(VerifyPin(_FILLER).to_apdu(), _FRAME, NEW_PIN_DIGITS, NEW_PIN_DIGITS)
"""A frame of fixed length, which every pad can fill."""
VERIFY_ANY = PinRequest(CommandApdu(0x00, 0x20, 0x00, 0x00, sensitive=True), 0, *PAD_DIGITS)
"""Lc and digits left to the pad. Part 10 does not say how; this is what OpenSC sends, and not every pad understands it."""
CHANGE_SIX = PinRequest(
    ChangePin(_FILLER + _SEPARATOR + _FILLER).to_apdu(),
    *(_FRAME, NEW_PIN_DIGITS, NEW_PIN_DIGITS),
    old_at=0,
    new_at=_FRAME + 1,
)
"""Old and new PIN have the same frame on a pad, so the old one must have six digits too."""
SET_SIX = PinRequest(
    ChangePin(_SEPARATOR + _FILLER).to_apdu(), _FRAME, NEW_PIN_DIGITS, NEW_PIN_DIGITS, new_at=1
)

_REASONS: dict[PadRefusal, Reason] = {
    PadRefusal.CANCELLED: Reason.CANCELLED,
    PadRefusal.TIMED_OUT: Reason.PIN_ENTRY_TIMED_OUT,
    PadRefusal.WRONG_LENGTH: Reason.PIN_WRONG_LENGTH,
    PadRefusal.PINS_DIFFER: Reason.NEW_PINS_DIFFER,
    PadRefusal.REFUSED: Reason.PIN_PAD_REFUSED,
}


def verify_at_pad(card: RecognisedCard, pad: PinPad) -> PinVerdict | Declined:
    """VERIFY of what the holder keys; the pad's own endings are declined, and cost no try.

    A pad that leaves the PIN out where it should have put it would only ask for the tries left: an answer that no wrong
    PIN can have (as many tries as before) is taken for that.

    Raises:
        CardRefused: the card answered what no PIN explains.
        LinkError: a try may be gone; no money has moved.
    """
    any_length = card.issuer.version == VERSION_WITH_SHORT_PINS
    word = pad.enter(VERIFY_ANY if any_length else VERIFY_SIX)
    if any_length and word == WRONG_LENGTH:
        word = PadRefusal.REFUSED
    verdict = _judged("VERIFY", word)
    if isinstance(verdict, Wrong) and verdict.tries_left == card.tries_left:
        return Declined(Reason.PIN_PAD_REFUSED)
    return verdict


def change_at_pad(card: RecognisedCard, pad: PinPad) -> PinVerdict | Declined:
    """CHANGE PIN of what the holder keys: the old one where there is one, and the new one twice, six digits each.

    Whether the new PIN is a first PIN, or the old one again, nobody here can see (-36 is not for pads).

    Raises:
        CardRefused, LinkError: as `verify_at_pad`; after a LinkError the card has the old or the new PIN.
    """
    card.client.enter_ssse()
    return _judged("CHANGE PIN", pad.enter(SET_SIX if card.tries_left is None else CHANGE_SIX))


def _judged(command: str, word: StatusWord | PadRefusal) -> PinVerdict | Declined:
    if isinstance(word, PadRefusal):
        return Declined(_REASONS[word], sw=StatusWord(word))
    return pin_verdict(command, word)
