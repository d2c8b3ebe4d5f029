"""SIGKILL for the terminal at random moments of a sale over pcscd, then recovery in a new process; and all books agree.

Not here: durability. A killed process leaves the page cache behind; that the journal is synced before DEBIT leaves is read
from system calls (tests/terminal/test_durability.py).
"""

from __future__ import annotations

import random
import shutil
from collections import Counter as Tally
from typing import Any

from sscard_terminal.terminal.journal import Journal
from tests.cards import psam_image
from tests.torture.counterpart import TERMINAL, look_at_card, look_at_psam

from .chips import card_of
from .counter import KILLED, Counter, Ended
from .entries import Entry, entries_of, names_of

PROFILE, PIN = "gen2-32k", "123456"
BALANCE = 100_000_000
CARD, PSAM = card_of(PROFILE, BALANCE), psam_image()
DONE = 0
KILLED_AGAIN = 0.3
"""In this share of the recoveries."""
LATE = 1.15
"""Kills fall between the beginning and this much of a sale's usual time; the last ones find it ended."""
NEAR_MONEY, BEHIND_S = 0.6, 0.012
"""This share of them falls within so many seconds behind the first write to the journal, which DEBIT follows: that moment moves
with the machine's load, so the killer waits until it sees the write."""


class TerminalKiller:
    """Kills sale after sale on one card; `found` counts what the kills left, `recoveries_s` how long each took."""

    def __init__(self, counter: Counter, seed: int) -> None:
        self.seed = seed
        self.killed = 0
        self.found: Tally[str] = Tally()
        self.recoveries_s: list[float] = []
        self._counter = counter
        self._dice = random.Random(seed)
        self._sales = 0
        self._card = self._look_at_card()
        self._psam = look_at_psam(PSAM)["sequence"]
        self._usual_s = sum(self._sale(None).seconds for _ in range(3)) / 3

    @property
    def to_recover(self) -> int:
        """How many kills left a sale open."""
        return len(self.recoveries_s)

    def run(self, count: int) -> None:
        """So many kills; AssertionError with seed and number where anything disagrees."""
        aim = self.killed + count
        while self.killed < aim:
            try:
                self._kill_once()
            except AssertionError as broken:
                raise AssertionError(f"seed {self.seed}, kill {self.killed}: {broken}") from broken

    def _kill_once(self) -> None:
        near = self._dice.random() < NEAR_MONEY
        share = self._dice.random()
        ended = self._sale(share * (BEHIND_S if near else LATE * self._usual_s), once_written=near)
        if ended.code == KILLED:
            self.killed += 1
        else:
            self.found["too late: the sale had ended"] += 1

    def _sale(self, kill_after_s: float | None, *, once_written: bool = False) -> Ended:
        """One sale, killed or not, its recovery, and the agreement of all books."""
        self._sales += 1
        fen = self._sales
        before = self._entries()
        ended = self._counter.sell(fen, PIN, kill_after_s, once_written=once_written)
        after = self._entries()
        self._left = after[-1]["state"] if len(after) > len(before) else "no sale"
        if ended.code == KILLED:
            self.found[f"killed, left {self._left}"] += 1
        else:
            assert ended.code == DONE, ended
        self._recover()
        self._agree(fen, "CHARGED" in ended.text.split() or ended.code == DONE, before)
        return ended

    def _recover(self) -> None:
        """In a new process; now and then that one is killed too, and the next one has to do."""
        if self._left == "open" and self._dice.random() < KILLED_AGAIN:
            usual_s = max(self.recoveries_s, default=self._usual_s)
            again = self._counter.recover(PIN, self._dice.uniform(0, usual_s))
            self.found["killed again in the recovery"] += again.code == KILLED
        recovered = self._counter.recover(PIN)
        assert recovered.code == DONE, recovered
        if self._left == "open":
            self.recoveries_s.append(recovered.seconds)

    def _agree(self, fen: int, was_told: bool, before: tuple[Entry, ...]) -> None:
        """The card is what it was or one sale further; the journal says which of the two; the PSAM is not behind."""
        card, psam, entries = (
            self._look_at_card(),
            look_at_psam(self._counter.psam_image.read_bytes()),
            self._entries(),
        )
        was, paid = self._card, card["purchases"] - self._card["purchases"]
        assert paid in (0, 1), f"{paid} purchases for one sale"
        assert card["balance"] == was["balance"] - paid * fen, (
            f"balance {card['balance']} after {was['balance']}"
        )
        assert paid or not was_told, "the shop was told that it was charged"
        assert entries[: len(before)] == before, "the journal has changed its past"
        new = entries[len(before) :]
        assert [entry["state"] for entry in new if entry["state"] != "not-charged"] == ["charged"] * paid, new
        assert len(new) <= 1, "two entries for one sale"
        assert len(card["log"]) == min(len(was["log"]) + paid, card["log room"])
        if paid:
            self._shows(card, new[0], was["purchases"], fen)
        self._psam_agrees(psam, entries)
        self._card = card

    def _shows(self, card: dict[str, Any], entry: Entry, number: int, fen: int) -> None:
        """The card's newest log record and its proof are those of the journal's entry."""
        time = entry["body"][8:22]
        assert card["log"][0] == f"{number:04X}32{TERMINAL}{time}{fen:08X}{0:016X}", card["log"][0]
        assert entry["counter"] == number, entry
        assert entry["tac"], "no TAC"
        assert any(proof.endswith(entry["tac"]) for proof in card["proof"]), (card["proof"], entry)

    def _psam_agrees(self, psam: dict[str, Any], entries: tuple[Entry, ...]) -> None:
        assert psam.keys() == {"sequence"}, psam
        assert psam["sequence"] - self._psam in (0, 1), f"PSAM from {self._psam} to {psam['sequence']}"
        numbers = [int(entry["body"][:8], 16) for entry in entries]
        assert numbers == sorted(set(numbers)), "the journal's terminal sequences do not rise"
        assert not numbers or numbers[-1] <= psam["sequence"], "the journal is ahead of the PSAM"
        self._psam = psam["sequence"]

    def _look_at_card(self) -> dict[str, Any]:
        return look_at_card(self._counter.card_image.read_bytes(), PROFILE, (PIN,))

    def _entries(self) -> tuple[Entry, ...]:
        """From a copy, so that the journal is opened by the terminal alone."""
        path = self._counter.journal
        if not path.exists():
            return ()
        copies = [path.with_name(f"copy{suffix}") for suffix in ("", "-wal")]
        for copy, suffix in zip(copies, ("", "-wal"), strict=True):
            copy.unlink(missing_ok=True)
            original = path.with_name(path.name + suffix)
            if original.exists():
                shutil.copyfile(original, copy)
        with Journal.open(copies[0]) as journal:
            return entries_of(journal, names_of({"ours": CARD}, PROFILE))
