"""A journal of a million sales: how long the terminal takes to start with it, to find a voucher, to close the day.

    python -m benchmarks.journal [--sales N] [--keep FILE] [--check]

The journal is the product's own (its schema, its rows with their check codes), filled in bulk: 4,000 sales a day to 20,000
cards, one in 50,000 to be verified, one in 100 not charged. The figures are medians, each beside a floor measured in the
same run: a bare SQLite connection that reads the same row by its number. `--keep FILE` leaves the journal there, or
takes the one that is there; `--check` reads all of it (`sscard journal check`). Not a sale's own time (sale.py).

Targets: start 1 s, close of the day 2 s, look-up of a voucher 10 ms.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.terminal.clock_rules import objection_to_clock
from sscard_terminal.terminal.day import Day, close_day, newest_day, open_day
from sscard_terminal.terminal.day_records import DayEventKind
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.journal_check import examine
from sscard_terminal.terminal.journal_events import Event, EventKind
from sscard_terminal.terminal.journal_rows import row_of_event, row_of_intent
from sscard_terminal.terminal.outcomes import DebitIntent
from sscard_terminal.terminal.sale_rules import SaleRules, objection_before_card, objection_to_card

A_DAY, CARDS = 4_000, 20_000
OPEN_ONE_IN, NOT_CHARGED_ONE_IN = 50_000, 100
FIRST_DAY = datetime(2026, 1, 5, 8)
BATCH = 20_000
START_S, CLOSE_S, LOOK_UP_S = 1.0, 2.0, 0.010
RULES = SaleRules(
    per_sale=Fen(1_000_000),
    per_card_per_day=Fen(1_000_000),
    per_day=Fen(2_000_000_000),
    repeat_within=timedelta(minutes=5),
    needs_open_day=True,
    longest_closure=timedelta(days=3660),
)


def time_of(voucher: int) -> datetime:
    """One sale every ten seconds from eight o'clock on."""
    day, number = divmod(voucher - 1, A_DAY)
    return FIRST_DAY + timedelta(days=day, seconds=10 * number)


def card_of(voucher: int) -> str:
    return f"370900D15600000500000005{voucher % CARDS:08X}"


def intent_of(voucher: int) -> DebitIntent:
    return DebitIntent(
        identification=card_of(voucher),
        card_number=f"D{voucher % CARDS:08d}",
        amounts=PurchaseAmounts(Fen(voucher % 5_000 + 1), Fen(100), Fen(900)),
        counter=voucher // CARDS,
        key_index=1,
        balance_before=Fen(1_000_000),
        terminal="370900000001",
        sequence=voucher.to_bytes(4, "big"),
        time=time_of(voucher),
        mac1=voucher.to_bytes(4, "little"),
        place="泰安市示范大药房",
        operator=f"{voucher % 3 + 1:02}",
    )


def events_of(voucher: int) -> Iterator[Event]:
    if voucher % OPEN_ONE_IN == 0:
        yield Event(EventKind.LOST, time_of(voucher), detail="card-removed")
    elif voucher % NOT_CHARGED_ONE_IN == 0:
        yield Event(EventKind.NOT_SENT, time_of(voucher), detail="card-removed")
    else:
        proof = voucher.to_bytes(4, "big")
        yield Event(EventKind.ANSWERED, time_of(voucher), proof, proof)
        yield Event(EventKind.CONFIRMED, time_of(voucher))


