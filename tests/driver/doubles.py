"""A place for the driver: virtual cards in both readers, a PSAM, a journal, and a holder who keys what the test says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from sscard_terminal.card.chip import Chip
from sscard_terminal.card.loopback import LoopbackConnection
from sscard_terminal.cardspec.issuing import CardReference
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.centre.hsm import SoftwareHsm
from sscard_terminal.driver.driver import Driver
from sscard_terminal.driver.place import Interface, PinWish, Place
from sscard_terminal.driver.result import Result
from sscard_terminal.iso7816.status import Language
from sscard_terminal.reader.completing import completing
from sscard_terminal.reader.connection import Connection, LinkReason, link_error
from sscard_terminal.reader.pinpad import PinPad
from sscard_terminal.terminal.client import SocialSecurityCard
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.outcomes import Declined, Reason
from sscard_terminal.terminal.policy import Policy
from sscard_terminal.terminal.psam import Psam
from sscard_terminal.terminal.sale_rules import SaleRules
from sscard_terminal.terminal.till.till import Shop
from tests.cards import KEYS, Dice, card_image, chip_of, new_psam
from tests.terminal.doubles import TickingClock

GENERATIONS = ("gen1-16k", "gen2-32k", "gen3")
FIRST_PINS = {"gen1-16k": "1234", "gen2-32k": "123456", "gen3": "123456"}
HSM = SoftwareHsm(KEYS)
Link = Callable[[Connection], Connection]


@cache
def _image(profile: str, balance: int) -> bytes:
    return card_image(profile, balance)


def fresh_card(profile: str = "gen2-32k", balance: int = 10_000) -> Chip:
    """张三's card of a generation, just handed out."""
    return chip_of(_image(profile, balance), profile_name=profile)


@dataclass
class Holder:
    """Keys the PINs that were put down, in their order; `wishes` are what was asked for."""

    pins: list[str | Reason] = field(default_factory=list)
    wishes: list[PinWish] = field(default_factory=list)
    given: list[Pin] = field(default_factory=list)
    tries_seen: list[int | None] = field(default_factory=list)
    amounts_seen: list[PurchaseAmounts | None] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None
    """What happens while the holder keys."""

    def ask(
        self, wish: PinWish, tries_left: int | None = None, amounts: PurchaseAmounts | None = None
    ) -> Pin | Declined:
        self.wishes.append(wish)
        self.tries_seen.append(tries_left)
        self.amounts_seen.append(amounts)
        self.meanwhile()
        answer = self.pins.pop(0) if self.pins else Reason.PIN_ENTRY_TIMED_OUT
        if isinstance(answer, Reason):
            return Declined(answer)
        self.given.append(Pin(answer))
        return self.given[-1]


@dataclass
class OpenedCard:
    card: SocialSecurityCard
    psam: Psam | None
    pad: PinPad | None

    def exclusively(self) -> AbstractContextManager[None]:
        return nullcontext()

    def find_pad(self) -> PinPad | None:
        return self.pad


