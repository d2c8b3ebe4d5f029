"""The issuer's host of a command at the service window: the software HSM in this process, over a ledger in a file.

A host by HTTP will be opened here too, by an option of its own; the commands know only an IssuerHost. Not here: what is
asked of it (window.py, window_pin.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from sscard_terminal.centre.hsm import SoftwareHsm
from sscard_terminal.centre.window_host import WindowHost
from sscard_terminal.centre.window_ledger import LedgerTrouble, WindowLedger
from sscard_terminal.terminal.configuration import Configuration

from .command import Run
from .desk import now
from .exits import Exit, Stop
from .state import made_state_folder, state_folder
from .values import FilePath

LEDGER_NAME, TRAINING_LEDGER_NAME = "window-ledger.db", "window-training-ledger.db"
"""In the state folder, and never the same for earnest and training. Our choice."""


def host_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """--keys and --ledger, for `issuer_host`."""
    for option in (
        click.option("--ledger", metavar="FILE", type=FilePath()),
        click.option("--keys", metavar="FILE", type=FilePath(), required=True),
    ):
        function = option(function)
    return function


@contextmanager
def issuer_host(
    run: Run, configuration: Configuration, keys: Path, ledger: Path | None
) -> Iterator[WindowHost]:
    """The host until the block ends. It has the shape of an IssuerHost and, as the centre's stand-in, an account desk.

    Raises:
        Stop: the keys or the ledger cannot be used.
        OSError: a file cannot be read.
    """
    from .inputs import read_keys  # here, because people and card images come with it

    hsm = SoftwareHsm(read_keys(keys, run.console.language))
    try:
        with WindowLedger.open(_ledger_file(configuration, ledger)) as book:
            yield WindowHost(hsm, book, now)
    except LedgerTrouble as trouble:
        raise Stop(Exit.REFUSED, "window.ledger-trouble", file=trouble.path) from trouble


def _ledger_file(configuration: Configuration, named: Path | None) -> Path:
    if named is not None:
        return named
    made_state_folder()
    return state_folder() / (TRAINING_LEDGER_NAME if configuration.training else LEDGER_NAME)
