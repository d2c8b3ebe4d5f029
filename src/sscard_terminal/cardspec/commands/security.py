"""The PIN commands, the two authentications and the two blocks.

Source: card.md §2.2, §3, §6.6.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.iso7816.apdu import CommandApdu
from sscard_terminal.iso7816.errors import FormatError, LengthError

from .forms import expect_lc, expect_p1p2

PIN_SEPARATOR = 0xFF
MIN_PIN_BYTES = 2
MAX_PIN_BYTES = 8
AUTHENTICATION_LC = (0x10, 0x11)


@dataclass(frozen=True, slots=True)
class QueryTries:
    """VERIFY with Lc 00: 9000 no PIN is set, 63Cx tries left. Costs no try."""

    def to_apdu(self) -> CommandApdu:
        # Travels as five bytes 0020000000 (card.md §2.4): P3 = 00 says "no data" to a T=0 card.
        return CommandApdu(0x00, 0x20, 0x00, 0x00, ne=256)


@dataclass(frozen=True, slots=True)
class VerifyPin:
    """VERIFY with a PIN of 2..8 bytes BCD as sent; the card compares, digits or not (card.md §10 B13)."""

    pin_bytes: bytes = field(repr=False)

    @classmethod
    def of(cls, pin: Pin) -> VerifyPin:
        return cls(pin.to_bcd())

    def to_apdu(self) -> CommandApdu:
        return CommandApdu(0x00, 0x20, 0x00, 0x00, self.pin_bytes, sensitive=True)


def verify_from_apdu(apdu: CommandApdu) -> VerifyPin | QueryTries:
    """INS 20 is two commands: with a PIN, or asking for the tries left.

    Raises:
        ParameterError: P1 P2 other than 0000.
        LengthError: 1 data byte, or more than 8.
    """
    expect_p1p2(apdu, 0x0000)
    if not apdu.data:
        return QueryTries()
    expect_lc(apdu, *range(MIN_PIN_BYTES, MAX_PIN_BYTES + 1))
    return VerifyPin(apdu.data)


@dataclass(frozen=True, slots=True)
class ChangePin:
    """CHANGE PIN: old ‖ FF ‖ new, either part may be empty where there is no PIN before or after."""

    body: bytes = field(repr=False)

    @classmethod
    def of(cls, old: Pin | None, new: Pin | None) -> ChangePin:
        return cls((old.to_bcd() if old else b"") + bytes((PIN_SEPARATOR,)) + (new.to_bcd() if new else b""))

    def to_apdu(self) -> CommandApdu:
        return CommandApdu(0x80, 0x5E, 0x01, 0x00, self.body, sensitive=True)

    @classmethod
    def from_apdu(cls, apdu: CommandApdu) -> ChangePin:
        """
        Raises:
            ParameterError: P1 P2 other than 0100.
            LengthError: Lc outside 03..11.
        """
        expect_p1p2(apdu, 0x0100)
        expect_lc(apdu, *range(0x03, 0x12))
        return cls(apdu.data)

    def parts(self) -> tuple[bytes, bytes]:
        """Old and new PIN bytes, split at the first FF.

        Raises:
            FormatError: no FF, a part of 1 or more than 8 bytes, a new PIN that is no BCD (card.md §10 B12).
        """
        old, separator, new = self.body.partition(bytes((PIN_SEPARATOR,)))
        if not separator or any(len(part) == 1 or len(part) > MAX_PIN_BYTES for part in (old, new)):
            raise FormatError("CHANGE PIN data are old PIN, FF, new PIN")
        if new:
            Pin.from_bcd(new)
        return old, new


@dataclass(frozen=True, slots=True)
class UnblockPin:
    """PIN UNBLOCK: the PIN stays, its counter goes to the maximum."""

    mac: bytes

    def to_apdu(self) -> CommandApdu:
        return CommandApdu(0x84, 0x24, 0x00, 0x00, self.mac)


@dataclass(frozen=True, slots=True)
class ReloadPin:
    """PIN RELOAD: a new PIN, encrypted under the STK session key, and a MAC."""

    cryptogram: bytes = field(repr=False)
    mac: bytes

    def to_apdu(self) -> CommandApdu:
        return CommandApdu(0x84, 0x24, 0x00, 0x01, self.cryptogram + self.mac, sensitive=True)


def unblock_or_reload_from_apdu(apdu: CommandApdu) -> UnblockPin | ReloadPin:
    """INS 24: P2 00 unblock (Lc 04), P2 01 reload (Lc 0C or 14).

    Raises:
        ParameterError, LengthError: anything else.
    """
    expect_p1p2(apdu, 0x0000, 0x0001)
    if apdu.p2 == 0x00:
        expect_lc(apdu, 0x04)
        return UnblockPin(apdu.data)
    expect_lc(apdu, 0x0C, 0x14)
    return ReloadPin(apdu.data[:-4], apdu.data[-4:])


@dataclass(frozen=True, slots=True)
class ExternalAuthenticate:
    """EXTERNAL AUTHENTICATE: who sends it knows key `key_id`; over the card's newest challenge."""

    key_id: int
    authentication_data: bytes
    original: bytes
    key_version: int | None = None

    def to_apdu(self) -> CommandApdu:
        return CommandApdu(
            0x00, 0x82, 0x00, self.key_id, _authentication_body(self.authentication_data, self)
        )

    @classmethod
    def from_apdu(cls, apdu: CommandApdu) -> ExternalAuthenticate:
        expect_p1p2(apdu, apdu.p2)
        expect_lc(apdu, *AUTHENTICATION_LC)
        data = apdu.data
        return cls(apdu.p2, data[:8], data[8:16], data[16] if len(data) == 17 else None)


