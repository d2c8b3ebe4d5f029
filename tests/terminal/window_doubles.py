"""A service window for tests: a counter whose terminal also has the issuer's host, and hosts that fail on demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sscard_terminal.cardspec.issuing import HostUnreachable, IdentitySighting, PendingCredit
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.centre.hsm import SoftwareHsm
from sscard_terminal.centre.window_host import WindowHost
from sscard_terminal.centre.window_ledger import WindowLedger
from sscard_terminal.reader.connection import Connection
from sscard_terminal.terminal.identification import IdentifiedCard
from sscard_terminal.terminal.issuer_host import IssuerHost
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.load import LoadOrder, Window, load
from sscard_terminal.terminal.load_journal import LoadJournal
from sscard_terminal.terminal.load_records import Credited, LoadEntry, LoadUnsettled
from sscard_terminal.terminal.load_recovery import LoadSettlement
from sscard_terminal.terminal.outcomes import Declined
from sscard_terminal.terminal.policy import Policy
from sscard_terminal.terminal.service_window import tidy_up
from tests.cards import KEYS, new_card, new_psam
from tests.terminal.doubles import NOON, OPENING, Desk, Fault, Faulty, TickingClock

FUNDS = 50_000
AMOUNT = 1_000
CREDIT = bytes.fromhex("B02A0000")
SIGHTED = IdentitySighting("07", NOON)
FIRST_PINS = {"gen1-16k": Pin("1234"), "gen2-32k": Pin("123456"), "gen3": Pin("123456")}


@dataclass
class FailingHost:
    """A host that gives no answer to the n-th question (from 1), before or after it has acted; `tell` hears of each."""

    inner: IssuerHost
    number: int = 0
    acts: bool = False
    asked: list[str] = field(default_factory=list)
    tell: Callable[[str], object] = len

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self.inner, name)

        def ask(*question: Any) -> Any:
            self.asked.append(name)
            self.tell(name)
            if len(self.asked) != self.number:
                return method(*question)
            if self.acts:
                method(*question)
            raise HostUnreachable(reached=self.acts)

        return ask


class SilentHost(FailingHost):
    """A host that never answers and never hears."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def ask(*question: Any) -> Any:
            raise HostUnreachable(reached=False)

        return ask


@dataclass
class ServiceDesk(Desk):
    """A counter with a host behind it; `ids` counts the request ids it has made."""

    profile: str = "gen2-32k"
    host: WindowHost = field(init=False)
    ids: int = 0

    @classmethod
    def open(cls, folder: Path, profile: str = "gen2-32k", **amounts: Any) -> ServiceDesk:
        """With a card of that generation, whose account at the centre holds FUNDS."""
        card = new_card(balance=OPENING, profile_name=profile, **amounts)
        journal, policy = Journal.open(folder / "journal.db"), Policy(accept_expired=True)
        desk = cls(journal, card, new_psam(), TickingClock(), policy, profile)
        desk.host = WindowHost(SoftwareHsm(KEYS), WindowLedger.open(), desk.clock)
        desk.host.ledger.deposit(desk.identification, Fen(FUNDS), NOON)
        return desk

    @property
    def pin(self) -> Pin:
        return FIRST_PINS[self.profile]

    @property
    def identification(self) -> str:
        card = self.insert()
        card.enter_ssse()
        return str(card.issuer_data().identification)

    @property
    def loads(self) -> LoadJournal:
        return LoadJournal(self.journal)

    @property
    def window(self) -> Window:
        return Window(self.psam.terminal_number(), self.journal, self.clock, self.random)

    def random(self, length: int) -> bytes:
        self.ids += 1
        return self.ids.to_bytes(length, "big")

    def served(
        self, link: Callable[[Connection], Connection] | None = None, pin: Pin | None = None
    ) -> IdentifiedCard:
        """The card, identified and its PIN verified."""
        return self.identified(link, pin or self.pin)

    def load(
        self,
        fault: Fault | None = None,
        header: bytes = CREDIT,
        host: IssuerHost | None = None,
        order: LoadOrder | None = None,
        after: bytes = b"",
    ) -> Credited | Declined | LoadUnsettled:
        """One load from power-on to its outcome."""
        card = self.served(lambda inner: Faulty(inner, header, fault, after))
        return load(card, host or self.host, self.window, order or LoadOrder(Fen(AMOUNT)))

    def come_back_to_window(
        self, host: IssuerHost | None = None, *, pin: bool = True
    ) -> tuple[LoadSettlement, ...]:
        card = self.served() if pin else self.identified(pin=None)
        return tidy_up(card, host or self.host, self.window, pin_verified=pin)

    def owe(self, name: str, amount: int) -> None:
        self.host.ledger.owe(self.identification, PendingCredit(name, Fen(amount), "voucher 7"), NOON)

    def chip_balance(self) -> int:
        card = self.insert()
        card.enter_ssse()
        card.verify_pin(self.pin)
        card.enter_medical_account()
        return card.balance()

    def available(self) -> int:
        return self.host.ledger.available(self.identification)

    def entry(self, number: int = 1) -> LoadEntry:
        found = self.loads.entry(number)
        assert found is not None
        return found
