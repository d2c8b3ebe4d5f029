"""Every record, command body and answer of card.md as a construct declaration.

Not here: types for the rest of the program. No Container leaves this floor; records.py and commands/ hand out frozen
dataclasses. Where a body is hot, commands/ reads it by hand, and a property test holds the two equal.
Interpreted construct only, each layout Terminated: the compiled form takes cut-off input (pcsc.md §5).
Amounts are unsigned fen, `cn` fields stay packed BCD bytes here.
"""

from __future__ import annotations

from typing import Any

from construct import (
    Byte,
    Bytes,
    Const,
    ConstructError,
    GreedyBytes,
    GreedyRange,
    Int16ub,
    Int32ub,
    Struct,
    Terminated,
)

from sscard_terminal.iso7816.errors import FormatError

Amount = Int32ub
Counter = Int16ub
Terminal = Bytes(6)
Time = Bytes(7)
Mac = Bytes(4)


def _message(*fields: Any) -> Struct:
    return Struct(*fields, Terminated)


# Records of the card -------------------------------------------------------------------------------

CARD_IDENTIFICATION = _message(
    "region" / Bytes(3), "application" / Bytes(5), "serial" / Bytes(4), "authentication_code" / Bytes(4)
)
"""16 bytes, tag 01 of EF05. Source: card.md §1.5."""

INITIALISING_BODY = _message(
    "organisation" / Bytes(5),
    "region_of_issue" / Bytes(3),
    "region_of_body" / Bytes(3),
    "sequence" / Bytes(1),
)
"""12 bytes, tag 04 of EF05. Source: card.md §1.5."""

LOG_RECORD = _message(
    "number" / Counter, "kind" / Byte, "terminal" / Terminal, "time" / Time,
    "account" / Amount, "self_paid" / Amount, "pooled" / Amount,
)  # fmt: skip
"""28 bytes, DF04 EF08. Source: card.md §1.7."""

LOG_RECORD_ACCOUNT_ONLY = _message(
    "number" / Counter, "kind" / Byte, "terminal" / Terminal, "time" / Time, "account" / Amount
)
"""20 bytes, DF04 EF08 of a card in account-only mode. Source: card.md §1.7."""

SPECIAL_SETTLEMENT = _message("number" / Counter, "kind" / Byte)
"""3 bytes, DF04 EF15. Source: card.md §1.7."""

AMOUNT_FILE = _message(
    "load_counter" / Counter, "purchase_counter" / Counter, "cia" / Amount, "spip" / Amount, "spfp" / Amount,
    "year" / Bytes(2), "starting_day" / Bytes(2),
)  # fmt: skip
"""20 bytes, internal amount file of DF04. Source: card.md §1.7."""

TAG_LENGTH_RECORDS = Struct(
    "records" / GreedyRange(Struct("tag" / Byte, "length" / Byte, "body" / Bytes(lambda this: this.length))),
    Terminated,
)
"""A linear file as READ RECORD mode 101 returns it. Source: card.md §1.4."""

# Command bodies and answers of the medical account -------------------------------------------------

INITIALIZE_FOR_LOAD = _message("key_index" / Byte, "amount" / Amount, "terminal" / Terminal)
"""Lc 0B. Source: card.md §2.3."""

LOAD_CHALLENGE = _message(
    "balance" / Amount, "counter" / Counter, "key_version" / Byte, "algorithm" / Byte, "random" / Bytes(4),
    "mac1" / Mac,
)  # fmt: skip
"""16 bytes. Source: card.md §2.3."""

CREDIT_FOR_LOAD = _message("time" / Time, "mac2" / Mac)
"""Lc 0B. Source: card.md §2.3."""

CREDIT_ANSWER = _message("tac" / Mac)
"""4 bytes. Source: card.md §2.3."""

INITIALIZE_FOR_PURCHASE = _message(
    "key_index" / Byte, "account" / Amount, "self_paid" / Amount, "pooled" / Amount, "terminal" / Terminal
)
"""Lc 13. Source: card.md §2.3."""

PURCHASE_CHALLENGE = _message(
    "balance" / Amount, "spip" / Amount, "spfp" / Amount, "year" / Bytes(2), "counter" / Counter,
    "key_version" / Byte, "algorithm" / Byte, "random" / Bytes(4),
)  # fmt: skip
"""22 bytes. Source: card.md §2.3."""

DEBIT_FOR_PURCHASE = _message("sequence" / Bytes(4), "time" / Time, "mac1" / Mac)
"""Lc 0F. Source: card.md §2.3."""

DEBIT_ANSWER = _message("tac" / Mac, "mac2" / Mac)
"""8 bytes, TAC first. Source: card.md §2.3."""

