"""`make torture`: everything in full, with its figures as the tables of docs/torture.md.

Run: python -m tests.torture [--seed N] [--kills N] [--apdus N] [--examples N] [--processes N] [--only WHAT …]
Exit code 1 where anything broke the law. A run takes some minutes; the enumeration does not depend on the seed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.torture.enumeration import Enumeration, Tally
from tests.torture.fuzz import CARDS, PSAM, Fuzzer
from tests.torture.kills import Killer
from tests.torture.planted import PLANTED_BUGS, PlantedBug
from tests.torture.scenarios import SCENARIOS
from tests.torture.stateful import CardAndPsam
from tests.torture.stores import KINDS, SEED
from tests.torture.terminal import figures as terminal

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
PARTS = 4
"""Each scenario's double faults are tried in so many jobs."""


def _enumerate(name: str, part: int) -> tuple[str, int, Tally]:
    enumeration = Enumeration(BY_NAME[name])
    return name, part, enumeration.everything(part, PARTS)


def enumeration(options: argparse.Namespace) -> bool:
    """Every single and every double fault."""
    began = time.perf_counter()
    tallies = {scenario.name: Tally() for scenario in SCENARIOS}
    with ProcessPoolExecutor(options.processes, get_context("fork")) as pool:
        jobs = [pool.submit(_enumerate, name, part) for part in range(PARTS) for name in tallies]
        for job in jobs:
            name, part, tally = job.result()
            if part:  # the single faults of a scenario are tried in each of its jobs; they count once
                tally.single.clear()
                tally.images = 0
            tallies[name].add(tally)
    whole = Tally()
    print("| Scenario | single faults | different images | double faults | violations |")
    print("|---|---:|---:|---:|---:|")
    for name, tally in tallies.items():
        whole.add(tally)
        print(
            f"| {name} | {tally.single.total():,} | {tally.images:,} | {tally.double.total():,} "
            f"| {len(tally.violations)} |"
        )
    print(
        f"| **all** | **{whole.single.total():,}** | **{whole.images:,}** | **{whole.double.total():,}** "
        f"| **{len(whole.violations)}** |\n"
    )
    print("| Kind of fault | single | second |\n|---|---:|---:|")
    for kind in KINDS:
        print(f"| {kind} | {whole.single[kind]:,} | {whole.double[kind]:,} |")
    elapsed = time.perf_counter() - began
    faults = whole.single.total() + whole.double.total()
    print(
        f"\n{faults:,} faults in {elapsed:.0f} s with {options.processes} processes; {whole.runs:,} chips built and "
        f"run, {whole.runs / whole.seconds:,.0f} a second and process; longest power-on "
        f"{whole.longest_recovery_s * 1000:.1f} ms, recovery included."
    )
    for violation in whole.violations[:10]:
        print(violation)
    return not whole.violations


def _hunt(bug: PlantedBug) -> tuple[str, int]:
    scenario = BY_NAME[bug.scenario]
    scenario.start()
    with bug.planted():
        tally = Enumeration(scenario, stop_at_first=True).everything(behind=bug.behind)
    return bug.scenario, tally.single.total() + tally.double.total() if tally.violations else 0


def planted_bugs(options: argparse.Namespace) -> bool:
    """Each planted bug, and after how many faults it is found."""
    print("| Planted bug | caught in | after faults |\n|---|---|---:|")
    missed = 0
    for bug in PLANTED_BUGS:
        scenario, faults = _hunt(bug)
        missed += not faults
        print(f"| {bug.name} | {scenario} | {f'{faults:,}' if faults else '**not caught**'} |")
    print(f"\n{len(PLANTED_BUGS) - missed} of {len(PLANTED_BUGS)} planted bugs caught.")
    return not missed


def stateful(options: argparse.Namespace) -> bool:
    """hypothesis, card and PSAM."""
    chosen = settings(
        max_examples=options.examples,
        stateful_step_count=50,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(seed(options.seed)(CardAndPsam), settings=chosen)
    print(f"{options.examples} sequences of up to 50 steps with card and PSAM: no violation.")
    return True


def apdus(options: argparse.Namespace) -> bool:
    """Random and mutated APDUs."""
    count = -(-options.apdus // (len(CARDS) + 1))
    for name in (*CARDS, PSAM):
        fuzzer = Fuzzer(name, options.seed)
        fuzzer.run(count)
        print(
            f"{name}: {count:,} random and mutated APDUs, {len(fuzzer.answers)} different status words, "
            f"{fuzzer.moved} valid transactions among them: no violation."
        )
    return True


def kills(options: argparse.Namespace) -> bool:
    """SIGKILLs of a serving process."""
    with tempfile.TemporaryDirectory() as folder:
        killer = Killer(Path(folder), options.seed)
        killer.run(options.kills)
    print("| Killed in | times |\n|---|---:|")
    for where, times in sorted(killer.kills.items()):
        print(f"| {where} | {times} |")
    print(
        f"\n{options.kills} kills, {killer.replays} of them with something to recover at power-on: no violation."
    )
    return True


TORTURES: dict[str, Callable[[argparse.Namespace], bool]] = {
    "enumeration": enumeration,
    "planted-bugs": planted_bugs,
    "stateful": stateful,
    "apdus": apdus,
    "kills": kills,
    "terminal": terminal.enumeration,
    "terminal-planted-bugs": terminal.planted_bugs,
    "terminal-kills": terminal.kills,
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Torture the card's memory, and the terminal's sale.")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--apdus", type=int, default=100_000)
    parser.add_argument("--examples", type=int, default=300)
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--scenarios", nargs="+", metavar="NAME", help="of the terminal; else all of them")
    parser.add_argument("--only", nargs="+", choices=TORTURES, default=list(TORTURES))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    sound = True
    for name in options.only:
        print(f"\n## {name}\n", flush=True)
        try:
            sound = TORTURES[name](options) and sound
        except AssertionError as broken:
            print(f"BROKEN: {broken}")
            sound = False
        sys.stdout.flush()
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
