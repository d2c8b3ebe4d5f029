"""A counter over pcscd: card and PSAM served from image files, and `sscard` processes to be started and killed.

Not here: when they are killed and what must hold then (kills). PC/SC must have been told where pcscd is before.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sscard_terminal.card.memory import create_whole
from sscard_terminal.reader.pcsc import wait_for_card
from sscard_terminal.reader.private_pcscd import PrivatePcscd, Slot

ROOT = Path(__file__).parents[3]
PATIENCE_S = 20.0
GLANCE_S = 0.0005
KILLED = -signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended, what it wrote, and how long it lived."""

    code: int
    text: str
    seconds: float


class Counter:
    """Made by `at_counter`: one card, one PSAM, one journal."""

    def __init__(self, folder: Path, slots: Sequence[Slot], forker: subprocess.Popen[str]) -> None:
        self.card_image, self.psam_image = folder / "card.img", folder / "psam.img"
        self.journal = folder / "journal.db"
        self._output = folder / "output"
        self._forker = forker
        self._readers = ["--reader", slots[0].reader, "--psam-reader", slots[1].reader]

    def sell(
        self, fen: int, pin: str, kill_after_s: float | None = None, *, once_written: bool = False
    ) -> Ended:
        """`sscard debit`, killed so many seconds after its process began, unless it has ended by then.

        `once_written`: after it began to write to the journal.
        """
        return self._run(["debit", "--account", f"{fen / 100:.2f}"], pin, kill_after_s, once_written)

    def recover(self, pin: str, kill_after_s: float | None = None) -> Ended:
        """`sscard recover`, likewise."""
        return self._run(["recover"], pin, kill_after_s)

    def _run(
        self, command: list[str], pin: str, kill_after_s: float | None, once_written: bool = False
    ) -> Ended:
        options = [*self._readers, "--journal", str(self.journal), "--pin-stdin", "--lang", "en"]
        order = {"arguments": [*command, *options], "input": f"{pin}\n", "output": str(self._output)}
        self._say(json.dumps(order))
        pid = int(self._hear("started"))
        began = time.perf_counter()
        if kill_after_s is not None:
            with suppress(ProcessLookupError):  # it has ended already
                if once_written:
                    self._wait_for_a_write(pid)
                time.sleep(kill_after_s)
                os.kill(pid, signal.SIGKILL)
        code = int(self._hear("ended"))
        return Ended(
            code,
            self._output.read_text("utf-8") if self._output.exists() else "",
            time.perf_counter() - began,
        )

    def _wait_for_a_write(self, pid: int) -> None:
        """
        Raises:
            ProcessLookupError: the process has ended.
        """
        log = self.journal.with_name(f"{self.journal.name}-wal")
        while not (log.exists() and log.stat().st_size):
            os.kill(pid, 0)
            time.sleep(GLANCE_S)

    def _say(self, line: str) -> None:
        assert self._forker.stdin is not None
        self._output.unlink(missing_ok=True)
        print(line, file=self._forker.stdin, flush=True)

    def _hear(self, word: str) -> str:
        assert self._forker.stdout is not None
        line = self._forker.stdout.readline().split()
        assert line[:1] == [word], line
        return line[1]


@contextmanager
def at_counter(
    folder: Path, pcscd: PrivatePcscd, slots: Sequence[Slot], card: bytes, psam: bytes
) -> Iterator[Counter]:
    """Card and PSAM, each served by a process that lives on, and a forker."""
    with ExitStack() as stack:
        for kind, image, slot in zip(("card", "psam"), (card, psam), slots, strict=False):
            file = folder / f"{kind}.img"
            create_whole(file, image)
            command = [sys.executable, "-m", "sscard_terminal.cli", kind, "serve", str(file)]
            command += ["--vpcd", f"127.0.0.1:{slot.port}", "--until-eof", "--json"]
            stack.enter_context(_process(pcscd.wrap_command(command), stdout=subprocess.DEVNULL))
            assert wait_for_card(slot.reader, PATIENCE_S)
        forker = [sys.executable, "-m", "tests.torture.terminal.forker"]
        yield Counter(folder, slots, stack.enter_context(_process(forker, stdout=subprocess.PIPE)))


@contextmanager
def _process(command: list[str], stdout: int) -> Iterator[subprocess.Popen[str]]:
    """It ends when its standard input does."""
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=stdout, text=True)
    try:
        yield process
    finally:
        process.communicate(timeout=PATIENCE_S)
