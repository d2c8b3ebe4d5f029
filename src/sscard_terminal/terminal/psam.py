"""The PSAM's client: recognise it, open its environment, check the card's answer, MAC1, MAC2.

Not here: the order of steps (workflow, debit, recovery) and loading keys (issuing).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import TypeVar

from sscard_terminal.cardspec.bcd import digits_of_bcd
from sscard_terminal.cardspec.ciphers import (
    MAC_LENGTH,
    SM4,
    TRIPLE_DES,
    CipherSuite,
    equal,
    exclusive_or,
    pad,
    pad_if_short,
)
from sscard_terminal.cardspec.commands.basic import ReadBinary, Select
from sscard_terminal.cardspec.commands.forms import expect_answer
from sscard_terminal.cardspec.commands.medical import PurchaseChallenge
from sscard_terminal.cardspec.commands.psam import (
    CipherData,
    CipherMode,
    CreditSamForPurchase,
    DeliverySessionKey,
    InitializeEnvironment,
    InitializeSamForPurchase,
    SamPurchaseAnswer,
)
from sscard_terminal.cardspec.keys import DiversificationFactors
from sscard_terminal.cardspec.psam_records import PsamApplicationInformation
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.identifiers import MASTER_FILE, Aid
from sscard_terminal.iso7816.status import (
    OK,
    REFERENCE_NOT_FOUND,
    TRANSACTION_MAC_WRONG,
    WRONG_DATA,
    WRONG_LENGTH,
    StatusWord,
)
from sscard_terminal.reader.connection import Connection, LinkError, LinkReason

ENCRYPTION = 0x07
MAC_AND_ENCRYPTION = 0x08
"""Bits 5–1 of a usage byte. Source: card.md §5.1."""


@dataclass(frozen=True, slots=True)
class SamKey:
    """A key in the PSAM: `kind` are bits 5–1 of its usage byte, the levels above them differ from PSAM to PSAM."""

    name: str
    kind: int
    key_id: int

    def usage(self, levels: int) -> int:
        """The usage byte for 1, 2 or 3 levels. Source: card.md §5.1."""
        return levels << 5 | self.kind


IRK = SamKey("IRK", ENCRYPTION, 0x08)
"""Checks internal authentication. Source: card.md §1.9, row IRK: 67 08."""
RKSSSE = SamKey("RKSSSE", ENCRYPTION, 0x0A)
"""Opens EF06 on 3.0 cards. Source: card.md §1.9, row RKSSSE: 67 0A."""
PUK = SamKey("PUK", MAC_AND_ENCRYPTION, 0x10)
"""Opens PIN UNBLOCK and RELOAD; few PSAMs have it. Source: card.md §1.9, row PUK: 48 10."""
STK = SamKey("STK", MAC_AND_ENCRYPTION, 0x09)
"""Protects those two commands. Source: card.md §1.9, row STK: 48 09, §10 A9."""

LEVELS = (3, 2, 1)
"""How many levels of diversification may still be to do, tried in this order. Source: card.md §5.1."""
OTHER_LEVEL = (WRONG_DATA, WRONG_LENGTH)
"""The PSAM's words for another number of levels. Source: card.md §5.1, §10 B41."""
PURCHASE_KEY = "DPK"
"""Under this name the levels of the purchase keys are remembered; 80 70 names them by the card's key version."""

TERMINAL_NUMBER_FILE, TERMINAL_NUMBER_LENGTH = 0x0016, 6
SEQUENCE_FILE, SEQUENCE_LENGTH = 0x0019, 4
APPLICATION_FILES, APPLICATION_FILE_LENGTH = (0x001A, 0x001B, 0x001C), 10
APPLICATION_DF = 0xDF01
"""Source: card.md §5.1."""

ENVIRONMENTS: dict[str, Select] = {
    TRIPLE_DES.name: Select.df(MASTER_FILE),
    SM4.name: Select.name(Aid(bytes.fromhex("7378332E73682EC9E7BBE1B1A3D5CF"))),
}
"""Where each suite's DF01 lies: below the MF (sx1), below sx3.sh.社会保障. Source: card.md §5.1, §9.21, §10 B40."""

NOTHING_HELD = b""
"""In place of the sequence of the purchase a PSAM holds."""

MAC2_WRONG = (TRANSACTION_MAC_WRONG, StatusWord(0x63CF))
"""Source: card.md §9.13."""


