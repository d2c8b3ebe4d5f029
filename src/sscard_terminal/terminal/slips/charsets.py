"""Text as a printer's font knows it: GB18030, GBK or GB2312; what a printer cannot show is replaced and told.

Not here: text on the card (cardspec/chinese.py, whose table GB18030 is taken from).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sscard_terminal.cardspec import chinese

from .layout import FULL_WIDTH, STANDS_FOR_OTHERS, columns


class Charset(StrEnum):
    """What a printer has in its font."""

    GB18030 = "gb18030"
    """1, 2 or 4 bytes a character: every one there is, as far as the printer's table goes."""
    GBK = "gbk"
    """1 or 2 bytes: 21,003 characters of Chinese."""
    GB2312 = "gb2312"
    """1 or 2 bytes: 6,763 characters of Chinese, what the oldest printers have."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Bytes for a printer, and the characters that are not among them, each once, in their order."""

    data: bytes
    lost: str


_IN_GB2312 = {"·": b"\xa1\xa4", "—": b"\xa1\xaa"}
"""Two that Python's table gives to U+30FB and U+2015; GBK and every printer take them so. Source: GB 18030-2022."""


def encoded(text: str, charset: Charset) -> Encoded:
    """`text` for a printer; what it cannot show becomes 〓, or ? where it took one column, so that lines keep their width."""
    data, lost = bytearray(), dict[str, None]()
    for char in text:
        try:
            data += _bytes_of(char, charset)
        except UnicodeEncodeError:
            lost[char] = None
            data += replacement(char).encode("gb2312")
    return Encoded(bytes(data), "".join(lost))


def replacement(char: str) -> str:
    """What stands for a character that cannot be shown, in as many columns."""
    return {FULL_WIDTH: STANDS_FOR_OTHERS, 1: "?"}.get(columns(char), "")


def _bytes_of(char: str, charset: Charset) -> bytes:
    """Raises UnicodeEncodeError."""
    match charset:
        case Charset.GB18030:
            return chinese.encoded(char)
        case Charset.GBK:
            return char.encode("gbk")
        case Charset.GB2312:
            return _IN_GB2312.get(char) or char.encode("gb2312")
