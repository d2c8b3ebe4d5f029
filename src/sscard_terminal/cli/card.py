"""`sscard card`: make a virtual card, put it into a virtual reader, look at it; real cards are made elsewhere."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from sscard_terminal.cardspec.money import Fen, yuan_of_fen

from . import contents, images, inputs
from .batch import make_cards
from .command import LocalGroup, Run, service
from .console import Console
from .demo.people import PROFILE, demo_card_image
from .exits import Exit
from .serving import serve as keep_in_reader
from .serving import serve_options
from .values import Address, FilePath, Setting, Yuan, image_argument

CARD_PORT = 35963
"""Where the packaged driver's first slot listens. Source: pcsc.md section 2."""


@click.group("card", cls=LocalGroup)
def card() -> None:
    """See messages, help.card."""


@service("new", uses_readers=False, has_trace=False)
@image_argument()
@click.option("--profile", metavar="NAME", default=PROFILE)
@click.option("--person", metavar="FILE", type=FilePath(), required=True)
@click.option("--keys", metavar="FILE", type=FilePath(), required=True)
@click.option("--balance", metavar="YUAN", type=Yuan(), default="0")
@click.option("--set", "settings", metavar="FIELD=VALUE", type=Setting(), multiple=True)
def new(
    run: Run,
    image: Path,
    profile: str,
    person: Path,
    keys: Path,
    balance: Fen,
    settings: tuple[tuple[str, str], ...],
) -> int:
    """See messages, help.card new."""
    language = run.console.language
    description = images.card_profile(profile)
    somebody = inputs.read_person(person, description, language)
    roots = inputs.read_keys(keys, language)
    content = inputs.personalised(description, (person, somebody), (keys, roots), balance, settings, language)
    images.save_new(image, content)
    number = somebody.card.card_number
    held = Fen(int(dict(settings).get("cia", balance)))
    run.console.say("card.made", file=image, profile=profile, number=number, balance=yuan_of_fen(held))
    run.console.give({"image": str(image), "profile": profile, "card_number": number, "balance_fen": held})
    return Exit.DONE


@service("batch", uses_readers=False, has_trace=False)
@click.argument("folder", type=FilePath())
@click.option("--profile", metavar="NAME", default=PROFILE)
@click.option("--people", metavar="FILE", type=FilePath(), required=True)
@click.option("--keys", metavar="FILE", type=FilePath(), required=True)
def batch(run: Run, folder: Path, profile: str, people: Path, keys: Path) -> int:
    """See messages, help.card batch."""
    return make_cards(run.console, images.card_profile(profile), folder, people, keys)


@service("serve", uses_readers=False)
@image_argument(required=False)
@serve_options(CARD_PORT)
def serve(run: Run, image: Path | None, vpcd: Address, t1: bool, until_eof: bool) -> int:
    """See messages, help.card serve."""
    with ExitStack() as stack:
        if image is None:
            opened = stack.enter_context(images.thrown_away(demo_card_image(), at_once=t1))
        else:
            opened = stack.enter_context(images.opened(image, "card", run.console.language, at_once=t1))
        what = run.console.text(
            "serve.card" if image else "serve.demo",
            number=contents.card_number_in(opened.nvm),
            profile=opened.profile.name,
            pin=opened.profile.first_pin,
        )
        return keep_in_reader(run, opened, what, vpcd, until_eof)


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


for _command in (new, batch, serve, show):
    card.add_command(_command)
