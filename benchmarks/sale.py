"""A whole sale: its APDUs, its bytes, its time here, and what it would take on a real 9600-baud T=0 card.

    python -m benchmarks.sale [--sales N] [--loopback]

From the selection of the SSSE to the confirmed MAC2, with the journal on this disk: identify, VERIFY, INITIALIZE,
DEBIT. Target: at most 16 exchanges with the card, GET RESPONSE included. Not the transport alone (transport.py) and
not the chip alone (in_process.py).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median
from time import perf_counter

from sscard_terminal.card.loopback import LoopbackConnection
from sscard_terminal.card.memory import create_whole
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.reader.completing import completing
from sscard_terminal.reader.connection import Connection
from sscard_terminal.reader.counting import counting
from sscard_terminal.reader.wrapping import Wrapping
from sscard_terminal.terminal.client import SocialSecurityCard
from sscard_terminal.terminal.debit import DebitRequest, debit
from sscard_terminal.terminal.identification import IdentifiedCard, identify
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.outcomes import Accepted, Approved
from sscard_terminal.terminal.policy import Policy
from sscard_terminal.terminal.psam import Psam
from sscard_terminal.terminal.workflow import verify_pin
from tests.cards import card_image, new_card, new_psam, psam_image

MOST_CARD_EXCHANGES = 16
BAUD = 9600
ETU_A_CHARACTER = 12  # start, 8 data, parity, 2 guard: ISO/IEC 7816-3 §7.2, no extra guard time
T0_HEADER, T0_PROCEDURE, T0_STATUS = 5, 1, 2
PRICE = PurchaseAmounts(Fen(1))


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


def sell(card: Connection, psam: Psam, journal: Journal) -> None:
    """One sale as at a counter.

    Raises:
        SystemExit: it did not go through, so that its figures would mean nothing.
    """
    client = SocialSecurityCard(completing(card))
    found = identify(client, psam, Policy(), datetime.now, os.urandom)
    if not isinstance(found, IdentifiedCard) or not isinstance(verify_pin(found, Pin("123456")), Accepted):
        raise SystemExit(f"the card was not accepted: {found}")
    sold = debit(found, psam, journal, DebitRequest(PRICE), datetime.now)
    if not isinstance(sold, Approved):
        raise SystemExit(f"the sale did not go through: {sold}")


@contextmanager
def in_process() -> Iterator[tuple[Connection, Connection]]:
    yield LoopbackConnection(new_card(balance=1_000_000)), LoopbackConnection(new_psam())


@contextmanager
def through_pcscd() -> Iterator[tuple[Connection, Connection]]:
    """Card and PSAM as processes of their own, as in a shop: in one process they would wait for one interpreter."""
    from sscard_terminal.reader.pcsc import open_reader, wait_for_card
    from sscard_terminal.reader.private_pcscd import PrivatePcscd

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        pcscd = stack.enter_context(PrivatePcscd(2))
        os.environ.update(pcscd.environment())
        connections = []
        for kind, image, slot in zip(
            ("card", "psam"), (card_image(balance=1_000_000), psam_image()), pcscd.slots, strict=False
        ):
            create_whole(folder / kind, image)
            command = [sys.executable, "-m", "sscard_terminal.cli", kind, "serve", str(folder / kind)]
            command += ["--vpcd", f"127.0.0.1:{slot.port}", "--until-eof", "--json"]
            stack.enter_context(_serving(pcscd.wrap_command(command)))
            wait_for_card(slot.reader, 10)
            connections.append(open_reader(slot.reader))
            stack.callback(connections[-1].close)
        yield connections[0], connections[1]


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
        card, sam = stack.enter_context(in_process() if wanted.loopback else through_pcscd())
        journal = stack.enter_context(Journal.open(folder / "journal"))
        psam, sam_counter = _psam(sam)
        sell(card, psam, journal)  # what is learned once (the PSAM's levels) is not a sale's cost
        totals, cards, sams = [], [], []
        for _ in range(wanted.sales):
            wire, before = OnWire(card), sam_counter.counts
            card_counter = counting(wire)
            start = perf_counter()
            sell(card_counter, psam, journal)
            totals.append(perf_counter() - start)
            cards.append(card_counter.counts.waiting_s)
            sams.append(sam_counter.counts.waiting_s - before.waiting_s)
        _report(wanted.loopback, card_counter.counts, sam_counter.counts.apdus - before.apdus, wire)
        _report_times(totals, cards, sams)


def _psam(connection: Connection):  # type: ignore[no-untyped-def]
    counter = counting(connection)
    return Psam(completing(counter)), counter


def _report(loopback: bool, counts, sam_apdus: int, wire: OnWire) -> None:  # type: ignore[no-untyped-def]
    print("over the loopback card" if loopback else "over pcscd and the virtual readers")
    print(f"exchanges with the card  {counts.apdus:6}   (at most {MOST_CARD_EXCHANGES})")
    print(f"exchanges with the PSAM  {sam_apdus:6}")
    print(f"bytes to and from card   {counts.bytes_out:6} out {counts.bytes_in:6} in")
    print(
        f"on a 9600-baud T=0 card  {wire.seconds * 1000:6.0f} ms for {wire.characters} characters, card's own time apart"
    )
    if counts.apdus > MOST_CARD_EXCHANGES:
        raise SystemExit("too many exchanges")


def _report_times(totals: list[float], cards: list[float], sams: list[float]) -> None:
    own = median(total - card - sam for total, card, sam in zip(totals, cards, sams, strict=True))
    print(f"time of a sale, median   {median(totals) * 1000:6.2f} ms of {len(totals)} sales")
    print(f"  waiting for the card   {median(cards) * 1000:6.2f} ms")
    print(f"  waiting for the PSAM   {median(sams) * 1000:6.2f} ms")
    print(f"  terminal and journal   {own * 1000:6.2f} ms, its synced commits in it")


if __name__ == "__main__":
    main()
