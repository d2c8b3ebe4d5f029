"""What an APDU costs on its way through PC/SC, against C and against vsmartcard's own card; not what a sale costs.

    make bench                          all of it, pinned to one CPU
    make bench ARGS="--free"            without pinning
    make bench ARGS="--without-vicc"    needs no download

Absolute times are the machine's; the ratios are ours. So everything runs in one go over one private pcscd, in
rounds whose order is shuffled, and is compared with a client and a card in C (floor/), which is the transport's
own limit. Method and first figures: docs/spec/pcsc.md section 5.
"""

import argparse
import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median

from sscard_terminal.iso7816.apdu import CommandApdu
from sscard_terminal.reader.pcsc import open_reader, wait_for_card
from sscard_terminal.reader.private_pcscd import PrivatePcscd, Slot

HERE = Path(__file__).parent
GET_CHALLENGE = bytes.fromhex("0084000008")  # every card here answers it with 8 bytes and 9000
ROUNDS, APDUS, APDUS_WHEN_STALLING = 20, 250, 5
MOST_OVER_C, MOST_P99, LEAST_OVER_VICC = 1.6, 5.0, 100.0
PATIENCE_S = 10.0

Measure = Callable[[int], list[float]]


@dataclass
class Way:
    """One client and one card: `measure(n)` sends n APDUs and gives n times in seconds."""

    name: str
    measure: Measure
    apdus: int = APDUS
    rounds_s: list[list[float]] = field(default_factory=list)

    @property
    def times_s(self) -> list[float]:
        return [took for times_s in self.rounds_s for took in times_s]

    def ratio_to(self, floor: "Way") -> float:
        """How many times the floor's median, round by round, so that a neighbour's burst of work cancels out."""
        pairs = zip(self.rounds_s, floor.rounds_s, strict=True)
        return median(median(ours_s) / median(theirs_s) for ours_s, theirs_s in pairs)

    @property
    def median_s(self) -> float:
        return median(self.times_s)

    @property
    def p99_s(self) -> float:
        return sorted(self.times_s)[int(len(self.times_s) * 0.99)]

    @property
    def per_second(self) -> float:
        return 1 / mean(self.times_s)


def our_client(reader: str, stack: contextlib.ExitStack) -> Measure:
    """The very connection the terminal uses, its deadline included."""
    connection = open_reader(reader)
    stack.callback(connection.close)
    command = CommandApdu.parse(GET_CHALLENGE)

    def measure(count: int) -> list[float]:
        times_s = []
        for _ in range(count):
            began = time.perf_counter()
            response = connection.transmit(command)
            times_s.append(time.perf_counter() - began)
            assert response.sw == 0x9000, f"{reader} answered {response.sw:04X}"
        return times_s

    return measure


def c_client(program: Path, reader: str, pcscd: PrivatePcscd, stack: contextlib.ExitStack) -> Measure:
    client = subprocess.Popen(
        [str(program), reader, GET_CHALLENGE.hex()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | pcscd.environment(),
    )
    asks, answers = client.stdin, client.stdout
    assert asks is not None and answers is not None
    stack.callback(client.wait)
    stack.callback(asks.close)
    assert answers.readline() == "ready\n", "the C client did not come up"

    def measure(count: int) -> list[float]:
        asks.write(f"{count}\n")
        asks.flush()
        return [int(took) / 1e9 for took in answers.readline().split()]

    return measure


def compiled(source: str, workshop: Path) -> Path:
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libpcsclite"], capture_output=True, text=True, check=True
    )
    program = workshop / Path(source).stem
    subprocess.run(["gcc", "-O2", "-o", program, HERE / "floor" / source, *flags.stdout.split()], check=True)
    return program


def vicc_command(workshop: Path, port: int) -> list[str]:
    """vsmartcard's card as shipped, once its missing package is there (pcsc.md section 1)."""
    subprocess.run([sys.executable, "-m", "venv", workshop / "vicc"], check=True)
    python = str(workshop / "vicc" / "bin" / "python")
    subprocess.run(
        [python, "-m", "pip", "install", "-q", "pycryptodome"], check=True, stderr=subprocess.DEVNULL
    )
    path = "PYTHONPATH=/usr/lib/python3/site-packages/virtualsmartcard"
    return ["env", path, python, "/usr/bin/vicc", "-t", "iso7816", "-H", "127.0.0.1", "-P", str(port)]