@dataclass(frozen=True, slots=True)
class InternalAuthenticate:
    """INTERNAL AUTHENTICATE: the card shows it holds IRK, over a factor and original information of the terminal."""

    factor: bytes
    original: bytes
    key_version: int | None = None

    def to_apdu(self) -> CommandApdu:
        return CommandApdu(0x00, 0x88, 0x00, 0x00, _authentication_body(self.factor, self), ne=256)

    @classmethod
    def from_apdu(cls, apdu: CommandApdu) -> InternalAuthenticate:
        expect_p1p2(apdu, 0x0000)
        expect_lc(apdu, *AUTHENTICATION_LC)
        data = apdu.data
        return cls(data[:8], data[8:16], data[16] if len(data) == 17 else None)


def _authentication_body(first: bytes, command: ExternalAuthenticate | InternalAuthenticate) -> bytes:
    if len(first) != 8 or len(command.original) != 8:
        raise LengthError("an authentication has two fields of 8 bytes")
    return first + command.original + (b"" if command.key_version is None else bytes((command.key_version,)))


@dataclass(frozen=True, slots=True)
class ApplicationBlock:
    """APPLICATION BLOCK, permanent. Source: card.md §2.2, §9.11."""

    mac: bytes

    def to_apdu(self) -> CommandApdu:
        return CommandApdu(0x84, 0x1E, 0x00, 0x01, self.mac)

    @classmethod
    def from_apdu(cls, apdu: CommandApdu) -> ApplicationBlock:
        expect_p1p2(apdu, 0x0001)
        expect_lc(apdu, 0x04)
        return cls(apdu.data)


@dataclass(frozen=True, slots=True)
class CardBlock:
    """CARD BLOCK, permanent. Source: card.md §2.2."""

    mac: bytes

    def to_apdu(self) -> CommandApdu:
        return CommandApdu(0x84, 0x16, 0x00, 0x00, self.mac)

    @classmethod
    def from_apdu(cls, apdu: CommandApdu) -> CardBlock:
        expect_p1p2(apdu, 0x0000)
        expect_lc(apdu, 0x04)
        return cls(apdu.data)
