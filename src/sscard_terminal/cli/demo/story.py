"""The demo's story, step by step; each step is one line, and one that does not hold ends it.

Not here: where the cards are (stage.py). Everything is done with the terminal's own workflows, as at a counter.
"""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sscard_terminal.cardspec.bcd import time_of_bcd
from sscard_terminal.cardspec.commands.security import VerifyPin
from sscard_terminal.cardspec.money import Fen, yuan_of_fen
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.cardspec.records import LogRecord, masked_name, masked_number
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.terminal import workflow
from sscard_terminal.terminal.client import SocialSecurityCard
from sscard_terminal.terminal.debit import DebitRequest, debit
from sscard_terminal.terminal.identification import IdentifiedCard, identify
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.outcomes import Accepted, Approved, Declined, Reason
from sscard_terminal.terminal.policy import Policy
from sscard_terminal.terminal.psam import Psam
from sscard_terminal.terminal.slips.forms import slip_of_sale
from sscard_terminal.terminal.slips.layout import text_of

from ..command import Run
from ..console import Console
from ..exits import Exit, Stop
from ..trace import tracing_to
from .people import BALANCE, TERMINAL
from .stage import CARD, PSAM, SPARE, Cast, stage

PRICE = Fen(12_34)
FIRST_PIN, NEW_PIN, WRONG_PIN = Pin("123456"), Pin("654321"), Pin("000000")
LOCKING_WORDS = ("63C2", "63C1", "63C0", "6983")
"""Source: card.md §3, VERIFY wrong and VERIFY when counter = 0."""

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Line:
    """What a step says when it has held: the words' key, the facts, and whole lines below (the slip)."""

    key: str
    facts: dict[str, Any] = field(default_factory=dict)
    below: tuple[str, ...] = ()


class NotHeld(Exception):
    """A step did not turn out as it must; the text says what was found instead."""


def play(run: Run, loopback: bool) -> int:
    """Tell the whole story; returns only when every step has held.

    Raises:
        Stop: a step did not hold.
    """
    started_at = time.perf_counter()
    console = run.console
    with (
        tracing_to(run.trace, console.language) as trace,
        stage(loopback, console, trace) as cast,
        tempfile.TemporaryDirectory(prefix="sscard-demo-") as folder,
        closing(Journal.open(Path(folder) / "journal.db")) as journal,
    ):
        story = Story(cast, journal, console)
        told = [_tell(console, name, step) for name, step in story.steps(loopback)]
        figures = _figures(cast, story, time.perf_counter() - started_at)
    console.say("demo.figures", **figures)
    console.say("demo.figures-by-part", apdus=figures["sale_apdus"], psam_apdus=figures["sale_psam_apdus"])
    console.give({"steps": told, "loopback": loopback, **figures})
    return Exit.DONE


def _tell(console: Console, name: str, step: Callable[[], Line]) -> dict[str, Any]:
    """Do one step and say its line, with a check mark or a cross."""
    try:
        line = step()
    except NotHeld as error:
        console.print(f" {console.mark(False)} {name}: {error}")
        raise Stop(Exit.TROUBLE, "demo.step-failed", step=f"{name} ({error})") from error
    console.print(f" {console.mark(True)} {console.text(line.key, **line.facts)}")
    for below in line.below:
        console.print(f"     {below}".rstrip())
    return {"step": name, "held": True, **line.facts}


def _figures(cast: Cast, story: Story, seconds: float) -> dict[str, Any]:
    counts = [actor.counts for actor in cast.values()]
    return {
        "apdus": sum(count.apdus for count in counts),
        "bytes": sum(count.bytes_out + count.bytes_in for count in counts),
        "seconds": round(seconds, 3),
        "sale_apdus": story.sale_apdus[CARD],
        "sale_psam_apdus": story.sale_apdus[PSAM],
    }


