"""Script files named on the command line: read, and what is wrong with one shown with its line.

Not here: running them (script_run.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from sscard_terminal.iso7816.status import Language
from sscard_terminal.lab.needs import NotInstalled
from sscard_terminal.lab.script.syntax import Script, ScriptError

from .command import BadValue
from .console import Console
from .details import OTHERWISE, detail_in
from .exits import Exit, Stop


class Format(click.ParamType[str]):
    """A format's name."""

    name = "format"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from sscard_terminal.lab.script.reading import KNOWN

        if value not in KNOWN:
            raise BadValue("usage.script-format", value=value, known=", ".join(KNOWN))
        return str(value)


@contextmanager
def script_errors(language: Language) -> Iterator[None]:
    """An error in a script ends the command with place, line, caret and sentence.

    Raises:
        Stop: exit code 2.
    """
    try:
        yield
    except ScriptError as error:
        raise stop_of_script(error, language) from error
    except NotInstalled as error:
        raise Stop(Exit.TROUBLE, "lab.missing", package=error.name) from error


def stop_of_script(error: ScriptError, language: Language) -> Stop:
    for name in ("problem", "wanted"):
        if isinstance(fact := error.facts.get(name), str):
            error.facts[name] = _known_words(language, fact)
    problem = error.sentence(language)
    if not error.at.file:
        return Stop(Exit.USAGE, "script.command-line", problem=problem)
    line, caret = error.pointed()
    shown = f"\n{line}\n{caret}" if line.strip() else ""
    place = {"file": error.at.file, "line": error.at.line, "column": error.at.column}
    return Stop(Exit.USAGE, "script.wrong", **place, problem=problem, shown=shown)


def _known_words(language: Language, detail: str) -> str:
    """A detail in Chinese where there are words for it; names of cards and files are worth more than none."""
    found = detail_in(language, detail)
    return detail if found == OTHERWISE else found


def read(path: Path, format: str | None, console: Console) -> Script:
    """The script of a file; where the tool it was made for would do otherwise, that is said.

    Raises:
        ScriptError, OSError, NotInstalled: it cannot be read.
    """
    from sscard_terminal.lab.script.reading import read_script

    script = read_script(path, format)
    for remark in script.remarks:
        console.warn("script.remarked", place=str(remark.at), remark=remark.sentence(console.language))
    return script
