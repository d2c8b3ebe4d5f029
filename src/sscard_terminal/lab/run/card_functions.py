"""Functions of `let` that are asked of a card by name: what its issuer or its host would compute, with the test keys.

    let auth = card.external("UKSSSE", $challenge)        # the data of EXTERNAL AUTHENTICATE

Nothing is sent. The card's key follows from its ATR, the algorithm from its description. Not here: what a PSAM computes
(psam_functions.py).
Source: card.md §6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sscard_terminal.cardspec.ciphers import TRIPLE_DES, CipherSuite
from sscard_terminal.cardspec.keys import DES_KEY_LENGTH, KEY_LENGTH, diversified, root_of_length
from sscard_terminal.iso7816.errors import FormatError

from ..script.functions import (
    FUNCTIONS,
    ArgumentError,
    Parts,
    Value,
    factors_of_atr,
    octets_of,
    shipped_key,
    suite_of,
    text_of,
)
from .targets import Target

ORIGINAL = bytes(8)
MESSAGE_KEY = "STK"
"""The keys whose names begin so have 8 bytes on 3DES cards. Source: card.md §1.9, §1.10."""
SECURE_MESSAGING_KEYS = {"SSSE": "STK", "DF04": "STKDF04"}


@dataclass(frozen=True, slots=True)
class TargetFunction:
    """A function asked of a target; otherwise as functions.Function."""

    parameters: tuple[str, ...]
    call: Callable[..., Parts]
    optional: int = 0
    sends: bool = False
    secret: bool = False

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
    is_short = suite is TRIPLE_DES and name.startswith(MESSAGE_KEY)
    root = root_of_length(shipped_key(name), DES_KEY_LENGTH if is_short else KEY_LENGTH)
    return suite, diversified(suite, root, factors_of_atr(target.atr))


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


def _encipher(target: Target, where: Value, challenge: Value, blocks: Value) -> Parts:
    """Whole blocks, encrypted as they are: what a PIN block with wrong padding becomes. Source: card.md §6.5."""
    suite, key = _suite_and_key(target, _messaging_key(where))
    plain = octets_of("blocks", blocks)
    if len(plain) % suite.block:
        raise ArgumentError(f"blocks has whole blocks of {suite.block} bytes")
    session = suite.session_key(key, octets_of("challenge", challenge, 4, 8, 16))
    return {"": suite.encrypt(session, plain)}


def _pin_field(target: Target) -> Parts:
    """Lc ‖ PIN, as VERIFY has them. Source: card.md §3."""
    if not target.pin:
        raise ArgumentError("the PIN of this card is not known")
    return {"": bytes((len(target.pin),)) + target.pin}


def _with_own_key(function: str, key_name: str) -> Callable[..., Parts]:
    """The function of that name under this card's own key and algorithm. Source: card.md §4.3, §4.4."""

    def call(target: Target, *arguments: Value) -> Parts:
        suite, key = _suite_and_key(target, key_name)
        return FUNCTIONS[function].call(key, *arguments, suite.name)

    return call


def _messaging_key(where: Value) -> str:
    name = text_of("where", where)
    return SECURE_MESSAGING_KEYS.get(name, name)


CARD_FUNCTIONS: Mapping[str, TargetFunction] = {
    "external": TargetFunction(("key", "challenge", "original"), _external, 1),
    "internal": TargetFunction(("factor", "original"), _internal),
    "mac": TargetFunction(("where", "challenge", "message"), _mac),
    "encrypt": TargetFunction(("where", "challenge", "plain"), _encrypt),
    "encipher": TargetFunction(("where", "challenge", "blocks"), _encipher),
    "pin_field": TargetFunction((), _pin_field, secret=True),
    **{
        f"purchase_{name}": TargetFunction(FUNCTIONS[name].parameters[1:-1], _with_own_key(name, key))
        for name, key in (("mac1", "DPK"), ("mac2", "DPK"), ("tac", "DTK"))
    },
    **{
        name: TargetFunction(FUNCTIONS[name].parameters[1:-1], _with_own_key(name, key))
        for name, key in (("load_mac1", "DLK"), ("load_mac2", "DLK"), ("load_tac", "DTK"))
    },
}
