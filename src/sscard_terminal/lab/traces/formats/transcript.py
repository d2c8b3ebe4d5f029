"""Our own text form of a conversation, line by line: what `--trace` writes; read as it grows, written with words.

Not here: whole transcripts for a replay (reader/transcript.py, which says what a line may be).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.reader.transcript import COMMENT_COLUMN

from ..entries import Entries, Exchange, Remark, Reset, Shown, TraceError, shown
from ..words import Told

_ATR = re.compile(r"#\s*ATR\s+([^#]*)(?:#\s*(.*))?$")
_LINK = re.compile(r"#\s*link:\s*([a-z-]+)")
_SPEAKER = re.compile(r"#\s*\[(.+)\]$")
_RESET = re.compile(r"#\s*reset, (warm|cold)$")
NO_ANSWER = "a command without an answer or a link line after it"


def read(lines: Iterable[str]) -> Entries:
    """The entries of a transcript. At its end a command may be without an answer: whoever wrote it was ended.

    Raises:
        TraceError: a line that does not fit.
    """
    waiting: tuple[int, Shown] | None = None
    card, is_warm = "", False
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        match text[:1]:
            case "":
                continue
            case ">":
                if waiting is not None:
                    raise TraceError(waiting[0], NO_ANSWER)
                waiting = number, shown(text[1:].partition("#")[0], number, 4, "a command")
            case "<":
                if waiting is None:
                    raise TraceError(number, "an answer without a command before it")
                answer = shown(text[1:].partition("#")[0], number, 2, "an answer")
                yield Exchange(waiting[1], answer, card=card, line=waiting[0])
                waiting = None
            case "#":
                if waiting is not None and (link := _LINK.match(text)) is not None:
                    yield Exchange(waiting[1], None, _reason(number, link[1]), card, line=waiting[0])
                    waiting = None
                elif (atr := _ATR.match(text)) is not None:
                    found = shown(atr[1], number, 0, "an ATR")
                    yield Reset(found.raw, is_warm or (atr[2] or "") == "reset", card, line=number)
                    is_warm = False
                elif (speaker := _SPEAKER.match(text)) is not None:
                    card = speaker[1]
                elif (reset := _RESET.match(text)) is not None:
                    is_warm = reset[1] == "warm"
                else:
                    yield Remark(text[1:].strip(), number)
            case _:
                raise TraceError(number, "expected a line that starts with >, < or #", 1)
    if waiting is not None:
        yield Exchange(waiting[1], None, LinkReason.INTERRUPTED, card, line=waiting[0])


def _reason(line: int, word: str) -> LinkReason:
    try:
        return LinkReason(word)
    except ValueError:
        raise TraceError(line, "unknown reason for a broken link") from None


def write(found: Iterable[Told]) -> Iterator[str]:
    """The lines of a transcript, each with its line end, the words beside the bytes."""
    speaker = ""
    for entry, command, answer in found:
        if isinstance(entry, Remark):
            yield f"# {entry.text}\n"
            continue
        if entry.card != speaker:
            speaker = entry.card
            yield f"# [{speaker}]\n"
        if isinstance(entry, Reset):
            if entry.is_warm:
                yield "# reset, warm\n"
            yield f"{f'# ATR {command.octets}':<{COMMENT_COLUMN}} # {command.says}\n"
            continue
        yield f"{f'> {command.octets}':<{COMMENT_COLUMN}} # {command.says}\n"
        if entry.answer is None:
            link = f"# link: {entry.link or LinkReason.UNKNOWN}"
            yield f"{link:<{COMMENT_COLUMN}} # {answer.says}\n"
        else:
            yield f"{f'< {answer.octets}':<{COMMENT_COLUMN}} # {answer.says}\n"
