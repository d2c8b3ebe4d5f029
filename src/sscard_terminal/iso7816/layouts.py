"""The APDU frame as a declaration, beside the hand-written path of apdu.py that is used.

Not here: anything hot. A property test holds the two equal (tests/iso7816/test_layouts.py).
Interpreted construct only: the compiled form accepts cut-off input (pcsc.md §5).
Source: ISO/IEC 7816-3 §12.1.3, table 12.
"""

from __future__ import annotations

from typing import Any

from construct import Byte, Bytes, ConstructError, Int16ub, Struct, Terminated, this

from .apdu import MAX_EXTENDED_NE, MAX_SHORT_NE, CommandApdu
from .errors import FormatError

HEADER = Struct("cla" / Byte, "ins" / Byte, "p1" / Byte, "p2" / Byte)

_SHORT_DATA = ("lc" / Byte, "data" / Bytes(this.lc))
_EXTENDED_DATA = ("zero" / Bytes(1), "lc" / Int16ub, "data" / Bytes(this.lc))

CASE_1 = Struct("header" / HEADER, Terminated)
CASE_2 = Struct("header" / HEADER, "le" / Byte, Terminated)
CASE_3 = Struct("header" / HEADER, *_SHORT_DATA, Terminated)
CASE_4 = Struct("header" / HEADER, *_SHORT_DATA, "le" / Byte, Terminated)
CASE_2_EXTENDED = Struct("header" / HEADER, "zero" / Bytes(1), "le" / Int16ub, Terminated)
CASE_3_EXTENDED = Struct("header" / HEADER, *_EXTENDED_DATA, Terminated)
CASE_4_EXTENDED = Struct("header" / HEADER, *_EXTENDED_DATA, "le" / Int16ub, Terminated)


def _layout_of(raw: bytes) -> Struct:
    length = len(raw)
    if length <= 5:
        return CASE_2 if length == 5 else CASE_1
    if raw[4]:
        return CASE_3 if length == 5 + raw[4] else CASE_4
    if length == 7:
        return CASE_2_EXTENDED
    if length < 7 or not raw[5:7].strip(b"\x00"):
        raise FormatError("no case of ISO/IEC 7816-3 has this length")
    return CASE_3_EXTENDED if length == 7 + int.from_bytes(raw[5:7], "big") else CASE_4_EXTENDED


def parse_declared(raw: bytes) -> CommandApdu:
    """`CommandApdu.parse`, by declaration.

    Raises:
        FormatError: in exactly the cases in which `CommandApdu.parse` does.
    """
    try:
        layout = _layout_of(raw)
        frame: Any = layout.parse(raw)
    except ConstructError as error:
        raise FormatError("the bytes fit no case of ISO/IEC 7816-3") from error
    top = MAX_EXTENDED_NE if "zero" in frame else MAX_SHORT_NE
    header, ne = frame.header, (frame.le or top) if "le" in frame else 0
    return CommandApdu(header.cla, header.ins, header.p1, header.p2, frame.get("data", b""), ne)
