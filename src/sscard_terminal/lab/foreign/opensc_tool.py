"""Lines of opensc-tool: each -s (--send-apdu) is a command, as typed in a shell or as lines that begin with -s.

Not here: what opensc-tool prints (lab/traces/formats/opensc.py).
Source: scripts.md §4; the manual page of opensc-tool.

    opensc-tool --card-driver default -s 00:A4:00:00:02:3F:00 -s 00B0950000
"""

from __future__ import annotations

import re

from ..script.syntax import Complete, Reset, Script
from .source import Source, Word, by_backslash

_PROMPT = re.compile(r"\s*(?:[$#>] +)?(?:\S*/)?opensc-tool(?:\.exe)?\b")
_WITH_VALUE = {"-r": "--reader", "-c": "--card-driver"}
_ALONE = {"-v": "--verbose", "-w": "--wait"}
_REFUSED = {
    "-a": "--atr",
    "-f": "--list-files",
    "-n": "--name",
    "-l": "--list-readers",
    "-D": "--list-drivers",
    "-i": "--info",
    "-G": "--get-conf-entry",
    "-S": "--set-conf-entry",
    "": "--serial",
    "-V": "--version",
    "--list-algorithms": "--list-algorithms",
}


def read(text: str, file: str) -> Script:
    """The commands in calls of opensc-tool.

    Raises:
        ScriptError: an option that is refused, or no bytes.
    """
    source = Source.of(text, file, by_backslash)
    source.add(Complete(source.at(1), True))
    words: list[tuple[int, Word]] = []
    for number, line in source.numbered():
        goes_on = by_backslash(line)
        code = line.rstrip()[:-1] if goes_on else line
        found = _PROMPT.match(code) if not words else None
        start = found.end() if found else 0
        words += [(number, word) for word in source.words(number, code[start:], start + 1, "\"'")]
        if not goes_on:
            _call(source, words)
            words = []
    _call(source, words)
    return source.script()


def _call(source: Source, words: list[tuple[int, Word]]) -> None:
    driver, left, first = "", iter(words), words[0] if words else None
    sent = False
    for line, word in left:
        option, value = _split(word)
        wants_value = option in ("-s", "--send-apdu", *_WITH_VALUE, *_WITH_VALUE.values())
        if wants_value and value is None:
            at = next(left, None)
            if at is None:
                raise source.wrong(line, word.column, "arguments", command=option, usage=f"{option} …")
            line, value = at[0], at[1]
        if option in ("-s", "--send-apdu") and value is not None:
            source.command(line, value.column, source.octets(line, value.column, value.text, " :"))
            sent = True
        elif option in ("-c", "--card-driver") and value is not None:
            driver = value.text
        elif option == "--reset":
            kind = value.text if value else "cold"
            if kind not in ("cold", "warm"):
                raise source.wrong(
                    line, word.column, "arguments", command="--reset", usage="--reset[=cold|warm]"
                )
            source.add(Reset(source.at(line, word.column), cold=kind == "cold"))
        elif (
            not wants_value
            and option not in _ALONE
            and option not in _ALONE.values()
            and not _is_verbose(option)
        ):
            raise _refusal(source, line, word, option)
    if sent and driver != "default" and first is not None:
        source.remark(first[0], first[1].column, "opensc-driver")


def _split(word: Word) -> tuple[str, Word | None]:
    """An option and the value that is written together with it: --reset=warm, -s00A4…."""
    text = word.text
    if text.startswith("--"):
        name, equals, value = text.partition("=")
        return name, Word(value, word.column + len(name) + 1) if equals else None
    if text[:2] in ("-s", *_WITH_VALUE) and len(text) > 2:
        return text[:2], Word(text[2:], word.column + 2)
    return text, None


def _is_verbose(option: str) -> bool:
    return re.fullmatch(r"-[vw]+", option) is not None


def _refusal(source: Source, line: int, word: Word, option: str) -> Exception:
    name = _REFUSED.get(option) or (option if option in _REFUSED.values() else "")
    if name:
        return source.wrong(line, word.column, "refused", command=name, tool="opensc-tool")
    return source.wrong(line, word.column, "command", tool="opensc-tool")