LevelledCommand = Callable[[int], CommandApdu]
"""A command for 1, 2 or 3 levels of diversification."""
_Value = TypeVar("_Value")


class PsamProblem(StrEnum):
    """What is wrong with the PSAM. The value is the key of its sentence in voice/messages."""

    NOT_A_PSAM = "not-a-psam"
    LINK_BROKEN = "psam-link-broken"
    REFUSED = "psam-refused"
    KEY_LEVEL = "psam-key-level"
    KEY_MISSING = "psam-key-missing"
    MALFORMED = "psam-malformed"


class PsamFailure(Exception):
    """The PSAM could not do its part; `command`, `sw` and `link` tell where. The card has not been touched by it."""

    def __init__(
        self,
        problem: PsamProblem,
        command: str = "",
        sw: StatusWord | None = None,
        link: LinkReason | None = None,
    ) -> None:
        super().__init__(problem, command, sw, link)
        self.problem = problem
        self.command = command
        self.sw = sw
        self.link = link

    def __str__(self) -> str:
        detail = f" {self.sw}" if self.sw is not None else f" {self.link}" if self.link else ""
        return f"{self.problem}: {self.command}{detail}"


class Psam:
    """A PSAM behind a connection that completes 61xx and 6Cxx. Every method may raise PsamFailure."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._terminal_number = ""
        self._suite: CipherSuite = TRIPLE_DES
        self._applications: dict[str, PsamApplicationInformation | None] = {}
        self._levels: dict[str, int] = {}
        self._open: tuple[int, str] | None = None
        self._held: bytes | None = None

    def terminal_number(self) -> str:
        """File 0016 under 3F00, 12 digits, read once. Raises PsamFailure (NOT_A_PSAM) where it cannot be read.

        Card and PSAM bear the same MF name; by this file they are told apart. Source: card.md §5.1, §10 row PSAM.
        """
        if not self._terminal_number:
            self._open, self._held = None, NOTHING_HELD
            self._select(Select.df(MASTER_FILE), PsamProblem.NOT_A_PSAM)
            raw = self._read(TERMINAL_NUMBER_FILE, TERMINAL_NUMBER_LENGTH, PsamProblem.NOT_A_PSAM)
            self._terminal_number = _parsed(
                "READ BINARY 0016", lambda: _terminal_number(raw), PsamProblem.NOT_A_PSAM
            )
        return self._terminal_number

    def open_environment(self, first_byte: int, suite: CipherSuite) -> None:
        """Select DF01 of the suite's environment; BF EC with the first byte of the card identification code.

        Nothing is sent while the very same environment is open: a SELECT would end a purchase the PSAM holds, which
        recovery may still need. Source: card.md §5.2, §9.21, §10 B40.
        """
        if self._open == (first_byte, suite.name):
            return
        self._open, self._held, self._suite = None, NOTHING_HELD, suite
        self._select(ENVIRONMENTS[suite.name])
        self._select(Select.df(APPLICATION_DF))
        if suite.name not in self._applications:
            self._applications[suite.name] = next(self._application_files(), None)
        self._data("INITIALIZE ENVIRONMENT", InitializeEnvironment(first_byte).to_apdu())
        self._open = (first_byte, suite.name)

    def key_index(self) -> int:
        """The DPK index of the open environment, from 001A, 001B or 001C; 1 where none can be read."""
        application = self._applications.get(self._suite.name)
        return application.dpk_index if application else 1

    def valid_from(self) -> date | None:
        """The first day of the open environment's DPK; None where it is not told."""
        application = self._applications.get(self._suite.name)
        return application.valid_from if application else None

    def valid_to(self) -> date | None:
        """The last day of the environment's DPK; None where it is not told. For a warning ahead of time."""
        application = self._applications.get(self._suite.name)
        return application.valid_to if application else None

    def look_into(self, suite: CipherSuite) -> tuple[int, PsamApplicationInformation | None]:
        """The terminal sequence of a suite's environment and the dates of its DPK, None where they are not told.

        Both are free to read, with no card and no key; a purchase the PSAM holds is over then. Source: card.md §5.1,
        §10 B40.
        """
        self._open, self._held = None, NOTHING_HELD
        self._select(ENVIRONMENTS[suite.name])
        self._select(Select.df(APPLICATION_DF))
        sequence = self._read(SEQUENCE_FILE, SEQUENCE_LENGTH, PsamProblem.REFUSED)
        return int.from_bytes(sequence, "big"), next(self._application_files(), None)

    def check_internal_authentication(
        self, factors: DiversificationFactors, factor: bytes, original: bytes, answer: bytes
    ) -> bool:
        """True when `answer` (8 bytes) is what a card with the genuine IRK says. Source: card.md §5.2, §6.6."""
        return equal(self._authentication_data(IRK, factors, factor, original), answer)

    def external_authentication_data(
        self, key: SamKey, factors: DiversificationFactors, challenge: bytes, original: bytes
    ) -> bytes:
        """The 8 bytes that show the card we hold `key`. Source: card.md §5.3, §6.6."""
        return self._authentication_data(key, factors, challenge, original)

    def encrypted(
        self, key: SamKey, factors: DiversificationFactors, challenge: bytes, plain: bytes
    ) -> bytes:
        """`plain` with its length before it, padded and encrypted for the card's newest `challenge`.

        Source: card.md §5.3, §6.5.
        """
        block = self._suite.block
        blocks = pad_if_short(bytes((len(plain),)) + plain, block)
        self._deliver(key, factors, challenge)
        name, size = "CIPHER DATA", len(blocks)
        command = CipherData(CipherMode.ENCRYPT_LAST, blocks, size)
        raw = self._data(name, replace(command.to_apdu(), sensitive=True))
        return _parsed(name, lambda: expect_answer(raw, size, name))

    def message_mac(
        self, key: SamKey, factors: DiversificationFactors, challenge: bytes, message: bytes
    ) -> bytes:
        """The 4-byte MAC of a protected command (header, Lc and data) for the card's newest `challenge`.

        Encrypting drops the session key, so it is delivered anew. Source: card.md §5.3, §6.3, §9.22.
        """
        block = self._suite.block
        self._deliver(key, factors, challenge)
        chained = bytes(block) + pad(message, block)
        name, size = "CIPHER DATA", 8 if block == 8 else MAC_LENGTH
        raw = self._data(name, CipherData(CipherMode.MAC_SINGLE, chained, size).to_apdu())
        return _parsed(name, lambda: expect_answer(raw, size, name))[:MAC_LENGTH]

    def mac1(
        self,
        challenge: PurchaseChallenge,
        amounts: PurchaseAmounts,
        time: bytes,
        factors: DiversificationFactors,
    ) -> SamPurchaseAnswer:
        """80 70: terminal sequence and MAC1 for this purchase; the PSAM holds it from now on. Source: card.md §5.4."""
        key = (challenge.key_version, challenge.algorithm)

        def command(levels: int) -> CommandApdu:
            factor_bytes = factors.nearest_first(levels)
            return InitializeSamForPurchase(
                challenge.random, challenge.counter, amounts, time, *key, factor_bytes
            ).to_apdu()

        self._held = NOTHING_HELD
        answer = self._with_levels("INITIALIZE SAM FOR PURCHASE", PURCHASE_KEY, command)
        purchase = _parsed("INITIALIZE SAM FOR PURCHASE", lambda: SamPurchaseAnswer.parse(answer))
        self._held = purchase.sequence
        return purchase

    def confirm_mac2(self, mac2: bytes) -> bool:
        """80 72: True when the card's MAC2 belongs to the purchase the PSAM holds, False when not (9302, 63CF).

        Raises:
            PsamFailure: 6901 where the PSAM holds no purchase (any more); anything else it says.

        Source: card.md §5.4, §9.13.
        """
        self._held = NOTHING_HELD
        answer = self._transmit("CREDIT SAM FOR PURCHASE", CreditSamForPurchase(mac2).to_apdu())
        if answer.sw in MAC2_WRONG:
            return False
        if answer.sw != OK:  # not even 61xx: only 9000 makes the sale valid (card.md §4.4 step 10)
            raise PsamFailure(PsamProblem.REFUSED, "CREDIT SAM FOR PURCHASE", answer.sw)
        return True

    @property
    def holds_nothing(self) -> bool:
        """True when this PSAM certainly holds no purchase."""
        return self._held == NOTHING_HELD

    def may_hold(self, sequence: bytes) -> bool:
        """False when this PSAM certainly does not hold the purchase with this terminal sequence (4 bytes).

        What an earlier process left in it we do not know: a PSAM nothing was asked of yet may hold anything.
        """
        return self._held is None or self._held == sequence

    # ----------------------------------------------------------------------------------------------------

    def _authentication_data(
        self, key: SamKey, factors: DiversificationFactors, seed: bytes, original: bytes
    ) -> bytes:
        """E under the session key that `key` and `seed` make; the halves of a 16-byte block are folded."""
        block = self._suite.block
        self._deliver(key, factors, seed)
        plain = original.ljust(block, b"\x00")
        raw = self._data("CIPHER DATA", CipherData(CipherMode.ENCRYPT_LAST, plain, block).to_apdu())
        answer = _parsed("CIPHER DATA", lambda: expect_answer(raw, block, "CIPHER DATA"))
        return answer if block == 8 else exclusive_or(answer[:8], answer[8:])

    def _deliver(self, key: SamKey, factors: DiversificationFactors, seed: bytes) -> None:
        """Have the PSAM make the session key of the card's `key` and `seed`."""

        def command(levels: int) -> CommandApdu:
            body = factors.nearest_first(levels) + seed.ljust(self._suite.block, b"\x00")
            return DeliverySessionKey(key.usage(levels), key.key_id, body).to_apdu()

        self._with_levels(f"DELIVERY SESSION KEY {key.name}", key.name, command)

    def _with_levels(self, name: str, key: str, command: LevelledCommand) -> bytes:
        """Send `command` for the number of levels this key has; learn it by trying, once.

        Raises:
            PsamFailure: KEY_LEVEL when no number fits (the driver's -24), KEY_MISSING for 6A88.
        """
        known = self._levels.get(key)
        answer = None
        for levels in LEVELS if known is None else (known,):
            answer = self._transmit(name, command(levels))
            if answer.sw.is_success:
                self._levels[key] = levels
                return answer.data
            if answer.sw not in OTHER_LEVEL:
                break
        assert answer is not None
        self._open = None  # whatever is wrong with it, the next card finds it opened afresh
        raise PsamFailure(_problem_of(answer.sw), name, answer.sw)

    def _application_files(self) -> Iterator[PsamApplicationInformation]:
        for file_id in APPLICATION_FILES:
            try:
                yield PsamApplicationInformation.parse(
                    self._read(file_id, APPLICATION_FILE_LENGTH, PsamProblem.REFUSED)
                )
            except FormatError:
                continue  # an unused file holds no dates
            except PsamFailure as failure:
                if failure.problem is PsamProblem.LINK_BROKEN:
                    raise

    def _read(self, file_id: int, length: int, problem: PsamProblem) -> bytes:
        self._data(f"SELECT {file_id:04X}", Select.ef(file_id).to_apdu(), problem)
        name = f"READ BINARY {file_id:04X}"
        raw = self._data(name, ReadBinary(0, ne=length).to_apdu(), problem)
        return _parsed(name, lambda: expect_answer(raw, length, name), problem)

    def _select(self, select: Select, problem: PsamProblem = PsamProblem.REFUSED) -> None:
        """Without Le: the FCI is not needed, and 61xx is a success already."""
        self._data(f"SELECT {select.target.hex().upper()}", replace(select.to_apdu(), ne=0), problem)

    def _data(self, name: str, command: CommandApdu, problem: PsamProblem = PsamProblem.REFUSED) -> bytes:
        answer = self._transmit(name, command)
        if not answer.sw.is_success:
            raise PsamFailure(problem, name, answer.sw)
        return answer.data

    def _transmit(self, name: str, command: CommandApdu) -> ResponseApdu:
        try:
            return self._connection.transmit(command)
        except LinkError as error:
            raise PsamFailure(PsamProblem.LINK_BROKEN, name, link=error.reason) from error


def _terminal_number(raw: bytes) -> str:
    digits = digits_of_bcd(raw)
    if len(digits) != 2 * TERMINAL_NUMBER_LENGTH:
        raise FormatError("a terminal number has 12 digits")
    return digits


def _problem_of(sw: StatusWord) -> PsamProblem:
    if sw in OTHER_LEVEL:
        return PsamProblem.KEY_LEVEL
    return PsamProblem.KEY_MISSING if sw == REFERENCE_NOT_FOUND else PsamProblem.REFUSED


def _parsed(name: str, parse: Callable[[], _Value], problem: PsamProblem = PsamProblem.MALFORMED) -> _Value:
    try:
        return parse()
    except FormatError as error:
        raise PsamFailure(problem, name) from error
