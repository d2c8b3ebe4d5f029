"""MAC1, MAC2 and TAC over their exact byte strings, for load and medical purchase.

Not here: who computes which (card, PSAM, host) and when. Amounts in fen, counters 0..65535, terminal number 6 bytes
BCD, time 7 bytes BCD, terminal sequence 4 bytes; every result 4 bytes.
Source: card.md §4.3, §4.4, §6.2–6.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from .ciphers import CipherSuite
from .money import Fen

LOAD_TYPE = 0x31
PURCHASE_TYPE = 0x32
_AMOUNTS = Struct(">III")


@dataclass(frozen=True, slots=True)
class PurchaseAmounts:
    """What one purchase takes: from the account, and what it adds to the year's self-paid and pooled totals."""

    account: Fen
    self_paid: Fen = Fen(0)  # noqa: RUF009 - Fen is an immutable int
    pooled: Fen = Fen(0)  # noqa: RUF009

    def build(self) -> bytes:
        """12 bytes, account ‖ self-paid ‖ pooled."""
        return _AMOUNTS.pack(self.account, self.self_paid, self.pooled)

    @classmethod
    def parse(cls, raw: bytes) -> PurchaseAmounts:
        """The same 12 bytes read."""
        account, self_paid, pooled = _AMOUNTS.unpack(raw)
        return cls(Fen(account), Fen(self_paid), Fen(pooled))


def load_session_key(suite: CipherSuite, dlk: bytes, random: bytes, counter: int) -> bytes:
    """SESLK = E_DLK(random 4 ‖ load counter ‖ 8000). Source: card.md §4.3 step 2."""
    return suite.session_key(dlk, random + counter.to_bytes(2, "big") + b"\x80\x00")


def load_mac1(suite: CipherSuite, session_key: bytes, balance: Fen, amount: Fen, terminal: bytes) -> bytes:
    """Proves the card and its balance to the host. Source: card.md §4.3 step 2."""
    return suite.mac(session_key, balance.to_bytes4() + amount.to_bytes4() + bytes((LOAD_TYPE,)) + terminal)


def load_mac2(suite: CipherSuite, session_key: bytes, amount: Fen, terminal: bytes, time: bytes) -> bytes:
    """Proves the host to the card. Source: card.md §4.3 step 4."""
    return suite.mac(session_key, amount.to_bytes4() + bytes((LOAD_TYPE,)) + terminal + time)


def load_tac(
    suite: CipherSuite,
    dtk: bytes,
    balance_after: Fen,
    counter: int,
    amount: Fen,
    terminal: bytes,
    time: bytes,
) -> bytes:
    """`counter` is the value before the increment. Source: card.md §4.3 step 7, inferred §9.8, §9.9."""
    data = balance_after.to_bytes4() + counter.to_bytes(2, "big") + amount.to_bytes4()
    return suite.mac(suite.tac_key(dtk), data + bytes((LOAD_TYPE,)) + terminal + time)


def purchase_session_key(
    suite: CipherSuite, dpk: bytes, random: bytes, counter: int, sequence: bytes
) -> bytes:
    """SESPK = E_DPK(random 4 ‖ purchase counter ‖ low two bytes of the terminal sequence). Source: card.md §4.4."""
    return suite.session_key(dpk, random + counter.to_bytes(2, "big") + sequence[-2:])


def purchase_mac1(
    suite: CipherSuite,
    session_key: bytes,
    amounts: bytes,
    terminal: bytes,
    time: bytes,
    kind: int = PURCHASE_TYPE,
) -> bytes:
    """Proves the PSAM to the card; `amounts` as `PurchaseAmounts.build`. Source: card.md §4.4 step 5.

    A PSAM covers the type it is told (P9 §9.9.1), a card takes no other than 32.
    """
    return suite.mac(session_key, amounts + bytes((kind,)) + terminal + time)


def purchase_mac2(suite: CipherSuite, session_key: bytes, amounts: bytes) -> bytes:
    """Proves the card's debit to the PSAM. Source: card.md §4.4 step 8."""
    return suite.mac(session_key, amounts)


def purchase_tac(
    suite: CipherSuite, dtk: bytes, amounts: bytes, terminal: bytes, sequence: bytes, time: bytes
) -> bytes:
    """What the centre settles by. Source: card.md §4.4 step 9."""
    return suite.mac(suite.tac_key(dtk), amounts + bytes((PURCHASE_TYPE,)) + terminal + sequence + time)
