"""`sscard shell`: finds the card, and runs lines from a prompt, a file or standard input.

Not here: what a line does (lab/explorer), a script's way through its lines (script.py) and the prompt itself (prompt.py).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import click

from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.lab.explorer.sale import SaleDesk
from sscard_terminal.lab.explorer.session import Explorer, Surroundings
from sscard_terminal.reader.connection import Connection
from sscard_terminal.terminal.configuration import Configuration

from ..command import Run, service
from ..debit import opened_journal
from ..desk import CARD, PSAM, now
from ..exits import Exit, Stop
from ..pins import expected_line, hidden_prompt, pin_of
from ..reader_search import filled_readers, named_reader, opened, psam_reader
from ..settings import Settings, settings_of
from ..signed_in import operator_for
from ..state import made_state_folder
from ..trace import NoTrace, Trace, tracing_to
from ..training import IMAGE_PREFIX, usable
from ..values import FilePath
from .script import Script

HISTORY = "shell-history"
STANDARD = "-"


@service("shell")
@click.option("--run", "script", metavar="FILE", type=FilePath())
@click.option("--pin-stdin", is_flag=True)
@click.option("--reveal", is_flag=True)
@click.option("--journal", metavar="FILE", type=FilePath())
@click.option("--allow-destructive", is_flag=True)
def shell(
    run: Run,
    script: Path | None,
    pin_stdin: bool,
    reveal: bool,
    journal: Path | None,
    allow_destructive: bool,
) -> int:
    """See messages, help.shell."""
    settings = settings_of(run)
    reader = _reader(run, settings.configuration)
    is_typed = script is None and sys.stdin.isatty()
    text = None if script is None or str(script) == STANDARD else _text_of(script)
    with tracing_to(run.trace, run.console.language) as trace, _Slot(run, reader, trace) as slot:
        explorer = Explorer(
            Surroundings(
                slot.open,
                _expected if pin_stdin or (text is None and not is_typed) else _asked,
                reader,
                run.console.language,
                partial(_desk, run, settings, reader, trace, journal),
                reveal,
            )
        )
        try:
            if is_typed:
                return _at_prompt(run, explorer)
            is_guarded = not (allow_destructive or reader.startswith(IMAGE_PREFIX))
            return Script(run.console, explorer, script, is_guarded=is_guarded).run(text)
        finally:
            explorer.close()


def _text_of(script: Path) -> str:
    try:
        return script.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise Stop(Exit.USAGE, "file.not-text", file=script) from error


def _at_prompt(run: Run, explorer: Explorer) -> int:
    from .prompt import Prompt  # prompt_toolkit is loaded only for somebody who types

    Prompt(run.console, explorer, made_state_folder() / HISTORY).run()
    return Exit.DONE


def _reader(run: Run, configuration: Configuration) -> str:
    """The reader asked for, else the only one that holds a card beside a PSAM's that is named; nothing is asked of a card here:
    a stranger might not bear it.

    Raises:
        Stop: there is none, or more than one.
    """
    if named := named_reader(configuration, run.reader or configuration.card_reader):
        return named
    psam = named_reader(configuration, run.psam_reader or configuration.psam_reader)
    match [name for name in usable(configuration, filled_readers()) if name != psam]:
        case [only]:
            return only
        case found:
            raise Stop(Exit.USAGE, "readers.several-cards", found=", ".join(found))


class _Slot:
    """The card's place: opened anew as often as the explorer wants it."""

    def __init__(self, run: Run, reader: str, trace: Trace | NoTrace) -> None:
        self._run, self._reader, self._trace = run, reader, trace
        self._stack = ExitStack()

    def __enter__(self) -> _Slot:
        return self

    def __exit__(self, *_ended: object) -> None:
        self._stack.close()

    def open(self) -> Connection:
        self._stack.close()
        connection = self._stack.enter_context(opened(self._reader, self._run.console.language))
        return self._trace.around(connection, CARD)


def _desk(
    run: Run, settings: Settings, reader: str, trace: Trace | NoTrace, journal: Path | None
) -> SaleDesk:
    """
    Raises:
        Stop: there is no PSAM, or nobody is signed in.
    """
    configuration = settings.configuration
    wish = run.psam_reader or configuration.psam_reader
    psam = named_reader(configuration, wish) or psam_reader(configuration, besides=reader)

    @contextmanager
    def opened_psam() -> Iterator[Connection]:
        with opened(psam, run.console.language) as connection:
            yield trace.around(connection, PSAM)

    return SaleDesk(
        opened_psam,
        partial(opened_journal, configuration, journal),
        settings.policy,
        settings.rules,
        configuration.place,
        operator_for(configuration),
        now,
    )


def _asked(words: str) -> Pin:
    return pin_of(hidden_prompt(words, "pin.no-terminal"))


def _expected(_words: str) -> Pin:
    """The next line of standard input: a script's PINs stand there, or below the line that needs one."""
    return expected_line()
