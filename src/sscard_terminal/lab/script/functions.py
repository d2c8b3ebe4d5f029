"""The closed set of functions that `let` calls: amounts, digits, dates, diversification, MACs, TAC; bytes in, bytes out.

Not here: functions that ask a PSAM (lab/run/psam_functions.py) and where the arguments come from. A key is bytes, or the name
of a test root key (fixtures/keys/test.toml), which is no secret.
Source: card.md §4, §6, through cardspec.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sscard_terminal.cardspec import transaction
from sscard_terminal.cardspec.bcd import bcd_of_date, bcd_of_digits, bcd_of_time
from sscard_terminal.cardspec.chinese import encoded
from sscard_terminal.cardspec.ciphers import SM4, TRIPLE_DES, CipherSuite, pad
from sscard_terminal.cardspec.keys import DES_KEY_LENGTH, DiversificationFactors, diversified, root_of_length
from sscard_terminal.cardspec.money import Fen, fen_of_yuan
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.iso7816.atr import Atr
from sscard_terminal.iso7816.errors import FormatError

Value = bytes | str
"""An argument: bytes, or a quoted text."""
Parts = Mapping[str, bytes]
"""What a function gives: its value under "", and named parts."""
SUITES: Mapping[str, CipherSuite] = {"3DES": TRIPLE_DES, "SM4": SM4}
MESSAGE_KEY = "STK"
"""The keys whose names begin so have 8 bytes on 3DES cards. Source: card.md §1.9, §1.10."""


class ArgumentError(ValueError):
    """An argument does not fit; the text says which and how, and never quotes bytes."""


@dataclass(frozen=True, slots=True)
class Function:
    """One of the set: what its arguments are called, which of them may be left out, and whether the result is secret."""

    parameters: tuple[str, ...]
    call: Callable[..., Parts]
    optional: int = 0
    secret: bool = False

    @property
    def least(self) -> int:
        return len(self.parameters) - self.optional


def octets_of(name: str, value: Value, *lengths: int) -> bytes:
    if isinstance(value, str):
        raise ArgumentError(f"{name} is bytes, here is a text")
    if lengths and len(value) not in lengths:
        wanted = " or ".join(map(str, lengths))
        raise ArgumentError(f"{name} has {wanted} bytes, here are {len(value)}")
    return value


def text_of(name: str, value: Value) -> str:
    if isinstance(value, bytes):
        raise ArgumentError(f'{name} is a text in "…", here are bytes')
    return value


def _whole(name: str, value: Value, most: int) -> int:
    text = text_of(name, value)
    if not (text.isascii() and text.isdecimal()) or len(text) > 12 or int(text) > most:
        raise ArgumentError(f"{name} is a whole number up to {most}")
    return int(text)


def suite_of(value: Value) -> CipherSuite:
    """By name, or by the algorithm byte of a card's answer ($card.algorithm)."""
    for name, suite in SUITES.items():
        if value in (name, bytes((suite.algorithm_id,))):
            return suite
    raise ArgumentError(f"algorithm is one of {', '.join(SUITES)}, or $card.algorithm")


def shipped_key(name: str) -> bytes:
    """A test root key."""
    from ..virtual import (
        shipped_keys,  # with it comes what a virtual card needs, which a script for a reader does not
    )

    return shipped_keys()[name]


def _key(name: str, value: Value) -> bytes:
    return shipped_key(value) if isinstance(value, str) else octets_of(name, value, 8, 16)


def _amounts(account: Value, self_paid: Value, pooled: Value) -> bytes:
    named = (("account", account), ("self-paid", self_paid), ("pooled", pooled))
    return b"".join(octets_of(name, value, 4) for name, value in named)


def _counter(value: Value) -> int:
    return int.from_bytes(octets_of("counter", value, 2), "big")


def factors_of_atr(atr: bytes) -> DiversificationFactors:
    """The factors of the card with this ATR: the region is its first four digits, which the ATR tells, and 00.

    Raises:
        ArgumentError: this ATR has no such historical bytes.
    """
    try:
        historical = Atr.parse(atr).historical
        return DiversificationFactors.of(historical[7:9].hex() + "00", historical)
    except FormatError as error:
        raise ArgumentError("this ATR tells no region and serial") from error


# The functions ------------------------------------------------------------------------------------------------


def _bcd(digits: Value, length: Value | None = None) -> Parts:
    text = text_of("digits", digits)
    wide = (len(text) + 1) // 2 if length is None else _whole("length", length, 255)
    return {"": bcd_of_digits(text, wide)}


def _number(value: Value, length: Value) -> Parts:
    wide = _whole("length", length, 8)
    number = _whole("number", value, 256**wide - 1)
    return {"": number.to_bytes(wide, "big")}


def _fen(yuan: Value) -> Parts:
    return {"": Fen(fen_of_yuan(text_of("yuan", yuan))).to_bytes4()}


def _date(day: Value) -> Parts:
    try:
        return {"": bcd_of_date(date.fromisoformat(text_of("date", day)))}
    except ValueError:
        raise ArgumentError("a date is written 2026-01-05") from None


