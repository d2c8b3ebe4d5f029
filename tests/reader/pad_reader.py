"""A reader with a pad, played at the wall to pyscard: it formats what is "keyed" as a real one and asks the card.

It knows nothing of reader/part10.py: it reads the structures by their published offsets, and the manual of a real pad
says in fixtures/vectors/pinpad.toml what it must make of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pytest_mock import MockerFixture
from smartcard import scard

from tests.reader.doubles import T0_ATR

FEATURE_REQUEST = 0x42000D48
VERIFY, MODIFY, PIN_PROPERTIES, TLV_PROPERTIES = 0x42330006, 0x42330007, 0x4233000A, 0x42330012
FEATURES = bytes.fromhex("0604423300060704423300070A044233000A120442330012")
WITH_DISPLAY = bytes.fromhex("10020700")
"""The CCID driver's answers; see fixtures/vectors/pinpad.toml."""
FOUR_TO_SIXTEEN = bytes.fromhex("010211020601040701100201020B02E608")
CANCEL = "cancel"


def keyed(format_bytes: bytes, command: bytes, entries: list[tuple[int, str]]) -> bytes:
    """`command` with the digits of each entry at its offset in the data; `format_bytes`: the three bm… bytes."""
    format_string, block, length_format = format_bytes
    assert not format_string & 0x04, "right justified"
    width, digit = {1: (4, str), 2: (8, lambda key: chr(0x30 + int(key)))}[format_string & 0x03]
    frame, length_bits = block & 0x0F, block >> 4
    position = (format_string >> 3 & 0x0F) * (8 if format_string & 0x80 else 1)
    length_position = (length_format & 0x0F) * (8 if length_format & 0x10 else 1)
    if not frame:  # no frame: the data are the digits, and Lc is theirs
        [(_, digits)] = entries
        assert width == 4 and not length_bits and len(command) == 4
        data = bytes.fromhex(digits + "F" * (len(digits) % 2))
        return command + bytes((len(data),)) + data
    bits = [int(bit) for octet in command[5:] for bit in f"{octet:08b}"]
    for offset, digits in entries:
        codes = [int(key) if width == 4 else ord(digit(key)) for key in digits]
        told = "".join(f"{code:0{width}b}" for code in codes)
        assert position + len(told) <= frame * 8 + position
        start = offset * 8
        if length_bits:
            number = f"{len(digits):0{length_bits}b}"
            bits[start + length_position : start + length_position + length_bits] = map(int, number)
        bits[start + position : start + position + len(told)] = map(int, told)
    packed = "".join(map(str, bits))
    return command[:5] + bytes(int(packed[at : at + 8], 2) for at in range(0, len(packed), 8))


@dataclass
class PadReader:
    """What one reader answers to SCardControl; `keys` is what the holder keys, entry by entry, or CANCEL."""

    card: Callable[[bytes], bytes] = lambda command: bytes.fromhex("9000")
    keys: list[str] = field(default_factory=list)
    features: bytes | None = FEATURES
    properties: bytes | None = WITH_DISPLAY
    tlv_properties: bytes | None = FOUR_TO_SIXTEEN
    faults: dict[int, tuple[int, list[int]]] = field(default_factory=dict)
    """Control code → what comes back instead, after the card has been asked."""
    asked: list[tuple[int, bytes]] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)
    """What reached the card from the pad."""

    def control(self, code: int, data: list[int]) -> tuple[int, list[int]]:
        structure = bytes(data)
        self.asked.append((code, structure))
        answer = self._answer(code, structure)
        if code in self.faults:
            return self.faults[code]
        if answer is None:
            return scard.SCARD_E_UNSUPPORTED_FEATURE, []
        return scard.SCARD_S_SUCCESS, list(answer)

    def _answer(self, code: int, structure: bytes) -> bytes | None:
        match code:
            case 0x42000D48:
                return self.features
            case 0x4233000A:
                return self.properties
            case 0x42330012:
                return self.tlv_properties
            case 0x42330006:
                return self._verify(structure)
            case 0x42330007:
                return self._modify(structure)
        return None

    def _verify(self, structure: bytes) -> bytes:
        command = structure[19:]
        assert int.from_bytes(structure[15:19], "little") == len(command)
        most, least = structure[5], structure[6]
        return self._entered(structure[2:5], command, [0], least, most)

    def _modify(self, structure: bytes) -> bytes:
        command = structure[24:]
        assert int.from_bytes(structure[20:24], "little") == len(command)
        old_at, new_at, most, least, confirm = structure[5:10]
        places = [old_at, new_at] if confirm & 2 else [new_at]
        return self._entered(structure[2:5], command, places, least, most, confirmed=bool(confirm & 1))

    def _entered(
        self,
        format_bytes: bytes,
        command: bytes,
        places: list[int],
        least: int,
        most: int,
        *,
        confirmed: bool = False,
    ) -> bytes:
        entries = []
        for place in places:
            if not self.keys:
                return bytes.fromhex("6400")
            digits = self.keys.pop(0)
            if digits == CANCEL:
                return bytes.fromhex("6401")
            if not least <= len(digits) <= most:
                return bytes.fromhex("6403")
            entries.append((place, digits))
        if confirmed and (self.keys.pop(0) if self.keys else "") != entries[-1][1]:
            return bytes.fromhex("6402")
        self.sent.append(keyed(format_bytes, command, entries))
        return self.card(self.sent[-1])[-2:]


