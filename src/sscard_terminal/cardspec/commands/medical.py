"""The medical account's own commands, class B0, with the layouts of their answers.

Hot, so read and built by hand; layouts.py declares the same bodies and a property test holds both equal.
Source: card.md §2.3.
"""

from __future__ import annotations

from dataclasses import dataclass

from sscard_terminal.cardspec.money import BalanceKind, Fen
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.iso7816.apdu import CommandApdu

from .forms import expect_answer, expect_lc, expect_ne, expect_p1p2

CLA = 0xB0


@dataclass(frozen=True, slots=True)
class InitializeForLoad:
    """INITIALIZE FOR LOAD: `terminal` 6 bytes BCD, `key_index` 1..3."""

    key_index: int
    amount: Fen
    terminal: bytes

    def to_apdu(self) -> CommandApdu:
        body = bytes((self.key_index,)) + self.amount.to_bytes4() + self.terminal
        return CommandApdu(CLA, 0x28, 0x00, 0x01, body, 0x10)

    @classmethod
    def from_body(cls, body: bytes) -> InitializeForLoad:
        return cls(body[0], Fen.from_bytes4(body[1:5]), body[5:11])


@dataclass(frozen=True, slots=True)
class InitializeForPurchase:
    """INITIALIZE FOR PURCHASE: three amounts, `terminal` 6 bytes BCD, `key_index` 1..3."""

    key_index: int
    amounts: PurchaseAmounts
    terminal: bytes

    def to_apdu(self) -> CommandApdu:
        body = bytes((self.key_index,)) + self.amounts.build() + self.terminal
        return CommandApdu(CLA, 0x28, 0x01, 0x01, body, 0x16)

    @classmethod
    def from_body(cls, body: bytes) -> InitializeForPurchase:
        return cls(body[0], PurchaseAmounts.parse(body[1:13]), body[13:19])


def initialize_from_apdu(apdu: CommandApdu) -> InitializeForLoad | InitializeForPurchase:
    """B0 28 is two commands: P1 P2 0001 load (Lc 0B), 0101 purchase (Lc 13).

    Raises:
        ParameterError, LengthError: anything else.
    """
    expect_p1p2(apdu, 0x0001, 0x0101)
    if apdu.p1 == 0x00:
        expect_lc(apdu, 0x0B)
        return InitializeForLoad.from_body(apdu.data)
    expect_lc(apdu, 0x13)
    return InitializeForPurchase.from_body(apdu.data)


@dataclass(frozen=True, slots=True)
class LoadChallenge:
    """What INITIALIZE FOR LOAD answers, 16 bytes."""

    balance: Fen
    counter: int
    key_version: int
    algorithm: int
    random: bytes
    mac1: bytes

    def build(self) -> bytes:
        head = self.balance.to_bytes4() + self.counter.to_bytes(2, "big")
        return head + bytes((self.key_version, self.algorithm)) + self.random + self.mac1

    @classmethod
    def parse(cls, raw: bytes) -> LoadChallenge:
        expect_answer(raw, 16, "INITIALIZE FOR LOAD")
        counter = int.from_bytes(raw[4:6], "big")
        return cls(Fen.from_bytes4(raw[:4]), counter, raw[6], raw[7], raw[8:12], raw[12:16])


@dataclass(frozen=True, slots=True)
class PurchaseChallenge:
    """What INITIALIZE FOR PURCHASE answers, 22 bytes: the old amounts, the counter n, what MAC1 needs."""

    balance: Fen
    spip: Fen
    spfp: Fen
    year: bytes
    counter: int
    key_version: int
    algorithm: int
    random: bytes

    def build(self) -> bytes:
        amounts = self.balance.to_bytes4() + self.spip.to_bytes4() + self.spfp.to_bytes4()
        tail = bytes((self.key_version, self.algorithm)) + self.random
        return amounts + self.year + self.counter.to_bytes(2, "big") + tail

    @classmethod
    def parse(cls, raw: bytes) -> PurchaseChallenge:
        expect_answer(raw, 22, "INITIALIZE FOR PURCHASE")
        amounts = (Fen.from_bytes4(raw[:4]), Fen.from_bytes4(raw[4:8]), Fen.from_bytes4(raw[8:12]))
        counter = int.from_bytes(raw[14:16], "big")
        return cls(*amounts, raw[12:14], counter, raw[16], raw[17], raw[18:22])


@dataclass(frozen=True, slots=True)
class CreditForLoad:
    """CREDIT FOR LOAD: host time 7 bytes BCD, MAC2. Answers the TAC, 4 bytes."""

    time: bytes
    mac2: bytes

    def to_apdu(self) -> CommandApdu:
        return CommandApdu(CLA, 0x2A, 0x00, 0x00, self.time + self.mac2, 0x04)

    @classmethod
    def from_apdu(cls, apdu: CommandApdu) -> CreditForLoad:
        expect_p1p2(apdu, 0x0000)
        expect_lc(apdu, 0x0B)
        return cls(apdu.data[:7], apdu.data[7:])


