"""The texts a calling program hands in, made values or refused with a code: pCardInfo, pPayInfo, pKey, iType.

Not here: pFileAddr and pWriteData (addresses.py), and what the values are for.
Source: card.md §8.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from sscard_terminal.cardspec.bcd import time_of_bcd
from sscard_terminal.cardspec.money import MAX_FEN, Fen, yuan_of_fen
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.terminal.amounts import record_keeping_amounts
from sscard_terminal.terminal.outcomes import Declined

from .codes import Code
from .place import Interface
from .result import Refused

IDENTIFICATION_DIGITS, NUMBER_CHARACTERS = 32, 9
"""Source: card.md §1.5, tags 01 and 07."""
AUTHENTICATION_DIGITS = 32
"""Authentication data and the original information it is over, 8 bytes each. Source: card.md §8."""
TIME_DIGITS = 14
EARLIER, LATER = timedelta(minutes=10), timedelta(minutes=1)
"""How far the time a program hands in may be from our clock: it was taken before the PIN was keyed. Our choice."""

_HEX = re.compile(r"[0-9A-Fa-f]*", re.ASCII)
_DIGITS = re.compile(r"[0-9]*", re.ASCII)
_NUMBER = re.compile(r"[0-9A-Za-z]*", re.ASCII)
_YUAN = re.compile(r"([0-9]{1,8})(?:\.([0-9]{1,2}))?", re.ASCII)
_YUAN_SIGNS = re.compile(r"[0-9.]*", re.ASCII)
_ORDER = {
    1: (Interface.CONTACT,),
    2: (Interface.CONTACTLESS,),
    3: (Interface.CONTACT, Interface.CONTACTLESS),
    4: (Interface.CONTACTLESS, Interface.CONTACT),
}


def interfaces_of(card_type: int) -> tuple[Interface, ...]:
    """iType: where to look for the card, in this order.

    Raises:
        Refused: -14.
    """
    if card_type not in _ORDER:
        raise Refused(Code.BAD_PARAMETER)
    return _ORDER[card_type]


def fields_of(value: str, most: int, *counts: int) -> list[str]:
    """The fields of a text, each ended by `|`, of which there may be so many.

    Raises:
        Refused: -42 too long, -14 not of this form.
    """
    require_length(value, most)
    *fields, rest = value.split("|")
    if rest or len(fields) not in counts:
        raise Refused(Code.BAD_PARAMETER)
    return fields


def require_length(value: str, most: int) -> None:
    """
    Raises:
        Refused: -42 more than `most` characters; bytes are counted where bytes come in (the C ABI).
    """
    if len(value) > most:
        raise Refused(Code.WRONG_LENGTH)


def hex_of(value: str, digits: int) -> bytes:
    """
    Raises:
        Refused: -41 no hex digits, -42 not so many.
    """
    return bytes.fromhex(_checked(value, _HEX, digits))


def _checked(value: str, signs: re.Pattern[str], length: int) -> str:
    if not signs.fullmatch(value):
        raise Refused(Code.ILLEGAL_CHARACTER)
    if len(value) != length:
        raise Refused(Code.WRONG_LENGTH)
    return value


@dataclass(frozen=True, slots=True)
class CardInfo:
    """pCardInfo: whose card the calling program means; both are held against the card (-22)."""

    identification: str
    number: str

    @classmethod
    def parse(cls, value: str) -> CardInfo:
        """
        Raises:
            Refused: -14, -41, -42.
        """
        identification, number = fields_of(value, 128, 2)
        return cls(
            hex_of(identification, IDENTIFICATION_DIGITS).hex().upper(),
            _checked(number, _NUMBER, NUMBER_CHARACTERS),
        )


@dataclass(frozen=True, slots=True)
class PayInfo:
    """pPayInfo: total cost, what account and pool pay of it, and the time of the sale."""

    amounts: PurchaseAmounts
    time: datetime

    @classmethod
    def parse(cls, value: str, now: datetime) -> PayInfo:
        """
        Raises:
            Refused: -14, -41, -42; -23 a sum that is too large, a part that exceeds the total, no time of the
                calendar, or one that is not about `now`.
        """
        total, paid, time = fields_of(value, 512, 3)
        amounts = record_keeping_amounts(fen_of(total), fen_of(paid))
        if isinstance(amounts, Declined):
            raise Refused(Code.ILLEGAL_DATA)
        moment = time_of(time)
        if not now - EARLIER <= moment <= now + LATER:
            raise Refused(Code.ILLEGAL_DATA)
        return cls(amounts, moment)

    def request_for(self, card: CardInfo) -> str:
        """The name under which the journal takes this very sale once."""
        total, paid = yuan_of_fen(self.amounts.self_paid), yuan_of_fen(self.amounts.pooled)
        return f"iDoDebit {card.identification} {self.time:%Y%m%d%H%M%S} {total} {paid}"


def fen_of(value: str) -> Fen:
    """Yuan with at most two decimals, below 42949672.95.

    Raises:
        Refused: -41, -42, -23.
    """
    if not _YUAN_SIGNS.fullmatch(value):
        raise Refused(Code.ILLEGAL_CHARACTER)
    match = _YUAN.fullmatch(value)
    if match is None:
        raise Refused(Code.WRONG_LENGTH)
    fen = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))
    if fen >= MAX_FEN:
        raise Refused(Code.ILLEGAL_DATA)
    return Fen(fen)


def time_of(value: str) -> datetime:
    """YYYYMMDDHHMMSS.

    Raises:
        Refused: -41, -42, -23.
    """
    try:
        return time_of_bcd(bytes.fromhex(_checked(value, _DIGITS, TIME_DIGITS)))
    except FormatError:
        raise Refused(Code.ILLEGAL_DATA) from None


@dataclass(frozen=True, slots=True)
class Authentication:
    """What an HSM answers: authentication data, and the original information it is over, 8 bytes each."""

    data: bytes
    original: bytes

    @classmethod
    def parse(cls, value: str) -> Authentication:
        """
        Raises:
            Refused: -41, -42.
        """
        raw = hex_of(value, AUTHENTICATION_DIGITS)
        return cls(raw[:8], raw[8:])
