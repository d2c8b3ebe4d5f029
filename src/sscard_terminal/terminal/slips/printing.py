"""One slip onto one printer, by the settings of this place.

Not here: what stands on it (forms.py), and what becomes of a slip that did not come out (the faces of the terminal).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .charsets import Charset
from .contents import Slip
from .layout import COLUMNS
from .pdf import Font
from .printers import send
from .targets import Printer, Screen, Target
from .ticket import ticket


@dataclass(frozen=True, slots=True)
class SlipSettings:
    """How slips are made here: paper of `width_mm` 58 or 80, where they go, what the printer's font has; `copies` on
    paper; `font` for PDFs, None for the built-in one.
    """

    width_mm: int = min(COLUMNS)
    target: Target = field(default_factory=Screen)
    charset: Charset = Charset.GB18030
    copies: int = 1
    font: Font | None = None

    @property
    def columns(self) -> int:
        return COLUMNS[self.width_mm]


def print_slip(printer: Printer, slip: Slip, settings: SlipSettings) -> str:
    """Print it; the characters the printer cannot show, each once.

    Raises:
        SlipTrouble: it did not come out, or perhaps not whole.
    """
    made = ticket(slip, settings.width_mm, settings.charset, settings.copies)
    send(printer, made.data)
    return made.lost