def _time(moment: Value) -> Parts:
    try:
        return {"": bcd_of_time(datetime.fromisoformat(text_of("time", moment)))}
    except ValueError:
        raise ArgumentError("a time is written 2026-01-05 10:15:30") from None


def _chinese(said: Value, length: Value | None = None) -> Parts:
    octets = encoded(text_of("text", said))
    width = len(octets) if length is None else _whole("length", length, 255)
    if len(octets) > width:
        raise ArgumentError(f"the text takes {len(octets)} bytes, more than {width}")
    return {"": octets.ljust(width, b"\x00")}


def _pin(digits: Value) -> Parts:
    return {"": Pin(text_of("digits", digits)).to_bcd()}


def _change_pin(old: Value, new: Value) -> Parts:
    """The data of CHANGE PIN: old ‖ FF ‖ new. Source: card.md §2.2."""
    return {"": octets_of("old", old) + b"\xff" + octets_of("new", new)}


def _add(value: Value, step: Value) -> Parts:
    octets = octets_of("value", value)
    number = int.from_bytes(octets, "big") + _whole("step", step, 0xFFFF_FFFF)
    return {"": (number % 256 ** len(octets)).to_bytes(len(octets), "big")}


def _factors(atr: Value, region: Value | None = None) -> Parts:
    octets = octets_of("ATR", atr)
    if region is None:
        found = factors_of_atr(octets)
    else:
        found = DiversificationFactors.of(text_of("region", region), Atr.parse(octets).historical)
    parts = {"province": found.province, "city": found.city, "card": found.card}
    return {"": found.nearest_first(3), **parts}


def _card_key(root: Value, atr: Value, algorithm: Value = "3DES") -> Parts:
    suite, key = suite_of(algorithm), _key("root", root)
    if isinstance(root, str) and root.startswith(MESSAGE_KEY) and suite is TRIPLE_DES:
        key = root_of_length(key, DES_KEY_LENGTH)
    return {"": diversified(suite, key, factors_of_atr(octets_of("ATR", atr)))}


def _diversify(key: Value, factor: Value, algorithm: Value = "3DES") -> Parts:
    return {"": suite_of(algorithm).diversify(_key("key", key), octets_of("factor", factor, 8))}


def _session_key(key: Value, seed: Value, algorithm: Value = "3DES") -> Parts:
    return {"": suite_of(algorithm).session_key(_key("key", key), octets_of("seed", seed, 4, 8, 16))}


def _mac(key: Value, data: Value, algorithm: Value = "3DES") -> Parts:
    return {"": suite_of(algorithm).mac(_key("key", key), octets_of("data", data))}


def _message_mac(key: Value, challenge: Value, message: Value, algorithm: Value = "3DES") -> Parts:
    """The MAC of a protected command (header, Lc, data). Source: card.md §6.3."""
    suite = suite_of(algorithm)
    session = suite.session_key(_key("key", key), octets_of("challenge", challenge, 4, 8, 16))
    return {"": suite.mac(session, octets_of("message", message))}


def _encrypt(key: Value, challenge: Value, plain: Value, algorithm: Value = "3DES") -> Parts:
    suite = suite_of(algorithm)
    session = suite.session_key(_key("key", key), octets_of("challenge", challenge, 4, 8, 16))
    return {"": suite.encrypt_data(session, octets_of("plain", plain))}


def _authentication(key: Value, challenge: Value, original: Value, algorithm: Value = "3DES") -> Parts:
    suite = suite_of(algorithm)
    session = suite.session_key(_key("key", key), octets_of("challenge", challenge, 8, 16))
    return {"": suite.authentication_data(session, octets_of("original", original, 8))}


def _purchase_session(
    suite: CipherSuite, key: Value, random: Value, counter: Value, sequence: Value
) -> bytes:
    return transaction.purchase_session_key(
        suite,
        _key("key", key),
        octets_of("random", random, 4),
        _counter(counter),
        octets_of("sequence", sequence, 4),
    )


def _mac1(
    key: Value,
    random: Value,
    counter: Value,
    sequence: Value,
    account: Value,
    self_paid: Value,
    pooled: Value,
    terminal: Value,
    time: Value,
    algorithm: Value = "3DES",
) -> Parts:
    suite = suite_of(algorithm)
    session = _purchase_session(suite, key, random, counter, sequence)
    amounts = _amounts(account, self_paid, pooled)
    place = (octets_of("terminal", terminal, 6), octets_of("time", time, 7))
    return {"": transaction.purchase_mac1(suite, session, amounts, *place)}


def _mac2(
    key: Value,
    random: Value,
    counter: Value,
    sequence: Value,
    account: Value,
    self_paid: Value,
    pooled: Value,
    algorithm: Value = "3DES",
) -> Parts:
    suite = suite_of(algorithm)
    session = _purchase_session(suite, key, random, counter, sequence)
    return {"": transaction.purchase_mac2(suite, session, _amounts(account, self_paid, pooled))}


