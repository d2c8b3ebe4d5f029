"""What a script costs beside the card: an APDU, the first line of a long script, all of it read.

    python -m benchmarks.script [--lines 10000]

Three figures of the issue that ordered the runner: at most 20 us an APDU beyond the card's own answer, the first of 10,000
lines sent within 0.5 s of the file being opened, all of them read within 3 s. The card's own answer is what the same chip
takes over the same bytes with nothing around it; both in processor time. Of the others the median of five rounds is shown.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

from sscard_terminal.card.memory import RamStore
from sscard_terminal.lab import virtual
from sscard_terminal.lab.run.events import Event, Step
from sscard_terminal.lab.run.opening import Choice, opened_targets
from sscard_terminal.lab.run.runner import Options, run
from sscard_terminal.lab.script.parse import load, parse

ROUNDS = 5
SELECT = "00 A4 04 00 0F 73 78 31 2E 73 68 2E C9 E7 BB E1 B1 A3 D5 CF"
LINES = (
    f"{SELECT} -> 6118|611E",
    "00 84 00 00 08 -> [xx*] 9000",
    "00 20 00 00 -> 63C3                         # how many tries are left",
    "00 B0 95 00 00 -> 6Cxx|69xx|6Axx",
    "00 C0 00 00 08",
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=10_000)
    lines = parser.parse_args().lines
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "long.sscard"
        file.write_text(long_script(lines), encoding="utf-8")
        print(f"read {lines} lines:                {median(lambda: reading_s(file)):8.3f} s")
        print(f"read {lines} lines, in blocks:     {median(lambda: reading_blocks_s(lines)):8.3f} s")
        print(f"file to first answer:            {median(lambda: first_answer_s(file)):8.3f} s")
        print(f"process start to first answer:   {median(lambda: whole_process_s(file)):8.3f} s")
        bare_us, run_us = beside_each_other(file, lines)
        print(f"an APDU, the bare chip:          {bare_us:8.2f} us")
        print(f"an APDU, run by the script:      {run_us:8.2f} us")
        print(f"the runner's part:               {run_us - bare_us:8.2f} us")


def beside_each_other(file: Path, lines: int) -> tuple[float, float]:
    """Microseconds of this process an APDU, of the chip alone and of the run, in turn; the quietest round of each."""
    rounds = [(bare_s(lines), running_s(file)) for _ in range(ROUNDS)]
    bare, whole = (min(times) / lines * 1e6 for times in zip(*rounds, strict=True))
    return bare, whole


def median(measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _ in range(ROUNDS))


def long_script(lines: int) -> str:
    head = '#! sscard 1\nuse card gen2-32k person zhang-san as card\nsection "long"\n'
    return head + "".join(LINES[number % len(LINES)] + "\n" for number in range(lines))


def reading_s(file: Path) -> float:
    began = time.perf_counter()
    load(file)
    return time.perf_counter() - began


def reading_blocks_s(lines: int) -> float:
    """The same lines within blocks, which the grammar reads and not the short way."""
    block = "repeat 2 {\n" + "".join(line + "\n" for line in LINES) + "}\n"
    text = block * (lines // (len(LINES) + 2))
    began = time.perf_counter()
    parse(text)
    return time.perf_counter() - began


class _First(Exception):
    """The first answer is there."""


def first_answer_s(file: Path) -> float:
    began = time.perf_counter()

    def hear(event: Event) -> None:
        if isinstance(event, Step):
            raise _First

    script = load(file)
    with suppress(_First):
        run(script, opened_targets(script, Choice(), 1, file.parent), listener=hear)
    return time.perf_counter() - began


def whole_process_s(file: Path) -> float:
    """The command as typed, until its first step is in the JSON lines."""
    command = [
        sys.executable,
        "-m",
        "sscard_terminal.cli",
        "script",
        "run",
        str(file),
        "--jsonl",
        "-",
        "--json",
    ]
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if '"event":"step"' in line:
                break
        elapsed_s = time.perf_counter() - began
        process.kill()
    return elapsed_s


def commands(lines: int) -> list[bytes]:
    one_round = [bytes.fromhex(line.partition("#")[0].partition("->")[0]) for line in LINES]
    return [one_round[number % len(one_round)] for number in range(lines)]


def bare_s(lines: int) -> float:
    chip = virtual.chip_over(RamStore(virtual.card_image("gen2-32k", "zhang-san")))
    chip.power_on()
    sent = commands(lines)
    began = time.process_time()
    for command in sent:
        chip.respond(command)
    return time.process_time() - began


def running_s(file: Path) -> float:
    """Everything from the first command to the last, with a listener that keeps nothing."""
    script = load(file)
    targets = opened_targets(script, Choice(), Random(1).randrange(2**32), file.parent)
    began = time.process_time()
    run(script, targets, options=Options(keep_steps=False), listener=lambda event: None)
    return time.process_time() - began


if __name__ == "__main__":
    main()
