"""A whole sale: its APDUs, its bytes, where its time goes here, and what it would take on a real 9600-baud T=0 card.

    python -m benchmarks.sale [--sales N] [--loopback]

From the PIN keyed to the slip ready, as every face does it: connect to both readers and hold them, identify, VERIFY,
INITIALIZE, DEBIT, the journal on this disk (three synced commits), let the readers go, the slip made from the journal. The
time is split into waiting for the card, for the PSAM, for PC/SC to open and close, for the disk, and the terminal's own
work, beside a floor measured in turns with it: the same APDUs through bare pyscard, and bare syncs (bare_sale.py).

Targets: 25 ms median in all, 5 ms of it the terminal's own; at most 16 exchanges with the card, GET RESPONSE included.
Not the transport alone (transport.py), not the chip alone (in_process.py), not a full journal (journal.py).
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median
from time import perf_counter, thread_time
from typing import Any

from sscard_terminal.card.loopback import LoopbackConnection
from sscard_terminal.card.memory import create_whole
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.reader.completing import completing
from sscard_terminal.reader.connection import Connection, exclusively
from sscard_terminal.reader.counting import Counts, counting
from sscard_terminal.reader.wrapping import Wrapping
from sscard_terminal.terminal.client import SocialSecurityCard
from sscard_terminal.terminal.debit import DebitRequest, debit
from sscard_terminal.terminal.identification import IdentifiedCard, identify
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.outcomes import Accepted, Approved
from sscard_terminal.terminal.policy import Policy
from sscard_terminal.terminal.psam import Psam
from sscard_terminal.terminal.sale_rules import SaleRules
from sscard_terminal.terminal.slips.forms import slip_of_sale
from sscard_terminal.terminal.slips.layout import text_of
from sscard_terminal.terminal.workflow import verify_pin
from tests.cards import card_image, new_card, new_psam, psam_image

MOST_CARD_EXCHANGES = 16
BAUD = 9600
ETU_A_CHARACTER = 12  # start, 8 data, parity, 2 guard: ISO/IEC 7816-3 §7.2, no extra guard time
T0_HEADER, T0_PROCEDURE, T0_STATUS = 5, 1, 2
PRICE = PurchaseAmounts(Fen(1))
RULES = SaleRules(per_sale=Fen(200_000), per_card_per_day=Fen(300_000), per_day=Fen(5_000_000))
TARGETS_S = {"total": 0.025, "own": 0.005}


@dataclass
class OnWire(Wrapping):
    """Counts the characters a T=0 contact would carry: header, procedure byte, data, status (ISO/IEC 7816-3 §10.3)."""

    inner: Connection
    characters: int = field(default=0)

    def __post_init__(self) -> None:
        super().__init__(self.inner)

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        answer = self.inner.transmit(command)
        data = len(command.data) + len(answer.data)
        self.characters += T0_HEADER + (T0_PROCEDURE if data else 0) + data + T0_STATUS
        return answer

    @property
    def seconds(self) -> float:
        return self.characters * ETU_A_CHARACTER / BAUD


@dataclass
class Recording(Wrapping):
    """Writes down which bytes went to which chip."""

    inner: Connection
    side: int
    said: list[tuple[int, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.inner)

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        self.said.append((self.side, command.build()))
        return self.inner.transmit(command)


def sell(card: Connection, psam: Psam, journal: Journal) -> int:
    """One sale as at a counter; its voucher.

    Raises:
        SystemExit: it did not go through, so that its figures would mean nothing.
    """
    client = SocialSecurityCard(completing(card))
    found = identify(client, psam, Policy(), datetime.now, os.urandom)
    if not isinstance(found, IdentifiedCard) or not isinstance(verify_pin(found, Pin("123456")), Accepted):
        raise SystemExit(f"the card was not accepted: {found}")
    sold = debit(found, psam, journal, DebitRequest(PRICE, "示范药房", "01"), datetime.now, RULES)
    if not isinstance(sold, Approved):
        raise SystemExit(f"the sale did not go through: {sold}")
    return sold.sale.voucher


class TimedCommits:
    """The journal's database, with what its commits take beside it: writing the log and syncing it."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self.waiting_s = 0.0

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        if statement != "COMMIT":
            return self._database.execute(statement, *values)
        began = perf_counter()
        try:
            return self._database.execute(statement)
        finally:
            self.waiting_s += perf_counter() - began

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)


@dataclass(frozen=True, slots=True)
class Split:
    """Where the seconds of one sale went; `own` is what is left. `cpu` is what this thread has computed meanwhile, waits'
    own cost included: other programs on the machine do not lengthen it."""

    total: float
    card: float
    psam: float
    service: float
    disk: float
    cpu: float = 0.0

    @property
    def own(self) -> float:
        return self.total - self.card - self.psam - self.service - self.disk


class Counter:
    """One terminal: where its card and PSAM are, and its journal."""

    def __init__(self, opening: Callable[[int], Connection], journal: Journal) -> None:
        self._opening = opening
        self._journal = journal
        self._commits = TimedCommits(journal._database)
        journal._database = self._commits  # type: ignore[assignment]
        self.said: list[tuple[int, bytes]] = []
        self.counts = (Counts(), Counts())
        self.wire_characters = 0

    def __call__(self) -> Split:
        """From the PIN keyed to the slip ready."""
        self._commits.waiting_s = 0.0
        began, computed = perf_counter(), thread_time()
        with ExitStack() as stack:
            card, psam = (self._held(stack, side) for side in (0, 1))
            opened = perf_counter()
            said: list[tuple[int, bytes]] = []
            wire = OnWire(Recording(card, 0, said))
            links = counting(wire), counting(Recording(psam, 1, said))
            voucher = sell(links[0], Psam(completing(links[1])), self._journal)
            sold = perf_counter()
        closed = perf_counter()
        entry = self._journal.entry(voucher)
        assert entry is not None
        text_of(slip_of_sale(entry, "zh"), 32)
        done = perf_counter()
        self.said, self.counts, self.wire_characters = (
            said,
            (links[0].counts, links[1].counts),
            wire.characters,
        )
        service = (opened - began) + (closed - sold)
        waited = (link.counts.waiting_s for link in links)
        return Split(done - began, *waited, service, self._commits.waiting_s, thread_time() - computed)

    def _held(self, stack: ExitStack, side: int) -> Connection:
        connection = self._opening(side)
        stack.callback(connection.close)
        stack.enter_context(exclusively(connection))
        return connection


