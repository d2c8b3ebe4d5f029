"""Money as integer fen, and the three amounts the chip holds.

Not here: any sum the chip computes itself (applets). Yuan are text and exist at the edges only: people type and
read them, and the two functions that translate stand here so that there is one pair of them.
Source: card.md §4.1, §1.7 (internal amount file).
"""

from __future__ import annotations

import re
from enum import IntEnum

from sscard_terminal.iso7816.errors import FormatError

MAX_FEN = 0xFFFF_FFFF
_YUAN = re.compile(r"(\d{1,8})(?:\.(\d{1,2}))?", re.ASCII)
_ITEM = re.compile(r"\s*(?P<price>[^*]+?)\s*(?:\*\s*(?P<count>\d{1,4})\s*)?", re.ASCII)


class Fen(int):
    """An amount in fen, 0..4294967295 (four bytes on the card).

    Raises:
        FormatError: a negative amount or one of more than four bytes.
    """

    __slots__ = ()

    def __new__(cls, value: int) -> Fen:
        if not 0 <= value <= MAX_FEN:
            raise FormatError(f"{value} fen is outside 0..{MAX_FEN}")
        return super().__new__(cls, value)

    @classmethod
    def from_bytes4(cls, raw: bytes) -> Fen:
        """Four bytes, most significant first."""
        if len(raw) != 4:
            raise FormatError(f"an amount has 4 bytes, these are {len(raw)}")
        return cls(int.from_bytes(raw, "big"))

    def to_bytes4(self) -> bytes:
        """Four bytes, most significant first."""
        return self.to_bytes(4, "big")


class BalanceKind(IntEnum):
    """P2 of GET BALANCE (card.md §2.3)."""

    CIA = 1
    """个人账户: the account balance."""
    SPIP = 2
    """自付累计: self-paid total of the payment year."""
    SPFP = 3
    """统筹支付累计: pooled-fund total of the payment year."""


def fen_of_yuan(text: str) -> Fen:
    """An amount as people type it ("12.34", "12.3", "12") in fen; never rounded.

    Raises:
        FormatError: no number, a sign, more than two decimals, or more than 42949672.95.

    >>> fen_of_yuan("12.34")
    1234
    """
    match = _YUAN.fullmatch(text.strip())
    if match is None:
        raise FormatError("an amount is yuan with at most two decimals, such as 12.34")
    fen = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))
    if fen > MAX_FEN:
        raise FormatError("an amount is at most 42949672.95 yuan")
    return Fen(fen)


def fen_of_items(text: str) -> Fen:
    """The sum of items as people type them: prices, each with a count if there are several ("12.50+3.20*2").

    Raises:
        FormatError: an item is none, or the sum is more than 42949672.95 yuan.

    >>> fen_of_items("12.50 + 3.20*2")
    1890
    """
    total = 0
    for item in text.split("+"):
        match = _ITEM.fullmatch(item)
        if match is None:
            raise FormatError("items are prices with a count behind them, such as 12.50+3.20*2")
        total += fen_of_yuan(match["price"]) * int(match["count"] or 1)
    if total > MAX_FEN:
        raise FormatError("an amount is at most 42949672.95 yuan")
    return Fen(total)


def yuan_of_fen(fen: int) -> str:
    """An amount as people read it, always with two decimals.

    >>> yuan_of_fen(1234)
    '12.34'
    """
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"
