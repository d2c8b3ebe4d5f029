"""`sscard counter` at a real pseudo-terminal: the keys arrive, the words are shown, the PIN is not."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time

import pyte
import pytest

from tests.cli.conftest import PIN, Counter, Sscard
from tests.cli.test_debit import balance_fen

F2, F3, F12, ENTER = "\x1bOQ", "\x1bOR", "\x1b[24~", "\r"
ROWS, COLUMNS = 40, 120


class Terminal:
    """A program at a pseudo-terminal, and what a person sees there."""

    def __init__(self, *arguments: str) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self.everything = b""
        self._running = subprocess.Popen(
            [sys.executable, "-m", "sscard_terminal.cli", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm"},
        )
        os.close(theirs)

    @property
    def shown(self) -> str:
        return "\n".join(line.replace(" ", "") for line in self._screen.display)

    def sees(self, words: str, within_s: float = 30) -> None:
        """Wait until these words are on the screen (blanks apart: a Chinese character fills two columns)."""
        end = time.monotonic() + within_s
        while words.replace(" ", "") not in self.shown:
            assert time.monotonic() < end, self.shown
            if select.select([self._ours], [], [], 0.2)[0]:
                self._read()

    def types(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def ends(self) -> int:
        while select.select([self._ours], [], [], 30)[0] and self._read():
            pass
        os.close(self._ours)
        return self._running.wait(30)

    def _read(self) -> bool:
        try:
            some = os.read(self._ours, 4096)
        except OSError:
            return False
        self.everything += some
        self._stream.feed(some)
        return bool(some)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            (
                "Insert the card",
                "Choose a service",
                "Total in yuan",
                "Confirm:",
                "enters the PIN",
                "voucher 1",
            ),
        ),
        ("zh", ("请插卡", "请选择业务", "总金额", "请确认金额", "请顾客输入密码", "凭证号1")),
    ],
)
def test_a_sale_at_a_text_terminal(
    language: str, words: tuple[str, ...], sscard: Sscard, counter: Counter
) -> None:
    terminal = Terminal("counter", *counter.readers, *counter.book, "--lang", language)
    keys = (F2, F3, "12.34" + ENTER, ENTER, PIN, F12)

    for word, key in zip(words[:-1], keys[:-1], strict=True):
        terminal.sees(word)
        terminal.types(key)
    terminal.sees("●●●●●●")
    terminal.types(ENTER)
    terminal.sees(words[-1])
    terminal.types(F12)

    assert terminal.ends() == 0
    assert PIN.encode() not in terminal.everything
    assert balance_fen(sscard, counter) == 10_000 - 1234


def test_without_a_terminal_it_says_so(sscard: Sscard, counter: Counter) -> None:
    done = sscard("counter", *counter.readers)

    assert done.code == 2
    assert "needs a terminal with a keyboard" in done.sentence
