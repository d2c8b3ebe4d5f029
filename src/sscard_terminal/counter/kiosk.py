"""The self-service terminal of a service hall: one screen, used by whoever holds a card, alone and not for long.

It follows the card and its own clock: once the card is taken, the holder has finished or has gone away, nothing of them
is shown again. Not here: the services (terminal), what is shown (kiosk_view.py), the requests (routes_kiosk.py).
Source: system.md, "Asking for balance and details" (card + chip PIN; balance, details, PIN change); WCAG 2.2, 2.2.1
(somebody who needs more time is asked before it is up, and has 20 seconds to say so).
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from enum import StrEnum

from sscard_terminal.iso7816.status import Language

from .sessions import TOKEN_BYTES, Now
from .snapshot import Snapshot

IDLE_S, WARNING_S = 60.0, 25.0
"""Without a key for so long the holder has gone; the question comes that long before. Our choice."""


class Phase(StrEnum):
    """Where the holder is. The value is the key of its words, but for SERVING."""

    SERVING = "serving"
    FINISHED = "finished"
    """The holder has: the card is to be taken."""
    TIMED_OUT = "timed-out"


@dataclass(slots=True)
class Kiosk:
    """The one screen of a kiosk; a page loaded anew takes the place of the one before."""

    now: Now
    first_language: Language
    phase: Phase = Phase.SERVING
    language: Language = "zh"
    csrf: str = ""
    _token: bytes | None = None
    _card_is_in: bool = False
    _at: float = 0.0

    def __post_init__(self) -> None:
        self.language = self.first_language

    def open(self) -> str:
        """A page's token."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self._token, self.csrf = token.encode(), secrets.token_urlsafe(TOKEN_BYTES)
        return token

    def holds(self, token: str | None) -> bool:
        """Whether this is the kiosk's page."""
        return (
            self._token is not None and token is not None and hmac.compare_digest(self._token, token.encode())
        )

    def touch(self) -> None:
        """Somebody is there."""
        self._at = self.now()

    def follow(self, snapshot: Snapshot) -> None:
        """What the card does counts as somebody; with another card, or none, all begins anew."""
        if snapshot.card_is_in is not self._card_is_in:
            self._card_is_in, self.phase = snapshot.card_is_in, Phase.SERVING
            self.touch()
            if not snapshot.card_is_in:
                self.language = self.first_language

    def end(self, phase: Phase) -> None:
        """From now on nothing of the holder is shown, until the card is taken or the holder is there again."""
        self.phase = phase

    def again(self) -> None:
        """The holder is there again; the card is read anew."""
        self.phase = Phase.SERVING
        self.touch()

    @property
    def serves(self) -> bool:
        """Whether a card is in and its holder not done."""
        return self._card_is_in and self.phase is Phase.SERVING

    @property
    def warns(self) -> bool:
        """Whether the holder is asked to say that they are still there."""
        return self.serves and self.now() >= self._at + IDLE_S - WARNING_S

    @property
    def is_abandoned(self) -> bool:
        return self.serves and self.now() >= self._at + IDLE_S
