"""A slip as a PDF: one page as wide as the paper and as long as the slip, every character in its column.

ASCII is set in Courier and Chinese in the font the configuration names, which is embedded; without one in STSong-Light,
which every reader of Chinese PDFs has or replaces. Not here: what stands on the slip (forms.py), columns (layout.py).
Source: docs/decisions/0007-slips.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache, wraps
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import Any

from .charsets import replacement
from .contents import Slip, Title
from .layout import COLUMNS, Line, columns, laid_out
from .trouble import SlipFault, SlipTrouble

MM = 72 / 25.4
CELL = 1.5 * MM
"""The width of a column: 12 dots of 1/8 mm, as on paper (layout.COLUMNS)."""
LINE_HEIGHT = 4 * MM
FONT_SIZE = 2 * CELL
"""A full-width character is as wide as high."""
BASELINE = 0.25
"""Where letters stand in their line, of its height."""
MARGIN_TOP = 4 * MM
COURIER, COURIER_BOLD = "Courier", "Courier-Bold"
COURIER_ADVANCE = 0.6
"""Every character of Courier, of the font's size. Source: Adobe's metrics of the 14 standard fonts."""
BUILT_IN = "STSong-Light"
"""Source: Adobe-GB1 (Adobe Technical Note 5079); named in a PDF, not embedded."""
EXTENSION_A = frozenset(map(chr, range(0x3400, 0x4DB6)))
"""CJK Unified Ideographs Extension A as of Unicode 3.0, in Adobe-GB1-4."""
FILLED_AND_OUTLINED = 2
"""Bold, from a font that has no bold of its own. Source: ISO 32000-1 §9.3.6."""
OUTLINE = 0.02 * FONT_SIZE
EM = 1000
"""What fonts count their widths in."""


@dataclass(frozen=True, slots=True)
class Font:
    """A TrueType font file, and which font of a collection (.ttc)."""

    path: Path
    index: int = 0


@dataclass(frozen=True, slots=True)
class Pdf:
    """The file, the characters no font of it shows (each once), and whether the configured font could not be used."""

    data: bytes
    lost: str
    lacks_font: bool


def pdf_of(slip: Slip, width_mm: int, font: Font | None = None) -> Pdf:
    """The slip as a page of 58 or 80 mm. The same slip is the same bytes, whenever it is made.

    Raises:
        SlipTrouble: reportlab is not installed (NO_LIBRARY).
    """
    lines = list(laid_out(slip, COLUMNS[width_mm]))
    height = 2 * MARGIN_TOP + LINE_HEIGHT * sum(map(_lines_high, lines))
    file = BytesIO()
    canvas = _canvas(file, (width_mm * MM, height))
    canvas.setTitle(next((piece.text for piece in slip if isinstance(piece, Title)), ""))
    setting = _Setting(canvas, COLUMNS[width_mm], _embedded(font))
    left, bottom = (width_mm * MM - COLUMNS[width_mm] * CELL) / 2, height - MARGIN_TOP
    for line in lines:
        bottom -= LINE_HEIGHT * _lines_high(line)
        setting.draw(line, left, bottom)
    canvas.save()
    return Pdf(file.getvalue(), "".join(setting.lost), font is not None and setting.embedded is None)


def _lines_high(line: Line) -> int:
    """Titles and marks are twice as high."""
    return 2 if line.strong and line.centred else 1


@dataclass(slots=True)
class _Setting:
    """Sets type on one page; `embedded` is the configured font, None for the built-in one alone."""

    canvas: Any
    width: int
    embedded: Any
    lost: dict[str, None] = field(default_factory=dict)

    def draw(self, line: Line, left: float, bottom: float) -> None:
        """Runs of one font, each where its columns begin; a title or mark twice as wide too where it then fits."""
        high = _lines_high(line)
        across = high if 2 * columns(line.text) <= self.width else 1
        column = (self.width - across * columns(line.text)) / 2 if line.centred else 0.0
        bottom += BASELINE * LINE_HEIGHT * high
        for font, run in self._runs(line):
            self.canvas.saveState()
            text = self.canvas.beginText(left + column * CELL, bottom)
            text.setFont(font, FONT_SIZE * high)
            shrink = CELL / (COURIER_ADVANCE * FONT_SIZE) if font.startswith(COURIER) else 1
            text.setHorizScale(100 * across / high * shrink)
            if line.strong and not font.startswith(COURIER):
                self.canvas.setLineWidth(OUTLINE)
                text.setTextRenderMode(FILLED_AND_OUTLINED)
            text.textOut(run)
            self.canvas.drawText(text)
            self.canvas.restoreState()
            column += across * columns(run)

    def _runs(self, line: Line) -> Iterator[tuple[str, str]]:
        """Font and text; a character that is not as wide as its columns stands alone, so that the next one is in place."""
        set_in = [self._set(char, line.strong) for char in line.text]
        keys = [(font, -1 if regular else number) for number, (font, _, regular) in enumerate(set_in)]
        for (font, _), members in groupby(range(len(keys)), key=keys.__getitem__):
            yield font, "".join(set_in[number][1] for number in members)

    def _set(self, char: str, strong: bool) -> tuple[str, str, bool]:
        """Font, what is set for `char`, and whether it is as wide as its columns."""
        if char.isascii():
            return COURIER_BOLD if strong else COURIER, char, True
        if self.embedded is not None and ord(char) in self.embedded.face.charToGlyph:
            regular = self.embedded.face.charWidths.get(ord(char)) == columns(char) * EM / 2
            return self.embedded.fontName, char, regular
        if _is_in_built_in(char):
            return BUILT_IN, char, True
        self.lost[char] = None
        other = replacement(char)
        return (BUILT_IN if columns(other) == 2 else COURIER), other, True


def _is_in_built_in(char: str) -> bool:
    """GBK and the first extension are in Adobe-GB1; what takes less than a full column is not in it as such."""
    if columns(char) != 2:
        return False
    try:
        char.encode("gbk")
    except UnicodeEncodeError:
        return char in EXTENSION_A
    return True


def _canvas(file: BytesIO, size: tuple[float, float]) -> Any:
    """A page of reportlab's with the built-in fonts."""
    try:
        from reportlab.pdfbase.cidfonts import UnicodeCIDFont
        from reportlab.pdfbase.pdfmetrics import registerFont
        from reportlab.pdfgen.canvas import Canvas
    except ImportError as error:
        raise SlipTrouble(SlipFault.NO_LIBRARY, "reportlab") from error
    registerFont(UnicodeCIDFont(BUILT_IN))
    return Canvas(file, pagesize=size, invariant=1)


