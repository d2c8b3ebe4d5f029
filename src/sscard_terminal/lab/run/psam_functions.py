"""Functions of `let` that a PSAM computes: it is sent the commands for them, completed, and its answers are used.

    let mac1 = psam.mac1($rnd, $n, $ACCOUNT, $SELF, $POOLED, $TIME)      # $mac1.sequence, $mac1.value

Not here: the conversation itself (terminal/psam.py).
Source: card.md §5.
"""

from __future__ import annotations

from collections.abc import Mapping

from sscard_terminal.cardspec.ciphers import CipherSuite
from sscard_terminal.cardspec.commands.medical import PurchaseChallenge
from sscard_terminal.cardspec.keys import DiversificationFactors
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.terminal.psam import PUK, RKSSSE, STK, Psam, SamKey

from ..script.functions import ArgumentError, Parts, Value, factors_of_atr, octets_of, suite_of, text_of
from .card_functions import TargetFunction
from .targets import Target

SAM_KEYS: Mapping[str, SamKey] = {key.name: key for key in (PUK, RKSSSE, STK)}
FIRST_KEY_VERSION = b"\x01"
NO_YEAR = bytes(2)


def _opened(psam: Target, card: Target, suite: CipherSuite) -> tuple[Psam, DiversificationFactors]:
    factors = factors_of_atr(card.atr)
    sam = Psam(psam.connection())
    sam.open_environment(int(factors.province[:2], 16), suite)
    return sam, factors


def _mac1(
    psam: Target,
    card: Target,
    random: Value,
    counter: Value,
    account: Value,
    self_paid: Value,
    pooled: Value,
    time: Value,
    key_version: Value = FIRST_KEY_VERSION,
    algorithm: Value | None = None,
) -> Parts:
    suite = suite_of(card.algorithm if algorithm is None else algorithm)
    sam, factors = _opened(psam, card, suite)
    challenge = PurchaseChallenge(
        balance=Fen(0),
        spip=Fen(0),
        spfp=Fen(0),
        year=NO_YEAR,
        counter=int.from_bytes(octets_of("counter", counter, 2), "big"),
        key_version=octets_of("key-version", key_version, 1)[0],
        algorithm=suite.algorithm_id,
        random=octets_of("random", random, 4),
    )
    named = (("account", account), ("self-paid", self_paid), ("pooled", pooled))
    amounts = PurchaseAmounts(*(Fen.from_bytes4(octets_of(name, value, 4)) for name, value in named))
    answer = sam.mac1(challenge, amounts, octets_of("time", time, 7), factors)
    return {"": answer.mac1, "value": answer.mac1, "sequence": answer.sequence}


def _terminal(psam: Target, card: Target) -> Parts:
    return {"": bytes.fromhex(Psam(psam.connection()).terminal_number())}


def _external(psam: Target, card: Target, key: Value, challenge: Value, original: Value) -> Parts:
    sam, factors = _opened(psam, card, suite_of(card.algorithm))
    named, plain = _sam_key(key), octets_of("original", original, 8)
    data = sam.external_authentication_data(named, factors, octets_of("challenge", challenge, 8, 16), plain)
    return {"": data + plain, "data": data}


def _encrypt(psam: Target, card: Target, key: Value, challenge: Value, plain: Value) -> Parts:
    sam, factors = _opened(psam, card, suite_of(card.algorithm))
    octets = octets_of("plain", plain)
    return {"": sam.encrypted(_sam_key(key), factors, octets_of("challenge", challenge, 8, 16), octets)}


def _message_mac(psam: Target, card: Target, key: Value, challenge: Value, message: Value) -> Parts:
    sam, factors = _opened(psam, card, suite_of(card.algorithm))
    octets = octets_of("message", message)
    return {"": sam.message_mac(_sam_key(key), factors, octets_of("challenge", challenge, 8, 16), octets)}


def _sam_key(value: Value) -> SamKey:
    found = SAM_KEYS.get(text_of("key", value))
    if found is None:
        raise ArgumentError(f"key is one of {', '.join(SAM_KEYS)}")
    return found


PSAM_FUNCTIONS: Mapping[str, TargetFunction] = {
    "mac1": TargetFunction(
        ("random", "counter", "account", "self-paid", "pooled", "time", "key-version", "algorithm"),
        _mac1,
        2,
        sends=True,
    ),
    "terminal": TargetFunction((), _terminal, sends=True),
    "external": TargetFunction(("key", "challenge", "original"), _external, sends=True),
    "encrypt": TargetFunction(("key", "challenge", "plain"), _encrypt, sends=True),
    "message_mac": TargetFunction(("key", "challenge", "message"), _message_mac, sends=True),
}
"""Each is called with the PSAM and the card the key is to be for (the first card of the script), then the arguments."""
