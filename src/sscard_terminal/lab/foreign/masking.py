"""Lines of a foreign script as they may be shown: what follows the header of a PIN command, or a word for one, becomes `*`.

Not here: reading. Rather too much is hidden than too little; the length of a line and its columns stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from sscard_terminal.reader.transcript import Octets, carries_pin

_BETWEEN = r"[\s:,\\]*(?:0[xX])?"
_RUN = re.compile(rf"(?<![0-9A-Za-z])(?:0[xX])?[0-9A-Fa-f]{{2}}(?:{_BETWEEN}[0-9A-Fa-f]{{2}}){{3,}}")
_BYTE = re.compile(r"(?:0[xX])?([0-9A-Fa-f]{2})")
_LIKE_A_PIN = re.compile(
    rf"(?<![0-9A-Fa-f])(?:\w{{2}})?(?:0[xX])?(?:20|24|2[cC]|5[eE])(?:{_BETWEEN}0[01]{_BETWEEN}[0-9A-Fa-f]{{2}})"
)
"""An instruction that carries a PIN with its parameters, whatever stands where the class should be."""
_WORDS = re.compile(
    r"(?:^|>)[ \t]*/?(?:ver(?:i|if|ify)?(?:_\w+)?|cha(?:n|ng|nge)?(?:_\w+)?|unb\w*|unblock\w*|(?:dis|en)able_chv|set-key|put-key\w*"
    r"|ext-auth|init-update|auth\w*|set-var\s+\S*(?:pin|puk|chv|key)\S*|pin|puk)\b",
    re.IGNORECASE | re.MULTILINE,
)
_NUMBER = r"(?:0[xX][0-9A-Fa-f]{1,2}|[0-9]{1,3})\b"
_NUMBERS = re.compile(rf"(?:^|;)\s*({_NUMBER})\s+({_NUMBER})\s+{_NUMBER}\s+{_NUMBER}", re.MULTILINE)
"""The header of a command as apdutool writes it, with or without 0x: 0 32 0 1."""
_SIGN = re.compile(r"[^\s\\]")
MASK = "*"


def masked_lines(lines: Sequence[str], continues: Callable[[str], bool]) -> tuple[str, ...]:
    """The same lines, secrets hidden; `continues` tells that what a line says goes on in the next one."""
    shown: list[str] = []
    for group in _groups(lines, continues):
        joined = "\n".join(group)
        start = secret_start(joined)
        if start is not None:
            joined = joined[:start] + _SIGN.sub(MASK, joined[start:])
        shown += joined.split("\n")
    return tuple(shown)


def secret_start(text: str) -> int | None:
    """Where what must not be shown begins; None: nowhere."""
    starts = [found.end() for found in _WORDS.finditer(text)][:1]
    starts += [found.end() for found in _LIKE_A_PIN.finditer(text)][:1]
    for run in _RUN.finditer(text):
        bytes_ = list(_BYTE.finditer(text, run.start(), run.end()))
        if carries_pin(Octets(tuple(int(one[1], 16) for one in bytes_[:2]))):
            starts.append(bytes_[3].end())
            break
    for numbers in _NUMBERS.finditer(text):
        if carries_pin(Octets((_value(numbers[1]), _value(numbers[2])))):
            starts.append(numbers.end())
            break
    return min(starts, default=None)


def _value(number: str) -> int:
    return int(number[2:], 16) if number[:2] in ("0x", "0X") else int(number)


def _groups(lines: Sequence[str], continues: Callable[[str], bool]) -> Iterator[list[str]]:
    group: list[str] = []
    for line in lines:
        group.append(line)
        if not continues(line):
            yield group
            group = []
    if group:
        yield group
