"""The user card's client: one method per command, in the trade's names, typed values in and out.

Not here: the order of commands and what follows from a refusal (workflow, debit, recovery), nor 61xx and 6Cxx (the
connection handed in completes them).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from enum import Enum, IntEnum

from sscard_terminal.cardspec.bcd import bcd_of_digits
from sscard_terminal.cardspec.ciphers import SM4, TRIPLE_DES, CipherSuite
from sscard_terminal.cardspec.commands.basic import GetChallenge, ReadRecord, RecordMode, Select
from sscard_terminal.cardspec.commands.forms import expect_answer
from sscard_terminal.cardspec.commands.medical import (
    DebitAnswer,
    DebitForPurchase,
    GetBalance,
    GetStartingDay,
    GetTransactionProof,
    InitializeForPurchase,
    PurchaseChallenge,
    TransactionProof,
    YearTotal,
)
from sscard_terminal.cardspec.commands.security import (
    ChangePin,
    ExternalAuthenticate,
    InternalAuthenticate,
    QueryTries,
    VerifyPin,
)
from sscard_terminal.cardspec.money import BalanceKind, Fen
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.cardspec.records import LOG_RECORD_LENGTH, Cardholder, IssuerData, LogRecord
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.iso7816.atr import Atr
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.identifiers import Aid
from sscard_terminal.iso7816.status import (
    FUNCTION_NOT_SUPPORTED,
    OK,
    PROOF_NOT_AVAILABLE,
    RECORD_NOT_FOUND,
    WRONG_P1P2,
)
from sscard_terminal.iso7816.tlv import TagLengthRecord, parse_ber, parse_record, parse_records
from sscard_terminal.reader.connection import Connection

from .exchange import CardRefused, send
from .outcomes import Accepted, Blocked, PinVerdict, Wrong

SSSE = Aid(bytes.fromhex("7378312E73682EC9E7BBE1B1A3D5CF"))
"""sx1.sh.社会保障. Source: card.md §1.1."""

MEDICAL_ACCOUNT = Aid(bytes.fromhex("D15600000503"))
"""DF04, 社会保险信息区2. Source: card.md §1.1."""

ISSUER_DATA_SFI, ISSUER_DATA_LENGTH = 0x05, 0x40
CARDHOLDER_SFI = 0x06
CARDHOLDER_LENGTH_1_0, CARDHOLDER_LENGTH = 0x45, 0x5B
LOG_SFI = 0x08
"""Short file identifiers and whole lengths (bytes, tags and lengths included). Source: card.md §1.5–1.7."""

ISSUER_DATA_TAGS = (0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07)
CARDHOLDER_TAGS = (0x08, 0x09, 0x4E, 0x0A, 0x0B, 0x0C, 0x0D)
"""Source: card.md §1.5, §1.6."""

MAX_LOG_RECORDS = 254
"""Record numbers are 01..FE."""

RKSSSE_KEY_ID = 0x0A
"""Opens EF06 on 3.0 cards. Source: card.md §1.9, §9.40."""


class CardAlgorithm(IntEnum):
    """Tag 86 inside 9F0C of the SSSE's FCI. Source: card.md §1.2."""

    DES = 0x01
    SSF33 = 0x02
    SM4 = 0x03