@contextmanager
def in_process() -> Iterator[Callable[[int], Connection]]:
    chips = new_card(balance=1_000_000), new_psam()
    yield lambda side: LoopbackConnection(chips[side])


@contextmanager
def through_pcscd() -> Iterator[tuple[str, str]]:
    """The two readers. Card and PSAM are processes of their own, as in a shop: in one they would wait for one interpreter."""
    from sscard_terminal.reader.pcsc import wait_for_card
    from sscard_terminal.reader.private_pcscd import PrivatePcscd

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        pcscd = stack.enter_context(PrivatePcscd(2))
        os.environ.update(pcscd.environment())
        for kind, image, slot in zip(
            ("card", "psam"), (card_image(balance=1_000_000), psam_image()), pcscd.slots, strict=False
        ):
            create_whole(folder / kind, image)
            command = [sys.executable, "-m", "sscard_terminal.cli", kind, "serve", str(folder / kind)]
            command += ["--vpcd", f"127.0.0.1:{slot.port}", "--until-eof", "--json"]
            stack.enter_context(_serving(pcscd.wrap_command(command)))
            wait_for_card(slot.reader, 10)
        yield pcscd.slots[0].reader, pcscd.slots[1].reader


@contextmanager
def _serving(command: list[str]) -> Iterator[None]:
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.communicate(timeout=10)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sales", type=int, default=200)
    parser.add_argument("--loopback", action="store_true")
    wanted = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        journal = stack.enter_context(Journal.open(folder / "journal"))
        bare: Callable[[], Split] | None = None
        if wanted.loopback:
            sale = Counter(stack.enter_context(in_process()), journal)
            sale()
        else:
            from sscard_terminal.reader.pcsc import open_reader

            readers = stack.enter_context(through_pcscd())
            sale = Counter(lambda side: open_reader(readers[side]), journal)
            sale()  # the first is not measured, and tells the floor what to say
            bare = bare_of(readers, sale.said, folder)
        splits, floors = [], []
        for _ in range(wanted.sales):
            splits.append(sale())
            if bare is not None:
                floors.append(bare())
        report(wanted.loopback, sale)
        if not report_times(splits, floors):
            raise SystemExit("a target was missed")


def bare_of(readers: tuple[str, str], said: list[tuple[int, bytes]], folder: Path) -> Callable[[], Split]:
    from benchmarks.bare_sale import BareSale, bare_syncs

    conversation = BareSale(readers, said)

    def floor() -> Split:
        began = perf_counter()
        conversation()
        spoken = perf_counter() - began
        card, psam = conversation.waiting_s
        synced = bare_syncs(folder)
        return Split(spoken + synced, card, psam, spoken - card - psam, synced)

    return floor


def report(loopback: bool, sale: Counter) -> None:
    card, psam = sale.counts
    seconds = sale.wire_characters * ETU_A_CHARACTER / BAUD
    print("over the loopback card" if loopback else "over pcscd and the virtual readers")
    print(f"exchanges with the card  {card.apdus:6}   (at most {MOST_CARD_EXCHANGES})")
    print(f"exchanges with the PSAM  {psam.apdus:6}")
    print(f"bytes to and from card   {card.bytes_out:6} out {card.bytes_in:6} in")
    print(
        f"on a 9600-baud T=0 card  {seconds * 1000:6.0f} ms for {sale.wire_characters} characters, card's own time apart"
    )
    if card.apdus > MOST_CARD_EXCHANGES:
        raise SystemExit("too many exchanges")


PARTS = {
    "card": "waiting for the card",
    "psam": "waiting for the PSAM",
    "service": "readers opened, closed",
    "disk": "three synced commits",
    "own": "the terminal's own work",
    "total": "PIN keyed to slip ready",
    "cpu": "  CPU time of the terminal",
}


def report_times(splits: list[Split], floors: list[Split]) -> bool:
    """Medians, the floor's beside them, and the median of the ratios sale by sale; False where a target is missed."""
    print(f"{'':26} {'ms':>8} {'floor ms':>9} {'ratio':>6} {'target':>7}   of {len(splits)} sales")
    medians = {}
    for part, name in PARTS.items():
        times = [getattr(split, part) for split in splits]
        medians[part] = median(times)
        bare = [getattr(floor, part) for floor in floors]
        beside = f"{'':9} {'':6}"
        if bare and part not in ("own", "cpu"):
            ratio = median(time / floor for time, floor in zip(times, bare, strict=True))
            beside = f"{median(bare) * 1000:9.2f} {ratio:6.2f}"
        target = f"{TARGETS_S[part] * 1000:7.0f}" if part in TARGETS_S else ""
        print(f"{name:26} {medians[part] * 1000:8.2f} {beside} {target}")
    return all(medians[part] <= target for part, target in TARGETS_S.items())


if __name__ == "__main__":
    main()