def fill(journal: Journal, sales: int) -> None:
    """Through the product's tables and rows, many in a transaction; every day opened and, but for the last, closed."""
    with journal.reading() as database:  # filling is not what is measured
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA cache_size = -400000")
    for first in range(1, sales + 1, BATCH):
        vouchers = range(first, min(first + BATCH, sales + 1))
        debits = [row_of_intent(intent_of(voucher)) for voucher in vouchers]
        events = [row_of_event(voucher, event) for voucher in vouchers for event in events_of(voucher)]
        with journal.writing() as database:
            for table, rows in (("debits", debits), ("events", events)):
                columns = ", ".join(rows[0])
                marks = ", ".join("?" * len(rows[0]))
                database.executemany(
                    f"INSERT INTO {table} ({columns}) VALUES ({marks})", (tuple(row.values()) for row in rows)
                )
    with journal.writing() as database:
        for day in range(-(-sales // A_DAY)):
            for kind, after, hours in (
                (DayEventKind.OPENED, day * A_DAY, 0),
                (DayEventKind.CLOSED, (day + 1) * A_DAY, 13),
            ):
                if kind is DayEventKind.OPENED or after < sales:
                    at = FIRST_DAY + timedelta(days=day, hours=hours)
                    row = (kind, at.isoformat(), after, 2 * after, "01", "", "")
                    database.execute(
                        "INSERT INTO days (kind, at, after_voucher, after_event, operator, despite, supervisor)"
                        " VALUES (?, ?, ?, ?, ?, ?, ?)",
                        row,
                    )


def timed(act: Callable[[], object], times: int) -> float:
    """Seconds for one, the median."""
    durations = []
    for _ in range(times):
        start = perf_counter()
        act()
        durations.append(perf_counter() - start)
    return median(durations)


def bare(file: Path, sales: int, times: int) -> float:
    """The floor: one row by its number."""
    dice = random.Random(1)
    with closing(sqlite3.connect(file)) as database:
        return timed(
            lambda: database.execute(
                "SELECT * FROM debits WHERE voucher = ?", (dice.randint(1, sales),)
            ).fetchone(),
            times,
        )


def start(file: Path) -> None:
    """What a terminal looks at before it can sell: the clock, the day that is open, the sales to be verified."""
    with Journal.open(file) as journal:
        now = journal.newest_moment() or FIRST_DAY
        objection_to_clock(journal, now)
        newest_day(journal)
        journal.open_sales()


def start_of_a_process(file: Path) -> None:
    command = [sys.executable, "-m", "sscard_terminal.cli", "day", "show", "--journal", str(file), "--json"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def closing_the_day(journal: Journal, sales: int) -> tuple[float, float]:
    """Seconds to close the day, and how many for one day that holds every sale there is."""
    now = (journal.newest_moment() or FIRST_DAY) + timedelta(minutes=1)
    day: list[object] = []
    first = timed(lambda: day.append(close_day(journal, lambda: now, despite="measured")), 1)
    if not isinstance(day[0], Day):
        raise SystemExit(f"the day was not closed: {day[0]}")
    open_day(journal, lambda: now)
    everything = journal.sums
    opened = next(event for event in journal.newest_day_events())
    whole = timed(lambda: everything(type(opened)(1, opened.kind, FIRST_DAY, 0, "", after_event=0)), 3)
    return first, whole


def sale_checks(journal: Journal, sales: int) -> Callable[[], object]:
    """Everything the journal is asked before a sale: clock, day, ceilings, the same sale, what is open."""
    dice = random.Random(2)
    now = journal.newest_moment() or FIRST_DAY
    amounts = PurchaseAmounts(Fen(1))

    def ask() -> None:
        card = card_of(dice.randint(1, sales))
        journal.open_sales(card)
        if (objection := objection_before_card(RULES, journal, amounts, now)) is not None:
            raise SystemExit(f"no sale would be made: {objection}")
        objection_to_card(RULES, journal, card, amounts, now)

    return ask


def record(journal: Journal, sales: int) -> Callable[[], object]:
    def sell() -> None:
        sale = journal.record_intent(intent_of(sales))
        journal.record(sale.voucher, Event(EventKind.NOT_SENT, time_of(sales)))

    return sell


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sales", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--check", action="store_true")
    wanted = parser.parse_args()
    with ExitStack() as stack:
        file = wanted.keep or Path(stack.enter_context(tempfile.TemporaryDirectory())) / "journal.db"
        if not file.exists():
            began = perf_counter()
            with Journal.open(file) as journal:
                fill(journal, wanted.sales)
            print(
                f"filled with {wanted.sales:,} sales in {perf_counter() - began:.0f} s, {file.stat().st_size / 1e6:.0f} MB"
            )
        within = report(file, wanted.sales)
        if wanted.check:
            check(file)
        if not within:
            raise SystemExit("a target was missed")


def report(file: Path, sales: int) -> bool:
    """Print the figures; False where one misses its target."""
    floor = bare(file, sales, 2_000)
    opening = timed(lambda: start(file), 5)
    with tempfile.TemporaryDirectory() as folder:
        empty = timed(lambda: start_of_a_process(Path(folder) / "journal.db"), 5)
    process = timed(lambda: start_of_a_process(file), 5)
    dice = random.Random(3)
    with Journal.open(file) as journal:
        look_up = timed(lambda: journal.entry(dice.randint(1, sales)), 2_000)
        of_card = timed(lambda: journal.entries_of_card(card_of(dice.randint(1, sales)), 30), 500)
        asked = timed(sale_checks(journal, sales), 200)
        written = timed(record(journal, sales), 50)
        close, whole = closing_the_day(journal, sales)
    rows = [
        ("floor: a row by its number, bare SQLite", floor, None),
        ("look-up of a voucher with its events", look_up, LOOK_UP_S),
        ("the last 30 sales of a card", of_card, None),
        ("all that is asked before a sale", asked, None),
        ("an intent and its end written, two syncs", written, None),
        ("start: journal, clock, day, open sales", opening, START_S),
        ("start of a process: sscard day show", process, None),
        ("the same with an empty journal", empty, None),
        ("close of the day, 4,000 sales", close, CLOSE_S),
        ("totals of a day that holds every sale", whole, None),
    ]
    print(f"{'':44} {'ms':>10} {'x floor':>10} {'target':>8}")
    for name, seconds, target in rows:
        aim = "" if target is None else f"{target * 1000:.0f}"
        print(f"{name:44} {seconds * 1000:10.3f} {seconds / floor:10.1f} {aim:>8}")
    return all(target is None or seconds <= target for _, seconds, target in rows)


def check(file: Path) -> None:
    with Journal.open(file) as journal:
        began = perf_counter()
        found = examine(journal)
        print(
            f"checked in {perf_counter() - began:.1f} s: {found.sales:,} sales, sound: {found.is_sound} {found.flaws}"
        )


if __name__ == "__main__":
    main()
