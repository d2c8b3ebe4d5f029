"""A slip as the bytes of an ESC/POS printer: its commands from python-escpos, its text encoded here and sent raw.

The library's own text would turn every character outside GBK into "?". Not here: where the bytes go (printers.py).
Source: ESC/POS as the makers publish it (ESC @, ESC E, ESC a, ESC d, GS !, GS V, FS &); docs/decisions/0007-slips.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

from .charsets import Charset, encoded
from .contents import Slip
from .layout import COLUMNS, Line, columns, laid_out
from .trouble import SlipFault, SlipTrouble

LINES_TO_THE_KNIFE = 6
"""How far the paper moves before it is cut, else the last lines stay inside. Source: python-escpos, `cut`."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a printer is sent, and the characters it cannot show, each once."""

    data: bytes
    lost: str


def ticket(slip: Slip, width_mm: int, charset: Charset = Charset.GB18030, copies: int = 1) -> Ticket:
    """The slip for paper of 58 or 80 mm, `copies` times, each cut off.

    Raises:
        SlipTrouble: python-escpos is not installed (NO_LIBRARY).
    """
    codes, width = _codes(), COLUMNS[width_mm]
    lines = list(laid_out(slip, width))
    start = codes.HW_INIT + codes.FS + b"&"  # FS &: two bytes, or four, are one Chinese character
    body = b"".join(part for line in lines for part in _line(codes, line, width, charset))
    end = codes.ESC + b"d" + bytes([LINES_TO_THE_KNIFE]) + codes.PAPER_FULL_CUT
    lost = encoded("".join(line.text for line in lines), charset).lost
    return Ticket((start + body + end) * copies, lost)


def _line(codes: ModuleType, line: Line, width: int, charset: Charset) -> Iterator[bytes]:
    """A strong line is bold; a title or mark twice as high too, and twice as wide where it then fits."""
    style = codes.TXT_STYLE
    if line.strong:
        high = 2 if line.centred else 1
        across = high if 2 * columns(line.text) <= width else 1
        yield codes.TXT_SIZE + bytes([style["width"][across] + style["height"][high]])
        yield style["bold"][True] + style["align"]["center" if line.centred else "left"]
    yield encoded(line.text, charset).data + codes.CTL_LF
    if line.strong:
        yield codes.TXT_SIZE + bytes([style["width"][1] + style["height"][1]])
        yield style["bold"][False] + style["align"]["left"]


def _codes() -> ModuleType:
    """The library's table of commands.

    Its printers are left aside: importing them takes a third of a second, reads a YAML of every printer there is, leaves
    a folder in /tmp each time and sets up the root logger (python-escpos 3.1).
    """
    try:
        from escpos import constants
    except ImportError as error:
        raise SlipTrouble(SlipFault.NO_LIBRARY, "python-escpos") from error
    found: ModuleType = constants
    return found
