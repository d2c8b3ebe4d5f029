"""What the operating system is asked, in which order: the journal's sync comes before DEBIT leaves.

A power cut cannot be played in a test, for the page cache survives every kill; the order of system calls can be read.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os, sys, pathlib
from tests.terminal.doubles import AMOUNTS, DEBIT, Desk
from sscard_terminal.terminal.debit import DebitRequest, debit

class Announcing:
    def __init__(self, inner):
        self.inner, self.atr = inner, inner.atr
    def transmit(self, command):
        if command.header == DEBIT:
            os.write(1, b"DEBIT leaves\\n")
        answer = self.inner.transmit(command)
        if command.header == DEBIT:
            os.write(1, b"DEBIT answered\\n")
        return answer

desk = Desk.at(pathlib.Path(sys.argv[1]))
card = desk.identified(Announcing)
os.write(1, b"sale begins\\n")
print(type(debit(card, desk.psam, desk.journal, DebitRequest(AMOUNTS), desk.clock)).__name__, flush=True)
os.write(1, b"sale ends\\n")
"""
CALL = re.compile(
    r"(?P<call>pwrite64|write|fsync|fdatasync)\((?P<fd>\d+)<(?P<path>[^>]*)>(?:, \"(?P<text>[^\"]*)\")?"
)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_the_journal_is_synced_before_debit_leaves_and_after_it_was_answered(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-y", "-e", "trace=pwrite64,write,fsync,fdatasync", "-o", str(trace)]
    done = subprocess.run(
        [*command, sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, timeout=50
    )
    assert "Approved" in done.stdout, done.stderr

    steps = compressed(steps_of(trace.read_text("utf-8", "replace")))

    leaves = steps.index("DEBIT leaves")
    assert steps[leaves - 2 : leaves] == ["log written", "log synced"]
    assert steps[leaves + 1 : steps.index("sale ends")] == [
        "DEBIT answered",
        *["log written", "log synced"] * 2,
    ]


def steps_of(trace: str) -> list[str]:
    steps = []
    for match in CALL.finditer(trace):
        text = (match["text"] or "").replace("\\n", "")
        if match["path"].endswith("journal.db-wal"):
            steps.append("log synced" if "sync" in match["call"] else "log written")
        elif match["fd"] == "1" and (text.startswith(("DEBIT", "sale"))):
            steps.append(text)
    return steps[steps.index("sale begins") :]


def compressed(steps: list[str]) -> list[str]:
    """Without what merely repeats the step before."""
    return [step for step, before in zip(steps, ["", *steps], strict=False) if step != before]
