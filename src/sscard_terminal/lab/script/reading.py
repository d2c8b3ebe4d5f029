"""A file of any format as a script: ours, a transcript, or one of the foreign formats (lab/foreign).

Not here: the formats themselves. Which one it is, its name and first lines tell, unless somebody says it.
"""

from __future__ import annotations

import re
from pathlib import Path

from ..foreign.formats import FORMATS, read_foreign
from . import transcripts
from .parse import SUFFIX, parse, read_text, with_includes
from .syntax import Position, Script, ScriptError

OURS, TRANSCRIPT = "sscard", "transcript"
KNOWN = (OURS, TRANSCRIPT, *FORMATS)
_PRAGMA = re.compile(r"#![ \t]*sscard\b")


def read_script(path: Path, format: str | None = None) -> Script:
    """The script in a file, what it includes in place.

    Raises:
        ScriptError: it is wrong.
        OSError: it cannot be read.
    """
    file = str(path)
    text = read_text(path, Position(file))
    match format:
        case "sscard":
            return _ours(text, path)
        case "transcript":
            return transcripts.script_of(text, file)
        case None:
            return _guessed(text, path)
        case _:
            return read_foreign(text, file, format) or _ours(text, path)


def _guessed(text: str, path: Path) -> Script:
    if path.suffix == SUFFIX or _PRAGMA.match(text):
        return _ours(text, path)
    if not transcripts.looks_like_one(text):
        return read_foreign(text, str(path), None) or _ours(text, path)
    try:
        return transcripts.script_of(text, str(path))
    except ScriptError:
        foreign = read_foreign(text, str(path), None)
        if foreign is None:
            raise
        return foreign


def _ours(text: str, path: Path) -> Script:
    return with_includes(parse(text, str(path)), path.parent)
