"""The file commands: SELECT, READ and UPDATE of BINARY and RECORD, GET CHALLENGE, GET RESPONSE.

Source: card.md §2.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from sscard_terminal.iso7816.apdu import CommandApdu
from sscard_terminal.iso7816.errors import LengthError, ParameterError
from sscard_terminal.iso7816.identifiers import MASTER_FILE

from .forms import expect_lc, expect_ne, expect_no_data, expect_p1p2

CHALLENGE_LENGTHS = (4, 8, 16)
MAC_LENGTH = 4


class SelectAnswer(IntEnum):
    """Bits 4 and 3 of P2 of SELECT. The card knows FCI only; the others serve foreign tools (rule `fcp_for_ef`)."""

    FCI = 0x00
    FCP = 0x04
    NOTHING = 0x0C


class SelectBy(IntEnum):
    """P1 of SELECT."""

    FILE_ID = 0x00
    CHILD_EF = 0x02
    NAME = 0x04
    PATH_FROM_MF = 0x08
    PATH_FROM_CURRENT = 0x09


@dataclass(frozen=True, slots=True)
class Select:
    """SELECT by name, file identifier or path; `target` empty with FILE_ID means the MF."""

    by: SelectBy
    target: bytes = b""
    next_instance: bool = False
    answer: SelectAnswer = SelectAnswer.FCI

    @classmethod
    def name(cls, name: bytes) -> Select:
        return cls(SelectBy.NAME, name)

    @classmethod
    def ef(cls, file_id: int) -> Select:
        return cls(SelectBy.CHILD_EF, file_id.to_bytes(2, "big"))

    @classmethod
    def df(cls, file_id: int = MASTER_FILE) -> Select:
        return cls(SelectBy.FILE_ID, file_id.to_bytes(2, "big"))

    def to_apdu(self) -> CommandApdu:
        ne = 0 if self.by is SelectBy.CHILD_EF else 256
        p2 = self.answer | (0x02 if self.next_instance else 0x00)
        return CommandApdu(0x00, 0xA4, self.by, p2, self.target, ne)

    @classmethod
    def from_apdu(cls, apdu: CommandApdu) -> Select:
        """As the specification has it: by name, file identifier or EF below the current DF, answering the FCI.

        Raises:
            ParameterError: P1 none of 00, 02, 04; P2 other than 00, or 02 with a name.
            LengthError: a name outside 5..16 bytes, a file identifier without 2.
        """
        command = _select_from(apdu, _BY_SPECIFICATION, (SelectAnswer.FCI,))
        _check_target(command.by, apdu.data)
        return command

    @classmethod
    def from_apdu_of_any_tool(cls, apdu: CommandApdu) -> Select:
        """With paths (P1 08, 09) and other answers (P2 04, 0C) too. Source: ISO/IEC 7816-4 §11.2.2.

        Raises:
            ParameterError: a P1 or P2 not even ISO/IEC 7816-4 knows for this card.
            LengthError: as `from_apdu`, or a path of odd length.
        """
        command = _select_from(apdu, tuple(SelectBy), tuple(SelectAnswer))
        _check_target(command.by, apdu.data)
        return command


_BY_SPECIFICATION = (SelectBy.FILE_ID, SelectBy.CHILD_EF, SelectBy.NAME)


def _select_from(apdu: CommandApdu, ways: tuple[SelectBy, ...], answers: tuple[SelectAnswer, ...]) -> Select:
    next_instance = apdu.p2 & 0x02 != 0
    if apdu.p1 not in ways or apdu.p2 & ~0x02 not in answers or (next_instance and apdu.p1 != SelectBy.NAME):
        raise ParameterError(f"SELECT does not know P1 P2 {apdu.p1:02X}{apdu.p2:02X}")
    return Select(SelectBy(apdu.p1), apdu.data, next_instance, SelectAnswer(apdu.p2 & ~0x02))


def _check_target(by: SelectBy, target: bytes) -> None:
    match by:
        case SelectBy.NAME:
            fits = 5 <= len(target) <= 16
        case SelectBy.FILE_ID:
            fits = len(target) in (0, 2)
        case SelectBy.CHILD_EF:
            fits = len(target) == 2
        case _:
            fits = len(target) > 0 and len(target) % 2 == 0
    if not fits:
        raise LengthError(f"SELECT with P1 {by:02X} does not take {len(target)} bytes")


class RecordMode(IntEnum):
    """Low three bits of P2 of READ RECORD and UPDATE RECORD. Source: card.md §2.2."""

    FIRST_WITH_ID = 0b000
    LAST_WITH_ID = 0b001
    NEXT_WITH_ID = 0b010
    PREVIOUS_WITH_ID = 0b011
    NUMBER = 0b100
    NUMBER_TO_LAST = 0b101
    LAST_TO_NUMBER = 0b110

    @classmethod
    def of_p2(cls, p2: int) -> RecordMode:
        """
        Raises:
            ParameterError: 111.
        """
        try:
            return cls(p2 & 0b111)
        except ValueError:
            raise ParameterError(f"P2 {p2:02X} names no record mode") from None


@dataclass(frozen=True, slots=True)
class ReadRecord:
    """READ RECORD. `record` is a number from 1, or a record identifier (tag); `sfi` 0 = current EF.

    `ne` 256 is Le 00.
    """

    record: int
    mode: RecordMode = RecordMode.NUMBER
    sfi: int = 0
    ne: int = 256

    def to_apdu(self) -> CommandApdu:
        return CommandApdu(0x00, 0xB2, self.record, self.sfi << 3 | self.mode, ne=self.ne)

    @classmethod
    def from_apdu(cls, apdu: CommandApdu) -> ReadRecord:
        """
        Raises:
            ParameterError: mode 111, SFI 31, or number 00 with mode 100 (card.md §10 B18).
            LengthError: there are data bytes.
        """
        mode, sfi = RecordMode.of_p2(apdu.p2), apdu.p2 >> 3
        if sfi == 31 or (mode is RecordMode.NUMBER and apdu.p1 == 0):
            raise ParameterError("READ RECORD: no such file or record reference")
        expect_no_data(apdu)
        return cls(apdu.p1, mode, sfi, apdu.ne or 256)


@dataclass(frozen=True, slots=True)
class UpdateRecord:
    """UPDATE RECORD; `protected` = CLA 04, the last 4 bytes of `data` are the MAC then."""

    record: int
    data: bytes
    mode: RecordMode = RecordMode.NUMBER
    sfi: int = 0
    protected: bool = False

    def to_apdu(self) -> CommandApdu:
        cla = 0x04 if self.protected else 0x00
        return CommandApdu(cla, 0xDC, self.record, self.sfi << 3 | self.mode, self.data)

    @classmethod
    def from_apdu(cls, apdu: CommandApdu) -> UpdateRecord:
        """
        Raises:
            ParameterError: a mode that updates nothing (101, 110, 111), SFI 31, or number 00 with mode 100 (card.md
                §10 B18; part 5 would have it mean the current record).
            LengthError: no data.
        """
        mode, sfi = RecordMode.of_p2(apdu.p2), apdu.p2 >> 3
        by_no_number = mode is RecordMode.NUMBER and apdu.p1 == 0
        if sfi == 31 or by_no_number or mode in (RecordMode.NUMBER_TO_LAST, RecordMode.LAST_TO_NUMBER):
            raise ParameterError("UPDATE RECORD: no such file or record reference")
        protected = apdu.cla == 0x04
        if len(apdu.data) <= (MAC_LENGTH if protected else 0):
            raise LengthError("UPDATE RECORD needs data")
        return cls(apdu.p1, apdu.data, mode, sfi, protected)


@dataclass(frozen=True, slots=True)
class ReadBinary:
    """READ BINARY; `sfi` None = current EF with a 15-bit offset, else the file with an 8-bit offset."""

    offset: int
    sfi: int | None = None
    ne: int = 256

    def to_apdu(self) -> CommandApdu:
        p1, p2 = _binary_p1p2(self.offset, self.sfi)
        return CommandApdu(0x00, 0xB0, p1, p2, ne=self.ne)

    @classmethod
    def from_apdu(cls, apdu: CommandApdu) -> ReadBinary:
        """
        Raises:
            ParameterError: P1 with bit 8 and no SFI of 1..30 below it.
            LengthError: there are data bytes.
        """
        offset, sfi = _binary_reference(apdu)
        expect_no_data(apdu)
        return cls(offset, sfi, apdu.ne or 256)


@dataclass(frozen=True, slots=True)
class UpdateBinary:
    """UPDATE BINARY; `protected` = CLA 04, the last 4 bytes of `data` are the MAC then."""

    offset: int
    data: bytes
    sfi: int | None = None
    protected: bool = False

    def to_apdu(self) -> CommandApdu:
        p1, p2 = _binary_p1p2(self.offset, self.sfi)
        return CommandApdu(0x04 if self.protected else 0x00, 0xD6, p1, p2, self.data)

    @classmethod
    def from_apdu(cls, apdu: CommandApdu) -> UpdateBinary:
        """
        Raises:
            ParameterError: P1 with bit 8 and no SFI of 1..30 below it.
            LengthError: no data.
        """
        offset, sfi = _binary_reference(apdu)
        protected = apdu.cla == 0x04
        if len(apdu.data) <= (MAC_LENGTH if protected else 0):
            raise LengthError("UPDATE BINARY needs data")
        return cls(offset, apdu.data, sfi, protected)


def _binary_p1p2(offset: int, sfi: int | None) -> tuple[int, int]:
    return (offset >> 8, offset & 0xFF) if sfi is None else (0x80 | sfi, offset)


def _binary_reference(apdu: CommandApdu) -> tuple[int, int | None]:
    if not apdu.p1 & 0x80:
        return apdu.p1 << 8 | apdu.p2, None
    sfi = apdu.p1 & 0x7F
    if not 1 <= sfi <= 30:
        raise ParameterError(f"P1 {apdu.p1:02X} names no short file identifier")
    return apdu.p2, sfi


@dataclass(frozen=True, slots=True)
class GetChallenge:
    """GET CHALLENGE of 4, 8 or 16 bytes."""

    length: int = 8

    def to_apdu(self) -> CommandApdu:
        return CommandApdu(0x00, 0x84, 0x00, 0x00, ne=self.length)

    @classmethod
    def from_apdu(cls, apdu: CommandApdu) -> GetChallenge:
        expect_p1p2(apdu, 0x0000)
        expect_ne(apdu, *CHALLENGE_LENGTHS)
        return cls(apdu.ne)


@dataclass(frozen=True, slots=True)
class GetResponse:
    """GET RESPONSE; 256 is Le 00."""

    ne: int = 256

    def to_apdu(self) -> CommandApdu:
        return CommandApdu(0x00, 0xC0, 0x00, 0x00, ne=self.ne)

    @classmethod
    def from_apdu(cls, apdu: CommandApdu) -> GetResponse:
        expect_p1p2(apdu, 0x0000)
        expect_lc(apdu, 0)
        return cls(apdu.ne or 256)
