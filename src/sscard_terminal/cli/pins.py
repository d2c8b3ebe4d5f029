"""Asking for PINs on this computer: a hidden prompt, or standard input, one a line; never an argument.

Not here: whether a PIN is right (the card) or allowed as a new one (terminal/workflow.py), the reader's own pad (entry.py),
and how long a PIN is kept (desk.py wipes what cardspec/pin.py says can be wiped).
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from getpass import GetPassWarning
from typing import Any

import click

from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.iso7816.errors import FormatError

from .console import Console
from .exits import Exit, Stop

STANDARD_ERROR = 2
"""Up to here the numbers are the three standard files, which are not ours to close."""


def pin_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """--pin-stdin and --no-pad; the second goes to the Run (command.py)."""
    return click.option("--no-pad", is_flag=True)(click.option("--pin-stdin", is_flag=True)(function))


def asked(console: Console, key: str, **facts: object) -> Pin:
    """The PIN from a hidden prompt.

    Raises:
        Stop: what was typed is no PIN.
        click.Abort: Ctrl-C, or there is no terminal to ask at.
    """
    return pin_of(hidden_prompt(console.text(key, **facts), "pin.no-terminal"))


def hidden_prompt(words: str, otherwise: str) -> str:
    """What somebody types unseen.

    Raises:
        Stop: there is no terminal where typing could be hidden; with the sentence `otherwise`.
        click.Abort: Ctrl-C.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", GetPassWarning)
        try:
            return str(click.prompt(words, hide_input=True, err=True))
        except GetPassWarning:
            raise Stop(Exit.USAGE, otherwise) from None


@contextmanager
def unechoed() -> Iterator[None]:
    """Nothing typed is echoed in this block, for a PIN may be keyed before it is asked for; at every end what was typed
    and not read is thrown away, lest the shell shows it, and echo is as it was.

    The terminal is the one `getpass` asks at. Without one, and on Windows, where keys wait unseen, nothing is done.
    """
    try:
        import termios
    except ImportError:
        yield
        return
    terminal = _terminal()
    try:
        before = termios.tcgetattr(terminal)
    except (termios.error, OSError, ValueError):
        _let_go(terminal)
        yield
        return
    try:
        silent = [*before]
        silent[3] &= ~termios.ECHO
        termios.tcsetattr(terminal, termios.TCSANOW, silent)
        yield
    finally:
        with suppress(termios.error):
            termios.tcsetattr(terminal, termios.TCSAFLUSH, before)
        _let_go(terminal)


def _terminal() -> int:
    """The one this process belongs to, or else standard input; -1 where that has no number."""
    try:
        return os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        with suppress(OSError, ValueError, AttributeError):
            return sys.stdin.fileno()
    return -1


def _let_go(terminal: int) -> None:
    if terminal > STANDARD_ERROR:
        os.close(terminal)


def read_line() -> Pin | None:
    """The next PIN from standard input, None at its end or for an empty line.

    Raises:
        Stop: the line is no PIN.
    """
    try:
        line = sys.stdin.readline().rstrip("\r\n")
    except UnicodeDecodeError:
        raise Stop(Exit.USAGE, "pin.not-digits") from None
    return pin_of(line) if line else None


def expected_line() -> Pin:
    """As `read_line`.

    Raises:
        Stop: there is none.
    """
    pin = read_line()
    if pin is None:
        raise Stop(Exit.USAGE, "pin.none-given")
    return pin


def pin_of(digits: str) -> Pin:
    """What a person typed, as a PIN; the sentence does not repeat it."""
    try:
        return Pin(digits)
    except FormatError:
        key = "pin.not-a-length" if digits.isascii() and digits.isdecimal() else "pin.not-digits"
        raise Stop(Exit.USAGE, key) from None
