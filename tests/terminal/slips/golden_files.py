"""The golden files: slips as they were last looked at by a person. `python -m tests.terminal.slips.golden_files` writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from sscard_terminal.iso7816.status import Language
from sscard_terminal.terminal.slips.layout import COLUMNS, text_of
from sscard_terminal.terminal.slips.ticket import ticket
from tests.terminal.slips.samples import SAMPLES

FOLDER = Path(__file__).parent / "golden"
LANGUAGES: tuple[Language, ...] = ("zh", "en")
COMMANDS = re.compile(rb"(\x1b@|\x1b[Ead].|\x1d[!V].|\x1c&)", re.DOTALL)


def texts() -> Iterator[tuple[str, str]]:
    """File name and content of each kind × width × language: plain text, and what a printer is sent."""
    for name, sample in SAMPLES.items():
        for language in LANGUAGES:
            for width_mm, columns in COLUMNS.items():
                slip = sample(language)
                yield f"{name}.{language}.{width_mm}.txt", text_of(slip, columns)
                yield f"{name}.{language}.{width_mm}.escpos", dump(ticket(slip, width_mm).data)


def dump(data: bytes) -> str:
    """A ticket for people: commands in angle brackets, text as it reads."""
    parts = COMMANDS.split(data)
    return "".join(_command(part) if COMMANDS.fullmatch(part) else part.decode("gb18030") for part in parts)


def _command(code: bytes) -> str:
    """`<GS ! 11>`; the paper is cut at the end of a line."""
    first = {0x1B: "ESC", 0x1C: "FS", 0x1D: "GS"}[code[0]]
    shown = " ".join([first, chr(code[1]), *(f"{byte:02X}" for byte in code[2:])])
    return f"<{shown}>" + ("\n" if code[1:2] == b"V" else "")


if __name__ == "__main__":
    for name, text in texts():
        (FOLDER / name).write_text(text, "utf-8", newline="\n")
