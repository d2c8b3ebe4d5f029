"""The chip as its applets see it: description, memory, session, files, keys, PIN.

Not here: which command calls what (dispatch, applets).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sscard_terminal.cardspec.ciphers import CipherSuite
from sscard_terminal.cardspec.profile import CardProfile

from .filesystem import FileSystem
from .nvm import Nvm
from .retry_counter import PinStore
from .secure_messaging import Security
from .volatile import Volatile

RandomBytes = Callable[[int], bytes]
STATE = "state"
"""The object with what is blocked for ever: one byte for the card, then one a DF in the description's order."""


@dataclass(slots=True)
class Machine:
    """Everything a command works on. `random_bytes(n)` is handed in: a card run twice answers twice the same."""

    profile: CardProfile
    suite: CipherSuite
    nvm: Nvm
    volatile: Volatile
    files: FileSystem
    security: Security
    pin: PinStore
    random_bytes: RandomBytes
    _marks: bytes = field(init=False)
    """The object STATE as it stands: looked at by every command, written once in a card's life."""
    _places: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self._marks = self.nvm.read(STATE)
        self._places = {spec.name: place for place, spec in enumerate(self.profile.dfs, 1)}

    @property
    def card_blocked(self) -> bool:
        return self._marks[0] != 0

    def is_blocked(self, df: str) -> bool:
        return self._marks[self._places[df]] != 0

    def block_card(self) -> None:
        """For ever. Source: card.md §2.2 CARD BLOCK."""
        self._mark(0)

    def block_application(self, df: str) -> None:
        """For ever. Source: card.md §2.2 APPLICATION BLOCK."""
        self._mark(self._places[df])

    def _mark(self, place: int) -> None:
        with self.nvm.transaction():
            self.nvm.write(STATE, b"\x01", place)
        self._marks = self.nvm.read(STATE)
