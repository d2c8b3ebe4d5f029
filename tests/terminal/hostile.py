"""Cards that lie: links around an honest chip on which some answer is not the chip's, and the workflows that meet them.

A lie is told at the commands whose bytes match a pattern, for as long as the link lasts. Not here: the lies by name
(lies), links that break (doubles) and readers that do (test_hostile_reader).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sscard_applets.catalogue import load_applets, load_profile
from sscard_applets.medical_account.account import amounts_of
from sscard_terminal.card.chip import Chip
from sscard_terminal.card.loopback import LoopbackConnection
from sscard_terminal.card.memory import ByteStore, RamStore
from sscard_terminal.card.nvm import Nvm
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.reader.connection import Connection, LinkError, LinkReason, link_error
from sscard_terminal.terminal.debit import DebitRequest, debit
from sscard_terminal.terminal.identification import IdentifiedCard, identify
from sscard_terminal.terminal.outcomes import Approved, Declined, Unsettled
from sscard_terminal.terminal.recovery import settle
from sscard_terminal.terminal.workflow import change_pin, read_balances, read_details, verify_pin
from tests.cards import Dice, card_image, chip_of, chip_over, psam_image
from tests.terminal.doubles import AMOUNTS, NOON, PIN, Desk, answer_lost, never_arrives, pattern

NEW_PIN = Pin("246810")
BALANCE_BEFORE = 100_000
FETCH = bytes.fromhex("00C0")


Tell = Callable[[Connection, CommandApdu], ResponseApdu]
"""What comes back instead; whether the command travels at all is up to it."""


def honest(inner: Connection, command: CommandApdu) -> ResponseApdu:
    return inner.transmit(command)


@dataclass(frozen=True)
class Lie:
    """At commands that match `at` (hex, * and ? as in file names) `tell` answers instead of the chip.

    So it does to GET RESPONSE behind such a command. With `other` that card answers from there on, freshly powered.
    `ends`: the workflows that do not end as with an honest card, and how. `paid`: the chip paid in a sale that is not
    approved. `pin`, `tries`: what CHANGE PIN and VERIFY left behind where it is not what an honest card has. `atr` in
    place of the card's own; `profile` of the card.
    """

    name: str
    at: str = "-"
    tell: Tell = honest
    ends: Mapping[str, str] = field(default_factory=dict)
    paid: bool = False
    pin: Pin | None = None
    tries: int = 3
    atr: bytes | None = None
    other: Callable[[], Chip] | None = None
    profile: str = "gen2-32k"


# The links ----------------------------------------------------------------------------------------------


@dataclass
class Lying:
    """A link that tells `lie` whenever a command matches its pattern, and remembers what was sent and whether it lied."""

    inner: Connection
    lie: Lie
    sent: list[str] = field(default_factory=list)
    told: bool = False
    swapped_in: Chip | None = None
    _about: str = ""

    def __post_init__(self) -> None:
        self._atr = self.inner.atr if self.lie.atr is None else self.lie.atr

    @property
    def atr(self) -> bytes:
        return self._atr

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        raw = command.build().hex().upper()
        self.sent.append(raw)
        if not command.header.startswith(FETCH):
            self._about = raw
        if fnmatchcase(self._about, self.lie.at):
            if self.lie.other is not None and not self.told:
                self.swapped_in = self.lie.other()
                self.inner = LoopbackConnection(self.swapped_in)
            self.told = True
            return self.lie.tell(self.inner, command)
        return self.inner.transmit(command)

    def close(self) -> None:
        self.inner.close()


def says(text: str) -> Tell:
    """The command does not travel."""
    return lambda inner, command: ResponseApdu.parse(bytes.fromhex(text))


def does_and_says(text: str) -> Tell:
    """The chip obeys, and this comes back."""

    def tell(inner: Connection, command: CommandApdu) -> ResponseApdu:
        inner.transmit(command)
        return ResponseApdu.parse(bytes.fromhex(text))

    return tell


def breaks(reason: LinkReason) -> Tell:
    def tell(inner: Connection, command: CommandApdu) -> ResponseApdu:
        raise link_error(reason)

    return tell


def rewrites(change: Callable[[bytes], bytes]) -> Tell:
    """The data of the answer are others; its status word, and what the chip did, are true."""

    def tell(inner: Connection, command: CommandApdu) -> ResponseApdu:
        answer = inner.transmit(command)
        return replace(answer, data=change(answer.data)) if answer.data else answer

    return tell


def cut(count: int) -> Tell:
    """Only the first bytes of the data; from a count below 0, all but the last."""
    return rewrites(lambda data: data[:count])


def longer(text: str) -> Tell:
    return rewrites(lambda data: data + bytes.fromhex(text))


def filled(value: int) -> Tell:
    return rewrites(lambda data: bytes([value]) * len(data))


def at(offset: int, text: str) -> Tell:
    """Other bytes at this offset of the data."""
    patch = bytes.fromhex(text)
    return rewrites(lambda data: data[:offset] + patch + data[offset + len(patch) :])


def record(tag: int, text: str | bytes, *, keep_length: bool = False) -> Tell:
    """Another value in the record with this tag of a file read as a whole."""
    value = bytes.fromhex(text) if isinstance(text, str) else text

    def change(data: bytes) -> bytes:
        out, position = b"", 0
        while position < len(data):
            end = position + 2 + data[position + 1]
            one = data[position:end]
            out += bytes((tag, len(value))) + value if one[0] == tag else one
            position = end
        return out

    return rewrites(change)


def without(tag: int) -> Tell:
    def change(data: bytes) -> bytes:
        out, position = b"", 0
        while position < len(data):
            end = position + 2 + data[position + 1]
            out += b"" if data[position] == tag else data[position:end]
            position = end
        return out

    return rewrites(change)


def itself(inner: Connection, command: CommandApdu) -> ResponseApdu:
    """6Cxx, whatever Le the command has, with the very same xx."""
    return ResponseApdu.parse(bytes((0x6C, command.ne & 0xFF)))


def without_end(inner: Connection, command: CommandApdu) -> ResponseApdu:
    return ResponseApdu.parse(bytes.fromhex("00 6101"))


def without_end_and_empty(inner: Connection, command: CommandApdu) -> ResponseApdu:
    return ResponseApdu.parse(bytes.fromhex("61FF"))


# The workflows ------------------------------------------------------------------------------------------

Link = Callable[[Connection], Connection]
Workflow = Callable[[Desk, Link], object]


def _served(desk: Desk, link: Link, pin: Pin | None = PIN) -> IdentifiedCard | Declined:
    card = identify(desk.insert(link), desk.psam, desk.policy, desk.clock, pattern)
    if isinstance(card, Declined) or pin is None:
        return card
    verdict = verify_pin(card, pin)
    return verdict if isinstance(verdict, Declined) else card


def _then(pin: Pin | None, act: Callable[[Desk, IdentifiedCard], object]) -> Workflow:
    def run(desk: Desk, link: Link) -> object:
        card = _served(desk, link, pin)
        return card if isinstance(card, Declined) else act(desk, card)

    return run


def _recovers(desk: Desk, card: IdentifiedCard) -> object:
    return settle(card, desk.psam, desk.journal, desk.clock, pin_verified=True)


IDENTIFY, VERIFY, CHANGE, BALANCES = "identify", "verify PIN", "change PIN", "balances"
DETAILS, SELL, PAID, UNPAID = "details", "debit", "recover a paid sale", "recover an unpaid sale"

WORKFLOWS: dict[str, Workflow] = {
    IDENTIFY: _then(None, lambda desk, card: None),
    VERIFY: _then(PIN, lambda desk, card: None),
    CHANGE: _then(None, lambda desk, card: change_pin(card, PIN, NEW_PIN)),
    BALANCES: _then(PIN, lambda desk, card: read_balances(card)),
    DETAILS: _then(PIN, lambda desk, card: read_details(card)),
    SELL: _then(
        PIN, lambda desk, card: debit(card, desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock)
    ),
    PAID: _then(PIN, _recovers),
    UNPAID: _then(PIN, _recovers),
}

HONEST: dict[str, str] = {
    IDENTIFY: "done",
    VERIFY: "done",
    CHANGE: "done",
    BALANCES: "done",
    DETAILS: "done",
    SELL: "approved",
    PAID: "charged: log-shows-ours",
    UNPAID: "not-charged: counter-unmoved",
}
"""What becomes of an honest card; the words of `ending_of`."""


@dataclass(frozen=True)
class Readied:
    """Card, PSAM and journal as bytes: a desk that can be set up any number of times."""

    profile: str
    card: bytes
    psam: bytes
    journal: bytes

    def at(self, folder: Path, **rules: bool) -> Desk:
        """The desk in this folder; `rules` overrule the card's description."""
        (folder / "journal.db").write_bytes(self.journal)
        card = chip_of(self.card, profile_name=self.profile, **rules)
        desk = Desk.at(folder, card, psam_over(RamStore(self.psam)))
        desk.clock.now = NOON + timedelta(hours=1)
        return desk


