"""The customer's pad: paired with this counter by a one-time code, and the digits typed on it.

The clerk's page shows the code and how many digits have been typed, never which. Digits come one by one, are held in one
bytearray for one command and wiped with it, after a pause, and whenever the till's screen changes. Not here: the page
(pages/), the requests (routes_pad.py), the PIN's way to the card (terminal). One event loop only.
Source: counter.md, "PIN pad"; copies that libraries make: cardspec/pin.py.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from enum import StrEnum

from sscard_terminal.cardspec.pin import MIN_DIGITS, Pin
from sscard_terminal.terminal.at_pad import PAD_DIGITS
from sscard_terminal.terminal.policy import NEW_PIN_DIGITS
from sscard_terminal.terminal.till.steps import Step

from .sessions import TOKEN_BYTES, Now
from .snapshot import Snapshot

CODE_DIGITS = 6
CODE_LASTS_S = 120.0
"""Long enough to walk to the pad and type six digits. Our choice."""
CODE_TRIES = 5
"""Then the code is worth nothing: one in 200,000 guesses it. Our choice."""
PAUSE_S = 30.0
"""Digits nobody goes on with are wiped. Our choice; an EMV pad waits as long between two keys."""
HELD_S = 120.0
"""A PIN already typed is not held longer for people to go on: the new one, or the rest in cash. Our choice."""
KEEPS_PIN = (Step.NEW_PIN, Step.REST_IN_CASH)
"""Steps in which the till still needs the PIN that was typed before."""
MOST_DIGITS = PAD_DIGITS[1]


class PairingRefusal(StrEnum):
    """Why a pad is not paired. The value is the key of its sentence."""

    NO_CODE = "no-code"
    """None was asked for, it is too old, was used, or was guessed at too often."""
    CODE_WRONG = "code-wrong"


class Stage(StrEnum):
    """What the pad asks the holder for."""

    NOTHING = "nothing"
    PIN = "pin"
    NEW_PIN = "new-pin"
    NEW_PIN_AGAIN = "new-pin-again"


@dataclass(frozen=True, slots=True)
class PadState:
    """What everybody may know of the pad. `differed`: the new PIN was typed twice, and not the same."""

    is_paired: bool = False
    stage: Stage = Stage.NOTHING
    digits: int = 0
    differed: bool = False


@dataclass(slots=True)
class Pairing:
    """Whether a pad is paired, and the code for the next one. A newly paired pad takes the place of the old one."""

    now: Now
    _code: str | None = None
    _until: float = 0.0
    _tries: int = 0
    _token: bytes | None = None
    csrf: str = ""
    """The paired pad's CSRF token."""

    @property
    def is_paired(self) -> bool:
        return self._token is not None

    def offer(self) -> str:
        """A new code, for the clerk to read out or type; the one before is worth nothing."""
        self._code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
        self._until, self._tries = self.now() + CODE_LASTS_S, 0
        return self._code

    def pair(self, code: str) -> str | PairingRefusal:
        """The pad's token, for the code that is on offer."""
        if self._code is None or self.now() >= self._until:
            self._code = None
            return PairingRefusal.NO_CODE
        self._tries += 1
        if not hmac.compare_digest(code.encode(), self._code.encode()):
            if self._tries >= CODE_TRIES:
                self._code = None
            return PairingRefusal.CODE_WRONG
        self._code = None
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self._token, self.csrf = token.encode(), secrets.token_urlsafe(TOKEN_BYTES)
        return token

    def unpair(self) -> None:
        self._token, self.csrf = None, ""

    def holds(self, token: str | None) -> bool:
        """Whether this is the paired pad."""
        if self._token is None or token is None:
            return False
        return hmac.compare_digest(self._token, token.encode())


class OutOfTurn(Exception):
    """A digit at another place than the next, or more of them than any PIN has; nothing was taken."""


@dataclass(slots=True)
class PinEntry:
    """The digits being typed for the step on the screen. `number`: the snapshot they are for; `turn` rises with every
    change, so that a page can tell which of two states is the newer one.
    """

    now: Now
    number: int = 0
    turn: int = 0
    stage: Stage = Stage.NOTHING
    differed: bool = False
    _typed: bytearray = field(default_factory=bytearray, repr=False)
    _first: Pin | None = field(default=None, repr=False)
    _at: float = 0.0
    _keeps_pin: bool = False

    @property
    def digits(self) -> int:
        return len(self._typed)

    def follow(self, snapshot: Snapshot) -> None:
        """Another screen: whatever was typed for the one before is wiped."""
        if snapshot.since == self.number:
            return
        self.wipe()
        self._moved()
        self.number = snapshot.since
        screen, self.differed = snapshot.screen, False
        self._keeps_pin = screen.step in KEEPS_PIN
        match screen.step:
            case Step.ENTER_PIN if not screen.at_pad:
                self.stage = Stage.PIN
            case Step.NEW_PIN:
                self.stage = Stage.NEW_PIN
            case _:
                self.stage = Stage.NOTHING

    def type(self, at: int, digit: int) -> None:
        """One key; `at` counts from 0, so that two keys never change places on their way.

        Raises:
            OutOfTurn: it is not the next digit, nothing is asked for, or there are too many.
        """
        if self.stage is Stage.NOTHING or at != len(self._typed) or at >= self.most:
            raise OutOfTurn
        self._typed += b"%d" % digit
        self._moved()

    def clear(self) -> None:
        """The holder's Clear key, or a pause."""
        _wipe(self._typed)
        self._moved()

    def clear_after_pause(self) -> bool:
        """Wipe digits nobody goes on with; whether there were any."""
        if not self._typed or self.now() < self._at + PAUSE_S:
            return False
        self.clear()
        return True

    @property
    def is_abandoned(self) -> bool:
        """Whether a PIN that was typed before has waited too long for whoever has to go on."""
        return self._keeps_pin and self.now() >= self._at + HELD_S

    @property
    def most(self) -> int:
        return MOST_DIGITS if self.stage is Stage.PIN else NEW_PIN_DIGITS

    @property
    def least(self) -> int:
        """Digits before OK may be pressed."""
        return MIN_DIGITS if self.stage is Stage.PIN else NEW_PIN_DIGITS

    def take(self) -> Pin | None:
        """OK: the PIN to hand to the till, which the caller wipes; None where it has to be typed once more.

        Raises:
            OutOfTurn: there are not digits enough.
        """
        if self.stage is Stage.NOTHING or len(self._typed) < self.least:
            raise OutOfTurn
        pin = Pin(self._typed.decode())
        self.clear()
        match self.stage:
            case Stage.NEW_PIN:
                self._first, self.stage, self.differed = pin, Stage.NEW_PIN_AGAIN, False
                return None
            case Stage.NEW_PIN_AGAIN if pin != self._first:
                pin.wipe()
                self.wipe()
                self.stage, self.differed = Stage.NEW_PIN, True
                return None
        self.wipe()
        return pin

    def wipe(self) -> None:
        """All that was typed so far."""
        _wipe(self._typed)
        if self._first is not None:
            self._first.wipe()
            self._first = None

    def _moved(self) -> None:
        self.turn += 1
        self._at = self.now()


def _wipe(typed: bytearray) -> None:
    typed[:] = bytes(len(typed))
    typed.clear()
