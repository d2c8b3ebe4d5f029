"""Tells the entries of a recording in words, and withholds what is secret in them; one conversation a card.

Not here: the words themselves (voice/apdus) and the form in which they are written (formats/).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sscard_terminal.iso7816.status import Language
from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.voice.apdus import Line, Telling
from sscard_terminal.voice.apdus.telling import words

from .entries import MASK, Entry, Exchange, Range, Remark, Reset, Shown

NOTHING = Line("", "")
_PIN_INSTRUCTIONS = frozenset((b"\x20", b"\x24", b"\x2c", b"\x5e"))
"""VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER, CHANGE PIN, of any class but the account's own (B0 2C is a debit)."""
_ACCOUNT_CLASS = b"\xb0"


class Told(NamedTuple):
    """An entry, and what may be seen of it: of an exchange both lines, of a reset the first alone."""

    entry: Entry
    command: Line
    answer: Line


class _Card:
    """The conversation of one card, told twice where most of it is revealed: PINs stay withheld all the same."""

    def __init__(self, language: Language, reveals: bool) -> None:
        self.telling = Telling(language, reveals=reveals)
        self.careful = Telling(language) if reveals else self.telling


class Words:
    """Tells entry after entry. `reveals`: all but PINs is shown; for a person's own test cards only."""

    def __init__(self, language: Language, *, reveals: bool = False) -> None:
        self._language: Language = language
        self._reveals = reveals
        self._words = words(language)
        self._cards: dict[str, _Card] = {}

    def tell(self, entry: Entry) -> Told:
        match entry:
            case Exchange():
                return self._exchange(entry)
            case Reset():
                return self._reset(entry)
            case Remark():
                return Told(entry, NOTHING, NOTHING)

    def _card(self, name: str) -> _Card:
        found = self._cards.get(name)
        if found is None:
            found = self._cards[name] = _Card(self._language, self._reveals)
        return found

    def _reset(self, entry: Reset) -> Told:
        card = self._card(entry.card)
        line = card.telling.powered(entry.atr, is_reset=entry.is_warm)
        if card.careful is not card.telling:
            card.careful.powered(entry.atr, is_reset=entry.is_warm)
        return Told(entry, line, NOTHING)

    def _exchange(self, entry: Exchange) -> Told:
        card = self._cards.get(entry.card) or self._card(entry.card)
        telling, raw = card.telling, entry.command.raw
        command = telling.command(raw)
        if card.careful is not telling:
            careful = card.careful.command(raw)
            if raw[:1] != _ACCOUNT_CLASS and raw[1:2] in _PIN_INSTRUCTIONS:
                command = careful
        if entry.command.hidden:
            command = self._merged(command, entry.command)
        if entry.answer is None:
            return Told(entry, command, self._none(telling, entry.link))
        answer = telling.answer(entry.answer.raw)
        if card.careful is not telling:
            card.careful.answer(entry.answer.raw)
        if entry.answer.hidden:
            answer = self._merged(answer, entry.answer)
        return Told(entry, command, answer)

    def _none(self, telling: Telling, link: LinkReason | None) -> Line:
        line = telling.answer(None)
        return Line(line.octets, f"{line.says} [{link or LinkReason.UNKNOWN}]")

    def _merged(self, line: Line, seen: Shown) -> Line:
        """What the recording does not tell is withheld too; a word made of it would be a guess, so only the name stays."""
        withheld = ranges_of(line.octets)
        if all(
            any(start >= first and stop <= last for first, last in withheld) for start, stop in seen.hidden
        ):
            return line
        count = sum(stop - start for start, stop in seen.hidden)
        head = line.says.partition(self._words["colon"])[0]
        told = self._words["withheld-bytes"].format(count=count)
        octets = line.octets
        for start, stop in seen.hidden:
            octets = octets[: 2 * start] + MASK * (stop - start) + octets[2 * stop :]
        return Line(octets, f"{head}{self._words['colon']}{told}")


def ranges_of(octets: str) -> tuple[Range, ...]:
    """The ranges of bytes that stand as `**` in hex."""
    return Shown.parse(octets).hidden if MASK in octets else ()


def told(entries: Iterable[Entry], language: Language, *, reveals: bool = False) -> Iterator[Told]:
    """Every entry with its words, in order."""
    tell = Words(language, reveals=reveals).tell
    for entry in entries:
        yield tell(entry)


def redacted(found: Told) -> Entry:
    """The entry with its bytes as they may be shown."""
    entry = found.entry
    if not isinstance(entry, Exchange):
        return entry
    command, answer = found.command.octets, found.answer.octets
    if MASK not in command and MASK not in answer:
        return entry
    return Exchange(
        Shown.parse(command) if MASK in command else entry.command,
        Shown.parse(answer) if MASK in answer and entry.answer is not None else entry.answer,
        entry.link,
        entry.card,
        entry.time_us,
        entry.line,
    )