class Story:
    """The steps in order. They share what they learn: whose card it is, and what the sale left."""

    def __init__(self, cast: Cast, journal: Journal, console: Console) -> None:
        self._cast = cast
        self._journal = journal
        self._console = console
        self._psam = Psam(cast[PSAM].connection)
        self._card = SocialSecurityCard(cast[CARD].connection)
        self._identified: IdentifiedCard | None = None
        self._sold: Approved | None = None
        self.sale_apdus = {CARD: 0, PSAM: 0}

    def steps(self, loopback: bool) -> Iterator[tuple[str, Callable[[], Line]]]:
        """Names and steps; those a sale consists of are counted."""
        if not loopback:
            yield "readers", self.readers
        yield "identify", self._counted(self.identify)
        yield "holder", self.holder
        yield "verify-pin", self._counted(self.verify_pin)
        yield "balance", self.balance
        yield "sell", self._counted(self.sell)
        yield "slip", self.slip
        yield "balance-after", self.balance_after
        yield "log", self.log
        yield "change-pin", self.change_pin
        yield "old-pin", self.old_pin
        yield "lock", self.lock

    def readers(self) -> Line:
        card, psam, spare = (self._cast[role].reader for role in (CARD, PSAM, SPARE))
        return Line("demo.readers", {"card": card, "psam": psam, "spare": spare})

    def identify(self) -> Line:
        found = identify(self._card, self._psam, Policy(), datetime.now, secrets.token_bytes)
        self._identified = _held(found, IdentifiedCard)
        _require(self._psam.terminal_number() == TERMINAL, "another terminal number")
        return Line(
            "demo.identified",
            {
                "number": masked_number(self._identified.number),
                "expires": str(self._identified.issuer.expires),
                "terminal": TERMINAL,
            },
        )

    def holder(self) -> Line:
        card = self._known()
        _require(card.tries_left == 3, f"{card.tries_left} tries left")
        return Line("demo.holder", {"name": masked_name(card.cardholder.name), "tries": card.tries_left})

    def verify_pin(self) -> Line:
        _held(workflow.verify_pin(self._known(), FIRST_PIN), Accepted)
        return Line("demo.pin")

    def balance(self) -> Line:
        return Line("demo.balance", {"balance": self._read_balance(BALANCE)})

    def sell(self) -> Line:
        request = DebitRequest(PurchaseAmounts(PRICE))
        found = debit(self._known(), self._psam, self._journal, request, datetime.now)
        self._sold = _held(found, Approved)
        return Line("demo.sold", {"amount": yuan_of_fen(PRICE), "tac": self._sold.tac.hex().upper()})

    def slip(self) -> Line:
        entry = self._journal.entry(self._approved().sale.voucher)
        _require(entry is not None and entry.tac == self._approved().tac, "the journal lacks the sale")
        assert entry is not None
        text = text_of(slip_of_sale(entry, self._console.language, training=True))
        return Line("demo.slip", below=tuple(text.splitlines()))

    def balance_after(self) -> Line:
        return Line("demo.balance-after", {"balance": self._read_balance(Fen(BALANCE - PRICE))})

    def log(self) -> Line:
        records = _held(workflow.read_details(self._known()), tuple)
        _require(len(records) == 1, f"{len(records)} records")
        record: LogRecord = records[0]
        sold_at = self._approved().sale.time
        _require((record.account, time_of_bcd(record.time)) == (PRICE, sold_at), "another sale")
        terminal, amount = record.terminal.hex(), yuan_of_fen(record.account)
        return Line(
            "demo.log", {"amount": amount, "time": f"{sold_at:%Y-%m-%d %H:%M:%S}", "terminal": terminal}
        )

    def change_pin(self) -> Line:
        _held(workflow.change_pin(self._known(), FIRST_PIN, NEW_PIN), Accepted)
        return Line("demo.changed")

    def old_pin(self) -> Line:
        old = workflow.verify_pin(self._known(), FIRST_PIN)
        _require(isinstance(old, Declined) and old.reason is Reason.WRONG_PIN, f"{old}")
        _held(workflow.verify_pin(self._known(), NEW_PIN), Accepted)
        return Line("demo.old-fails", {"sw": "63C2"})

    def lock(self) -> Line:
        """On a card of its own, by the words themselves."""
        connection = self._cast[SPARE].connection
        SocialSecurityCard(connection).enter_ssse()
        command = VerifyPin.of(WRONG_PIN).to_apdu()
        words = [str(connection.transmit(command).sw) for _ in LOCKING_WORDS]
        _require(tuple(words) == LOCKING_WORDS, ", ".join(words))
        return Line("demo.locked", {"words": ", ".join(words)})

    def _read_balance(self, expected: Fen) -> str:
        found = _held(workflow.read_balance(self._known()), Fen)
        _require(found == expected, f"{yuan_of_fen(found)}")
        return yuan_of_fen(found)

    def _known(self) -> IdentifiedCard:
        assert self._identified is not None
        return self._identified

    def _approved(self) -> Approved:
        assert self._sold is not None
        return self._sold

    def _counted(self, step: Callable[[], Line]) -> Callable[[], Line]:
        def counted() -> Line:
            before = {role: self._cast[role].counts.apdus for role in self.sale_apdus}
            line = step()
            for role, count in before.items():
                self.sale_apdus[role] += self._cast[role].counts.apdus - count
            return line

        return counted


def _held(found: object, wanted: type[_Value]) -> _Value:
    """`found`, which must be of the type `wanted`."""
    if not isinstance(found, wanted):
        raise NotHeld(found.reason if isinstance(found, Declined) else type(found).__name__)
    return found


def _require(condition: bool, found: str) -> None:
    if not condition:
        raise NotHeld(found)
