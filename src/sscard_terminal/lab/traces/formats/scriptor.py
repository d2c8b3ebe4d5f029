"""What scriptor (pcsc-tools) prints: `> 00 A4 …`, then `< 6F 1A … 90 00 : Normal processing.` over several lines.

Source: scripts.md §1; output of pcsc-tools 1.6.2 (fixtures/traces).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sscard_terminal.reader.connection import LinkReason

from ..entries import Entries, Exchange, Reset, Shown, TraceError, shown

_OCTETS = re.compile(r"(?:[0-9A-Fa-f]{2} ?)+")


def read(lines: Iterable[str]) -> Entries:
    """The exchanges and resets of a run.

    Raises:
        TraceError: an answer without a command, or bytes that are none.
    """
    waiting: tuple[int, Shown] | None = None
    answer: list[str] | None = None
    is_resetting = False
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if text.startswith(">"):
            if waiting is not None:
                yield Exchange(waiting[1], None, LinkReason.UNKNOWN, line=waiting[0])
            asked, waiting, answer = text[1:].strip(), None, None
            is_resetting = asked.upper() == "RESET"
            if not is_resetting:
                waiting = number, shown(asked, number, 4, "a command")
            continue
        if text.startswith("<"):
            told = text[1:].strip()
            if is_resetting or told.startswith(("OK:", "KO:")):
                is_resetting = False
                if told.startswith("OK:"):
                    yield Reset(shown(told[3:], number, 0, "an ATR").raw, True, line=number)
                continue
            if waiting is None:
                raise TraceError(number, "an answer without a command before it")
            answer = []
        elif answer is not None and _OCTETS.match(text):
            told = text
        else:
            continue
        octets, colon, _meaning = told.partition(":")
        answer.append(octets)
        if colon and waiting is not None:
            yield Exchange(waiting[1], shown(" ".join(answer), number, 2, "an answer"), line=waiting[0])
            waiting, answer = None, None
    if waiting is not None:
        yield Exchange(waiting[1], None, LinkReason.INTERRUPTED, line=waiting[0])