BALANCE_ANSWER = _message("amount" / Amount)
"""4 bytes, GET BALANCE P2 01. Source: card.md §2.3."""

TOTAL_ANSWER = _message("amount" / Amount, "year" / Bytes(2))
"""6 bytes, GET BALANCE P2 02 and 03. Source: card.md §2.3."""

PROOF_REQUEST = _message("number" / Counter)
"""Lc 02. Source: card.md §2.3."""

PROOF_ANSWER = _message("mac" / Mac, "tac" / Mac)
"""8 bytes, MAC first (MAC2 of a purchase, zeros for a load). Source: card.md §2.3, §4.7."""

# Authentication ------------------------------------------------------------------------------------

EXTERNAL_AUTHENTICATE = _message("authentication_data" / Bytes(8), "original" / Bytes(8))
INTERNAL_AUTHENTICATE = _message("factor" / Bytes(8), "original" / Bytes(8))
EXTERNAL_AUTHENTICATE_VERSIONED = _message(
    "authentication_data" / Bytes(8), "original" / Bytes(8), "version" / Byte
)
INTERNAL_AUTHENTICATE_VERSIONED = _message("factor" / Bytes(8), "original" / Bytes(8), "version" / Byte)
"""Lc 10, or 11 with the key version. Source: card.md §2.2, §6.6, §6.8."""

# PSAM ----------------------------------------------------------------------------------------------

PSAM_PUBLIC_INFORMATION = _message(
    "issuer" / Byte, "serial" / Bytes(10), "version" / Byte, "key_card_type" / Byte, "fci_data" / Bytes(2)
)
"""15 bytes, 0015. Source: card.md §5.1."""

PSAM_APPLICATION_INFORMATION = _message(
    "dpk_index" / Byte, "authentication_key_version" / Byte, "valid_from" / Bytes(4), "valid_to" / Bytes(4)
)
"""10 bytes, 001A/001B/001C. Source: card.md §5.1."""

PSAM_KEY_RECORD = Struct(
    "usage" / Byte, "id" / Byte, "zero" / Const(b"\x00"), "algorithm" / Byte, "filling" / Const(bytes(4)),
    "key" / GreedyBytes,
)  # fmt: skip
"""CREATE KEY, 16 or 24 bytes. Source: card.md §5.1 (key record), P9 §9.5."""

PSAM_KEY_CHANGE = Struct("usage" / Byte, "id" / Byte, "zero" / Const(b"\x00"), "key" / GreedyBytes)
"""CHANGE KEY, 11 or 19 bytes: no algorithm. Source: P9 §9.6.1."""

PSAM_PURCHASE_HEAD = Struct(
    "random" / Bytes(4), "counter" / Counter, "account" / Amount, "self_paid" / Amount, "pooled" / Amount,
    "kind" / Byte, "time" / Time, "key_version" / Byte, "algorithm" / Byte,
)  # fmt: skip
"""The first 28 bytes of 80 70; 8 bytes a diversification level follow. Source: card.md §5.4."""

PSAM_PURCHASE = _message(*PSAM_PURCHASE_HEAD.subcons, "factors" / GreedyRange(Bytes(8)))
"""80 70, Lc 1C + 8N. Source: card.md §5.4."""

PSAM_PURCHASE_ANSWER = _message("sequence" / Bytes(4), "mac1" / Mac)
"""8 bytes. Source: card.md §5.4."""


def parse(layout: Struct, raw: bytes, what: str) -> Any:
    """The Container of `raw`; for this floor only.

    Raises:
        FormatError: too short, too long; `what` names the thing in the text.
    """
    try:
        return layout.parse(raw)
    except ConstructError as error:
        raise FormatError(
            f"{what} does not have the layout of the specification ({len(raw)} bytes)"
        ) from error


def build(layout: Struct, what: str, **fields: Any) -> bytes:
    """The bytes of a layout.

    Raises:
        FormatError: a field that does not fit.
    """
    for name, length in fixed_lengths(layout).items():
        if name in fields and len(fields[name]) != length:  # construct would pad or cut it without a word
            raise FormatError(f"{what}: {name} has {length} bytes, not {len(fields[name])}")
    try:
        return bytes(layout.build(fields))
    except ConstructError as error:
        raise FormatError(f"{what}: a field does not fit") from error


def fixed_lengths(layout: Struct) -> dict[str, int]:
    """The byte-string fields of a layout with their lengths."""
    named = ((sub.name, getattr(sub, "subcon", None)) for sub in layout.subcons)
    return {name: inner.length for name, inner in named if isinstance(inner, Bytes)}
