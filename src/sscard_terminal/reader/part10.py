"""The bytes of PC/SC part 10: what a reader with a pad says of itself, and what it is told to ask for.

Not here: sending them (pinpad.py) and which PIN command of which card (terminal/at_pad.py).
Source: PC/SC specification part 10, "IFDs with secure PIN entry capabilities"; the structures are those of the USB class
CCID, "PC_to_RDR_Secure", with a second time-out and the length of the command added. Numbers are little endian, but for
the control codes in the list of features.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from ..iso7816.errors import FormatError

GET_FEATURE_REQUEST = 0x310000 | 3400 << 2 if sys.platform == "win32" else 0x42000000 + 3400
"""CM_IOCTL_GET_FEATURE_REQUEST. Source: part 10; how a control code is made: winsmcrd.h, pcsc-lite's reader.h."""


class Feature(IntEnum):
    """What a reader can do, as far as it is used here; a tag not listed is skipped.

    VERIFY and MODIFY in two halves (tags 01 to 04) are not: no reader with only these is known to us.
    """

    VERIFY_PIN_DIRECT = 0x06
    MODIFY_PIN_DIRECT = 0x07
    PIN_PROPERTIES = 0x0A
    TLV_PROPERTIES = 0x12


class Property(IntEnum):
    """What TLV_PROPERTIES tells, as far as it is used here."""

    LCD_LAYOUT = 0x01
    ENTRY_VALIDATION = 0x02
    LEAST_DIGITS = 0x06
    MOST_DIGITS = 0x07


MAX_SIZE_REACHED, KEY_PRESSED, TIMEOUT_OCCURRED = 0x01, 0x02, 0x04
"""bEntryValidationCondition: what ends an entry; a reader tells the ones it knows, added up."""

BCD, ASCII = 0x81, 0x82
"""bmFormatString: offsets in bytes, PIN at offset 0, justified left, digits in BCD or ASCII."""

NO_MESSAGE, DEFAULT_MESSAGE = 0x00, 0xFF
"""bNumberMessage. A reader that has a display shows a prompt of its own in its own language."""

CONFIRMED, OLD_ASKED = 0x01, 0x02
"""bConfirmPIN, added up: the new PIN is keyed twice; the old one is keyed before."""

CONTROL_CODE_LENGTH = 4
PIN_PROPERTIES_LENGTH = 4


@dataclass(frozen=True, slots=True)
class PadProperties:
    """How a pad looks; what a reader does not tell stands as here.

    `validation`: the conditions it knows. `least` and `most`: how many digits it takes, None where it does not say.
    """

    has_display: bool = False
    validation: int = KEY_PRESSED
    least: int | None = None
    most: int | None = None


def parse_features(raw: bytes) -> dict[Feature, int]:
    """Feature → control code out of the answer to GET_FEATURE_REQUEST.

    Raises:
        FormatError: no whole objects of tag, length 4, control code (big endian).
    """
    found: dict[Feature, int] = {}
    for tag, value in _objects(raw):
        if len(value) != CONTROL_CODE_LENGTH:
            raise FormatError("a feature has a control code of 4 bytes")
        if tag in list(Feature):
            found[Feature(tag)] = int.from_bytes(value, "big")
    return found


def parse_pin_properties(raw: bytes) -> PadProperties:
    """The answer to PIN_PROPERTIES: wLcdLayout 2, bEntryValidationCondition 1, bTimeOut2 1.

    Raises:
        FormatError: other than 4 bytes.
    """
    if len(raw) != PIN_PROPERTIES_LENGTH:
        raise FormatError("PIN properties are 4 bytes")
    return PadProperties(raw[:2] != b"\0\0", raw[2])


def parse_tlv_properties(raw: bytes) -> PadProperties:
    """The answer to TLV_PROPERTIES; 0 as the most digits says nothing.

    Raises:
        FormatError: no whole objects of tag, length, value.
    """
    told = {tag: int.from_bytes(value, "little") for tag, value in _objects(raw)}
    return PadProperties(
        bool(told.get(Property.LCD_LAYOUT)),
        told.get(Property.ENTRY_VALIDATION, KEY_PRESSED),
        told.get(Property.LEAST_DIGITS),
        told.get(Property.MOST_DIGITS) or None,
    )


def _objects(raw: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(raw):
        head = raw[at : at + 2]
        value = raw[at + 2 : at + 2 + head[-1]]
        if len(head) != 2 or len(value) != head[1]:
            raise FormatError("an object of the reader's answer is cut short")
        yield head[0], value
        at += 2 + len(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class PinVerifyStructure:
    """PIN_VERIFY_STRUCTURE: 19 bytes, then the command with fillers where the digits go.

    `frame`: how many bytes a PIN takes in the command, 0 for as many as its digits need, with Lc set by the reader.
    `least`, `most`: digits; `length_format`: where in the command their number stands, 0 for nowhere. The time-outs in
    seconds, for the first key and between two.
    """

    command: bytes
    frame: int
    least: int
    most: int
    coding: int = BCD
    length_format: int = 0
    time_out_s: int = 0
    key_time_out_s: int = 0
    validation: int = KEY_PRESSED
    messages: int = NO_MESSAGE
    language: int = 0

    def build(self) -> bytes:
        head = _VERIFY.pack(
            self.time_out_s,
            self.key_time_out_s,
            self.coding,
            self.frame,
            self.length_format,
            self.least << 8 | self.most,
            self.validation,
            self.messages,
            self.language,
            0,  # bMsgIndex: the prompt for a PIN
            len(self.command),
        )
        return head + self.command


@dataclass(frozen=True, slots=True, kw_only=True)
class PinModifyStructure:
    """PIN_MODIFY_STRUCTURE: 24 bytes, then the command with fillers where the digits of both PINs go.

    `old_at`, `new_at`: where, in bytes of the command's data. `confirm`: CONFIRMED, OLD_ASKED, or both.
    `prompts`: the three indexes of messages. Else as `PinVerifyStructure`.
    """

    command: bytes
    frame: int
    least: int
    most: int
    old_at: int
    new_at: int
    confirm: int
    prompts: tuple[int, int, int]
    coding: int = BCD
    length_format: int = 0
    time_out_s: int = 0
    key_time_out_s: int = 0
    validation: int = KEY_PRESSED
    messages: int = NO_MESSAGE
    language: int = 0

    def build(self) -> bytes:
        head = _MODIFY.pack(
            self.time_out_s,
            self.key_time_out_s,
            self.coding,
            self.frame,
            self.length_format,
            self.old_at,
            self.new_at,
            self.least << 8 | self.most,
            self.confirm,
            self.validation,
            self.messages,
            self.language,
            *self.prompts,
            len(self.command),
        )
        return head + self.command


# The three bytes left out before the length are the T=1 prologue, which the driver fills in.
_VERIFY = struct.Struct("<5BH2BHB3xI")
_MODIFY = struct.Struct("<7BH3BH3B3xI")
