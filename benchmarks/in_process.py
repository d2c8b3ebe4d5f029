"""The chip alone, without reader or service: READ RECORD a second, and a whole sale against its ciphers' own time.

Run: python -m benchmarks.in_process [--rounds N]. Everything in one run, alternating, on one CPU; compare ratios.
Targets: 30,000 READ RECORD a second; a sale (card + PSAM, memory in RAM) within 3 times the floor and at least 1,500 a
second. The floor is the same cipher calls as one sale makes, listed below, each with a new Cipher object.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from sscard_terminal.card.memory import FileStore, create_whole
from tests.applets.test_medical_account import DF04, RIGHT, SSSE, amounts, initialize
from tests.cards import ask_all, card_image, chip_over, new_card, new_psam

KEY = bytes(range(24))
ZERO = bytes(8)
FACTORS = bytes.fromhex("866037090000000233373039303073783337303030307368")
TIME = bytes.fromhex("20120601120000")

FLOOR = (
    *[("PSAM: DPK one level down, 2 blocks", modes.ECB(), 16)] * 3,
    ("PSAM: session key, 1 block", modes.ECB(), 8),
    ("PSAM: MAC1 over 26 bytes, 4 blocks", modes.CBC(ZERO), 32),
    ("card: session key, 1 block", modes.ECB(), 8),
    ("card: MAC1, 4 blocks", modes.CBC(ZERO), 32),
    ("card: MAC2 over 12 bytes, 2 blocks", modes.CBC(ZERO), 16),
    ("card: TAC over 30 bytes, 4 blocks", modes.CBC(ZERO), 32),
    ("PSAM: MAC2, 2 blocks", modes.CBC(ZERO), 16),
)
"""Every cipher call of one purchase (card.md §4.4)."""


def ciphers_alone() -> None:
    for _, mode, length in FLOOR:
        Cipher(TripleDES(KEY), mode).encryptor().update(bytes(length))


class Sale:
    """One purchase of one fen between a card and a PSAM, bytes prepared beforehand."""

    def __init__(self, card: object = None) -> None:
        self._card = (card or new_card(balance=0xFFFF_FFFF)).respond  # type: ignore[attr-defined]
        psam = new_psam()
        self._psam = psam.respond
        for text in (SSSE, RIGHT, DF04):
            self._card(bytes.fromhex(text))
        ask_all(psam, "00A40000023F00", "00A4000002DF01", "BFEC00000137")
        self._initialize = bytes.fromhex(initialize(1))

    def __call__(self) -> None:
        card, psam = self._card, self._psam
        card(self._initialize)
        answer = card(b"\x00\xc0\x00\x00\x16")
        head = b"\x80\x70\x01\x00\x34" + answer[18:22] + answer[14:16]
        psam(head + amounts(1) + b"\x32" + TIME + answer[16:18] + FACTORS)
        mac1 = psam(b"\x00\xc0\x00\x00\x08")
        card(b"\xb0\x2c\x01\x00\x0f" + mac1[:4] + TIME + mac1[4:8])
        proof = card(b"\x00\xc0\x00\x00\x08")
        if psam(b"\x80\x72\x00\x00\x04" + proof[4:8]) != b"\x90\x00":
            raise SystemExit("the sale did not go through: the figures would mean nothing")


def timed(act: Callable[[], object], times: int) -> float:
    """Seconds for one."""
    start = perf_counter()
    for _ in range(times):
        act()
    return (perf_counter() - start) / times


def reading() -> Callable[[], object]:
    card = new_card()
    ask_all(card, SSSE, "00A4020002EF05")
    return lambda: card.respond(b"\x00\xb2\x01\x04\x12")


def durable_sale(folder: Path) -> Sale:
    path = folder / "card.img"
    create_whole(path, card_image(balance=0xFFFF_FFFF))
    return Sale(chip_over(FileStore(path)))


def serving_memory_mib() -> float:
    """Peak memory of a process that has a card ready to serve."""
    program = (
        "import resource; from sscard_terminal.card import vpicc; from tests.cards import new_card; "
        "new_card().power_on(); print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as folder:
        acts = {
            "READ RECORD": (reading(), 500),
            "floor": (ciphers_alone, 50),
            "sale": (Sale(), 50),
            "sale, file with fdatasync": (durable_sale(Path(folder)), 10),
        }
        taken: dict[str, list[float]] = {name: [] for name in acts}
        for _ in range(rounds):
            for name, (act, times) in acts.items():
                taken[name].append(timed(act, times))
    median = {name: statistics.median(values) for name, values in taken.items()}
    print(f"{len(FLOOR)} cipher calls a sale; medians of {rounds} alternating rounds, one CPU")
    for name, seconds in median.items():
        print(
            f"{name:28} {seconds * 1e6:9.1f} us {1 / seconds:10,.0f}/s {seconds / median['floor']:8.2f} x floor"
        )
    print(f"card process, peak memory    {serving_memory_mib():9.1f} MiB")
    print(
        f"this process, peak memory    {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:9.1f} MiB"
    )


if __name__ == "__main__":
    main()
