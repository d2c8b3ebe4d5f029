"""Functions of `let` that are asked of a card by name: what its issuer or its host would compute, with the test keys.

    let auth = card.external("UKSSSE", $challenge)        # the data of EXTERNAL AUTHENTICATE

Nothing is sent. The card's key follows from its ATR, the algorithm from its description. Not here: what a PSAM computes
(psam_functions.py).
Source: card.md §6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sscard_terminal.cardspec.ciphers import CipherSuite
from sscard_terminal.cardspec.keys import diversified
from sscard_terminal.iso7816.errors import FormatError

from ..script.functions import ArgumentError, Parts, Value, factors_of_atr, octets_of, suite_of, text_of
from ..virtual import shipped_keys
from .targets import Target

ORIGINAL = bytes(8)
SECURE_MESSAGING_KEYS = {"SSSE": "STK", "DF04": "STKDF04"}


@dataclass(frozen=True, slots=True)
class TargetFunction:
    """A function asked of a target; otherwise as functions.Function."""

    parameters: tuple[str, ...]
    call: Callable[..., Parts]
    optional: int = 0
    sends: bool = False

    @property
    def least(self) -> int:
        return len(self.parameters) - self.optional

    def called(self, *arguments: object) -> Parts:
        """The function's value for the targets it takes and its arguments.

        Raises:
            ArgumentError: an argument does not fit.
            PsamFailure, LinkError: where it sends.
        """
        try:
            return self.call(*arguments)
        except FormatError as error:
            raise ArgumentError(str(error)) from error


def _suite_and_key(target: Target, name: str) -> tuple[CipherSuite, bytes]:
    suite = suite_of(target.algorithm)
    return suite, diversified(suite, shipped_keys()[name], factors_of_atr(target.atr))


def _external(target: Target, key: Value, challenge: Value, original: Value = ORIGINAL) -> Parts:
    """Authentication data ‖ original information, 16 bytes. Source: card.md §6.6."""
    return _authentication(target, text_of("key", key), challenge, original)


def _internal(target: Target, factor: Value, original: Value) -> Parts:
    """What a card with the genuine IRK says, 8 bytes. Source: card.md §6.6."""
    found = _authentication(target, "IRK", factor, original)
    return {"": found["data"]}


def _authentication(target: Target, key: str, challenge: Value, original: Value) -> Parts:
    suite, card_key = _suite_and_key(target, key)
    session = suite.session_key(card_key, octets_of("challenge", challenge, 8, 16))
    plain = octets_of("original", original, 8)
    data = suite.authentication_data(session, plain)
    return {"": data + plain, "data": data}


def _mac(target: Target, where: Value, challenge: Value, message: Value) -> Parts:
    """The MAC of a protected command (header, Lc, data without the MAC), 4 bytes. Source: card.md §6.3."""
    suite, key = _suite_and_key(target, _messaging_key(where))
    session = suite.session_key(key, octets_of("challenge", challenge, 4, 8, 16))
    return {"": suite.mac(session, octets_of("message", message))}


def _encrypt(target: Target, where: Value, challenge: Value, plain: Value) -> Parts:
    """Length ‖ plain ‖ padding, encrypted. Source: card.md §6.5."""
    suite, key = _suite_and_key(target, _messaging_key(where))
    session = suite.session_key(key, octets_of("challenge", challenge, 4, 8, 16))
    return {"": suite.encrypt_data(session, octets_of("plain", plain))}


def _messaging_key(where: Value) -> str:
    name = text_of("where", where)
    return SECURE_MESSAGING_KEYS.get(name, name)


CARD_FUNCTIONS: Mapping[str, TargetFunction] = {
    "external": TargetFunction(("key", "challenge", "original"), _external, 1),
    "internal": TargetFunction(("factor", "original"), _internal),
    "mac": TargetFunction(("where", "challenge", "message"), _mac),
    "encrypt": TargetFunction(("where", "challenge", "plain"), _encrypt),
}