class AlgorithmNotSupported(Exception):
    """The card computes with an algorithm this terminal lacks; SSF33 is not public (card.md §9.29)."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def cipher_suite(algorithm: int | None, region: str) -> CipherSuite:
    """The suite of a card whose FCI names `algorithm` (None: no tag 86), issued in `region` (6 digits).

    Raises:
        AlgorithmNotSupported: SSF33, also where tag 86 is missing on a card of Beijing (11…); an unknown number.

    Source: card.md §1.2.
    """
    assumed = CardAlgorithm.SSF33 if region.startswith("11") else CardAlgorithm.DES
    match assumed if algorithm is None else algorithm:
        case CardAlgorithm.DES:
            return TRIPLE_DES
        case CardAlgorithm.SM4:
            return SM4
        case other:
            raise AlgorithmNotSupported(other)


class _Application(Enum):
    SSSE = "SSSE"
    MEDICAL_ACCOUNT = "DF04"


class SocialSecurityCard:
    """A social security card behind a connection that completes 61xx and 6Cxx (`reader.completing`).

    Every method may raise LinkError (no answer came), CardRefused (the card said no) and FormatError (the answer does
    not have the layout of the specification; it may have been cut off). What else, each says.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._current: _Application | None = None

    @property
    def historical_bytes(self) -> bytes:
        """The 13 historical bytes of the ATR; their last 8 are factor F3 (card.md §6.1).

        Raises:
            FormatError: no ATR by ISO/IEC 7816-3.
        """
        return Atr.parse(self._connection.atr).historical

    # The social security application (SSSE) -----------------------------------------------------------

    def select_ssse(self) -> int | None:
        """SELECT the SSSE by name and read its FCI: the algorithm (`CardAlgorithm`), None where it names none.

        Source: card.md §1.2, §4.2 step 2.
        """
        raise NotImplementedError

    def enter_ssse(self) -> None:
        """Select the SSSE unless it is current; no FCI is fetched."""
        raise NotImplementedError

    def issuer_data(self) -> IssuerData:
        """EF05 in one READ RECORD (from record 1 to the last), by tags where the card has no such mode.

        Source: card.md §1.5, §2.2.
        """
        raise NotImplementedError

    def cardholder(self, version: str) -> Cardholder:
        """EF06 in one READ RECORD; `version` "1.0", "2.0", "3.0" as in EF05 tells its length.

        A 3.0 card wants the external authentication with RKSSSE first (6982). Source: card.md §1.6, §9.40.
        """
        raise NotImplementedError

    def internal_authenticate(self, factor: bytes, original: bytes) -> bytes:
        """The card's answer (8 bytes) to a session factor and original information of 8 bytes each.

        Source: card.md §2.2, §6.6.
        """
        raise NotImplementedError

    def challenge(self) -> bytes:
        """GET CHALLENGE, 8 bytes, good for one use. Source: card.md §2.2."""
        raise NotImplementedError

    def external_authenticate(self, key_id: int, authentication_data: bytes, original: bytes) -> None:
        """Show the card that the terminal holds key `key_id`; over the newest challenge. Source: card.md §6.6."""
        raise NotImplementedError

    # The PIN --------------------------------------------------------------------------------------------

    def tries_left(self) -> int | None:
        """VERIFY with Lc 00: how many tries are left (0 = locked), None where no PIN is set. Costs no try.

        Source: card.md §3, "VERIFY with Lc 00", §9.16.
        """
        raise NotImplementedError

    def verify_pin(self, pin: Pin) -> PinVerdict:
        """VERIFY. A lost answer (LinkError) may have cost a try: ask `tries_left`. Source: card.md §3."""
        raise NotImplementedError

    def change_pin(self, old: Pin | None, new: Pin | None) -> PinVerdict:
        """CHANGE PIN, in the SSSE only; None where there is no PIN before or after.

        A lost answer (LinkError) leaves open which PIN the card has now. Source: card.md §3, §10 B12, B17.
        """
        raise NotImplementedError

    # The medical account (DF04) -------------------------------------------------------------------------

    def select_medical_account(self) -> None:
        """SELECT DF04 by name; the FCI tells nothing and is not asked for. Source: card.md §1.2."""
        raise NotImplementedError

    def enter_medical_account(self) -> None:
        """Select DF04 unless it is current."""
        raise NotImplementedError

    def balance(self) -> Fen:
        """GET BALANCE of the account (CIA). Needs the PIN if one is set (6982). Source: card.md §2.3."""
        raise NotImplementedError

    def year_total(self, kind: BalanceKind) -> YearTotal:
        """GET BALANCE of a year's total, SPIP or SPFP. Needs the PIN if one is set. Source: card.md §2.3."""
        raise NotImplementedError

    def initialize_for_purchase(
        self, amounts: PurchaseAmounts, terminal: str, key_index: int = 1
    ) -> PurchaseChallenge:
        """Open a purchase and fetch what MAC1 needs; `terminal` 12 digits, `key_index` 1..3. Nothing is spent yet.

        GET BALANCE, PROOF and GET RESPONSE leave the open purchase; any other command ends it.

        Raises:
            CardRefused: 6982 if the PIN was not verified, 9401 if the balance is too small, 9402 if the counter is at
                its end, 9403 if the card lacks the key.
            LinkError: the card went away; no money has moved.

        Source: card.md §4.4 step 2, §2.3.
        """
        raise NotImplementedError

    def debit_for_purchase(self, command: DebitForPurchase) -> DebitAnswer:
        """Spend. Never to be sent twice.

        Raises:
            CardRefused: the card answered another word than 9000 and nothing else. Which words mean that nothing
                changed, `debit` decides.
            FormatError, LinkError: what the card did is unknown.

        Source: card.md §4.4 step 6.
        """
        raise NotImplementedError

    def transaction_proof(self, kind: int, number: int) -> TransactionProof | None:
        """GET TRANSACTION PROOF of type 31 or 32 with the counter before it; None if the card has none (9406).

        Needs no PIN. What the answers prove and what not: reliability.md, "Recovery". Source: card.md §4.7.
        """
        raise NotImplementedError

    def log_records(self) -> Iterator[LogRecord]:
        """The account's log, newest first, read one record at a time. Needs the PIN if one is set.

        Source: card.md §4.6.
        """
        raise NotImplementedError

    def starting_day(self) -> str:
        """GET STARTING DAY: MMDD. Source: card.md §2.3."""
        raise NotImplementedError
