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
from datetime import datetime

import pyte
import pytest

from sscard_terminal.cli.console import Console
from sscard_terminal.cli.counter.command import banner_of
from sscard_terminal.cli.counter.keyboard import folded
from sscard_terminal.cli.settings import Settings
from sscard_terminal.iso7816.status import Language
from sscard_terminal.terminal.configuration import Configuration
from sscard_terminal.terminal.hotlist import Hotlist
from sscard_terminal.terminal.policy import Policy
from sscard_terminal.terminal.sale_rules import SaleRules
from sscard_terminal.voice.messages import text
from tests.cli.conftest import PIN, Counter, Sscard
from tests.cli.test_debit import balance_fen

F1, F2, F3, F12, ENTER = "\x1bOP", "\x1bOQ", "\x1bOR", "\x1b[24~", "\r"
PAGE_DOWN = "\x1b[6~"
ROWS, COLUMNS = 40, 120


class Terminal:
    """A program at a pseudo-terminal, and what a person sees there."""

    def __init__(self, *arguments: str, rows: int = ROWS, columns: int = COLUMNS) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._screen = pyte.Screen(columns, rows)
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
                "The card is in its file",
                "Choose a service",
                "Total in yuan",
                "Confirm:",
                "enters the PIN",
                "voucher 1",
            ),
        ),
        ("zh", ("卡在文件中", "请选择业务", "总金额", "请确认金额", "请顾客输入密码", "凭证号1")),
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


@pytest.mark.parametrize("language", ["zh", "en"])
def test_on_24_lines_of_80_every_key_shows_help_keeps_its_words_and_the_slip_turns_to_its_end(
    language: Language, counter: Counter
) -> None:
    arguments = ("counter", *counter.readers, *counter.book, "--lang", language)
    terminal = Terminal(*arguments, rows=24, columns=80)

    for key in text(language, "counter.keys").strip().split("  "):
        terminal.sees(key)
    terminal.types(F1)
    for line in text(language, "counter.help").splitlines():
        for part in folded(line, 80):
            terminal.sees(part)
    terminal.types(F2)
    for key, words in (
        (F3, text(language, "ask.total")),
        ("12.34" + ENTER, "12.34"),
        (ENTER, text(language, "pin.prompt") + " >"),
        (PIN + ENTER, "PageDown"),
    ):
        terminal.sees(text(language, "step.ready")) if key == F3 else None
        terminal.types(key)
        terminal.sees(words)
    terminal.types(PAGE_DOWN * 3)
    terminal.sees("TAC")
    terminal.types(F12)

    assert terminal.ends() == 0


def test_a_pin_keyed_a_step_early_is_not_shown(counter: Counter) -> None:
    terminal = Terminal("counter", *counter.readers, *counter.book, "--lang", "en")
    terminal.sees("F3 sale")
    terminal.types(F2)
    terminal.sees("Choose a service")
    terminal.types(F3)
    terminal.sees("Total in yuan")
    terminal.types("12.34" + ENTER)
    terminal.sees("Confirm:")

    terminal.types(PIN)
    terminal.sees("●●●●●●")
    terminal.types(ENTER)
    terminal.sees("no answer here")
    terminal.types(F12)

    assert terminal.ends() == 0
    assert PIN.encode() not in terminal.everything


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("    a slip   1.00", ["    a slip   1.00"]),
        ("several words that do not fit", ["several words that ", "do not fit"]),
        ("请插卡请勿拔卡请顾客，输入。", ["请插卡请勿拔卡请顾", "客，输入。"]),
    ],
)
def test_lines_break_between_words_and_not_before_a_mark(line: str, parts: list[str]) -> None:
    assert folded(line, 20) == parts


def test_the_banner_names_the_hotlist_in_use_and_its_date() -> None:
    console = Console("zh", as_json=False)
    hotlist = Hotlist(12, datetime(2026, 1, 5, 3, 0), frozenset(), ())
    settings = Settings(Configuration(place="泰山药房"), Policy(), SaleRules(hotlist=hotlist))

    assert "黑名单第 12 版，2026-01-05" in banner_of(console, settings)
    assert "黑名单" not in banner_of(console, Settings(Configuration(), Policy(), SaleRules()))


def test_without_a_terminal_it_says_so(sscard: Sscard, counter: Counter) -> None:
    done = sscard("counter", *counter.readers)

    assert done.code == 2
    assert "needs a terminal with a keyboard" in done.sentence