@cache
def readied(workflow: str, profile: str) -> Readied:
    """One sale long settled, and for a recovery one that is open, its purchase forgotten by the PSAM."""
    card, psam = RamStore(card_image(profile, BALANCE_BEFORE)), RamStore(psam_image())
    with TemporaryDirectory() as folder:
        desk = Desk.at(Path(folder), chip_over(card, profile_name=profile), psam_over(psam))
        assert isinstance(desk.sell(), Approved)
        if workflow in (PAID, UNPAID):
            fault = answer_lost if workflow == PAID else never_arrives
            assert isinstance(desk.sell(fault(LinkReason.CARD_REMOVED)), Unsettled)
        desk.journal.close()
        journal = (Path(folder) / "journal.db").read_bytes()
    return Readied(profile, card.read_all(), psam.read_all(), journal)


def psam_over(store: ByteStore) -> Chip:
    profile = load_profile("psam-national")
    return Chip(profile, load_applets(profile), Nvm(store), Dice())


@cache
def commands_of(workflow: str, profile: str) -> tuple[str, ...]:
    """What goes over the wire with an honest card, in hex."""
    links: list[Lying] = []
    with TemporaryDirectory() as folder:
        desk = readied(workflow, profile).at(Path(folder))
        assert run(desk, workflow, lambda inner: links.append(Lying(inner, Lie("none"))) or links[-1])
        desk.journal.close()
    return tuple(links[0].sent)


def told_in(lie: Lie) -> tuple[str, ...]:
    """The workflows in which this lie is told at all."""
    if lie.atr is not None:
        return tuple(HONEST)
    return tuple(
        name for name in HONEST if any(fnmatchcase(raw, lie.at) for raw in commands_of(name, lie.profile))
    )


def spent(desk: Desk) -> int:
    """What the chip has paid beyond the sale every readied desk has seen, by what stands in its memory."""
    return BALANCE_BEFORE - AMOUNTS.account - amounts_of(desk.card._machine).cia


def run(desk: Desk, workflow: str, link: Link) -> str:
    """How the workflow ended over that link, in words."""
    try:
        return ending_of(WORKFLOWS[workflow](desk, link))
    except LinkError as error:
        return f"link: {error.reason}"


def ending_of(outcome: object) -> str:
    match outcome:
        case Declined():
            return f"declined: {outcome.reason}"
        case Unsettled():
            return f"unsettled: {outcome.doubt}"
        case Approved():
            return "approved"
        case (*settlements,) if settlements and all(hasattr(each, "evidence") for each in settlements):
            return ", ".join(f"{each.state}: {each.evidence}" for each in settlements)
        case _:
            return "done"
