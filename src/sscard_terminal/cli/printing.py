"""Slips handed out at the command line: on the screen or on paper, with the sentences for when that fails.

Not here: what stands on a slip and how it reaches a printer (terminal/slips).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click

from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.terminal.journal_file import JournalTrouble
from sscard_terminal.terminal.slips.contents import Slip
from sscard_terminal.terminal.slips.layout import COLUMNS, text_of
from sscard_terminal.terminal.slips.printing import SlipSettings, print_slip
from sscard_terminal.terminal.slips.targets import Nowhere, Screen, Target, parse_target
from sscard_terminal.terminal.slips.trouble import SlipTrouble

from .command import BadValue
from .console import Console
from .entry import undisturbed
from .exits import Exit, Stop


class TargetName(click.ParamType[Target]):
    """text, none, device:PATH, network:HOST:PORT or file:PATH."""

    name = "printer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Target:
        try:
            return parse_target(str(value))
        except FormatError as error:
            raise BadValue("usage.printer", value=value) from error


class PaperWidth(click.ParamType[int]):
    """58 or 80."""

    name = "width"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if str(value) not in map(str, COLUMNS):
            raise BadValue("usage.width", value=value)
        return int(value)


def printer_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """--printer and --width, which go before the configuration."""
    for option in (
        click.option("--width", "width_mm", metavar="58|80", type=PaperWidth()),
        click.option("--printer", metavar="PRINTER", type=TargetName()),
    ):
        function = option(function)
    return function


def chosen(settings: SlipSettings, printer: Target | None, width_mm: int | None) -> SlipSettings:
    """The settings with what the command line says over them."""
    return replace(settings, target=printer or settings.target, width_mm=width_mm or settings.width_mm)


PRINTED, NOT_PRINTED, NO_PRINTER = "printed", "not-printed", "none"
"""What --json says became of a slip; the last where it only went to the screen, or nowhere."""


def handed_out(console: Console, slip: Slip, settings: SlipSettings) -> str:
    """Show or print it, and warn of what a printer cannot show; what --json says of it.

    Raises:
        SlipTrouble: it did not come out, or perhaps not whole.
    """
    match settings.target:
        case Screen():
            console.print(text_of(slip, settings.columns).rstrip("\n"))
            return NO_PRINTER
        case Nowhere():
            return NO_PRINTER
        case printer:
            warn_of_lost(console, print_slip(printer, slip, settings))
            console.say("slip.printed", printer=printer)
            return PRINTED


def hand_out(
    console: Console, make: Callable[[], Slip], settings: SlipSettings, trouble_key: str, **facts: object
) -> str:
    """The slip of something that is done: what fails now is one line, and undoes nothing (counter.md screen rule 14),
    nor does Ctrl-C. What --json says of it."""
    try:
        with undisturbed():
            return handed_out(console, make(), settings)
    except SlipTrouble as trouble:
        problem = problem_of(console, trouble)
    except (JournalTrouble, OSError):
        problem = console.text("printer.no-words")
    console.warn(trouble_key, problem=problem, **facts)
    return NOT_PRINTED


def warn_of_lost(console: Console, lost: str) -> None:
    if lost:
        console.warn("slip.lost", characters=", ".join(f"{char} (U+{ord(char):04X})" for char in lost))


def problem_of(console: Console, trouble: SlipTrouble) -> str:
    """Half a sentence: what is the matter with the printer."""
    return console.text(f"printer.{trouble.fault}", where=trouble.where)


def not_printed(console: Console, trouble: SlipTrouble) -> Stop:
    """Where printing was all there was to do."""
    problem = problem_of(console, trouble)
    return Stop(Exit.TROUBLE, "slip.not-printed", problem=problem, fault=str(trouble.fault))
