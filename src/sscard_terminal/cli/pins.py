"""Asking for PINs on this computer: a hidden prompt, or standard input, one a line; never an argument.

Not here: whether a PIN is right (the card) or allowed as a new one (terminal/workflow.py), the reader's own pad (entry.py),
and how long a PIN is kept (desk.py wipes what cardspec/pin.py says can be wiped).
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from getpass import GetPassWarning
from typing import Any

import click

from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.iso7816.errors import FormatError

from .console import Console
from .exits import Exit, Stop


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
