"""Colours only where they are seen: on a terminal, and not where NO_COLOR is set."""

import os
import pty
import subprocess
import sys

import pytest


def on_a_terminal(**environment: str) -> str:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "sscard_terminal.cli", "foo", "--lang", "en"],
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", **environment},
    )
    os.close(theirs)
    process.wait(20)
    return os.read(ours, 10_000).decode()


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_gets_colours_unless_no_color_is_set(environment: dict[str, str], coloured: bool) -> None:
    assert ("\x1b[31m" in on_a_terminal(**environment)) == coloured


def test_a_pipe_gets_no_colours() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sscard_terminal.cli", "foo"], capture_output=True, text=True, timeout=20
    )

    assert "\x1b" not in done.stderr
