"""The log of `pcscd --foreground --apdu`: what the service handed to the readers, all of them in one log.

Source: output of pcscd 1.9.9 (fixtures/traces). The log names no reader; each line begins with the microseconds since the
line before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sscard_terminal.reader.connection import LinkReason

from ..entries import Entries, Exchange, Shown, TraceError, shown

_LINE = re.compile(
    r"(?:\x1b\[[0-9;]*m)*(\d{8}) (?:\[\d+\] )?(?:\x1b\[[0-9;]*m)*(?:\S+:\d+:\S+ )?(APDU|SW): ([0-9A-F ]*)"
)
_ANY = re.compile(r"(?:\x1b\[[0-9;]*m)*(\d{8}) ")


def read(lines: Iterable[str]) -> Entries:
    """The exchanges of the log; a command may be followed by another where the reader failed.

    Raises:
        TraceError: an answer without a command, or a command under four bytes.
    """
    now = 0
    waiting: tuple[int, Shown, int] | None = None
    for number, line in enumerate(lines, start=1):
        if (stamp := _ANY.match(line)) is not None:
            now += int(stamp[1])
        if (found := _LINE.match(line)) is None:
            continue
        if found[2] == "APDU":
            if waiting is not None:
                yield Exchange(waiting[1], None, LinkReason.NOT_TRANSACTED, "", waiting[2], waiting[0])
            waiting = number, shown(found[3], number, 4, "a command"), now
        elif waiting is None:
            raise TraceError(number, "an answer without a command before it")
        else:
            answer = shown(found[3], number, 0, "an answer")
            link = None if len(answer) >= 2 else LinkReason.EMPTY_ANSWER
            yield Exchange(waiting[1], None if link else answer, link, "", waiting[2], waiting[0])
            waiting = None
    if waiting is not None:
        yield Exchange(waiting[1], None, LinkReason.INTERRUPTED, "", waiting[2], waiting[0])
