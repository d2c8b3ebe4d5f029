"""A terminal in a test: card and PSAM in slots of this process, a journal in the test's own folder, a clock one can set.

Not here: what a service does (terminal/), and the faces in front of it. Each service is one breath: card and PSAM are opened,
the card is identified, the PIN verified, the service done, both let go.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.cardspec.records import LogRecord
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.reader.completing import completing
from sscard_terminal.reader.connection import Connection
from sscard_terminal.terminal.client import SocialSecurityCard
from sscard_terminal.terminal.debit import DebitRequest, debit
from sscard_terminal.terminal.identification import IdentifiedCard, identify
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.journal_events import JournalEntry
from sscard_terminal.terminal.outcomes import (
    Accepted,
    Approved,
    Declined,
    NotSet,
    SaleKind,
    Unsettled,
)
from sscard_terminal.terminal.policy import Policy
from sscard_terminal.terminal.psam import Psam
from sscard_terminal.terminal.recovery import Settlement, identify_to_settle, settle
from sscard_terminal.terminal.sale_rules import NO_RULES, SaleRules
from sscard_terminal.terminal.workflow import (
    Balances,
    change_pin,
    read_balances,
    read_details,
    verify_pin,
)

from .cards import VirtualCard, VirtualPsam, fen

JOURNAL = "journal.db"
_Value = TypeVar("_Value")
Around = Callable[[Connection], Connection]


def as_it_is(connection: Connection) -> Connection:
    return connection


@dataclass(slots=True)
class Terminal:
    """The fixture `terminal`. `card` is what lies in the reader; a test puts another there by assigning.

    `around` is put around each connection to the card (a deadline, a fault of the test's own).
    """

    card: VirtualCard
    psam: VirtualPsam
    folder: Path
    policy: Policy = field(default_factory=Policy)
    rules: SaleRules = NO_RULES
    now: datetime = field(default_factory=lambda: datetime.now().replace(microsecond=0))
    random: Callable[[int], bytes] = secrets.token_bytes
    around: Around = as_it_is
    _journal: Journal | None = None

    def clock(self) -> datetime:
        return self.now

    def wait(self, **time: float) -> None:
        """Let the terminal's clock go on: `wait(minutes=5)`."""
        self.now += timedelta(**time)

    @property
    def journal(self) -> Journal:
        """Open while the test runs; `restart` closes it and opens it anew."""
        if self._journal is None:
            self._journal = Journal.open(self.folder / JOURNAL)
        return self._journal

    def restart(self) -> None:
        """As after a crash of the program: only what was on the disk is known."""
        self.close()

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    # Services ---------------------------------------------------------------------------------------------

    def identify(self) -> IdentifiedCard | Declined:
        """Whose card it is, and whether it may be served here.

        Raises (every service): LinkError: the card is gone; no money moved.
        """
        with self._pair() as (card, psam):
            return self._identified(card, psam)

    def verify_pin(self, pin: str | None = None) -> Accepted | NotSet | Declined:
        """VERIFY; without `pin` the card's own."""
        return self._with_pin(pin, lambda _card, verdict, _psam: verdict)

    def change_pin(self, new: str, old: str | None = None) -> Accepted | Declined:
        """CHANGE PIN; without `old` the card's own. When it is done the card's `pin` is the new one."""
        with self._pair() as (card, psam):
            identified = self._identified(card, psam)
            if isinstance(identified, Declined):
                return identified
            outcome = change_pin(identified, Pin(old or self.card.pin), Pin(new))
        if isinstance(outcome, Accepted):
            self.card.pin = new
        return outcome

    def balance(self, pin: str | None = None) -> Balances | Declined:
        """The three amounts."""
        return self._with_pin(pin, lambda card, _verdict, _psam: read_balances(card))

    def details(self, pin: str | None = None) -> tuple[LogRecord, ...] | Declined:
        """The card's own log, newest first."""
        return self._with_pin(pin, lambda card, _verdict, _psam: read_details(card))

    def debit(
        self,
        account: str | Fen,
        *,
        self_paid: str | Fen = "0",
        pooled: str | Fen = "0",
        pin: str | None = None,
        kind: SaleKind = SaleKind.PURCHASE,
        again: bool = False,
    ) -> Approved | Declined | Unsettled:
        """One sale, exactly once; amounts in yuan ("12.34") or fen. A card torn meanwhile is Unsettled or Declined."""
        amounts = PurchaseAmounts(fen(account), fen(self_paid), fen(pooled))
        request = DebitRequest(amounts, again=again, kind=kind)
        return self._with_pin(
            pin, lambda card, _verdict, psam: debit(card, psam, self.journal, request, self.clock, self.rules)
        )

    def recover(self, pin: str | None = None) -> tuple[Settlement, ...] | Declined:
        """Settle what the journal holds open of this card: did it pay, or not?"""
        with self._pair() as (card, psam):
            found = identify_to_settle(card, psam, self.journal, self.policy, self.clock, self.random)
            if isinstance(found, Declined):
                return found
            verdict = verify_pin(found, Pin(pin or self.card.pin))
            is_verified = not isinstance(verdict, Declined)
            return settle(found, psam, self.journal, self.clock, pin_verified=is_verified)

    @property
    def sales(self) -> tuple[JournalEntry, ...]:
        """What the journal holds, oldest first."""
        return tuple(self.journal.entries())

    @property
    def open_sales(self) -> tuple[JournalEntry, ...]:
        """待核实: what `recover` has to settle."""
        return self.journal.open_sales()

    # One breath -------------------------------------------------------------------------------------------

    @contextmanager
    def _pair(self) -> Iterator[tuple[SocialSecurityCard, Psam]]:
        psam = self.psam.connect()
        try:
            card = self.around(self.card.connect())
            try:
                yield SocialSecurityCard(completing(card)), Psam(completing(psam))
            finally:
                card.close()
        finally:
            psam.close()

    def _identified(self, card: SocialSecurityCard, psam: Psam) -> IdentifiedCard | Declined:
        return identify(card, psam, self.policy, self.clock, self.random)

    def _with_pin(
        self,
        pin: str | None,
        act: Callable[[IdentifiedCard, Accepted | NotSet, Psam], _Value],
    ) -> _Value | Declined:
        with self._pair() as (card, psam):
            identified = self._identified(card, psam)
            if isinstance(identified, Declined):
                return identified
            verdict = verify_pin(identified, Pin(pin or self.card.pin))
            return verdict if isinstance(verdict, Declined) else act(identified, verdict, psam)
