"""The user card's client: one method per command, in the trade's names, typed values in and out.

Not here: files as they are (client_files.py), the commands only the issuer's keys can finish (client_issuing.py), the order of commands and what follows
from a refusal (workflow, debit, recovery), nor 61xx and 6Cxx (the connection handed in completes them).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from enum import Enum
from typing import TypeVar

from sscard_terminal.cardspec.bcd import bcd_of_digits
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
from sscard_terminal.iso7816.apdu import CommandApdu
from sscard_terminal.iso7816.atr import Atr
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.identifiers import Aid
from sscard_terminal.iso7816.status import (
    FUNCTION_NOT_SUPPORTED,
    OK,
    PROOF_NOT_AVAILABLE,
    RECORD_NOT_FOUND,
    WRONG_P1P2,
    StatusWord,
)
from sscard_terminal.iso7816.tlv import TagLengthRecord, parse_record, parse_records
from sscard_terminal.reader.connection import Connection

from .algorithm import algorithm_of
from .client_files import WHOLE, FileCommands
from .client_issuing import IssuingCommands
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

Records = Iterable[TagLengthRecord]
_Value = TypeVar("_Value")

MAX_LOG_RECORDS = 254
"""Record numbers are 01..FE."""

RKSSSE_KEY_ID = 0x0A
"""Opens EF06 on 3.0 cards. Source: card.md §1.9, §9.40."""


SELECT_SSSE = "SELECT SSSE"


class _Application(Enum):
    """What can be current, by the name its SELECT bears in a refusal."""

    SSSE = SELECT_SSSE
    MEDICAL_ACCOUNT = "SELECT DF04"


class SocialSecurityCard(IssuingCommands, FileCommands):
    """A social security card behind a connection that completes 61xx and 6Cxx (`reader.completing`).

    Every method may raise LinkError (no answer came), CardRefused (the card said no) and FormatError (the answer does
    not have the layout of the specification; it may have been cut off). What else, each says.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._current: _Application | None = None

    @property
    def answer_to_reset(self) -> bytes:
        """As the reader reports it, whatever it looks like."""
        return self._connection.atr

    @property
    def historical_bytes(self) -> bytes:
        """The 13 historical bytes of the ATR; their last 8 are factor F3 (card.md §6.1).

        Raises:
            FormatError: no ATR by ISO/IEC 7816-3.
        """
        return Atr.parse(self._connection.atr).historical

    # The social security application (SSSE) -----------------------------------------------------------

    def select_ssse(self) -> int | None:
        """SELECT the SSSE by name and read its FCI: the algorithm (`algorithm.CardAlgorithm`), None where it names none.

        Source: card.md §1.2, §4.2 step 2.
        """
        fci = self._select(_Application.SSSE, Select.name(SSSE).to_apdu())
        return algorithm_of(fci)

    def enter_ssse(self) -> None:
        """Select the SSSE unless it is current; no FCI is fetched."""
        if self._current is not _Application.SSSE:
            self._select(_Application.SSSE, replace(Select.name(SSSE).to_apdu(), ne=0))

    def select_application(self, name: Aid) -> None:
        """SELECT an application by name, whichever is current: the keys shown to another one are forgotten.

        Source: card.md §2.1, §10 B8, B9.
        """
        self._current = None
        self._send(f"SELECT {name.hex().upper()}", replace(Select.name(name).to_apdu(), ne=0))

    def issuer_data(self) -> IssuerData:
        """EF05 in one READ RECORD (from record 1 to the last), by tags where the card has no such mode.

        Source: card.md §1.5, §2.2.
        """
        return self._read_file("EF05", ISSUER_DATA_SFI, ISSUER_DATA_LENGTH, ISSUER_DATA_TAGS, IssuerData.of)

    def cardholder(self, version: str) -> Cardholder:
        """EF06 in one READ RECORD; `version` "1.0", "2.0", "3.0" as in EF05 tells its length.

        A 3.0 card wants the external authentication with RKSSSE first (6982). Source: card.md §1.6, §9.40.
        """
        length = CARDHOLDER_LENGTH_1_0 if version == "1.0" else CARDHOLDER_LENGTH
        return self._read_file("EF06", CARDHOLDER_SFI, length, CARDHOLDER_TAGS, Cardholder.of)

    def internal_authenticate(self, factor: bytes, original: bytes) -> bytes:
        """The card's answer (8 bytes) to a session factor and original information of 8 bytes each.

        Source: card.md §2.2, §6.6.
        """
        answer = self._send("INTERNAL AUTHENTICATE", InternalAuthenticate(factor, original).to_apdu())
        return expect_answer(answer, 8, "INTERNAL AUTHENTICATE")

    def challenge(self) -> bytes:
        """GET CHALLENGE, 8 bytes, good for one use. Source: card.md §2.2."""
        return expect_answer(self._send("GET CHALLENGE", GetChallenge(8).to_apdu()), 8, "GET CHALLENGE")

    def external_authenticate(self, key_id: int, authentication_data: bytes, original: bytes) -> None:
        """Show the card that the terminal holds key `key_id`; over the newest challenge. Source: card.md §6.6."""
        command = ExternalAuthenticate(key_id, authentication_data, original)
        self._send("EXTERNAL AUTHENTICATE", command.to_apdu())

    # The PIN --------------------------------------------------------------------------------------------

    def tries_left(self) -> int | None:
        """VERIFY with Lc 00: how many tries are left (0 = locked), None where no PIN is set. Costs no try.

        Source: card.md §3, "VERIFY with Lc 00", §9.16.
        """
        answer = self._connection.transmit(QueryTries().to_apdu())
        if answer.sw == OK:
            return None
        if answer.sw.tries_left is None:
            raise CardRefused("VERIFY", answer.sw)
        return answer.sw.tries_left

    def verify_pin(self, pin: Pin) -> PinVerdict:
        """VERIFY. A lost answer (LinkError) may have cost a try: ask `tries_left`. Source: card.md §3."""
        return pin_verdict("VERIFY", self._connection.transmit(VerifyPin.of(pin).to_apdu()).sw)

    def change_pin(self, old: Pin | None, new: Pin | None) -> PinVerdict:
        """CHANGE PIN, in the SSSE only; None where there is no PIN before or after.

        A lost answer (LinkError) leaves open which PIN the card has now. Source: card.md §3, §10 B12, B17.
        """
        return pin_verdict("CHANGE PIN", self._connection.transmit(ChangePin.of(old, new).to_apdu()).sw)

    # The medical account (DF04) -------------------------------------------------------------------------

    def select_medical_account(self) -> None:
        """SELECT DF04 by name; the FCI tells nothing and is not asked for. Source: card.md §1.2."""
        self._select(_Application.MEDICAL_ACCOUNT, replace(Select.name(MEDICAL_ACCOUNT).to_apdu(), ne=0))

    def enter_medical_account(self) -> None:
        """Select DF04 unless it is current."""
        if self._current is not _Application.MEDICAL_ACCOUNT:
            self.select_medical_account()

    def balance(self) -> Fen:
        """GET BALANCE of the account (CIA). Needs the PIN if one is set (6982). Source: card.md §2.3."""
        answer = self._send("GET BALANCE", GetBalance(BalanceKind.CIA).to_apdu())
        return Fen.from_bytes4(expect_answer(answer, 4, "GET BALANCE"))

    def year_total(self, kind: BalanceKind) -> YearTotal:
        """GET BALANCE of a year's total, SPIP or SPFP. Needs the PIN if one is set. Source: card.md §2.3."""
        return YearTotal.parse(self._send("GET BALANCE", GetBalance(kind).to_apdu()))

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
        command = InitializeForPurchase(key_index, amounts, bcd_of_digits(terminal, 6))
        return PurchaseChallenge.parse(self._send("INITIALIZE FOR PURCHASE", command.to_apdu()))

    def debit_for_purchase(self, command: DebitForPurchase) -> DebitAnswer:
        """Spend. Never to be sent twice.

        Raises:
            CardRefused: the card answered another word than 9000 and nothing else. Which words mean that nothing
                changed, `debit` decides.
            FormatError, LinkError: what the card did is unknown.

        Source: card.md §4.4 step 6.
        """
        answer = self._connection.transmit(command.to_apdu())
        if answer.sw == OK:
            return DebitAnswer.parse(answer.data)
        if answer.data:
            # A refusal has no data: this is an answer cut off, its last two bytes taken for a status word (pcsc.md §6).
            raise FormatError("DEBIT FOR PURCHASE: a status word with data before it that is no success")
        raise CardRefused("DEBIT FOR PURCHASE", answer.sw)

    def transaction_proof(self, kind: int, number: int) -> TransactionProof | None:
        """GET TRANSACTION PROOF of type 31 or 32 with the counter before it; None if the card has none (9406).

        Needs no PIN. What the answers prove and what not: reliability.md, "Recovery". Source: card.md §4.7.
        """
        try:
            answer = self._send("GET TRANSACTION PROOF", GetTransactionProof(kind, number).to_apdu())
        except CardRefused as refused:
            if refused.sw == PROOF_NOT_AVAILABLE:
                return None
            raise
        return TransactionProof.parse(answer)

    def log_records(self) -> Iterator[LogRecord]:
        """The account's log, newest first, read one record at a time. Needs the PIN if one is set.

        Source: card.md §4.6.
        """
        length = LOG_RECORD_LENGTH
        for number in range(1, MAX_LOG_RECORDS + 1):
            raw = self._record_or_none(ReadRecord(number, sfi=LOG_SFI, ne=length))
            if raw is None:
                return
            record = LogRecord.parse(raw)  # first, so that an answer cut short is not taken for the log's end
            if LogRecord.is_empty(raw):
                return
            length = len(raw)  # 20 bytes on a card in account-only mode
            yield record

    def starting_day(self) -> str:
        """GET STARTING DAY: MMDD. Source: card.md §2.3."""
        return expect_answer(
            self._send("GET STARTING DAY", GetStartingDay().to_apdu()), 2, "GET STARTING DAY"
        ).hex()

    # ----------------------------------------------------------------------------------------------------

    def _send(self, name: str, command: CommandApdu) -> bytes:
        return send(self._connection, name, command)

    def _select(self, application: _Application, command: CommandApdu) -> bytes:
        """A refused SELECT leaves the current application (card.md §10 B25); a lost answer leaves us unsure."""
        before, self._current = self._current, None
        try:
            fci = self._send(application.value, command)
        except CardRefused:
            self._current = before
            raise
        self._current = application
        return fci

    def _read_file(
        self, name: str, sfi: int, length: int, tags: Iterable[int], build: Callable[[Records], _Value]
    ) -> _Value:
        """A linear file in one command, or by tags from a card that does not know READ RECORD's mode 101.

        With the whole length as Le a T=0 card answers at once, where Le 00 would cost a 6Cxx. A longer file is
        cut off there, so what does not fit is read again, all of it.
        """
        try:
            return build(self._records(name, sfi, length))
        except FormatError:
            return build(self._records(name, sfi, WHOLE))
        except CardRefused as refused:
            if refused.sw not in (WRONG_P1P2, FUNCTION_NOT_SUPPORTED):
                raise
        found = (self._record_or_none(ReadRecord(tag, RecordMode.FIRST_WITH_ID, sfi)) for tag in tags)
        return build([parse_record(raw) for raw in found if raw is not None])

    def _records(self, name: str, sfi: int, length: int) -> Records:
        command = ReadRecord(1, RecordMode.NUMBER_TO_LAST, sfi, length)
        return parse_records(self._send(f"READ RECORD {name}", command.to_apdu()))

    def _record_or_none(self, command: ReadRecord) -> bytes | None:
        """One record, None where the card has no such record (6A83)."""
        try:
            return self._send("READ RECORD", command.to_apdu())
        except CardRefused as refused:
            if refused.sw == RECORD_NOT_FOUND:
                return None
            raise


def pin_verdict(command: str, sw: StatusWord) -> PinVerdict:
    """What the word that answers `command`, VERIFY or CHANGE PIN, says of the PIN. Source: card.md §3.

    Raises:
        CardRefused: nothing about it.
    """
    match sw, sw.tries_left:
        case 0x9000, _:
            return Accepted()
        case _, 0:
            return Blocked()
        case _, int(tries):
            return Wrong(tries)
        case _:
            raise CardRefused(command, sw)
