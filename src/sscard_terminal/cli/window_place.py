"""Where every command of `sscard window` stands: desk, journal, host and operator, and the options that name them.

Not here: the commands (window.py, window_pin.py).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from sscard_terminal.centre.window_host import WindowHost
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.load import Window

from .command import Run, service
from .console import Console
from .debit import opened_journal
from .desk import Desk, Pair, desk_of, now
from .issuer import host_options, issuer_host
from .signed_in import operator_for
from .values import FilePath


@dataclass(frozen=True, slots=True)
class Place:
    """A command at the window: desk, journal and host, and who stands there."""

    desk: Desk
    console: Console
    journal: Journal
    host: WindowHost
    operator: str

    def window(self, pair: Pair) -> Window:
        return Window(pair.psam.terminal_number(), self.journal, now, secrets.token_bytes)


def window_service(name: str) -> Callable[[Callable[..., int]], click.Command]:
    """A command `(place, own options)` with the options all of them have."""

    def decorate(function: Callable[..., int]) -> click.Command:
        def call(
            run: Run, keys: Path, ledger: Path | None, journal: Path | None, operator: str, **own: Any
        ) -> int:
            with _place(run, keys, ledger, journal, operator) as place:
                return function(place, **own)

        call.__dict__.update(function.__dict__)
        with_host = host_options(call)
        with_journal = click.option("--journal", metavar="FILE", type=FilePath())(with_host)
        return service(name)(click.option("--operator", metavar="NAME", default="")(with_journal))

    return decorate


@contextmanager
def _place(run: Run, keys: Path, ledger: Path | None, journal: Path | None, operator: str) -> Iterator[Place]:
    with desk_of(run) as desk:
        configuration = desk.settings.configuration
        operator = operator_for(configuration, operator)
        with (
            issuer_host(run, configuration, keys, ledger) as host,
            opened_journal(configuration, journal) as book,
        ):
            yield Place(desk, run.console, book, host, operator)