@lru_cache
def _embedded(font: Font | None) -> Any:
    """The configured font as reportlab has it; None where there is none, or none that can be embedded."""
    if font is None:
        return None
    from reportlab.pdfbase import ttfonts
    from reportlab.pdfbase.pdfmetrics import registerFont

    if not hasattr(ttfonts.makeToUnicodeCMap, "__wrapped__"):
        ttfonts.makeToUnicodeCMap = _in_utf_16(ttfonts.makeToUnicodeCMap)
    try:
        found = ttfonts.TTFont(f"{font.path}:{font.index}", str(font.path), subfontIndex=font.index)
    except (ttfonts.TTFError, OSError):
        return None
    registerFont(found)
    return found


def _in_utf_16(make_map: Callable[[str, list[int]], str]) -> Callable[[str, list[int]], str]:
    """Mend the table by which text is copied out of a PDF: reportlab 5.1 writes 5 hex digits for 𠮷, where a pair of
    surrogates belongs. Source: ISO 32000-1 §9.10.3."""

    def pair(found: re.Match[str]) -> str:
        return f"> <{chr(int(found[1], 16)).encode('utf-16-be').hex().upper()}>"

    @wraps(make_map)
    def made(name: str, subset: list[int]) -> str:
        return re.sub(r"> <([0-9A-F]{5})>", pair, make_map(name, subset))

    return made
