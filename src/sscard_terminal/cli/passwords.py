"""Asking for operators' passwords: a hidden prompt, or standard input, one a line; never an argument.

Not here: whether a password is right (terminal/operators_file.py), and cardholders' PINs (pins.py).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.terminal.passwords import Password

from .console import Console
from .exits import Exit, Stop
from .pins import hidden_prompt


def password_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """--password-stdin."""
    return click.option("--password-stdin", is_flag=True)(function)


def asked_password(console: Console, from_stdin: bool, key: str, **facts: object) -> Password:
    """A password, from the next line of standard input or a hidden prompt with the text `key`.

    Raises:
        Stop: there is none, or what was typed is none.
        click.Abort: Ctrl-C, or there is no terminal to ask at.
    """
    if from_stdin:
        return _password_of(_line())
    return _password_of(hidden_prompt(console.text(key, **facts), "password.no-terminal"))


def asked_new_password(console: Console, from_stdin: bool, number: str) -> Password:
    """A new password for the operator `number`: one line of standard input, or typed twice.

    Raises:
        Stop, click.Abort: as `asked_password`; the two differ.
    """
    password = asked_password(console, from_stdin, "password.prompt-new", number=number)
    if not from_stdin and asked_password(console, False, "password.prompt-again") != password:
        raise Stop(Exit.USAGE, "password.differ")
    return password


def _line() -> str:
    try:
        line = sys.stdin.readline().rstrip("\r\n")
    except UnicodeDecodeError:
        raise Stop(Exit.USAGE, "password.none") from None
    if not line:
        raise Stop(Exit.USAGE, "password.none-given")
    return line


def _password_of(typed: str) -> Password:
    try:
        return Password(typed)
    except FormatError:
        raise Stop(Exit.USAGE, "password.none") from None