class Wall:
    """The functions of `smartcard.scard` over some readers: each a chip's `respond`, and a pad or none."""

    def __init__(self, mocker: MockerFixture, readers: dict[str, tuple[Any, PadReader | None]]) -> None:
        self.readers = readers
        self.names = list(readers)
        self.released = threading.Event()
        """Set when a worker has said farewell."""
        ok = scard.SCARD_S_SUCCESS

        def play(function: str, answer: Callable[..., Any]) -> Any:
            return mocker.patch(f"sscard_terminal.reader.pcsc.scard.{function}", side_effect=answer)

        play("SCardEstablishContext", lambda *_: (ok, 7))
        play("SCardReleaseContext", self._release)
        play("SCardListReaders", lambda *_: (ok, list(readers)))
        play("SCardConnect", self._connect)
        play("SCardStatus", lambda handle: (ok, self.names[handle], 0, 0, list(self._card(handle).atr())))
        play("SCardBeginTransaction", lambda *_: ok)
        play("SCardEndTransaction", lambda *_: ok)
        play("SCardReconnect", self._reconnect)
        play("SCardDisconnect", self._disconnect)
        present = scard.SCARD_STATE_PRESENT
        play(
            "SCardGetStatusChange",
            lambda context, wait, states: (ok, [(name, present, []) for name, _ in states]),
        )
        self.transmit = play("SCardTransmit", self._transmit)
        self.control = play("SCardControl", self._control)

    def _card(self, handle: int) -> Any:
        return self.readers[self.names[handle]][0]

    def _connect(self, context: int, name: str, *_: int) -> tuple[int, int, int]:
        handle = self.names.index(name)
        self._card(handle).power_on()
        return scard.SCARD_S_SUCCESS, handle, scard.SCARD_PROTOCOL_T0

    def _reconnect(self, handle: int, *_: int) -> tuple[int, int]:
        self._card(handle).power_off()
        self._card(handle).power_on()
        return scard.SCARD_S_SUCCESS, scard.SCARD_PROTOCOL_T0

    def _disconnect(self, handle: int, disposition: int) -> int:
        self._card(handle).power_off()
        return scard.SCARD_S_SUCCESS

    def _release(self, context: int) -> int:
        self.released.set()
        return scard.SCARD_S_SUCCESS

    def _transmit(self, handle: int, protocol: int, command: list[int]) -> tuple[int, list[int]]:
        return scard.SCARD_S_SUCCESS, list(self._card(handle).respond(bytes(command)))

    def _control(self, handle: int, code: int, data: list[int]) -> tuple[int, list[int]]:
        pad = self.readers[self.names[handle]][1]
        return (scard.SCARD_E_UNSUPPORTED_FEATURE, []) if pad is None else pad.control(code, data)


class SilentCard:
    """A card that only has an answer to reset; the rest is the pad's business."""

    def atr(self) -> bytes:
        return T0_ATR

    def power_on(self) -> bytes:
        return T0_ATR

    def power_off(self) -> None:
        pass

    def respond(self, command: bytes) -> bytes:
        return bytes.fromhex("9000")
