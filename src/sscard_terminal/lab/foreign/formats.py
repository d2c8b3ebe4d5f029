"""Which foreign format a script is in, and its reader: by `--format`, by the end of its name, or by its first line.

Not here: the formats.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePath

from ..script.syntax import Script
from . import apdu4j, apdutool, etsi, jcshell, opensc_explorer, opensc_tool, pysim, scriptor, transcripts

_READERS: dict[str, Callable[[str, str], Script]] = {
    "scriptor": scriptor.read,
    "scriptor-strict": scriptor.read_strictly,
    "scriptor-transcript": transcripts.read_scriptor,
    "apdutool": apdutool.read,
    "jcardsim": apdutool.read_jcardsim,
    "jcshell": jcshell.read,
    "jcshell-transcript": transcripts.read_jcshell,
    "opensc-explorer": opensc_explorer.read,
    "opensc-tool": opensc_tool.read,
    "etsi": etsi.read,
    "pysim": pysim.read,
    "apdu4j": apdu4j.read,
    "seader": apdu4j.read_seader,
}
FORMATS: tuple[str, ...] = tuple(_READERS)
"""Names for --format; scriptor-strict and jcardsim are never guessed."""
_BY_SUFFIX = {".jcsh": "jcshell", ".pysim": "pysim", ".scriptor": "scriptor"}
_BY_PROGRAM = re.compile(r"#!.*\b(scriptor|opensc-explorer)\b")
_BY_LINE: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("apdu4j", re.compile(r"\A\s*#\s*(?:ATR|PROTOCOL):", re.IGNORECASE)),
    ("jcshell-transcript", re.compile(r"^\s*=> (?:[0-9A-F]{2} ?){4,}", re.MULTILINE)),
    (
        "scriptor-transcript",
        re.compile(
            r"^Using (?:T=[01]|an unknown) protocol|^(?:< )?(?:[0-9A-F]{2} )+: [A-Z0]|^< OK: ", re.MULTILINE
        ),
    ),
)
_BY_FIRST: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("etsi", re.compile(r"(?:REM|RST|CMD|INI|OFF)\b")),
    ("jcshell", re.compile(r"/[a-z][\w-]*\b(?!/)")),
    ("opensc-tool", re.compile(r"(?:\$ )?(?:\S*/)?opensc-tool\b|-s ?[0-9A-Fa-f]{2}|--send-apdu\b")),
    (
        "apdutool",
        re.compile(
            r"(?:powerup|powerdown|contacted|contactless|extended|output|delay|reset|echo)\b[^;\n]*;|0[xX][0-9A-Fa-f]{1,2}\s",
            re.I,
        ),
    ),
    (
        "pysim",
        re.compile(
            r"(?:set (?:apdu_|debug|echo|conserve)\w*|verify_chv|verify_adm|equip|apdu .*--(?:expect|raw))\b"
        ),
    ),
    (
        "opensc-explorer",
        re.compile(r"(?:apdu|cd|cat|verify|change|unblock|update_binary|update_record|random|ls|info)\b"),
    ),
)
_PYSIM = re.compile(
    r"^\s*(?:apdu .*--(?:expect|raw)|set \w+ (?:true|false)|verify_chv|select (?:MF|ADF|DF|EF))\b",
    re.MULTILINE,
)
_SCRIPTOR = re.compile(r"(?:[0-9A-Fa-f]{2}[ \t]*){2,}\\?$|reset$", re.IGNORECASE)
_OURS = re.compile(
    r"->|^\s*(?:use|section|set|let|repeat|on|fresh|tear|complete|include|wait|power|ask|reset (?:cold|warm))\b",
    re.M,
)
_ANSWER = re.compile(r"(?:[0-9A-F]{2})*(?:9000|6[1-9A-F][0-9A-F]{2})")
_SNIFFED = 65_536
"""Signs looked at to guess a format."""


def read_foreign(text: str, file: str, format: str | None) -> Script | None:
    """The script in a text of a foreign format; None: it is none of them, or none has the name `format`.

    Raises:
        ScriptError: what is refused or wrong, with its line.
    """
    name = guessed(text, file) if format is None else format
    reader = _READERS.get(name)
    return None if reader is None else reader(text, file)


def guessed(text: str, file: str = "-") -> str:
    """The name of the format; "" where nothing tells it."""
    suffix = PurePath(file).suffix.lower()
    if suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    beginning = text[:_SNIFFED].removeprefix("\ufeff")
    if len(text) > _SNIFFED:
        beginning = beginning.rpartition("\n")[0]
    if found := _BY_PROGRAM.match(beginning):
        return found[1]
    for name, sign in _BY_LINE:
        if sign.search(beginning):
            return name
    first = _first_line(beginning)
    if _PYSIM.search(beginning) and re.match(r"(?:apdu|set|reset|echo|select|verify_chv)\b", first):
        return "pysim"
    for name, sign in _BY_FIRST:
        if sign.match(first):
            return name
    if not _SCRIPTOR.match(first) or _OURS.search(beginning):
        return ""
    return _dump(beginning) or "scriptor"


def _dump(text: str) -> str:
    """Whether lines of bytes are commands and answers in turn: then the answers must not be sent."""
    lines = ["".join(line.partition("#")[0].split()).upper() for line in text.split("\n")]
    answers = [line for line in lines if line][1::2]
    if not answers or not all(_ANSWER.fullmatch(line) for line in answers):
        return ""
    return "seader" if all(len(line) == 4 for line in answers) else "apdu4j"


def _first_line(text: str) -> str:
    """The first that is neither empty nor a comment."""
    for line in text.split("\n"):
        code = line.strip()
        if code and not code.startswith(("#", "//", ";", "/*")):
            return code
    return ""
