"""Draws docs/pictures/slip.png: some slips of the tests as their PDFs look, side by side.

    .venv/bin/python -m tools.slip_picture /usr/share/fonts/truetype/wqy/wqy-zenhei.ttc 1

Run by hand when slips have changed. Needs the extra `slips`, a TrueType font with Chinese (Debian: fonts-wqy-zenhei) and
pdftoppm (Debian: poppler-utils). Not here: slips (terminal/slips).
"""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO
from pathlib import Path

from PIL import Image

from sscard_terminal.terminal.slips.pdf import Font, pdf_of
from tests.terminal.slips.samples import SAMPLES

PICTURE = Path(__file__).parents[1] / "docs/pictures/slip.png"
SHOWN = (
    ("sale-charged", "zh", 58),
    ("sale-open", "zh", 58),
    ("refund-requested", "zh", 58),
    ("sale-training", "en", 80),
)
DOTS_PER_INCH = "110"
TABLE, GAP = 0xD0, 24


def page(name: str, language: str, width_mm: int, font: Font) -> Image.Image:
    made = pdf_of(SAMPLES[name](language), width_mm, font)  # type: ignore[arg-type]
    if made.lost or made.lacks_font:
        sys.exit(f"{font.path}: no TrueType font with all characters of the slips")
    command = ["pdftoppm", "-r", DOTS_PER_INCH, "-gray", "-singlefile", "-"]
    done = subprocess.run(command, input=made.data, capture_output=True, check=True)
    return Image.open(BytesIO(done.stdout))


def main(font: Font) -> None:
    pages = [page(*shown, font) for shown in SHOWN]
    size = GAP + sum(one.width + GAP for one in pages), 2 * GAP + max(one.height for one in pages)
    table, left = Image.new("L", size, TABLE), GAP
    for one in pages:
        table.paste(one, (left, GAP))
        left += one.width + GAP
    PICTURE.parent.mkdir(exist_ok=True)
    table.quantize(16).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main(Font(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
