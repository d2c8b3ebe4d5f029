"""Challenges, keys, authentication and MACs: who has shown what in this session, and what that opens.

Not here: the PIN (retry_counter).
Source: card.md §2.1, §6, §10 B8–B10, B33, B45.
"""

from __future__ import annotations

from sscard_terminal.cardspec.access import PIN, AccessRule
from sscard_terminal.cardspec.ciphers import CipherSuite, equal
from sscard_terminal.cardspec.profile import CardProfile, DfSpec, KeySpec
from sscard_terminal.iso7816 import status

from .nvm import Nvm
from .refusal import Refusal
from .retry_counter import PinStore
from .volatile import Volatile

KEY_LENGTH = 16
LOCAL_KEY = 0x80
NEVER_LOCKS = 0xFF
"""Tries byte of a key that never locks; its failure answers 63CF (card.md §10 B45)."""


def key_object_name(name: str, group: int = 1) -> str:
    """The name of a key's object in the memory."""
    return f"key/{name}/{group}"


def key_object(key: bytes, tries: int | None) -> bytes:
    """How a key is stored: tries left, then the key."""
    return bytes((NEVER_LOCKS if tries is None else tries,)) + key


class Security:
    """The session's security status over the keys in the memory."""

    def __init__(
        self, profile: CardProfile, suite: CipherSuite, nvm: Nvm, volatile: Volatile, pin: PinStore
    ) -> None:
        self._profile = profile
        self._suite = suite
        self._nvm = nvm
        self._volatile = volatile
        self._pin = pin

    # -- what is allowed now

    def require(self, rule: AccessRule) -> None:
        """
        Raises:
            Refusal: 6982, none of the rule's alternatives holds.
        """
        if not any(self._holds(needed) for needed in rule.alternatives):
            raise Refusal(status.SECURITY_NOT_SATISFIED)

    def _holds(self, needed: frozenset[str]) -> bool:
        return all(
            self.pin_given() if name == PIN else name in self._volatile.authenticated for name in needed
        )

    def pin_given(self) -> bool:
        """PIN verified, or none set (card.md §9.17)."""
        return self._volatile.pin_verified or not self._pin.is_set

    def require_pin(self) -> None:
        """
        Raises:
            Refusal: 6982.
        """
        if not self.pin_given():
            raise Refusal(status.SECURITY_NOT_SATISFIED)

    def require_key(self, name: str) -> None:
        """
        Raises:
            Refusal: 6982, that key was not authenticated.
        """
        if name not in self._volatile.authenticated:
            raise Refusal(status.SECURITY_NOT_SATISFIED)

    def drop_application_keys(self) -> None:
        """Selecting a DF ends the rights its keys gave; keys of the SSSE stay. Source: card.md §10 B9."""
        held = self._volatile.authenticated
        held -= {name for name in held if self._profile.key(name).id & LOCAL_KEY}

    # -- keys

    def key(self, name: str, group: int = 1) -> bytes:
        """The key itself, for the cipher suite only.

        Raises:
            Refusal: 6A88, no such group.
        """
        stored = key_object_name(name, group)
        if stored not in self._nvm:
            raise Refusal(status.REFERENCE_NOT_FOUND)
        return self._nvm.read(stored, 1)

    def find_external(self, key_id: int) -> KeySpec:
        """The key EXTERNAL AUTHENTICATE means: bit 8 = of the current application, else of the SSSE.

        Raises:
            Refusal: 6A88.
        """
        current = self._volatile.current_df.name
        for spec in self._profile.keys:
            here = not key_id & LOCAL_KEY or spec.df == current
            if here and spec.id == key_id and spec.use == "external":
                return spec
        raise Refusal(status.REFERENCE_NOT_FOUND)

    # -- challenges

    def new_challenge(self, challenge: bytes) -> None:
        """It replaces the one before."""
        self._volatile.challenge = challenge

    def take_challenge(self) -> bytes:
        """The newest challenge, which is then used up.

        Raises:
            Refusal: 6984, there is none, or a 16-byte one that DES keys cannot use (card.md §10 B10).
        """
        challenge, self._volatile.challenge = self._volatile.challenge, None
        if challenge is None or len(challenge) > self._suite.block:
            raise Refusal(status.CHALLENGE_INVALID)
        return challenge

    # -- authentication and MAC

    def authenticate_external(self, spec: KeySpec, group: int, original: bytes, offered: bytes) -> None:
        """Check authentication data over the newest challenge; success is remembered until the session ends.

        A failure also ends what an earlier success gave (our choice, as for the PIN in card.md §9.15).

        Raises:
            Refusal: 6A88 no such group, 6983 key locked, 6984 no challenge, 63Cx wrong.
        """
        key = self.key(spec.name, group)
        stored = key_object_name(spec.name, group)
        tries = self._nvm.read(stored, 0, 1)[0]
        if tries == 0:
            raise Refusal(status.BLOCKED)
        challenge = self.take_challenge()
        self._volatile.authenticated.discard(spec.name)
        if spec.tries is not None:
            self._commit_tries(stored, tries - 1)
        wanted = self._suite.authentication_data(self._suite.session_key(key, challenge), original)
        if not equal(wanted, offered):
            raise Refusal(status.tries_left_word(15 if spec.tries is None else tries - 1))
        if spec.tries is not None:
            self._commit_tries(stored, spec.tries)
        self._volatile.authenticated.add(spec.name)

    def _commit_tries(self, stored: str, tries: int) -> None:
        with self._nvm.transaction():
            self._nvm.write(stored, bytes((tries,)), 0)

    def message_key(self, df: DfSpec) -> bytes:
        """The STK of a DF, for `message_session_key`: that there is one is checked before any right (card.md §10 A4).

        Raises:
            Refusal: 6A88, it has none.
        """
        if df.message_key is None:
            raise Refusal(status.REFERENCE_NOT_FOUND)
        return self.key(df.message_key)

    def message_session_key(self, message_key: bytes) -> bytes:
        """Its session key under the newest challenge, which is used up.

        Raises:
            Refusal: 6984, there is no challenge.
        """
        return self._suite.session_key(message_key, self.take_challenge())

    def check_message_mac(self, session_key: bytes, header: bytes, data: bytes, mac: bytes) -> None:
        """MAC over CLA INS P1 P2 Lc ‖ data, Lc counting the MAC too. Source: card.md §6.3.

        Raises:
            Refusal: 6988.
        """
        covered = header + bytes((len(data) + len(mac),)) + data
        if not equal(self._suite.mac(session_key, covered), mac):
            raise Refusal(status.MAC_WRONG)