@dataclass(frozen=True, slots=True)
class DebitForPurchase:
    """DEBIT FOR PURCHASE: terminal sequence 4 bytes, terminal time 7 bytes BCD, MAC1. Never to be sent twice."""

    sequence: bytes
    time: bytes
    mac1: bytes

    def to_apdu(self) -> CommandApdu:
        return CommandApdu(CLA, 0x2C, 0x01, 0x00, self.sequence + self.time + self.mac1, 0x08)

    @classmethod
    def from_apdu(cls, apdu: CommandApdu) -> DebitForPurchase:
        expect_p1p2(apdu, 0x0100)
        expect_lc(apdu, 0x0F)
        return cls(apdu.data[:4], apdu.data[4:11], apdu.data[11:])


@dataclass(frozen=True, slots=True)
class DebitAnswer:
    """What DEBIT FOR PURCHASE answers, 8 bytes: TAC ‖ MAC2."""

    tac: bytes
    mac2: bytes

    def build(self) -> bytes:
        return self.tac + self.mac2

    @classmethod
    def parse(cls, raw: bytes) -> DebitAnswer:
        expect_answer(raw, 8, "DEBIT FOR PURCHASE")
        return cls(raw[:4], raw[4:])


@dataclass(frozen=True, slots=True)
class GetBalance:
    """GET BALANCE of one of the three amounts."""

    kind: BalanceKind

    @property
    def answer_length(self) -> int:
        """4 bytes for the account; 6 for a total, which ends in its year."""
        return 4 if self.kind is BalanceKind.CIA else 6

    def to_apdu(self) -> CommandApdu:
        return CommandApdu(CLA, 0x26, 0x00, self.kind, ne=self.answer_length)

    @classmethod
    def from_apdu(cls, apdu: CommandApdu) -> GetBalance:
        expect_p1p2(apdu, *BalanceKind)
        command = cls(BalanceKind(apdu.p2))
        expect_ne(apdu, command.answer_length)
        return command


@dataclass(frozen=True, slots=True)
class YearTotal:
    """What GET BALANCE answers for a total, 6 bytes: fen and payment year (2 bytes BCD)."""

    amount: Fen
    year: bytes

    def build(self) -> bytes:
        return self.amount.to_bytes4() + self.year

    @classmethod
    def parse(cls, raw: bytes) -> YearTotal:
        expect_answer(raw, 6, "GET BALANCE")
        return cls(Fen.from_bytes4(raw[:4]), raw[4:])


@dataclass(frozen=True, slots=True)
class GetTransactionProof:
    """GET TRANSACTION PROOF for type 31 or 32 and the counter before that transaction."""

    kind: int
    number: int

    def to_apdu(self) -> CommandApdu:
        return CommandApdu(CLA, 0x2E, 0x00, self.kind, self.number.to_bytes(2, "big"), 0x08)

    @classmethod
    def from_apdu(cls, apdu: CommandApdu) -> GetTransactionProof:
        expect_p1p2(apdu, 0x0031, 0x0032)
        expect_lc(apdu, 0x02)
        return cls(apdu.p2, int.from_bytes(apdu.data, "big"))


@dataclass(frozen=True, slots=True)
class TransactionProof:
    """What GET TRANSACTION PROOF answers, 8 bytes: MAC ‖ TAC (MAC2 of a purchase, zeros for a load)."""

    mac: bytes
    tac: bytes

    def build(self) -> bytes:
        return self.mac + self.tac

    @classmethod
    def parse(cls, raw: bytes) -> TransactionProof:
        expect_answer(raw, 8, "GET TRANSACTION PROOF")
        return cls(raw[:4], raw[4:])


@dataclass(frozen=True, slots=True)
class UpdateStartingDay:
    """UPDATE STARTING DAY: MMDD, 2 bytes BCD, after DSK authentication."""

    day: bytes

    def to_apdu(self) -> CommandApdu:
        return CommandApdu(CLA, 0x56, 0x00, 0x00, self.day)


@dataclass(frozen=True, slots=True)
class GetStartingDay:
    """GET STARTING DAY: answers MMDD, 2 bytes BCD."""

    def to_apdu(self) -> CommandApdu:
        return CommandApdu(CLA, 0x56, 0x01, 0x00, ne=2)


def starting_day_from_apdu(apdu: CommandApdu) -> UpdateStartingDay | GetStartingDay:
    """B0 56: P1 00 writes (Lc 02), P1 01 reads (Le 02).

    Raises:
        ParameterError, LengthError: anything else.
    """
    expect_p1p2(apdu, 0x0000, 0x0100)
    if apdu.p1 == 0x00:
        expect_lc(apdu, 0x02)
        return UpdateStartingDay(apdu.data)
    expect_ne(apdu, 0x02)
    return GetStartingDay()
