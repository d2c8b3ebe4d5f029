"""The values people type on the command line, checked before anything is done: amounts, addresses, numbers, files.

Not here: PINs, which never come from the command line (pins.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from sscard_terminal.cardspec.money import MAX_FEN, Fen, fen_of_yuan
from sscard_terminal.iso7816.errors import FormatError

from .command import BadValue

TERMINAL_DIGITS = 12
HIGHEST_PORT = 0xFFFF
SLOWEST_BAUD, FASTEST_BAUD = 300, 1_000_000
"""As card/slow.py has them; a test holds both equal."""


class Yuan(click.ParamType[Fen]):
    """An amount in yuan, at most two decimals; in fen from here on."""

    name = "yuan"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Fen:
        if isinstance(value, Fen):
            return value
        try:
            return fen_of_yuan(str(value))
        except FormatError as error:
            key = "usage.amount-too-large" if _is_too_large(str(value)) else "usage.amount"
            raise BadValue(key, value=value) from error


def _is_too_large(text: str) -> bool:
    whole, _, decimals = text.strip().partition(".")
    is_amount = (whole + decimals).isascii() and (whole + decimals).isdecimal() and len(decimals) <= 2
    return is_amount and int(whole + decimals.ljust(2, "0")) > MAX_FEN


@dataclass(frozen=True, slots=True)
class Address:
    """Where a driver listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class AddressType(click.ParamType[Address]):
    """HOST:PORT."""

    name = "host:port"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        if isinstance(value, Address):
            return value
        host, colon, port = str(value).rpartition(":")
        if not (host and colon and port.isascii() and port.isdecimal() and 0 < int(port) <= HIGHEST_PORT):
            raise BadValue("usage.address", value=value)
        return Address(host, int(port))


class BaudRate(click.ParamType[int]):
    """Bits a second on a contact card's line."""

    name = "baud"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value)
        if not (text.isascii() and text.isdecimal() and SLOWEST_BAUD <= int(text) <= FASTEST_BAUD):
            raise BadValue("usage.baud", value=value, slowest=SLOWEST_BAUD, fastest=FASTEST_BAUD)
        return int(text)


class TerminalNumber(click.ParamType[str]):
    """12 digits."""

    name = "terminal"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        digits = str(value)
        if len(digits) != TERMINAL_DIGITS or not (digits.isascii() and digits.isdecimal()):
            raise BadValue("usage.terminal", value=value)
        return digits


class FilePath(click.ParamType[Path]):
    """A file's name; whether it is there is found out by using it."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        return Path(value)


def image_argument(*, required: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """IMAGE."""
    return click.argument(
        "image", metavar="IMAGE" if required else "[IMAGE]", type=FilePath(), required=required
    )


class Setting(click.ParamType[tuple[str, str]]):
    """FIELD=VALUE of the amount file; both are checked, the text is kept."""

    name = "field=value"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        from sscard_terminal.cardspec.amount_settings import FIELDS  # heavy: not for --help

        field, _, text = str(value).partition("=")
        if field not in FIELDS:
            raise BadValue("usage.setting-field", value=field, known=", ".join(FIELDS))
        try:
            FIELDS[field](text)
        except FormatError as error:
            raise BadValue("usage.setting-value", field=field, value=text) from error
        return field, text
