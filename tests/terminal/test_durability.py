"""What the operating system is asked, in which order: the journal's sync comes before DEBIT leaves.

A power cut cannot be played in a test, for the page cache survives every kill; the order of system calls can be read.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from sscard_terminal.terminal.journal import Journal
from tests.cards import card_image, psam_image

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
REFUSED = re.compile(r"ptrace|PTRACE|Operation not permitted")


def test_the_journal_is_synced_before_debit_leaves_and_after_it_was_answered(tmp_path: Path) -> None:
    trace, done = traced([sys.executable, "-c", PROGRAM, str(tmp_path)], tmp_path)
    assert "Approved" in done.stdout, done.stderr

    steps = compressed(steps_of(trace))

    leaves = steps.index("DEBIT leaves")
    assert steps[leaves - 2 : leaves] == ["log written", "log synced"]
    assert steps[leaves + 1 : steps.index("sale ends")] == [
        "DEBIT answered",
        *["log written", "log synced"] * 2,
    ]


def test_sscard_debit_syncs_its_journal_between_the_psam_that_signs_and_the_card_that_pays(
    tmp_path: Path,
) -> None:
    """A whole process; the card's and the PSAM's memory are files too, so what the commands change is in the same trace."""
    card, psam, book = tmp_path / "zhang.card", tmp_path / "terminal.psam", tmp_path / "journal.db"
    card.write_bytes(card_image(balance=10_000))
    psam.write_bytes(psam_image())
    Journal.open(book).close()
    command = [sys.executable, "-m", "sscard_terminal.cli", "debit", "--account", "1", "--pin-stdin"]
    where = ["--reader", f"image:{card}", "--psam-reader", f"image:{psam}", "--journal", str(book)]

    trace, done = traced([*command, *where], tmp_path, stdin="123456\n")

    assert done.returncode == 0, done.stderr
    files = {"journal.db-wal": "journal", "zhang.card": "card", "terminal.psam": "PSAM"}
    found = [(files.get(Path(match["path"]).name), match["call"]) for match in CALL.finditer(trace)]
    steps = compressed([f"{who} {'synced' if 'sync' in call else 'written'}" for who, call in found if who])
    intent = steps.index("journal written", steps.index("PSAM written"))
    pays = steps.index("card written", intent)
    assert steps[intent - 1] == "PSAM written"
    assert steps[intent:pays] == ["journal written", "journal synced"] * ((pays - intent) // 2)
    assert steps[pays:][:4] == ["card written", "card synced", "card written", "journal written"]


def traced(command: list[str], folder: Path, stdin: str = "") -> tuple[str, subprocess.CompletedProcess[str]]:
    """The system calls that write and sync, and how the process ended."""
    tracer = shutil.which("strace")
    assert tracer, "strace is not installed: run tools/setup.sh, which installs it"
    trace = folder / "trace"
    calls = ["-f", "-y", "-e", "trace=pwrite64,write,fsync,fdatasync", "-o", str(trace)]
    done = subprocess.run([tracer, *calls, *command], input=stdin, capture_output=True, text=True, timeout=50)
    assert not REFUSED.search(done.stderr), (
        f"this machine lets no process trace another (ptrace): {done.stderr}"
    )
    return trace.read_text("utf-8", "replace"), done


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
