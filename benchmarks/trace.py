"""Recordings at length: exchanges told in words a second, and the memory of an export of a million exchanges.

    python -m benchmarks.trace                 both (about a minute)
    python -m benchmarks.trace --exchanges N   the export of N instead of a million

Targets: 50,000 exchanges a second (a command and its answer each) decoded into words; memory that does not grow with the
length: a million exchanges within a few MiB of what ten thousand take. The other rates are of the whole way, from the lines
of a transcript to the written form.
"""

from __future__ import annotations

import argparse
import itertools
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from sscard_terminal.lab.traces.entries import Entries, Exchange
from sscard_terminal.lab.traces.formats import jsonl, pcapng, transcript
from sscard_terminal.lab.traces.words import Told, told

GOLDEN = Path(__file__).parents[1] / "fixtures/traces/golden"
FEW, MANY = 10_000, 1_000_000
LEAST_A_SECOND, MOST_GROWTH_KIB = 50_000, 4096
SECONDS = 3.0
Written = Callable[[Iterable[Told]], Iterator[str | bytes]]
FORMS: dict[str, Written] = {
    "transcript": transcript.write,
    "pcapng": pcapng.write,
    "jsonl": jsonl.write,
}


def conversation() -> list[str]:
    """The lines of all golden traces."""
    files = sorted(GOLDEN.glob("*.apdu"))
    return [line for file in files for line in file.read_text("utf-8").splitlines()]


def exchanges(count: int) -> Entries:
    """So many exchanges, and the resets between them, as a stream: the golden traces over and over."""
    lines = conversation()
    passed = 0
    for entry in transcript.read(itertools.chain.from_iterable(itertools.repeat(lines))):
        yield entry
        passed += isinstance(entry, Exchange)
        if passed == count:
            return


def rate(run: Callable[[], Iterable[object]]) -> float:
    """Exchanges a second of CPU, `run` going once over the conversation."""
    each = sum(line.startswith(">") for line in conversation())
    done, began = 0, time.process_time()
    while (spent := time.process_time() - began) < SECONDS:
        for _ in run():
            pass
        done += each
    return done / spent


def whole_way(write: Written) -> Callable[[], Iterable[object]]:
    lines = conversation()
    return lambda: write(told(transcript.read(lines), "zh"))


def export(form: str, count: int) -> None:
    """Export to nowhere, and print this process's greatest resident memory (KiB) and the bytes written."""
    written = 0
    with Path(os.devnull).open("wb") as sink:
        for piece in FORMS[form](told(exchanges(count), "en")):
            raw = piece if isinstance(piece, bytes) else piece.encode("utf-8")
            written += sink.write(raw)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, written)


def memory_of(form: str, count: int) -> tuple[int, int, float]:
    """KiB, bytes and seconds of an export in a process of its own."""
    began = time.monotonic()
    command = [sys.executable, "-m", "benchmarks.trace", "--export", form, "--exchanges", str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    kib, written = map(int, done.stdout.split())
    return kib, written, time.monotonic() - began


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure recordings at length.")
    parser.add_argument("--exchanges", type=int, default=MANY)
    parser.add_argument("--export", choices=FORMS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.export:
        export(options.export, options.exchanges)
        return 0
    entries = list(transcript.read(conversation()))
    found = rate(lambda: told(entries, "zh"))
    met = found >= LEAST_A_SECOND
    print(f"decoded into words: {found:,.0f} exchanges a second (target {LEAST_A_SECOND:,})")
    for form, write in FORMS.items():
        print(f"from a transcript to {form}: {rate(whole_way(write)):,.0f} exchanges a second")
    for form in ("pcapng", "jsonl"):
        few, _, _ = memory_of(form, FEW)
        many, written, seconds = memory_of(form, options.exchanges)
        met &= many - few <= MOST_GROWTH_KIB
        print(
            f"{form}: {options.exchanges:,} exchanges, {written / 1e6:,.0f} MB in {seconds:.0f} s;"
            f" resident at most {many:,} KiB, with {FEW:,} exchanges {few:,} KiB"
        )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
