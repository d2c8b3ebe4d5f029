"""Walks through a card's files: finds out what card it is, where one stands, what lies there, and reads it.

Not here: what a person says to it (session.py) and which files there may be (places.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sscard_terminal.cardspec.commands.basic import ReadBinary, ReadRecord, RecordMode, SelectAnswer, SelectBy
from sscard_terminal.cardspec.commands.medical import GetBalance
from sscard_terminal.cardspec.money import BalanceKind
from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.iso7816.atr import Atr
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.status import (
    FILE_NOT_FOUND,
    NO_CURRENT_EF,
    OK,
    RECORD_NOT_FOUND,
    WRONG_FILE_TYPE,
    StatusWord,
)
from sscard_terminal.lab.traces.words import Told
from sscard_terminal.reader.completing import completing

from .heard import Heard
from .places import AMOUNTS, ROOT, SSSE_NAME, Kind, Path, Place, candidates, select
from .refusal import Refused

TERMINAL_NUMBER = candidates(Kind.PSAM, (ROOT,), SelectAnswer.FCI)[2]
HISTORICAL_BYTES = 13
"""Of a social security card and its PSAM. Source: card.md §6.1."""
END_OF_FILE = StatusWord(0x6282)
"""Data, and fewer than were asked for; strangers say so. Source: ISO/IEC 7816-4 §5.1.3."""
MOST_RECORDS, MOST_BYTES, CHUNK = 254, 0x8000, 256


@dataclass(frozen=True, slots=True)
class Found:
    """A place that is there; `sw` is the card's word to its SELECT where that was a no."""

    place: Place
    sw: StatusWord | None = None


