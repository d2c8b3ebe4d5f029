"""What is typed before a command asks for its PIN: never on the screen, and echo is back at every end."""

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Counter

EARLY = "739164"
SLOWLY = """
import signal, sys, time
from sscard_terminal.cli import entry
from sscard_terminal.cli.exits import Exit, Stop

def look(*_):
    print("reading", flush=True)
    time.sleep({pause})
    {ending}

entry.look = look
from sscard_terminal.cli.main import main
sys.argv = ["sscard", *sys.argv[1:]]
main()
"""
ENDINGS = {
    "refused": ("0.5", 'raise Stop(Exit.REFUSED, "interrupted")'),
    "a mistake of ours": ("0.5", 'raise RuntimeError("nobody foresaw this")'),
    "Ctrl-C": ("30", ""),
}


def echoes(terminal: int) -> bool:
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)


def until(words: str, terminal: int, shown: str = "") -> str:
    end = time.monotonic() + 30
    while words not in shown:
        assert time.monotonic() < end, shown
        if select.select([terminal], [], [], 0.2)[0]:
            shown += os.read(terminal, 4096).decode("utf-8", "replace")
    return shown


@pytest.mark.parametrize("ending", ENDINGS)
def test_digits_typed_while_the_card_is_read_are_not_echoed_and_echo_is_back_afterwards(
    ending: str, counter: Counter, tmp_path: Path
) -> None:
    pause, last = ENDINGS[ending]
    program = tmp_path / "slowly.py"
    program.write_text(SLOWLY.format(pause=pause, ending=last), "utf-8")
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    command = [sys.executable, str(program), "balance", *counter.readers, "--lang", "en"]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, env={**os.environ}
    ) as running:
        shown = until("reading", ours)
        silent = not echoes(theirs)
        os.write(ours, EARLY.encode())
        if ending == "Ctrl-C":
            running.send_signal(signal.SIGINT)
        running.wait(30)
    while select.select([ours], [], [], 0.2)[0]:
        shown += os.read(ours, 4096).decode("utf-8", "replace")

    assert silent and EARLY not in shown
    assert termios.tcgetattr(theirs) == before
    os.write(ours, b"next\n")  # what was typed early is not there for whoever reads next
    assert os.read(theirs, 64) == b"next\n"
    os.close(ours)
    os.close(theirs)


def test_at_the_prompt_of_a_sale_what_came_early_is_thrown_away(counter: Counter) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "sscard_terminal.cli", "balance", *counter.readers, "--lang", "en"]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, env={**os.environ}
    ) as running:
        until("PIN: ", ours)
        silent = not echoes(theirs)
        os.write(ours, b"123456\n")
        shown = until("100.00", ours)
        running.wait(30)

    assert silent and "123456" not in shown
    assert running.returncode == 0 and echoes(theirs)
    os.close(ours)
    os.close(theirs)
