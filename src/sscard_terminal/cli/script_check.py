"""`sscard script check` and `convert`: a script looked through without a card, and one of another format in our language."""

from __future__ import annotations

from pathlib import Path

import click

from .command import Run, service
from .exits import Exit
from .script_files import Format, read, script_errors
from .values import FilePath


@service("check", uses_readers=False, has_trace=False)
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=FilePath())
@click.option("--format", "format_name", metavar="NAME", type=Format())
def check(run: Run, files: tuple[Path, ...], format_name: str | None) -> int:
    """See messages, help.script check."""
    from sscard_terminal.lab.run.checking import check as look_through
    from sscard_terminal.lab.script.syntax import Command, walk

    told = []
    with script_errors(run.console.language):
        for file in files:
            script = read(file, format_name, run.console)
            look_through(script, targets=("card",))
            commands = sum(isinstance(statement, Command) for statement in walk(script.statements))
            run.console.say("script.checked", file=file, commands=commands)
            told.append({"file": str(file), "commands": commands})
    run.console.give({"scripts": told})
    return Exit.DONE


@service("convert", uses_readers=False, has_trace=False)
@click.argument("file", metavar="FILE", type=FilePath())
@click.option("--format", "format_name", metavar="NAME", type=Format())
def convert(run: Run, file: Path, format_name: str | None) -> int:
    """See messages, help.script convert."""
    from sscard_terminal.lab.script.write import written

    with script_errors(run.console.language):
        text = written(read(file, format_name, run.console))
    run.console.print(text.rstrip("\n"))
    run.console.give({"file": str(file), "script": text})
    return Exit.DONE
