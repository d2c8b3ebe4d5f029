"""The account as it lies in the memory: amounts, counters, the newest proof; and the rule of the payment year.

Not here: the commands and MACs (applet, load, purchase).
Source: card.md §1.7 (internal amount file), §4.5, §4.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sscard_terminal.card.machine import Machine
from sscard_terminal.cardspec.money import MAX_FEN, Fen
from sscard_terminal.cardspec.profile import FileSpec
from sscard_terminal.cardspec.records import LOG_RECORD_LENGTH_ACCOUNT_ONLY, AmountFile, LogRecord
from sscard_terminal.cardspec.transaction import PurchaseAmounts

AMOUNTS = "DF04/amounts"
PROOF = "DF04/proof"
LOG = "DF04/EF08"
MAX_COUNTER = 0xFFFF
YEAR_LENGTH = 10_000
"""One year as a difference of dates written YYYYMMDD. Source: card.md §4.5."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The newest completed transaction of either kind (card.md §10 B5): type, number before it, MAC, TAC."""

    kind: int
    number: int
    mac: bytes
    tac: bytes

    LENGTH: ClassVar[int] = 11

    def build(self) -> bytes:
        return bytes((self.kind,)) + self.number.to_bytes(2, "big") + self.mac + self.tac

    @classmethod
    def parse(cls, raw: bytes) -> Proof:
        return cls(raw[0], int.from_bytes(raw[1:3], "big"), raw[3:7], raw[7:11])


def amounts_of(machine: Machine) -> AmountFile:
    return AmountFile.parse(machine.nvm.read(AMOUNTS))


def proof_of(machine: Machine) -> Proof:
    """Type 00 where no transaction was completed yet."""
    return Proof.parse(machine.nvm.read(PROOF))


def log_file(machine: Machine) -> FileSpec:
    return machine.files.named(LOG)


def is_account_only(machine: Machine) -> bool:
    """A log of 20-byte records means: no totals, no year. Source: card.md §1.7."""
    return log_file(machine).record_length == LOG_RECORD_LENGTH_ACCOUNT_ONLY


def commit(machine: Machine, amounts: AmountFile, record: LogRecord, proof: Proof) -> None:
    """Amounts, log and proof together, or nothing of it.

    Raises:
        MemoryFailure: nothing was changed.
    """
    spec = log_file(machine)
    with machine.nvm.transaction():
        machine.nvm.write(AMOUNTS, amounts.build())
        machine.files.append_record(spec, record.build(spec.record_length))
        machine.nvm.write(PROOF, proof.build())


def after_purchase(before: AmountFile, spent: PurchaseAmounts, time: bytes, account_only: bool) -> AmountFile:
    """What a purchase leaves, by the rule of the payment year. Source: card.md §4.5, inferred §9.36."""
    spip, spfp, year = before.spip, before.spfp, before.year
    day, start = int(time[:4].hex()), int(before.starting_day.hex())
    if account_only:
        pass
    elif day - (int(year.hex()) * YEAR_LENGTH + start) < YEAR_LENGTH:
        spip, spfp = Fen(spip + spent.self_paid), Fen(spfp + spent.pooled)
    else:
        spip, spfp, year = spent.self_paid, spent.pooled, settlement_year(day, start)
    counters = (before.load_counter, before.purchase_counter + 1)
    return AmountFile(*counters, Fen(before.cia - spent.account), spip, spfp, year, before.starting_day)


def settlement_year(day: int, start: int) -> bytes:
    """The year Y with Y·10000 + MMDD ≤ day < (Y+1)·10000 + MMDD, 2 bytes BCD. Source: inferred, card.md §4.5."""
    year = day // YEAR_LENGTH - (day % YEAR_LENGTH < start)
    return bytes.fromhex(f"{year:04d}")


def totals_overflow(before: AmountFile, spent: PurchaseAmounts) -> bool:
    """Whether a total could pass four bytes, even where a new year might start. Source: card.md §10 B34."""
    return before.spip + spent.self_paid > MAX_FEN or before.spfp + spent.pooled > MAX_FEN


def fresh_objects(amounts: AmountFile) -> dict[str, bytes]:
    """What the account keeps beside its files, on a new card: these amounts and no proof."""
    return {AMOUNTS: amounts.build(), PROOF: bytes(Proof.LENGTH)}
