"""How the contents of a file are shown: in words where its layout is known, else as a dump."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sscard_terminal.iso7816.status import Language
from sscard_terminal.lab.traces.words import Told
from sscard_terminal.voice.apdus.telling import words

WIDTH = 16
HIDDEN = "**"


def decoded(found: Iterable[tuple[int, Told]], language: Language) -> Iterator[str]:
    """A line for each record, in words; records nobody knows the layout of as a dump."""
    said = words(language)
    for number, one in found:
        head, _, text = one.answer.says.partition(said["colon"])
        octets = one.answer.octets[:-4]
        if text and text != said["bytes"].format(count=len(octets) // 2):
            yield f"{number:>5}  {text}"
        elif octets and not octets.strip("*"):
            yield f"{number:>5}  {said['withheld-bytes'].format(count=len(octets) // 2)}"
        elif octets:
            yield from dump(octets, number)
        else:
            yield f"{number:>5}  {head}"


def dump(octets: str, number: int) -> Iterator[str]:
    """Hex and characters, sixteen bytes a line; `number` before the first: a record's number, or an offset."""
    for at in range(0, len(octets), 2 * WIDTH):
        pairs = [octets[place : place + 2] for place in range(at, min(at + 2 * WIDTH, len(octets)), 2)]
        begins = f"{number:>5}" if at == 0 else " " * 5
        yield f"{begins}  {' '.join(pairs):<{3 * WIDTH - 1}}  {''.join(map(_character, pairs))}"


def _character(pair: str) -> str:
    if pair == HIDDEN:
        return "*"
    octet = int(pair, 16)
    return chr(octet) if 0x20 <= octet < 0x7F else "."
