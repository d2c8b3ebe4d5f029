"""How a line of the explorer can end badly: the sentence, and the exit code of a script that ends with it."""

from __future__ import annotations

import click

from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.status import Language
from sscard_terminal.lab.explorer.refusal import NotUnderstood, Refused, sentence
from sscard_terminal.reader.connection import LinkError
from sscard_terminal.terminal.journal_file import JournalTrouble
from sscard_terminal.terminal.psam import PsamFailure

from ..exits import Exit, Stop
from ..sentences import report_of

ENDINGS: tuple[type[BaseException], ...] = (
    Refused,
    NotUnderstood,
    LinkError,
    PsamFailure,
    JournalTrouble,
    FormatError,
    Stop,
    click.Abort,
    OSError,
)
"""What a line may end with; the session goes on."""
DOUBT = "doubt."


def ending(error: BaseException, language: Language) -> tuple[int, str]:
    """Exit code and sentence of one of ENDINGS."""
    match error:
        case Refused():
            code = Exit.UNVERIFIED if error.key.startswith(DOUBT) else Exit.REFUSED
            return code, sentence(error, language)
        case NotUnderstood():
            return Exit.USAGE, sentence(error, language)
    report = report_of(error, language)
    return report.code, report.sentence
