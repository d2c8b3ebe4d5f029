"""`sscard hotlist show` and `update`: which list is in use, and a newer one in its place (terminal/hotlist.py)."""

from __future__ import annotations

from pathlib import Path

import click

from sscard_terminal.terminal.hotlist import Hotlist, HotlistTrouble, install_hotlist

from .command import LocalGroup, Run, service
from .console import Console
from .exits import Exit, Stop
from .settings import configuration_of, settings_of, wrong_hotlist
from .values import FilePath


@click.group("hotlist", cls=LocalGroup)
def hotlist() -> None:
    """See messages, help.hotlist."""


@service("show", uses_readers=False, has_trace=False, has_settings=True)
def show(run: Run) -> int:
    """See messages, help.hotlist show."""
    found = settings_of(run).policy.hotlist
    if found is None:
        run.console.say("hotlist.none")
        run.console.give({"version": None})
    else:
        _tell(run.console, found)
    return Exit.DONE


@service("update", uses_readers=False, has_trace=False, has_settings=True)
@click.argument("file", metavar="FILE", type=FilePath())
def update(run: Run, file: Path) -> int:
    """See messages, help.hotlist update."""
    configuration = configuration_of(run)
    if configuration.hotlist is None or configuration.hotlist_key is None:
        raise Stop(Exit.USAGE, "hotlist.not-configured")
    try:
        newer = install_hotlist(file, configuration.hotlist, configuration.hotlist_key)
    except HotlistTrouble as trouble:
        raise wrong_hotlist(trouble) from trouble
    _tell(run.console, newer)
    return Exit.DONE


def _tell(console: Console, found: Hotlist) -> None:
    facts = {
        "version": found.version,
        "issued": str(found.issued),
        "cards": len(found.cards),
        "ranges": len(found.ranges),
    }
    console.say("hotlist.in-use", **facts)
    console.give(facts)


for _command in (show, update):
    hotlist.add_command(_command)
