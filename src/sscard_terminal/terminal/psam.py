"""The PSAM's client: recognise it, open its environment, check the card's answer, MAC1, MAC2.

Not here: the order of steps (workflow, debit, recovery) and loading keys (issuing).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sscard_terminal.cardspec.ciphers import CipherSuite
from sscard_terminal.cardspec.commands.medical import PurchaseChallenge
from sscard_terminal.cardspec.commands.psam import SamPurchaseAnswer
from sscard_terminal.cardspec.keys import DiversificationFactors
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.iso7816.status import StatusWord
from sscard_terminal.reader.connection import Connection, LinkReason


@dataclass(frozen=True, slots=True)
class SamKey:
    """A key in the PSAM: `kind` are bits 5–1 of its usage byte, the levels above them differ from PSAM to PSAM."""

    name: str
    kind: int
    key_id: int

    def usage(self, levels: int) -> int:
        """The usage byte for 1, 2 or 3 levels. Source: card.md §5.1."""
        return levels << 5 | self.kind


class PsamProblem(StrEnum):
    """What is wrong with the PSAM. The value is the key of its sentence in cli/messages."""

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


class Psam:
    """A PSAM behind a connection that completes 61xx and 6Cxx. Every method may raise PsamFailure."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def terminal_number(self) -> str:
        """File 0016 under 3F00, 12 digits, read once. Raises PsamFailure (NOT_A_PSAM) where it cannot be read.

        Source: card.md §5.1, §10 row PSAM.
        """
        raise NotImplementedError

    def open_environment(self, first_byte: int, suite: CipherSuite) -> None:
        """Select DF01 of the suite's environment; BF EC with the first byte of the card identification code.

        Ends any purchase the PSAM holds. Source: card.md §5.2, §9.21, §10 B40.
        """
        raise NotImplementedError

    def key_index(self) -> int:
        """The DPK index of the open environment, from 001A, 001B or 001C; 1 where none can be read."""
        raise NotImplementedError

    def valid_to(self) -> date | None:
        """The last day of the environment's DPK; None where it is not told. For a warning ahead of time."""
        raise NotImplementedError

    def check_internal_authentication(
        self, factors: DiversificationFactors, factor: bytes, original: bytes, answer: bytes
    ) -> bool:
        """True when `answer` (8 bytes) is what a card with the genuine IRK says. Source: card.md §5.2, §6.6."""
        raise NotImplementedError

    def external_authentication_data(
        self, key: SamKey, factors: DiversificationFactors, challenge: bytes, original: bytes
    ) -> bytes:
        """The 8 bytes that show the card we hold `key`. Source: card.md §5.3, §6.6."""
        raise NotImplementedError

    def mac1(
        self,
        challenge: PurchaseChallenge,
        amounts: PurchaseAmounts,
        time: bytes,
        factors: DiversificationFactors,
    ) -> SamPurchaseAnswer:
        """80 70: terminal sequence and MAC1 for this purchase. Source: card.md §5.4."""
        raise NotImplementedError

    def confirm_mac2(self, mac2: bytes) -> bool:
        """80 72: True when the card's MAC2 belongs to the purchase the PSAM holds, False when not (9302, 63CF).

        Raises:
            PsamFailure: 6901 where the PSAM holds no purchase (any more); anything else it says.

        Source: card.md §5.4, §9.13.
        """
        raise NotImplementedError

    def may_hold(self, sequence: bytes) -> bool:
        """False when this PSAM certainly does not hold the purchase with this terminal sequence (4 bytes)."""
        raise NotImplementedError