@dataclass
class Bench:
    """Cards come and go; `link` stands between card and driver, `trouble` is what the reader says instead of a card."""

    journal: Journal
    cards: dict[Interface, Chip]
    psam_chip: Chip | None
    clock: TickingClock
    holder: Holder = field(default_factory=Holder)
    link: Link | None = None
    trouble: LinkReason | None = None
    pad: PinPad | None = None
    policy: Policy = field(default_factory=lambda: Policy(accept_expired=True))
    rules: SaleRules = field(default_factory=SaleRules)
    seconds: float = 0.0
    open_now: int = 0
    has_page: bool = True
    psam_stays: Psam | None = None
    device: str = ""
    profile: str = ""
    name: str = "泰山大药房"
    language: Language = "zh"
    known: CardReference | None = None
    dice: Dice = field(default_factory=Dice)

    @classmethod
    def at(
        cls, folder: Path, profile: str = "gen2-32k", *, psam: bool = True, balance: int = 10_000
    ) -> Bench:
        journal = Journal.open(folder / "journal.db")
        card = fresh_card(profile, balance)
        bench = cls(journal, {Interface.CONTACT: card}, new_psam() if psam else None, TickingClock())
        bench.profile = profile
        bench.holder.pins = [FIRST_PINS[profile]] * 99
        return bench

    def __post_init__(self) -> None:
        self.driver = Driver(self.place, lambda: self.seconds)

    @property
    def chip(self) -> Chip:
        return self.cards[Interface.CONTACT]

    @chip.setter
    def chip(self, chip: Chip) -> None:
        self.cards[Interface.CONTACT] = chip

    def renewed(self) -> Bench:
        """The driver started anew, with what is set by now."""
        self.__post_init__()
        return self

    def place(self) -> Place:
        return Place(
            self,
            self.journal,
            Shop(self.policy, self.rules, self.name),
            self.clock,
            self.dice,
            self.holder if self.has_page else None,
            self.device,
            language=self.language,
        )

    @contextmanager
    def opened(self, interface: Interface) -> Iterator[OpenedCard]:
        if self.trouble is not None:
            raise link_error(self.trouble)
        if interface not in self.cards:
            raise link_error(
                LinkReason.NO_CARD if interface is Interface.CONTACT else LinkReason.UNKNOWN_READER
            )
        connection: Connection = LoopbackConnection(self.cards[interface])
        if self.link is not None:
            connection = self.link(connection)
        self.open_now += 1
        try:
            yield OpenedCard(SocialSecurityCard(completing(connection)), self._psam(), self.pad)
        finally:
            self.open_now -= 1

    def _psam(self) -> Psam | None:
        if self.psam_stays is not None or self.psam_chip is None:
            return self.psam_stays
        return Psam(completing(LoopbackConnection(self.psam_chip)))

    def keep_psam_powered(self) -> None:
        assert self.psam_chip is not None
        self.psam_stays = Psam(completing(LoopbackConnection(self.psam_chip)))

    # What is called -----------------------------------------------------------------------------------

    def call(self, name: str, **parameters: int | str) -> Result:
        return self.driver.call(name, parameters)

    def done(self, name: str, **parameters: int | str) -> str:
        """The data of a function that succeeds."""
        result = self.call(name, **parameters)
        assert result.code == 0, result
        return result.out

    def info(self) -> str:
        """pCardInfo of the card that is in."""
        fields = self.done("iReadCardBas_HSM_Step1", iType=3).split("|")
        self.driver.close()
        number = self.done(
            "iReadCard", iType=3, iAuthType=1, pCardInfo=f"{fields[3]}|D2143569X|", pFileAddr="SSSEEF05|07|$"
        )
        return f"{fields[3]}|{number.split('|')[1]}|"

    def reference(self) -> CardReference:
        """How the HSM knows the card that is in."""
        fields = self.done("iReadCardBas_HSM_Step1", iType=3).split("|")
        self.driver.close()
        algorithm = {"01": "3DES", "03": "SM4"}[fields[2]]
        return CardReference(fields[3], "D2143569X", bytes.fromhex(fields[1]), algorithm)

    def learn(self) -> str:
        """pCardInfo, and the HSM knows the card from now on."""
        self.known = self.reference()
        return self.info()

    @property
    def known_card(self) -> CardReference:
        assert self.known is not None
        return self.known

    def tries_left(self) -> int | None:
        client = SocialSecurityCard(completing(LoopbackConnection(self.chip)))
        client.enter_ssse()
        return client.tries_left()

    def accepts_pin(self, pin: str) -> bool:
        """Whether this is the card's PIN; costs a try where it is not."""
        client = SocialSecurityCard(completing(LoopbackConnection(self.chip)))
        client.enter_ssse()
        return type(client.verify_pin(Pin(pin))).__name__ == "Accepted"
