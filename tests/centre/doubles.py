"""What the centre's tests share: a host in memory, and a card whose answers a window would pass on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sscard_terminal.card.chip import Chip
from sscard_terminal.cardspec.ciphers import AlgorithmName
from sscard_terminal.cardspec.commands.medical import CreditForLoad, InitializeForLoad, LoadChallenge
from sscard_terminal.cardspec.issuing import CardReference, LoadAuthorised, LoadRequest
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.centre.hsm import SoftwareHsm
from sscard_terminal.centre.window_host import WindowHost
from sscard_terminal.centre.window_ledger import WindowLedger
from sscard_terminal.iso7816.atr import Atr
from tests.cards import KEYS, SSSE_NAME, Dice, fetch, new_card

NOON = datetime(2026, 1, 5, 12, 0, 0)
IDENTIFICATION = "370900D15600000500000002" + "FFFFFFFF"
TERMINAL = "370900000001"
PINS = {"gen1-16k": "1234", "gen2-32k": "123456", "gen3": "123456"}
ALGORITHMS: dict[str, AlgorithmName] = {"gen1-16k": "3DES", "gen2-32k": "3DES", "gen3": "SM4"}


@dataclass
class Seconds:
    """A second passes with every look."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def new_host(funds: int = 100_000) -> WindowHost:
    """A host in memory with money on the account of every card of the tests."""
    host = WindowHost(SoftwareHsm(KEYS), WindowLedger.open(), Seconds())
    if funds:
        host.ledger.deposit(IDENTIFICATION, Fen(funds), NOON)
    return host


@dataclass
class CardAtWindow:
    """A chip with its PIN verified and its medical account selected, and the requests its answers make."""

    profile: str = "gen2-32k"
    chip: Chip = field(init=False)
    clock: Seconds = field(default_factory=Seconds)
    asked: int = 0

    def __post_init__(self) -> None:
        self.chip = new_card(Dice(), balance=500, profile_name=self.profile)
        self.power_on()

    def power_on(self) -> None:
        self.chip.power_on()
        pin = PINS[self.profile]
        for text in (
            f"00A404000F{SSSE_NAME.hex()}",
            f"00200000{len(pin) // 2:02X}{pin}",
            "00A4040006D15600000503",
        ):
            assert fetch(self.chip, text).endswith("9000"), text

    @property
    def reference(self) -> CardReference:
        historical = Atr.parse(self.chip.atr()).historical
        return CardReference(IDENTIFICATION, "D2143569X", historical, ALGORITHMS[self.profile])

    def initialize(self, amount: int = 1000, **changes: object) -> LoadRequest:
        """INITIALIZE FOR LOAD, as the question to the host."""
        self.asked += 1
        command = InitializeForLoad(1, Fen(amount), bytes.fromhex(TERMINAL)).to_apdu()
        answer = fetch(self.chip, replace(command, ne=0).build().hex())
        found = LoadChallenge.parse(bytes.fromhex(answer[:-4]))
        asked = LoadRequest(
            request=f"request-{self.asked}",
            card=self.reference,
            terminal=TERMINAL,
            time=self.clock(),
            amount=Fen(amount),
            key_index=1,
            balance=found.balance,
            counter=found.counter,
            random=found.random,
            mac1=found.mac1,
        )
        return replace(asked, **changes)  # type: ignore[arg-type]  # fields of LoadRequest

    def credit(self, authorised: LoadAuthorised) -> bytes:
        """CREDIT FOR LOAD; the TAC."""
        time = bytes.fromhex(f"{authorised.host_time:%Y%m%d%H%M%S}")
        answer = fetch(self.chip, replace(CreditForLoad(time, authorised.mac2).to_apdu(), ne=0).build().hex())
        assert answer.endswith("9000"), answer
        return bytes.fromhex(answer[:-4])

    def balance(self) -> int:
        return int(fetch(self.chip, "B026000104")[:-4], 16)
