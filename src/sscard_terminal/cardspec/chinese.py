"""Chinese text as the card stores it: GB18030 with the table of 2022, also on a Python that still has the one before.

Not here: which field is text (records, layouts). GBK bytes read the same.
Source: card.md §1.3; GB 18030-2022, the 18 two-byte codes that moved from private use to their own code
points, and the one (A8BC) that had moved in 2005.
"""

from __future__ import annotations

_MOVED = (
    (0xE7C7, 0x1E3F),
    *zip(range(0xE78D, 0xE797), (0xFE10, 0xFE12, 0xFE11, *range(0xFE13, 0xFE1A)), strict=True),
    *zip(
        (0xE81E, 0xE826, 0xE82B, 0xE82C, 0xE832, 0xE843, 0xE854, 0xE864),
        range(0x9FB4, 0x9FBC),
        strict=True,
    ),
)
"""(private use before, code point since): A8BC, A6D9…A6DF, A6EC, A6ED, A6F3, then FE59, FE61, FE66, … FEA0."""

_IS_2022 = "\u9fb4".encode("gb18030") == b"\xfe\x59"
_TO_CODEC = {} if _IS_2022 else {new: old for old, new in _MOVED}
_FROM_CODEC = {} if _IS_2022 else dict(_MOVED)


def encoded(text: str) -> bytes:
    """GB18030 bytes, 1, 2 or 4 a character.

    Raises:
        UnicodeEncodeError: half a surrogate pair; nothing else fails.
    """
    return text.translate(_TO_CODEC).encode("gb18030")


def decoded(raw: bytes) -> str:
    """The text of GB18030 or GBK bytes; what is no text shows as U+FFFD."""
    return raw.decode("gb18030", errors="replace").translate(_FROM_CODEC)