class Walker:
    """One card. It remembers what it selected last, and what it found in each folder, until the card is reset."""

    def __init__(self, heard: Heard) -> None:
        self.heard = heard
        self._card = completing(heard)
        self._selected: Path | None = None
        self._seen: dict[Path, tuple[Found, ...]] = {}
        self.path: Path = (ROOT,)
        self._answer = SelectAnswer.FCI
        self.kind = self._find_kind()

    # What card it is --------------------------------------------------------------------------------------

    def _find_kind(self) -> Kind:
        """By selecting what only ours have. A card that does not look like ours is asked for no FCI: there are some whose
        card process ends over it (pcsc.md §1, vicc)."""
        if not _looks_like_ours(self.heard.atr):
            self._answer = SelectAnswer.NOTHING
        elif self._has_terminal_number():
            return Kind.PSAM
        if self._send(select(SelectBy.NAME, SSSE_NAME, self._answer)).sw.is_success:
            self.path = self._selected = self.home()
            return Kind.CARD
        self.path = (self._root(),)
        return Kind.STRANGER

    def _has_terminal_number(self) -> bool:
        """File 0016 under 3F00 tells a PSAM, which has an SSSE too. Source: card.md §10, row PSAM."""
        self._send(ROOT.select)
        return self._send(TERMINAL_NUMBER.select).sw.is_success

    def _root(self) -> Place:
        """The master file, selected as this card takes it."""
        return Place("MF", "df.MF", select(SelectBy.FILE_ID, b"\x3f\x00", self._answer), is_folder=True)

    def home(self) -> Path:
        """The social security environment, where a PIN is verified."""
        return (ROOT, candidates(Kind.CARD, (ROOT,), self._answer)[0])

    def reset(self) -> None:
        """The card has been reset: nothing is selected, and what was found may not be there any more."""
        self._selected, self._seen = None, {}

    def come_back(self) -> None:
        """Select where one stands, if something else was selected to look into it."""
        if self._selected is not None:
            self.enter(self.path)

    def lost(self) -> None:
        """Somebody else has selected something."""
        self._selected = None

    # Where one stands -------------------------------------------------------------------------------------

    def enter(self, path: Path) -> None:
        """Select the folder at the end of `path`, from the root on where its SELECT is not absolute.

        Raises:
            Refused: the card does not let us in.
        """
        if self._selected == path:
            return
        self._selected = None
        for place in path if self.kind is not Kind.CARD else path[-1:]:
            sw = self._send(place.select).sw
            if not sw.is_success and not (place.name == "MF" and sw == FILE_NOT_FOUND):
                raise Refused("explorer.refused", name=place.name, sw=sw)
        self._selected = path

    def inside(self, path: Path) -> tuple[Found, ...]:
        """What is in a folder, asked of the card once."""
        if path not in self._seen:
            self._seen[path] = tuple(self._look(path))
        return self._seen[path]

    def known(self, path: Path) -> tuple[Place, ...]:
        """What is in a folder as far as was found out; without asking, what may be there and has a name."""
        if path in self._seen:
            return tuple(found.place for found in self._seen[path])
        return tuple(place for place in candidates(self.kind, path, self._answer) if place.word("en"))

    def _look(self, path: Path) -> Iterator[Found]:
        above = {place.name for place in path}
        for place in candidates(self.kind, path, self._answer):
            if place.name in above:  # a folder answers to its own identifier too
                continue
            if place.select is None:
                yield Found(place)
                continue
            self.enter(path)
            sw = self._send(place.select).sw
            if sw.is_success and (place.is_folder or self.kind is Kind.STRANGER):
                self._selected = None
            if sw.is_success:
                yield Found(self._with_kind(place))
            elif sw != FILE_NOT_FOUND:
                yield Found(place, sw)

    def _with_kind(self, place: Place) -> Place:
        """A stranger's file or folder: in a folder just selected there is no current EF to be read."""
        if self.kind is not Kind.STRANGER:
            return place
        sw = self._send(ReadBinary(0, ne=1).to_apdu()).sw
        is_folder = sw == NO_CURRENT_EF
        return Place(place.name, place.key, place.select, is_folder)

    # What stands there ------------------------------------------------------------------------------------

    def read(self, path: Path, place: Place) -> Iterator[tuple[int, Told]]:
        """Everything in a file, record by record (from 1) or chunk by chunk (its offset), as it was heard.

        Raises:
            Refused: the card does not let us read it.
        """
        self.enter(path)
        if place.name == AMOUNTS:
            for number, kind in enumerate(BalanceKind, start=1):
                self._expect(GetBalance(kind).to_apdu(), place)
                yield number, self.heard.last
            return
        self._expect(place.select, place)
        try:
            first = self._send(ReadRecord(1, sfi=place.sfi).to_apdu())
            if first.sw == WRONG_FILE_TYPE or _no_record_command(first.sw, self.kind):
                yield from self._binary(place)
                return
            yield from self._records(place, first)
        finally:
            self._selected = path if self.kind is Kind.CARD else None

    def _records(self, place: Place, answer: ResponseApdu) -> Iterator[tuple[int, Told]]:
        for number in range(1, MOST_RECORDS + 1):
            if number > 1:
                answer = self._send(ReadRecord(number, sfi=place.sfi).to_apdu())
            if answer.sw == RECORD_NOT_FOUND:
                return
            if answer.sw != OK:
                raise Refused("explorer.refused", name=place.name, sw=answer.sw)
            yield number, self.heard.last

    def _binary(self, place: Place) -> Iterator[tuple[int, Told]]:
        offset = 0
        while offset < MOST_BYTES:
            answer = self._send(ReadBinary(offset, ne=CHUNK).to_apdu())
            if answer.sw not in (OK, END_OF_FILE) or not answer.data:
                if offset:
                    return
                raise Refused("explorer.refused", name=place.name, sw=answer.sw)
            yield offset, self.heard.last
            offset += len(answer.data)
            if len(answer.data) < CHUNK:
                return

    def one(self, path: Path, place: Place, reference: int, *, by_tag: bool) -> Told:
        """One record by number or tag, or from that offset on where the file has no records.

        Raises:
            Refused: there is none, or it is not for us.
        """
        self.enter(path)
        self._expect(place.select, place)
        mode = RecordMode.FIRST_WITH_ID if by_tag else RecordMode.NUMBER
        answer = self._send(ReadRecord(reference, mode, place.sfi).to_apdu())
        if not by_tag and (answer.sw == WRONG_FILE_TYPE or _no_record_command(answer.sw, self.kind)):
            answer = self._send(ReadBinary(reference, ne=CHUNK).to_apdu())
        if self.kind is not Kind.CARD:
            self._selected = None
        if answer.sw not in (OK, END_OF_FILE):
            raise Refused("explorer.refused", name=place.name, sw=answer.sw)
        return self.heard.last

    def _expect(self, command: CommandApdu | None, place: Place) -> None:
        if command is not None and not (sw := self._send(command).sw).is_success:
            raise Refused("explorer.refused", name=place.name, sw=sw)

    def _send(self, command: CommandApdu | None) -> ResponseApdu:
        assert command is not None
        return self._card.transmit(command)


def _looks_like_ours(atr: bytes) -> bool:
    try:
        return len(Atr.parse(atr).historical) == HISTORICAL_BYTES
    except FormatError:
        return False


def _no_record_command(sw: StatusWord, kind: Kind) -> bool:
    """A stranger may not know READ RECORD at all, whatever its word for that."""
    return kind is not Kind.CARD and sw not in (OK, RECORD_NOT_FOUND)
