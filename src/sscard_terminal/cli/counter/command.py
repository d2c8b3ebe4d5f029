"""`sscard counter`: the readers found, the journal opened, and a clerk put at the keyboard."""

from __future__ import annotations

import secrets
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import click

from sscard_terminal.reader.connection import LinkError
from sscard_terminal.reader.pcsc import card_present, wait_for_card, wait_for_removal
from sscard_terminal.terminal.errands import Errands
from sscard_terminal.terminal.till.till import Shop, Till

from ..command import LocalGroup, Run, service
from ..console import Console, wants_colour
from ..debit import opened_journal
from ..desk import Desk, desk_of, now
from ..exits import Exit, Stop
from ..settings import Settings
from ..training import IMAGE_PREFIX
from ..values import FilePath
from .clerk import Clerk
from .office import Office
from .serve import serve
from .token import token
from .view import View


class Counter(LocalGroup):
    """Without the name of a service the keyboard session: `sscard counter --reader …`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] != "--help"):
            args = [KEYBOARD, *args]
        return super().parse_args(ctx, args)


@click.group("counter", cls=Counter)
def counter() -> None:
    """See messages, help.counter."""


KEYBOARD = "keyboard"
WATCH_SLICE_S = 1.0
"""How long the watcher waits before it looks whether the session is over."""


@service(KEYBOARD)
@click.option("--journal", metavar="FILE", type=FilePath())
def keyboard(run: Run, journal: Path | None) -> int:
    """See messages, help.counter keyboard."""
    if run.console.as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Stop(Exit.USAGE, "counter.no-terminal")
    from .keyboard import Keyboard  # the page needs no prompt_toolkit

    with desk_of(run) as desk, ExitStack() as opened:
        reader = desk.stand_by()
        configuration = desk.settings.configuration
        session = Keyboard(
            lambda show: _clerk(run, desk, journal, opened, show, in_file=reader.startswith(IMAGE_PREFIX)),
            banner=banner_of(run.console, desk.settings),
            keys=run.console.text("counter.keys"),
            more=partial(run.console.text, "counter.more"),
            training=configuration.training,
            colours=wants_colour() is not False,
        )
        session.run(watch_of(reader), opened.close)
    return Exit.DONE


def banner_of(console: Console, settings: Settings) -> str:
    """Where this is, and by which hotlist it sells (counter.md, screen rule 11)."""
    configuration, hotlist = settings.configuration, settings.rules.hotlist
    key = "counter.banner-training" if configuration.training else "counter.banner"
    place = console.text(key, place=configuration.place or "-")
    if hotlist is None:
        return place
    by = console.text("counter.hotlist", version=hotlist.version, issued=f"{hotlist.issued:%Y-%m-%d}")
    return f"{place} · {by}"


def _clerk(
    run: Run,
    desk: Desk,
    journal: Path | None,
    opened: ExitStack,
    show: Callable[[View], None],
    *,
    in_file: bool,
) -> Clerk:
    """In the working thread: SQLite keeps a journal to the thread that opened it."""
    settings = desk.settings
    book = opened.enter_context(opened_journal(settings.configuration, journal))
    office = Office(book, settings, run.console)
    shop = Shop(settings.policy, settings.rules, settings.configuration.place)
    till = Till(desk, book, shop, now, secrets.token_bytes, lambda screen: clerk.on_screen(screen))
    clerk = Clerk(till, office, run.console, settings.configuration.shares, show)
    clerk.errands, clerk.card_in_file = Errands(settings.configuration, now), in_file
    clerk.at_start = tuple(office.to_be_verified())
    return clerk


def watch_of(reader: str) -> Callable[[Callable[[bool], None], threading.Event], None] | None:
    """Tells when a card comes and goes; None for a card in a file, which is always there (F2 reads it)."""
    if reader.startswith(IMAGE_PREFIX):
        return None

    def watch(tell: Callable[[bool], None], over: threading.Event) -> None:
        there = False
        while not over.is_set():
            try:
                wait = wait_for_removal if there else wait_for_card
                if wait(reader, WATCH_SLICE_S):
                    there = card_present(reader) if there else True
                    tell(there)
            except LinkError:
                over.wait(WATCH_SLICE_S)  # the service or the reader is away; it may come back

    return watch


for _command in (keyboard, serve, token):
    counter.add_command(_command)
