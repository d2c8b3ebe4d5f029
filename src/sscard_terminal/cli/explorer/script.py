"""The explorer's lines from a file or standard input: one after the other, until one fails.

A line that begins with - may fail without ending the script, as in sftp and make.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from sscard_terminal.lab.explorer.guard import require_harmless
from sscard_terminal.lab.explorer.lines import may_be_kept, verb_of
from sscard_terminal.lab.explorer.refusal import NotUnderstood, Refused
from sscard_terminal.lab.explorer.session import Explorer

from ..console import Console
from ..exits import Exit, Stop
from .endings import ENDINGS, ending

MAY_FAIL = "-"
HIDDEN = "***"


class Script:
    """One run; `file` is its name, None for standard input. `is_guarded`: no line may burn a try, block or write."""

    def __init__(
        self, console: Console, explorer: Explorer, file: Path | None, *, is_guarded: bool = False
    ) -> None:
        self._console = console
        self._explorer = explorer
        self._name = "-" if file is None else str(file)
        self._is_guarded = is_guarded

    def run(self, text: str | None) -> int:
        """The exit code: 0 all done; else that of the line that ended it. A text that is guarded is looked through before
        anything is sent; lines of standard input one by one."""
        if text is not None and self._is_guarded and (code := self._look_through(text)):
            return code
        for number, line in numbered(text):
            said = _said(line)
            if not said:
                continue
            code = self._say(number, said)
            if self._explorer.is_over:
                return Exit.DONE
            if code and not line.startswith(MAY_FAIL):
                return code
        return Exit.DONE

    def _look_through(self, text: str) -> int:
        for number, line in numbered(text):
            try:
                require_harmless(_said(line))
            except Refused as refused:
                code, problem = ending(refused, self._console.language)
                self._complain(f"{number}", problem)
                self._console.give(
                    {"line": number, "said": _shown(_said(line)), "exit": code, "message": problem}
                )
                return code
        return Exit.DONE

    def _complain(self, place: str, problem: str) -> None:
        if not self._console.as_json:
            click.echo(f"{self._name}:{place}: {problem}", err=True)

    def _say(self, number: int, said: str) -> int:
        shown = _shown(said)
        self._console.print(f"{self._explorer.where}> {shown}")
        told: list[str] = []
        code, problem = 0, ""
        try:
            if self._is_guarded:
                require_harmless(said)
            for words in self._explorer.run(said):
                told.append(words)
                self._console.print(words)
        except ENDINGS as error:
            code, problem = ending(error, self._console.language)
            column = f":{error.column}" if isinstance(error, NotUnderstood) else ""
            self._complain(f"{number}{column}", problem)
        facts = {"line": number, "said": shown, "where": self._explorer.where, "told": told, "exit": code}
        self._console.give({**facts, **({"message": problem} if problem else {})})
        return code


def _said(line: str) -> str:
    """What a line says; "" for a blank one and a remark."""
    said = line.removeprefix(MAY_FAIL).strip()
    return "" if said.startswith("#") else said


def _shown(said: str) -> str:
    """The line as it may be repeated: where a secret might stand in it, its verb alone."""
    if may_be_kept(said):
        return said
    return f"{verb_of(said.split()[0]) or ''} {HIDDEN}".lstrip()


def numbered(text: str | None) -> Iterator[tuple[int, str]]:
    """The lines with their numbers; without a text those of standard input, each read when it is due.

    A verb may take the line below it from there (a PIN).
    """
    if text is not None:
        yield from enumerate(text.splitlines(), start=1)
        return
    number = 0
    while line := _next_line():
        number += 1
        yield number, line.rstrip("\r\n")


def _next_line() -> str:
    try:
        return sys.stdin.readline()
    except UnicodeDecodeError:
        raise Stop(Exit.USAGE, "file.not-text", file="-") from None