@contextlib.contextmanager
def card_process(pcscd: PrivatePcscd, command: list[str], slot: Slot) -> Iterator[None]:
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(pcscd.wrap_command(command), stdout=quiet, stderr=quiet, stdin=quiet)
    try:
        if not wait_for_card(slot.reader, PATIENCE_S):
            raise SystemExit(f"no card came up in {slot.reader}: {' '.join(command)}")
        yield
    finally:
        process.kill()
        process.wait()


def set_up(pcscd: PrivatePcscd, workshop: Path, stack: contextlib.ExitStack, *, with_vicc: bool) -> list[Way]:
    c_slot, echo_slot, chip_slot, vicc_slot = pcscd.slots[:4]
    stack.enter_context(card_process(pcscd, [str(compiled("card.c", workshop)), str(c_slot.port)], c_slot))
    for script, slot in (("echo_card.py", echo_slot), ("chip_card.py", chip_slot)):
        command = [sys.executable, str(HERE / script), str(slot.port)]
        stack.enter_context(card_process(pcscd, command, slot))
    client = compiled("client.c", workshop)
    ways = [
        Way("C client, C card", c_client(client, c_slot.reader, pcscd, stack)),
        Way("our client, our link", our_client(echo_slot.reader, stack)),
        Way("our client, our chip", our_client(chip_slot.reader, stack)),
        Way("C client, our link", c_client(client, echo_slot.reader, pcscd, stack)),
        Way("C client, our chip", c_client(client, chip_slot.reader, pcscd, stack)),
        Way("our client, C card", our_client(c_slot.reader, stack)),
    ]
    if with_vicc:
        stack.enter_context(card_process(pcscd, vicc_command(workshop, vicc_slot.port), vicc_slot))
        ways.append(
            Way("our client, vicc as shipped", our_client(vicc_slot.reader, stack), APDUS_WHEN_STALLING)
        )
    return ways


def run(ways: list[Way], rounds: int, seed: int) -> None:
    order = random.Random(seed)
    for way in ways:
        way.measure(min(way.apdus, 50))  # warm caches; not counted
    for _ in range(rounds):
        for way in order.sample(ways, len(ways)):
            way.rounds_s.append(way.measure(way.apdus))


def print_table(ways: list[Way]) -> None:
    print("| client, card | ratio | median us | p99 us | APDU/s |\n|---|---|---|---|---|")
    for way in ways:
        figures = f"{way.median_s * 1e6:.0f} | {way.p99_s * 1e6:.0f} | {way.per_second:.0f}"
        print(f"| {way.name} | {way.ratio_to(ways[0]):.2f} | {figures} |")


def judge(ways: list[Way]) -> bool:
    """Say which targets are met; the link's own, without the chip's work."""
    floor, ours, last = ways[0], ways[1], ways[-1]
    over_c, spread = ours.ratio_to(floor), ours.p99_s / ours.median_s
    verdicts = [
        (f"median <= {MOST_OVER_C} x the C pair's", over_c, over_c <= MOST_OVER_C),
        (f"p99 <= {MOST_P99:.0f} x its own median", spread, spread <= MOST_P99),
    ]
    if "vicc" in last.name:
        faster = ours.per_second / last.per_second
        verdicts.append((f"rate >= {LEAST_OVER_VICC:.0f} x vicc's", faster, faster >= LEAST_OVER_VICC))
    print()
    for target, figure, met in verdicts:
        print(f"- {target}: {figure:.2f}, {'met' if met else 'MISSED'}")
    return all(met for _, _, met in verdicts)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the transport against C and against vicc.")
    parser.add_argument("--free", action="store_true", help="do not pin everything to one CPU")
    parser.add_argument("--without-vicc", action="store_true", help="leave out vsmartcard's own card")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    choice = parser.parse_args()
    if not choice.free:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # inherited by all we start
    print(
        f"seed {choice.seed}, {choice.rounds} rounds, {'all CPUs' if choice.free else 'one CPU'}\n",
        flush=True,
    )
    with contextlib.ExitStack() as stack:
        workshop = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        pcscd = stack.enter_context(PrivatePcscd(4))
        os.environ.update(pcscd.environment())
        ways = set_up(pcscd, workshop, stack, with_vicc=not choice.without_vicc)
        run(ways, choice.rounds, choice.seed)
        print_table(ways)
        met = judge(ways)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
