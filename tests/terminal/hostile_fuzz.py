"""Random lies in whole sales and their recoveries, each judged by a law of a few lines that knows nothing of the product.

Run: python -m tests.terminal.hostile_fuzz RUNS [SEED]. Not here: lies by name (lies).

At most two answers of a breath are lied about. More, told so as to fit together, no terminal can tell from the truth.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from sscard_terminal.cardspec.commands.medical import PurchaseChallenge
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.reader.connection import Connection, LinkReason, link_error
from sscard_terminal.terminal.journal_events import JournalEntry, SaleState
from tests.terminal.doubles import AMOUNTS, Desk
from tests.terminal.hostile import BALANCE_BEFORE, PAID, SELL, UNPAID, readied, run, spent

PROFILES = ("gen2-32k", "gen2-32k", "gen3")
MOST_LIES = 2
BREATH = range(1, 25)
"""Exchanges of a breath over T=0."""
PLOTS = (
    ("B02C",),
    ("B02C", "B02E"),
    ("B02C", "B028"),
    ("B02E",),
    ("B02E", "B028"),
    ("B02E", "00B20144"),
    ("00B20144",),
    ("00B20144", "00B20144"),
    ("00B20144", "00B20244"),
    ("B028", "00B20144"),
)
"""Where the money is: the commands two lies about which would fit together."""
SCENARIOS = (SELL, SELL, PAID, UNPAID)
OUR_SALE = 2
WORDS = [
    bytes.fromhex(word)
    for word in [
        "9000",
        "9302",
        "9303",
        "9401",
        "9402",
        "9403",
        "9406",
        "6901",
        "6985",
        "6982",
        "6983",
        "6A80",
        "6A81",
        "6A82",
        "6A83",
        "6A86",
        "6A88",
        "63C0",
        "63C2",
        "63CF",
        "6581",
        "6100",
        "6108",
        "6110",
        "61FF",
        "6C00",
        "6C08",
        "6700",
        "6D00",
        "6E00",
        "6F00",
        "6283",
    ]
]
LIKELY = {
    "B02C": ("6901", "9302", "6985", "6C08", "9000"),
    "B02E": ("9406", "9406", "6985"),
    "B028": ("9402", "9401", "6985"),
    "00B2": ("6A83", "6982", "6A82"),
    "00A4": ("6A82", "9303"),
    "0020": ("9000", "63C2"),
}
"""What a card might well say to a command, and does not."""
BREAKS = (LinkReason.CARD_REMOVED, LinkReason.EMPTY_ANSWER, LinkReason.DEADLINE_PASSED, LinkReason.NO_CARD)


@dataclass
class Fabling:
    """A link that garbles, replaces, repeats or loses the answers at some places of its life, and then never again."""

    inner: Connection
    dice: random.Random
    places: frozenset[int]
    targets: list[str]
    """Beginnings of commands that are lied about once each, beside what travels at `places`."""
    heard: dict[str, list[bytes]]
    """What the card has answered so far to commands that begin so, in this breath and those before."""
    lied: list[str] = field(default_factory=list)
    broken: bool = False
    place: int = 0

    @property
    def atr(self) -> bytes:
        return self.inner.atr

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        if self.broken:
            raise link_error(LinkReason.CARD_REMOVED)
        self.place += 1
        raw = command.build().hex().upper()
        aimed_at = next((target for target in self.targets if raw.startswith(target)), None)
        if aimed_at is not None:
            self.targets.remove(aimed_at)
        if self.place in self.places or aimed_at is not None:
            return self._fable(command)
        answer = self.inner.transmit(command)
        self.heard.setdefault(raw[:8], []).append(answer.build())
        return answer

    def close(self) -> None:
        self.inner.close()

    def _fable(self, command: CommandApdu) -> ResponseApdu:
        delivered = self.dice.choice((0, 1, 1, 1, 2))
        truth = b"\x6f\x00"
        for _ in range(delivered):
            truth = self.inner.transmit(command).build()
        kind = self.dice.choice(("likely", *_KINDS)) if self.dice.random() < 0.5 else "likely"
        fable = _KINDS[kind](self, truth) if kind in _KINDS else self._likely(command)
        self.lied.append(f"{command.header.hex().upper()} x{delivered} {kind}")
        if fable is None or len(fable) < 2:
            self.broken = True
            reasons = BREAKS[:3] if delivered else BREAKS
            raise link_error(self.dice.choice(reasons))
        return ResponseApdu.parse(fable)

    def _likely(self, command: CommandApdu) -> bytes:
        """What the card could well have said: something it did say to such a command, or a word of its list."""
        start = command.header.hex().upper()
        if start in self.heard and self.dice.random() < 0.5:
            return self.dice.choice(self.heard[start])
        return bytes.fromhex(self.dice.choice(LIKELY.get(start[:4], ("6F00",))))

    def _flip(self, truth: bytes) -> bytes:
        place = self.dice.randrange(len(truth))
        return truth[:place] + bytes((truth[place] ^ 1 << self.dice.randrange(8),)) + truth[place + 1 :]

    def _cut(self, truth: bytes) -> bytes:
        return truth[: self.dice.randrange(len(truth))]

    def _longer(self, truth: bytes) -> bytes:
        return truth[:-2] + self.dice.randbytes(self.dice.randrange(1, 9)) + truth[-2:]

    def _other_data(self, truth: bytes) -> bytes:
        return self.dice.randbytes(len(truth) - 2) + truth[-2:]

    def _filled(self, truth: bytes) -> bytes:
        return self.dice.choice((b"\x00", b"\xff")) * (len(truth) - 2) + truth[-2:]

    def _other_word(self, truth: bytes) -> bytes:
        return truth[:-2] + self.dice.choice(WORDS)

    def _word_alone(self, truth: bytes) -> bytes:
        return self.dice.choice(WORDS)

    def _said_before(self, truth: bytes) -> bytes:
        return self.dice.choice([answer for answers in self.heard.values() for answer in answers] or [truth])

    def _anything(self, truth: bytes) -> bytes:
        return self.dice.randbytes(self.dice.randrange(2, 40))

    def _truth(self, truth: bytes) -> bytes:
        """After a command that was lost or came twice."""
        return truth

    def _break(self, truth: bytes) -> None:
        return None


_KINDS: dict[str, Callable[[Fabling, bytes], bytes | None]] = {
    "flip": Fabling._flip,
    "cut": Fabling._cut,
    "longer": Fabling._longer,
    "other data": Fabling._other_data,
    "filled": Fabling._filled,
    "other word": Fabling._other_word,
    "word alone": Fabling._word_alone,
    "said before": Fabling._said_before,
    "anything": Fabling._anything,
    "truth": Fabling._truth,
    "break": Fabling._break,
}


BEFORE_OUR_SALE = (
    PurchaseChallenge(
        *(Fen(BALANCE_BEFORE - AMOUNTS.account), AMOUNTS.self_paid, AMOUNTS.pooled, bytes.fromhex("2026")),
        *(1, 1, 0, bytes(4)),
    ).build()
    + b"\x90\x00"
)
"""What INITIALIZE answers before the sale that is made or open here: a liar may have been listening."""


@dataclass
class Fable:
    """A sale or a recovery with lies, another recovery with lies, an honest one; `story` tells it all again."""

    seed: int
    story: list[str] = field(default_factory=list)
    heard: dict[str, list[bytes]] = field(default_factory=lambda: {"B0280101": [BEFORE_OUR_SALE]})
    endings: list[str] = field(default_factory=list)

    def play(self) -> None:
        """
        Raises:
            AssertionError: the law is broken.
        """
        dice = random.Random(self.seed)
        profile = dice.choice(PROFILES)
        with TemporaryDirectory(dir=_FOLDER) as folder:
            scenario = dice.choice(SCENARIOS)
            desk = readied(scenario, profile).at(Path(folder), answers_at_once=dice.random() < 0.5)
            try:
                self._breath(desk, scenario, dice)
                self._judge(desk, self.endings[0] if scenario == SELL else "")
                self._breath(desk, UNPAID, dice)
                self._judge(desk, "")
                self._honest(desk)
            finally:
                desk.journal.close()

    def _breath(self, desk: Desk, workflow: str, dice: random.Random) -> None:
        places: list[int] = []
        targets: list[str] = []
        if dice.random() < 0.5:
            targets.extend(dice.choice(PLOTS))
        else:
            places.extend(dice.choice(BREATH) for _ in range(dice.randint(0, MOST_LIES)))
        links: list[Fabling] = []

        def link(inner: Connection) -> Connection:
            links.append(Fabling(inner, dice, frozenset(places), targets, self.heard))
            return links[-1]

        ending = run(desk, workflow, link)
        self.endings.append(ending)
        self.story.append(f"{workflow}: {links[0].lied} -> {ending}, paid {spent(desk)}")
        desk.psam = desk.powered_psam()

    def _judge(self, desk: Desk, ending: str) -> None:
        """Approved: it paid. Declined, or broken before there was a sale: it did not. Open: either, once."""
        paid, sale = spent(desk), desk.journal.entry(OUR_SALE)
        assert paid in (0, AMOUNTS.account), "more than once"
        match ending.split(":")[0]:
            case "approved":
                assert paid and sale is not None and sale.state is SaleState.CHARGED
            case "unsettled":
                assert sale is not None and sale.state is SaleState.OPEN
            case "declined" | "link":
                assert not paid and (sale is None or sale.state is SaleState.NOT_CHARGED)
        if sale is None:
            assert not paid
        elif sale.state is not SaleState.OPEN:
            assert (sale.state is SaleState.CHARGED) is bool(paid)

    def _honest(self, desk: Desk) -> None:
        """What is open ends as the chip knows it; it stays open only where the sale itself was recorded from a lie."""
        desk.come_back()
        sale = desk.journal.entry(OUR_SALE)
        self.story.append(f"honest: {sale and sale.state}")
        self._judge(desk, "")
        if sale is not None and sale.state is SaleState.OPEN:
            assert recorded_from_a_lie(desk, sale), "open for ever"
            self.endings.append("open: recorded from a lie")


def recorded_from_a_lie(desk: Desk, entry: JournalEntry) -> bool:
    """The readied card's one sale had counter 0, so ours has 1; the rest as that sale has it."""
    first = desk.journal.entry(1)
    assert first is not None
    told = replace(first.sale, counter=1)
    balance = BALANCE_BEFORE - AMOUNTS.account
    sale = entry.sale
    return (sale.identification, sale.card_number, sale.counter, sale.balance_before) != (
        told.identification,
        told.card_number,
        told.counter,
        balance,
    )


_FOLDER = "/dev/shm" if Path("/dev/shm").is_dir() else None


def play(seed: int) -> Fable:
    """One fable; a broken law names its seed and tells the story."""
    fable = Fable(seed)
    try:
        fable.play()
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}\n" + "\n".join(fable.story)) from error
    return fable


def main(runs: int, first: int) -> None:
    begun, endings = time.perf_counter(), Counter[str]()
    for seed in range(first, first + runs):
        endings.update(play(seed).endings)
    taken_s = time.perf_counter() - begun
    print(
        f"{runs} sales with lies in {taken_s:.1f} s ({runs / taken_s:.0f}/s), seeds {first}…, no law broken"
    )
    for ending, count in endings.most_common():
        print(f"{count:8}  {ending}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns() & 0xFFFF_FFFF)
