"""What the terminal's tests share: a counter with card, PSAM, journal and clock, and links that break on demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from textwrap import dedent

from sscard_applets.catalogue import load_applets, load_profile
from sscard_applets.medical_account.account import fresh_objects
from sscard_applets.psam.issue import PsamFacts, issue_psam
from sscard_terminal.card.chip import Chip
from sscard_terminal.card.loopback import LoopbackConnection
from sscard_terminal.card.memory import RamStore
from sscard_terminal.card.nvm import Nvm
from sscard_terminal.card.person import parse_person
from sscard_terminal.card.personalise import personalise
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.reader.completing import completing
from sscard_terminal.reader.connection import Connection, LinkError, LinkReason, link_error
from sscard_terminal.reader.replay import Replay
from sscard_terminal.reader.transcript import Transcript
from sscard_terminal.terminal.client import SocialSecurityCard
from sscard_terminal.terminal.debit import DebitRequest, debit
from sscard_terminal.terminal.identification import IdentifiedCard, identify
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.outcomes import Approved, Declined, Sale, Unsettled
from sscard_terminal.terminal.policy import Policy
from sscard_terminal.terminal.psam import Psam
from sscard_terminal.terminal.recovery import Settlement, settle, settle_by_psam
from sscard_terminal.terminal.workflow import verify_pin
from tests.cards import KEYS, NEW_CARD, PERSON_TEXT, chip_of, new_card, new_psam

OPENING = 10_000
AMOUNTS = PurchaseAmounts(Fen(1234), Fen(2000), Fen(8000))
"""What the vectors of card.md §6.10 buy."""
NOON = datetime(2026, 1, 5, 10, 15, 30)
PIN = Pin("123456")

DEBIT = bytes.fromhex("B02C0100")
GET_RESPONSE = bytes.fromhex("00C00000")


def replay(text: str) -> tuple[Replay, Connection]:
    """A transcript that is played back, and the connection that completes it."""
    played = Replay(Transcript.parse(dedent(text)))
    return played, completing(played)


def random_of(*values: str) -> Callable[[int], bytes]:
    """Random bytes that are not."""
    waiting = [bytes.fromhex(value) for value in values]
    return lambda length: waiting.pop(0)


def pattern(length: int) -> bytes:
    return bytes(range(0xB0, 0xB0 + length))


@dataclass
class TickingClock:
    """A second passes with every look."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        moment, self.now = self.now, self.now + timedelta(seconds=1)
        return moment


Fault = Callable[[Connection, CommandApdu], ResponseApdu]
"""What happens to a command instead of simply travelling."""


@dataclass
class Faulty:
    """A link on which a fault happens, once, to the first command with the given header."""

    inner: Connection
    header: bytes = b""
    fault: Fault | None = None
    after: bytes = b""
    """The fault waits until a command with this header has travelled."""
    broken: bool = False
    sent: list[bytes] = field(default_factory=list)

    @property
    def atr(self) -> bytes:
        return self.inner.atr

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        if self.broken:
            raise link_error(LinkReason.CARD_REMOVED)
        self.sent.append(command.header)
        if (
            self.fault is None
            or command.header != self.header
            or (self.after and self.after not in self.sent)
        ):
            return self.inner.transmit(command)
        fault, self.fault = self.fault, None
        try:
            return fault(self.inner, command)
        except LinkError:
            self.broken = True
            raise

    def close(self) -> None:
        self.inner.close()


@dataclass
class Refusing:
    """A link on which every command that starts with `start` is refused with one word, and never travels."""

    inner: Connection
    start: bytes
    sw: str

    @property
    def atr(self) -> bytes:
        return self.inner.atr

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        if command.header.startswith(self.start):
            return ResponseApdu.parse(bytes.fromhex(self.sw))
        return self.inner.transmit(command)

    def close(self) -> None:
        self.inner.close()


class StillPowered(LoopbackConnection):
    """A connection to a chip that another process has left powered: nothing in it is forgotten."""

    def __init__(self, chip: Chip) -> None:
        self._card = chip
        self._atr = chip.atr()


def another_card() -> Chip:
    """A second person's card."""
    text = PERSON_TEXT.replace("D2143569X", "B00000131").replace("00000002", "00000042")
    profile = load_profile("gen2-32k")
    held = replace(NEW_CARD, cia=Fen(OPENING))
    return chip_of(personalise(profile, parse_person(text, profile.name), KEYS, fresh_objects(held)))


def psam_with_number(terminal: str) -> Chip:
    """The PSAM of another place."""
    profile = load_profile("psam-national")
    image = issue_psam(profile, PsamFacts(terminal_number=terminal), KEYS)
    return Chip(profile, load_applets(profile), Nvm(RamStore(image)))


