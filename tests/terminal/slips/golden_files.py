"""The golden files: slips as they were last looked at by a person. `python -m tests.terminal.slips.golden_files` writes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sscard_terminal.iso7816.status import Language
from sscard_terminal.terminal.slips.layout import COLUMNS, text_of
from tests.terminal.slips.samples import SAMPLES

FOLDER = Path(__file__).parent / "golden"
LANGUAGES: tuple[Language, ...] = ("zh", "en")


def texts() -> Iterator[tuple[str, str]]:
    """File name and content of each kind × width × language."""
    for name, sample in SAMPLES.items():
        for language in LANGUAGES:
            for width_mm, columns in COLUMNS.items():
                yield f"{name}.{language}.{width_mm}.txt", text_of(sample(language), columns)


if __name__ == "__main__":
    for name, text in texts():
        (FOLDER / name).write_text(text, "utf-8", newline="\n")
