"""The terminal's part of `make torture`: everything in full, and its figures as the tables of docs/torture.md.

Not here: the card's part, and the choice of parts (tests/torture/__main__).
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Hashable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

from .enumeration import Enumeration, Start, Tally, fingerprint
from .hunting import hunt
from .opening import SCENARIOS, Scenario
from .planted import PLANTED_BUGS, PlantedBug
from .two_terminals import TwoTerminals

PARTS = 16
"""Each scenario's second faults are tried in so many jobs."""
AROUND_DEBIT = ("B02C", "8072", "write")
"""Where two terminals are interrupted."""
Starts = dict[str, list[Start]]
_starts: Starts = {}
"""By scenario, filled before the pool is forked."""


def _singles(scenario: Scenario) -> tuple[Tally, list[Start]]:
    enumeration = Enumeration(scenario)
    starts: list[Start] = []
    with enumeration.running():
        starts = enumeration.singles()
    return enumeration.tally, starts


def _doubles(scenario: Scenario, part: int) -> Tally:
    enumeration = Enumeration(scenario)
    with enumeration.running():
        for start in _starts[scenario.name][part::PARTS]:
            enumeration.behind(start)
    return enumeration.tally


def _in_one_sale(scenario: Scenario, part: int) -> Tally:
    enumeration = Enumeration(scenario, every=PARTS, offset=part)
    with enumeration.running():
        enumeration.twice_in_one_sale()
    return enumeration.tally


def _two_terminals() -> Tally:
    terminals = TwoTerminals(SCENARIOS[0], first=AROUND_DEBIT)
    terminals.everything()
    return terminals.tally


def _each_once(starts: Starts) -> Starts:
    """A world that several scenarios lead to (until a wrong PIN is typed all is as in any sale) stands with the first."""
    kinds = {scenario.name: (scenario.profile, tuple(scenario.rules.items())) for scenario in SCENARIOS}
    first: dict[Hashable, tuple[str, Start]] = {}
    for name, some in starts.items():
        for start in some:
            mark = (kinds[name], start.act, fingerprint(start.world))
            whose, known = first.get(mark, (name, replace(start, weight=0)))
            first[mark] = whose, replace(known, weight=known.weight + start.weight)
    return {name: [start for whose, start in first.values() if whose == name] for name in starts}


def enumeration(options: argparse.Namespace) -> bool:
    """Every fault of a sale, and of what follows it."""
    began = time.perf_counter()
    scenarios = [
        scenario for scenario in SCENARIOS if not options.scenarios or scenario.name in options.scenarios
    ]
    with ProcessPoolExecutor(options.processes, get_context("fork")) as pool:
        firsts = dict(
            zip((scenario.name for scenario in scenarios), pool.map(_singles, scenarios), strict=True)
        )
    tallies = {name: tally for name, (tally, _) in firsts.items()}
    _starts.update(_each_once({name: starts for name, (_, starts) in firsts.items()}))
    with ProcessPoolExecutor(options.processes, get_context("fork")) as pool:
        both = pool.submit(_two_terminals)
        twice = [pool.submit(_in_one_sale, one, part) for one in scenarios for part in range(PARTS)]
        doubles = [(one, pool.submit(_doubles, one, part)) for one in scenarios for part in range(PARTS)]
        for scenario, job in doubles:
            tallies[scenario.name].add(job.result())
    whole = Tally()
    _print_scenarios(tallies, whole)
    _print_kinds(whole)
    elapsed = time.perf_counter() - began
    worlds = sum(map(len, _starts.values()))
    print(
        f"\n{whole.double.total():,} second faults behind {worlds} different worlds, which stand for {whole.pairs:,} pairs of "
        f"faults. {whole.sessions:,} sessions in {elapsed:.0f} s with {options.processes} processes: {whole.seconds:.0f} s of "
        f"processor time, {whole.sessions / whole.seconds:,.0f} sessions a second of it; longest recovery "
        f"{whole.longest_recovery_s * 1000:.1f} ms of it."
    )
    print(
        f"\nTwo terminals in the same second, each interrupted, one after the other settled: {both.result().pairs:,} "
        f"recoveries, {len(both.result().violations)} violations."
    )
    in_one = Tally()
    for part in twice:
        in_one.add(part.result())
    print(
        f"\nTwice in one sale, from INITIALIZE FOR PURCHASE on: {in_one.double.total():,} second faults behind "
        f"{in_one.single.total():,} first ones, {in_one.sessions:,} sessions, {len(in_one.violations)} violations."
    )
    whole.violations += both.result().violations + in_one.violations
    for violation in whole.violations[:10]:
        print(violation)
    return not whole.violations


def _print_scenarios(tallies: dict[str, Tally], whole: Tally) -> None:
    print(
        "| Scenario | single faults | different worlds | second faults | violations |\n|---|---:|---:|---:|---:|"
    )
    for name, tally in tallies.items():
        whole.add(tally)
        counts = (tally.single.total(), tally.worlds, tally.double.total(), len(tally.violations))
        print(f"| {name} | " + " | ".join(f"{count:,}" for count in counts) + " |")
    counts = (whole.single.total(), whole.worlds, whole.double.total(), len(whole.violations))
    print("| **all** | " + " | ".join(f"**{count:,}**" for count in counts) + " |\n")


def _print_kinds(whole: Tally) -> None:
    print("| Kind of fault | single | second |\n|---|---:|---:|")
    for kind, count in whole.single.items():
        print(f"| {kind} | {count:,} | {whole.double[kind]:,} |")


def planted_bugs(options: argparse.Namespace) -> bool:
    """Each planted bug, and what finds it."""
    print("| Planted bug | caught by | what was seen |\n|---|---|---|")
    missed = 0
    with ProcessPoolExecutor(options.processes, get_context("fork")) as pool:
        for bug, tally in zip(PLANTED_BUGS, pool.map(_hunted, range(len(PLANTED_BUGS))), strict=True):
            missed += not tally.violations
            print(_row(bug, tally))
    print(f"\n{len(PLANTED_BUGS) - missed} of {len(PLANTED_BUGS)} planted bugs caught.")
    return not missed


def _hunted(number: int) -> Tally:
    return hunt(PLANTED_BUGS[number])


def _row(bug: PlantedBug, tally: Tally) -> str:
    if not tally.violations:
        return f"| {bug.name} | **not caught** | |"
    found = tally.violations[0]
    return f"| {bug.name} | {', then '.join(found.trail)} | {found.what} |"


def kills(options: argparse.Namespace) -> bool:
    """SIGKILLs of selling processes over a private pcscd."""
    from sscard_terminal.reader.private_pcscd import PrivatePcscd

    with tempfile.TemporaryDirectory() as folder, PrivatePcscd(2, fast_poll=True) as pcscd:
        os.environ.update(pcscd.environment())  # before this process's first PC/SC call
        from .counter import at_counter
        from .kills import CARD, PSAM, TerminalKiller

        with at_counter(Path(folder), pcscd, pcscd.slots, CARD, PSAM) as counter:
            killer = TerminalKiller(counter, options.seed)
            killer.run(options.kills)
    print("| Killed | times |\n|---|---:|")
    for left, times in sorted(killer.found.items()):
        print(f"| {left} | {times} |")
    longest_ms = max(killer.recoveries_s, default=0.0) * 1000
    print(
        f"\n{killer.killed} kills, {killer.to_recover} of them with a sale to recover; longest recovery, a whole "
        f"`sscard recover`, {longest_ms:.0f} ms: journal, card, PSAM and oracle agree every time."
    )
    return True
