"""`sscard card serve` and `show`: put a virtual card into a virtual reader, look at one."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from sscard_terminal.cardspec.money import yuan_of_fen

from . import contents, images
from .command import Run, service
from .console import Console
from .exits import Exit
from .serving import line_at, serve_options
from .serving import serve as keep_in_reader
from .values import Address, FilePath, image_argument

CARD_PORT = 35963
"""Where the packaged driver's first slot listens. Source: pcsc.md section 2."""


@service("serve", uses_readers=False)
@image_argument(required=False)
@serve_options(CARD_PORT)
@click.option("--control", metavar="SOCKET", type=FilePath())
def serve(
    run: Run,
    image: Path | None,
    vpcd: Address,
    t1: bool,
    until_eof: bool,
    control: Path | None,
    baud: int | None,
) -> int:
    """See messages, help.card serve."""
    line = line_at(baud, t1=t1)
    if control is not None:
        from .card_control import serve_controlled

        return serve_controlled(run, image, control, vpcd, t1, until_eof, line)
    with ExitStack() as stack:
        if image is None:
            from .demo.people import demo_card_image

            opened = stack.enter_context(images.thrown_away(demo_card_image(), at_once=t1))
        else:
            opened = stack.enter_context(images.opened(image, "card", run.console.language, at_once=t1))
        what = run.console.text(
            "serve.card" if image else "serve.demo",
            number=contents.card_number_in(opened.nvm),
            profile=opened.profile.name,
            pin=opened.profile.first_pin,
        )
        return keep_in_reader(run, opened, what, vpcd, until_eof, line)


@service("show", uses_readers=False, has_trace=False)
@image_argument()
def show(run: Run, image: Path) -> int:
    """See messages, help.card show."""
    with images.shown(image, run.console.language) as (profile, nvm):
        facts = contents.facts_of(profile, nvm)
    _print(run.console, facts)
    run.console.give(facts)
    return Exit.DONE


def _print(console: Console, facts: dict[str, Any]) -> None:
    if facts["kind"] == "psam":
        lines: tuple[str, ...] = ("kind", "atr", "terminal", "sequence")
    else:
        lines = ("kind", "atr", "number", "holder", "dates", "tries", "balance", "counters")
        tries = facts["tries_left"]
        facts = {
            **facts,
            "number": facts["card_number"],
            "tries": console.text("read.no-pin") if tries is None else tries,
            "balance": yuan_of_fen(facts["balance_fen"]),
        }
    for line in lines:
        console.say(f"show.{line}", **facts)