def statements_of(journal: Journal, sink: Callable[[str], None]) -> None:
    """Every SQL statement the journal runs from now on, in the order in which it runs them."""
    journal._database.set_trace_callback(sink)


def fill_the_disk(journal: Journal) -> None:
    """The journal's file may not grow by a page from now on."""
    pages = journal._database.execute("PRAGMA page_count").fetchone()[0]
    journal._database.execute(f"PRAGMA max_page_count = {pages}")


def answers(text: str) -> Fault:
    """The command does not travel; this comes back."""
    return lambda inner, command: ResponseApdu.parse(bytes.fromhex(text))


def never_arrives(reason: LinkReason) -> Fault:
    """The command is lost on its way."""

    def fault(inner: Connection, command: CommandApdu) -> ResponseApdu:
        raise link_error(reason)

    return fault


def answer_lost(reason: LinkReason) -> Fault:
    """The card obeys, and nobody hears its answer."""

    def fault(inner: Connection, command: CommandApdu) -> ResponseApdu:
        inner.transmit(command)
        raise link_error(reason)

    return fault


def cut_after(count: int) -> Fault:
    """The card obeys, and only the first `count` bytes of its answer arrive, as a PC/SC reader delivers them."""

    def fault(inner: Connection, command: CommandApdu) -> ResponseApdu:
        raw = inner.transmit(command).build()[:count]
        if len(raw) < 2:
            raise link_error(LinkReason.CUT_ANSWER if raw else LinkReason.EMPTY_ANSWER)
        return ResponseApdu.parse(raw)

    return fault


def delivered_twice(inner: Connection, command: CommandApdu) -> ResponseApdu:
    """The card obeys twice; only its second answer is heard."""
    inner.transmit(command)
    return inner.transmit(command)


def obeyed_but_answers(text: str) -> Fault:
    """The card obeys, and something else than its answer comes back."""

    def fault(inner: Connection, command: CommandApdu) -> ResponseApdu:
        inner.transmit(command)
        return ResponseApdu.parse(bytes.fromhex(text))

    return fault


@dataclass
class Desk:
    """A counter: one PSAM, one journal, one clock, and a card that is put in and taken out."""

    journal: Journal
    card: Chip
    psam_chip: Chip
    clock: TickingClock
    policy: Policy = field(default_factory=Policy)

    @classmethod
    def at(cls, folder: Path, card: Chip | None = None, psam: Chip | None = None) -> Desk:
        journal = Journal.open(folder / "journal.db")
        return cls(journal, card or new_card(balance=OPENING), psam or new_psam(), TickingClock())

    def __post_init__(self) -> None:
        self.psam = self.powered_psam()

    def powered_psam(self) -> Psam:
        return Psam(completing(LoopbackConnection(self.psam_chip)))

    def insert(self, link: Callable[[Connection], Connection] | None = None) -> SocialSecurityCard:
        """The card powered up, behind a link of the test's choice."""
        connection: Connection = LoopbackConnection(self.card)
        return SocialSecurityCard(completing(link(connection) if link else connection))

    def identified(
        self, link: Callable[[Connection], Connection] | None = None, pin: Pin | None = PIN
    ) -> IdentifiedCard:
        """The card, identified and its PIN verified (unless `pin` is None)."""
        card = identify(self.insert(link), self.psam, self.policy, self.clock, pattern)
        assert isinstance(card, IdentifiedCard), card
        if pin is not None:
            assert not isinstance(verify_pin(card, pin), Declined)
        return card

    def sell(
        self, fault: Fault | None = None, header: bytes = DEBIT, after: bytes = b""
    ) -> Approved | Declined | Unsettled:
        """One sale from power-on to its outcome."""
        card = self.identified(lambda inner: Faulty(inner, header, fault, after))
        return debit(card, self.psam, self.journal, DebitRequest(AMOUNTS), self.clock)

    def come_back(self, pin: Pin | None = PIN, *, psam: bool = False) -> tuple[Settlement, ...]:
        """The card is put in again and what is open is settled, without the PSAM unless asked for."""
        card = self.identified(pin=pin)
        return settle(
            card, self.psam if psam else None, self.journal, self.clock, pin_verified=pin is not None
        )

    def come_straight_back(self) -> tuple[Settlement, ...]:
        return settle_by_psam(self.insert(), self.psam, self.journal, self.clock)

    def balance(self) -> int:
        """What the chip really holds, whatever anybody was told."""
        card = self.insert()
        card.enter_ssse()
        card.verify_pin(PIN)
        card.enter_medical_account()
        return card.balance()

    def last_sale(self) -> Sale:
        entry = self.journal.last_entry()
        assert entry is not None
        return entry.sale
