"""The program `sscard`: finds the command, and turns whatever ends it into a sentence and an exit code.

Not here: what a command does (one file a family) and which error is which sentence (sentences.py). A family is
imported only when one of its commands runs, so that `sscard --help` needs nothing but click.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from types import TracebackType
from typing import Any, NoReturn

import click

from sscard_terminal.voice.messages import text

from .command import LazyGroup, language_options
from .console import Console
from .exits import Exit, Stop
from .language import language_of, option_value

COMMANDS: dict[str, str] = {
    "readers": "readers:readers",
    "doctor": "doctor:doctor",
    "demo": "demo.command:demo",
    "card": "card:card",
    "psam": "psam:psam",
    "read": "reading:read",
    "balance": "reading:balance",
    "details": "reading:details",
    "pin": "pin:pin",
    "debit": "debit:debit",
    "recover": "debit:recover",
    "void": "requests:void",
    "refund": "requests:refund",
    "requests": "requests:requests",
    "counter": "counter.command:counter",
    "slip": "slip:slip",
    "sign-in": "sign_in:sign_in",
    "sign-out": "sign_in:sign_out",
    "operator": "operator:operator",
    "day": "day:day",
    "upload": "upload:upload",
    "journal": "journal:journal",
    "hotlist": "hotlist:hotlist",
    "window": "window:window",
    "conform": "conform:conform",
    "script": "script:script",
    "trace": "trace_group:trace",
    "compare": "compare:compare",
    "shell": "explorer.command:shell",
}
"""Command → module and attribute, both below cli/."""


PYSCARD = "smartcard"


class Program(LazyGroup):
    """The root of all commands; `main` ends every run the same way, whoever calls it."""

    commands_at = COMMANDS

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        try:
            return super().get_command(ctx, cmd_name)
        except ImportError as error:
            if not (error.name or "").startswith(PYSCARD):
                raise
            raise Stop(Exit.TROUBLE, "pyscard.missing", problem=str(error)) from error

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """The names from the table: a press of TAB need not import every family."""
        from click.shell_completion import CompletionItem

        language = language_of((), os.environ)
        names = [name for name in COMMANDS if name.startswith(incomplete)]
        items = [CompletionItem(name, help=text(language, f"short.{name}")) for name in names]
        return items + click.Command.shell_complete(self, ctx, incomplete)

    def main(  # type: ignore[override]  # always exits, so `standalone_mode` has nothing to choose
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        **extra: Any,
    ) -> NoReturn:
        """Run, say what there is to say, and exit with one of the documented codes."""
        args = list(sys.argv[1:] if args is None else args)
        console = Console(language_of(args, os.environ), "--json" in args)
        extra.setdefault("obj", console)
        extra["standalone_mode"] = False
        try:
            code = super().main(args, prog_name, complete_var, **extra)
        except _known_errors() as error:  # looked up only when something was raised
            code = _tell(error, console)
        sys.exit(int(code or Exit.DONE))


def _known_errors() -> tuple[type[BaseException], ...]:
    from .sentences import KNOWN_ERRORS

    return KNOWN_ERRORS


def _tell(error: BaseException, console: Console) -> int:
    from .sentences import report_of

    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return Exit.USAGE
    report = report_of(error, console.language)
    console.refuse(report.code, report.key, report.sentence, report.facts)
    return report.code


@click.group(cls=Program, name="sscard", no_args_is_help=True)
@language_options
def program() -> None:
    """See messages, help.sscard."""


def main() -> None:
    """The entry point of the installed program."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    sys.excepthook = _bug
    program()


def _bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The last resort: a mistake of ours. Whether money moved only the journal knows, so this is "to be verified".

    The texts of exceptions are left out of the sentence and the traceback: one might quote a PIN.
    """
    frames = traceback.extract_tb(trace)
    place = f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else "?"
    language = language_of(sys.argv[1:], os.environ)
    sentence = text(language, "bug", kind=kind.__name__, place=place)
    console = Console(language, option_value(sys.argv[1:], "--json") is not None or "--json" in sys.argv)
    console.refuse(Exit.UNVERIFIED, "bug", sentence, {"kind": kind.__name__, "place": place})
    if os.environ.get("SSCARD_TRACEBACK"):
        sys.stderr.writelines(traceback.format_tb(trace))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(Exit.UNVERIFIED)  # an exception nobody caught would exit with 1: "no money moved"
