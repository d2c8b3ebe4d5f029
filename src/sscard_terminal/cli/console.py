"""Where words go: lines for people, or one JSON object for programs; colours only where they are seen.

Not here: which words (messages). Kept light: `sscard --help` loads it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from sscard_terminal.voice.messages import text

if TYPE_CHECKING:
    from sscard_terminal.iso7816.status import Language

Facts = Mapping[str, object]
CHECK_MARKS = ("✓", "√")
"""The second is in GBK too, for terminals that are not UTF-8."""
CROSSES = ("✗", "×")


class Console:
    """Speaks `language`; with `as_json` only `give` and `refuse` say anything."""

    def __init__(self, language: Language, as_json: bool) -> None:
        self.language = language
        self.as_json = as_json
        self.training = False
        self._colour = wants_colour()
        self._warnings: list[Facts] = []

    def text(self, key: str, **facts: object) -> str:
        """The words under `key`, filled in."""
        return text(self.language, key, **facts)

    def say(self, key: str, **facts: object) -> None:
        """One line for people."""
        self.print(self.text(key, **facts))

    def print(self, line: str) -> None:
        """A line that is not in the catalogue (a slip, a table) for people."""
        if not self.as_json:
            self._echo(line)

    def ask(self, key: str, **facts: object) -> None:
        """What a person is to do now, on standard error as a prompt is, for programs too."""
        with suppress(OSError):
            click.echo(self.text(key, **facts), err=True)

    def warn(self, key: str, **facts: object) -> None:
        """One line beside the result, on standard error; for programs it goes into the result, under "warnings".

        A warning that cannot be said is no reason to stop.
        """
        if self.as_json:
            plain = {
                name: value if isinstance(value, (int, str)) else str(value) for name, value in facts.items()
            }
            self._warnings.append({"warning": key, "message": self.text(key, **facts), **plain})
            return
        with suppress(OSError):
            click.secho(self.text(key, **facts), fg="yellow", err=True, color=self._colour)

    def enter_training(self) -> None:
        """From here on everything is training: a yellow line for people, a fact for programs."""
        if not self.training:
            self.training = True
            if not self.as_json:
                self.warn("training.banner")

    def give(self, result: Facts) -> None:
        """The result for programs: one JSON object on one line, with the warnings up to here if there are any."""
        if self.as_json:
            mode = {"training": True} if self.training else {}
            warnings = {"warnings": self._warnings} if self._warnings else {}
            self._echo(json.dumps({**mode, **result, **warnings}, ensure_ascii=False))

    def _echo(self, line: str) -> None:
        """What cannot be said any more (nobody reads, the disk is full) changes nothing about what was done."""
        try:
            click.echo(line, color=self._colour)
        except OSError:
            with suppress(OSError, ValueError):  # else Python would complain while closing it
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def mark(self, held: bool) -> str:
        """A check mark or a cross, in colour, that the output can show."""
        marks, colour = (CHECK_MARKS, "green") if held else (CROSSES, "red")
        return click.style(_shown(marks), fg=colour)

    def refuse(self, code: int, key: str, sentence: str, facts: Facts) -> None:
        """Why the command ends: on standard error, or as the JSON object."""
        if self.as_json:
            self.give({"exit": code, "error": key, "message": sentence, **facts})
        else:
            click.secho(sentence, fg="red", err=True, color=self._colour)


def wants_colour() -> bool | None:
    """False where NO_COLOR is set (no-color.org), None to let click ask whether the output is a terminal."""
    return False if os.environ.get("NO_COLOR") else None


def _shown(candidates: tuple[str, str]) -> str:
    best, plain = candidates
    try:
        best.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return plain
    return best
