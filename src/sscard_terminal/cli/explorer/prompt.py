"""The explorer at a terminal: the prompt, completion, and a history in which no PIN ever stands.

Not here: what a line does (lab/explorer). One of the two rooms of prompt_toolkit.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory

from sscard_terminal.lab.explorer.lines import may_be_kept
from sscard_terminal.lab.explorer.session import Explorer

from ..console import Console
from .endings import ENDINGS, ending


class CarefulHistory(FileHistory):
    """Keeps only lines that are known to hold no secret, in memory as on disk; a mistyped line is not kept."""

    def append_string(self, string: str) -> None:
        if may_be_kept(string):
            super().append_string(string)

    def store_string(self, string: str) -> None:
        with suppress(OSError):  # a full disk costs the history, not the session
            super().store_string(string)


class _Names(Completer):
    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        typed = document.text_before_cursor
        last = typed.rpartition(" ")[2]
        for found in self._explorer.complete(typed):
            yield Completion(found, start_position=-len(last))


class Prompt:
    """Asks for lines until `quit` or Ctrl-D; Ctrl-C empties the line, or ends what is running."""

    def __init__(self, console: Console, explorer: Explorer, history: Path) -> None:
        self._console = console
        self._explorer = explorer
        with suppress(OSError):
            os.close(os.open(history, os.O_WRONLY | os.O_CREAT, 0o600))
        self._session: PromptSession[str] = PromptSession(
            history=CarefulHistory(str(history)),
            completer=_Names(explorer),
            complete_while_typing=False,
        )

    def run(self) -> None:
        for line in self._explorer.greeting():
            self._console.print(line)
        self._console.say("explorer.begin")
        while not self._explorer.is_over:
            try:
                said = self._session.prompt(f"{self._explorer.where}> ")
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            self._do(said)

    def _do(self, said: str) -> None:
        try:
            for line in self._explorer.run(said):
                self._console.print(line)
        except ENDINGS as error:
            self._console.print(ending(error, self._console.language)[1])
        except KeyboardInterrupt:
            self._console.say("interrupted")