def _tac(
    key: Value,
    account: Value,
    self_paid: Value,
    pooled: Value,
    terminal: Value,
    sequence: Value,
    time: Value,
    algorithm: Value = "3DES",
) -> Parts:
    place = (
        octets_of("terminal", terminal, 6),
        octets_of("sequence", sequence, 4),
        octets_of("time", time, 7),
    )
    amounts = _amounts(account, self_paid, pooled)
    return {"": transaction.purchase_tac(suite_of(algorithm), _key("key", key), amounts, *place)}


def _load_session(suite: CipherSuite, key: Value, random: Value, counter: Value) -> bytes:
    return transaction.load_session_key(
        suite, _key("key", key), octets_of("random", random, 4), _counter(counter)
    )


def _money(name: str, value: Value) -> Fen:
    return Fen.from_bytes4(octets_of(name, value, 4))


def _load_mac1(
    key: Value,
    random: Value,
    counter: Value,
    balance: Value,
    amount: Value,
    terminal: Value,
    algorithm: Value = "3DES",
) -> Parts:
    suite = suite_of(algorithm)
    session = _load_session(suite, key, random, counter)
    held, added = _money("balance", balance), _money("amount", amount)
    return {"": transaction.load_mac1(suite, session, held, added, octets_of("terminal", terminal, 6))}


def _load_mac2(
    key: Value,
    random: Value,
    counter: Value,
    amount: Value,
    terminal: Value,
    time: Value,
    algorithm: Value = "3DES",
) -> Parts:
    suite = suite_of(algorithm)
    session = _load_session(suite, key, random, counter)
    place = (octets_of("terminal", terminal, 6), octets_of("time", time, 7))
    return {"": transaction.load_mac2(suite, session, _money("amount", amount), *place)}


def _load_tac(
    key: Value,
    balance_after: Value,
    counter: Value,
    amount: Value,
    terminal: Value,
    time: Value,
    algorithm: Value = "3DES",
) -> Parts:
    held, added = _money("balance-after", balance_after), _money("amount", amount)
    place = (octets_of("terminal", terminal, 6), octets_of("time", time, 7))
    suite, dtk = suite_of(algorithm), _key("key", key)
    return {"": transaction.load_tac(suite, dtk, held, _counter(counter), added, *place)}


def _padded(data: Value, block: Value) -> Parts:
    return {"": pad(octets_of("data", data), _whole("block", block, 16) or 8)}


def _same(value: Value, expected: Value) -> Parts:
    """`value`, if it is as expected: what an answer proves that no mask could have told before it came."""
    octets = octets_of("value", value)
    if octets != octets_of("expected", expected):
        raise ArgumentError("value and expected differ")
    return {"": octets}


_PURCHASE = ("key", "random", "counter", "sequence", "account", "self-paid", "pooled")
_ALGORITHM = "algorithm"
FUNCTIONS: Mapping[str, Function] = {
    "bcd": Function(("digits", "length"), _bcd, 1),
    "number": Function(("number", "length"), _number),
    "fen": Function(("yuan",), _fen),
    "date": Function(("date",), _date),
    "time": Function(("time",), _time),
    "chinese": Function(("text", "length"), _chinese, 1),
    "pin": Function(("digits",), _pin, secret=True),
    "change_pin": Function(("old", "new"), _change_pin, secret=True),
    "add": Function(("value", "step"), _add),
    "pad": Function(("data", "block"), _padded),
    "same": Function(("value", "expected"), _same),
    "factors": Function(("ATR", "region"), _factors, 1),
    "card_key": Function(("root", "ATR", _ALGORITHM), _card_key, 1, secret=True),
    "diversify": Function(("key", "factor", _ALGORITHM), _diversify, 1, secret=True),
    "session_key": Function(("key", "seed", _ALGORITHM), _session_key, 1, secret=True),
    "mac": Function(("key", "data", _ALGORITHM), _mac, 1),
    "message_mac": Function(("key", "challenge", "message", _ALGORITHM), _message_mac, 1),
    "encrypt": Function(("key", "challenge", "plain", _ALGORITHM), _encrypt, 1),
    "authentication": Function(("key", "challenge", "original", _ALGORITHM), _authentication, 1),
    "mac1": Function((*_PURCHASE, "terminal", "time", _ALGORITHM), _mac1, 1),
    "mac2": Function((*_PURCHASE, _ALGORITHM), _mac2, 1),
    "tac": Function(
        ("key", "account", "self-paid", "pooled", "terminal", "sequence", "time", _ALGORITHM), _tac, 1
    ),
    "load_mac1": Function(
        ("key", "random", "counter", "balance", "amount", "terminal", _ALGORITHM), _load_mac1, 1
    ),
    "load_mac2": Function(
        ("key", "random", "counter", "amount", "terminal", "time", _ALGORITHM), _load_mac2, 1
    ),
    "load_tac": Function(
        ("key", "balance-after", "counter", "amount", "terminal", "time", _ALGORITHM), _load_tac, 1
    ),
}


def called(function: Function, arguments: tuple[Value, ...]) -> Parts:
    """The function's value.

    Raises:
        ArgumentError: an argument does not fit.
    """
    try:
        return function.call(*arguments)
    except FormatError as error:
        raise ArgumentError(str(error)) from error
