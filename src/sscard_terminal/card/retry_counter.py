"""The PIN and its three strikes: counted down and committed before the comparison, so that no guess is free.

Not here: the commands (applets/social_security) and the rules about what a verdict does to the session.
Source: card.md §3; reliability.md, "Card memory".
"""

from __future__ import annotations

from sscard_terminal.cardspec.ciphers import equal
from sscard_terminal.iso7816 import status

from .nvm import Nvm
from .refusal import Refusal

OBJECT = "pin"
VALUE_LENGTH = 16
_TRIES, _MAXIMUM, _VALUE = 0, 1, 2
NO_PIN = b"\xff" * VALUE_LENGTH


def pin_object(pin_bytes: bytes, try_limit: int) -> bytes:
    """How the PIN is stored: tries left, maximum, PIN right filled with FF to 16 bytes. Source: card.md §3."""
    return bytes((try_limit, try_limit)) + pin_bytes.ljust(VALUE_LENGTH, b"\xff")


class PinStore:
    """The one PIN of the card; `nvm` holds the object `pin`, or none where the card knows no PIN (a PSAM)."""

    def __init__(self, nvm: Nvm) -> None:
        self._nvm = nvm

    @property
    def exists(self) -> bool:
        """False on a chip that has no place for a PIN."""
        return OBJECT in self._nvm

    @property
    def is_set(self) -> bool:
        """False where no PIN is stored: then nothing asks for one. Source: card.md §9.17."""
        return self.exists and self._nvm.read(OBJECT, _VALUE) != NO_PIN

    @property
    def tries_left(self) -> int:
        return self._nvm.read(OBJECT, _TRIES, 1)[0]

    @property
    def maximum(self) -> int:
        return self._nvm.read(OBJECT, _MAXIMUM, 1)[0]

    @property
    def is_locked(self) -> bool:
        return self.tries_left == 0

    def check(self, offered: bytes) -> None:
        """Compare in constant time, at the cost of one try that a right PIN gives back.

        Raises:
            Refusal: 6983 locked; 63Cx wrong, x tries left; 63Cx with the maximum where no PIN is set (card.md §10 B14).
            MemoryFailure: the counter could not be committed; nothing was compared.
        """
        tries = self.tries_left
        if not self.is_set:
            raise Refusal(status.tries_left_word(self.maximum))
        if tries == 0:
            raise Refusal(status.BLOCKED)
        self._commit_tries(tries - 1)
        same = equal(offered.ljust(VALUE_LENGTH, b"\xff"), self._nvm.read(OBJECT, _VALUE))
        if not same or offered.endswith(b"\xff"):  # filling sent along makes a wrong PIN (card.md §10 B13)
            raise Refusal(status.tries_left_word(tries - 1))
        self._commit_tries(self.maximum)

    def store(self, pin_bytes: bytes) -> None:
        """A new PIN (empty: none), counter to its maximum, in one commit."""
        with self._nvm.transaction():
            self._nvm.write(OBJECT, pin_object(pin_bytes, self.maximum))

    def unblock(self) -> None:
        """Counter to its maximum, PIN kept."""
        self._commit_tries(self.maximum)

    def _commit_tries(self, tries: int) -> None:
        with self._nvm.transaction():
            self._nvm.write(OBJECT, bytes((tries,)), _TRIES)
