"""The PSAM's commands, with the layouts of their answers.

Source: card.md §5.2–5.5.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from sscard_terminal.cardspec.transaction import PURCHASE_TYPE, PurchaseAmounts
from sscard_terminal.iso7816.apdu import CommandApdu
from sscard_terminal.iso7816.errors import LengthError, ParameterError

from .forms import expect_answer, expect_lc, expect_p1p2

PURCHASE_HEAD = 0x1C
FACTOR = 8
MOST_LEVELS = 3
"""Bits 8–6 of a usage byte. Source: card.md §5.1."""


@dataclass(frozen=True, slots=True)
class InitializeEnvironment:
    """BF EC: `first_byte` of the card identification code chooses DES or SSF33."""

    first_byte: int

    def to_apdu(self) -> CommandApdu:
        return CommandApdu(0xBF, 0xEC, 0x00, 0x00, bytes((self.first_byte,)))

    @classmethod
    def from_apdu(cls, apdu: CommandApdu) -> InitializeEnvironment:
        expect_p1p2(apdu, 0x0000)
        expect_lc(apdu, 0x01)
        return cls(apdu.data[0])


@dataclass(frozen=True, slots=True)
class DeliverySessionKey:
    """BF DE: diversify key (usage, id) by the factors (card first), then make its session key from a challenge."""

    usage: int
    key_id: int
    body: bytes
    """8 bytes a level, then the session factor of 8 (DES) or 16 bytes."""

    def to_apdu(self) -> CommandApdu:
        return CommandApdu(0xBF, 0xDE, self.usage, self.key_id, self.body)

    @classmethod
    def from_apdu(cls, apdu: CommandApdu) -> DeliverySessionKey:
        """
        Raises:
            ParameterError: a usage of more than three levels.
            LengthError: no factors, or a part of one.
        """
        if apdu.p1 >> 5 > MOST_LEVELS:
            raise ParameterError(f"usage {apdu.p1:02X} has more than {MOST_LEVELS} levels")
        if not apdu.data or len(apdu.data) % FACTOR:
            raise LengthError("DELIVERY SESSION KEY takes whole factors of 8 bytes")
        return cls(apdu.p1, apdu.p2, apdu.data)


class CipherMode(IntEnum):
    """P1 of CIPHER DATA."""

    ENCRYPT_LAST = 0x00
    MAC_LAST = 0x01
    ENCRYPT_MORE = 0x02
    MAC_NEXT = 0x03
    MAC_SINGLE = 0x05
    MAC_FIRST = 0x07


@dataclass(frozen=True, slots=True)
class CipherData:
    """80 FA: whole blocks under the delivered session key; 05 and 07 begin with the initial value."""

    mode: CipherMode
    data: bytes
    answer_length: int = 0

    def to_apdu(self) -> CommandApdu:
        return CommandApdu(0x80, 0xFA, self.mode, 0x00, self.data, self.answer_length)

    @classmethod
    def from_apdu(cls, apdu: CommandApdu) -> CipherData:
        try:
            mode = CipherMode(apdu.p1)
        except ValueError:
            raise ParameterError(f"CIPHER DATA does not know P1 {apdu.p1:02X}") from None
        if apdu.p2 != 0x00:
            raise ParameterError("CIPHER DATA has P2 00")
        return cls(mode, apdu.data, apdu.ne)


@dataclass(frozen=True, slots=True)
class InitializeSamForPurchase:
    """80 70: everything MAC1 needs from the card's answer and the sale; factors 8 bytes a level, card first."""

    random: bytes
    counter: int
    amounts: PurchaseAmounts
    time: bytes
    key_version: int
    algorithm: int
    factors: bytes
    kind: int = PURCHASE_TYPE

    def to_apdu(self) -> CommandApdu:
        head = self.random + self.counter.to_bytes(2, "big") + self.amounts.build() + bytes((self.kind,))
        tail = self.time + bytes((self.key_version, self.algorithm)) + self.factors
        return CommandApdu(0x80, 0x70, 0x01, 0x00, head + tail, 0x08)

    @classmethod
    def from_apdu(cls, apdu: CommandApdu) -> InitializeSamForPurchase:
        """
        Raises:
            ParameterError: P1 P2 other than 0100.
            LengthError: Lc other than 1C + 8N, N 0..3.
        """
        expect_p1p2(apdu, 0x0100)
        expect_lc(apdu, *range(PURCHASE_HEAD, PURCHASE_HEAD + 4 * FACTOR, FACTOR))
        data = apdu.data
        counter, amounts = int.from_bytes(data[4:6], "big"), PurchaseAmounts.parse(data[6:18])
        return cls(data[:4], counter, amounts, data[19:26], data[26], data[27], data[28:], data[18])


@dataclass(frozen=True, slots=True)
class SamPurchaseAnswer:
    """What 80 70 answers, 8 bytes: terminal sequence ‖ MAC1."""

    sequence: bytes
    mac1: bytes

    def build(self) -> bytes:
        return self.sequence + self.mac1

    @classmethod
    def parse(cls, raw: bytes) -> SamPurchaseAnswer:
        expect_answer(raw, 8, "INITIALIZE SAM FOR PURCHASE")
        return cls(raw[:4], raw[4:])


@dataclass(frozen=True, slots=True)
class CreditSamForPurchase:
    """80 72: the card's MAC2; 9000 makes the sale valid."""

    mac2: bytes

    def to_apdu(self) -> CommandApdu:
        return CommandApdu(0x80, 0x72, 0x00, 0x00, self.mac2)

    @classmethod
    def from_apdu(cls, apdu: CommandApdu) -> CreditSamForPurchase:
        expect_p1p2(apdu, 0x0000)
        expect_lc(apdu, 0x04)
        return cls(apdu.data)


@dataclass(frozen=True, slots=True)
class WriteKey:
    """84 D4: CREATE KEY (`change` False) or CHANGE KEY, into a key file 11, 12 or 13; issuing only."""

    change: bool
    key_file: int
    cryptogram: bytes = field(repr=False)
    mac: bytes

    def to_apdu(self) -> CommandApdu:
        return CommandApdu(
            0x84, 0xD4, int(self.change), self.key_file, self.cryptogram + self.mac, sensitive=True
        )

    @classmethod
    def from_apdu(cls, apdu: CommandApdu) -> WriteKey:
        """
        Raises:
            ParameterError: P1 other than 00, 01.
            LengthError: Lc none of 1C, 24 (create) or 14, 1C, 24 (change).
        """
        if apdu.p1 not in (0x00, 0x01):
            raise ParameterError(f"P1 {apdu.p1:02X} neither creates nor changes a key")
        expect_lc(apdu, *((0x14, 0x1C, 0x24) if apdu.p1 else (0x1C, 0x24)))
        return cls(apdu.p1 == 0x01, apdu.p2, apdu.data[:-4], apdu.data[-4:])
