"""`sscard card new` and `batch`: personalise virtual cards; real ones are made elsewhere."""

from __future__ import annotations

from pathlib import Path

import click

from sscard_terminal.cardspec.money import Fen, yuan_of_fen

from . import inputs, making
from .batch import make_cards
from .command import Run, service
from .demo.people import PROFILE
from .exits import Exit
from .values import FilePath, Setting, Yuan, image_argument


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
    description = making.card_profile(profile)
    somebody = inputs.read_person(person, description, language)
    roots = inputs.read_keys(keys, language)
    content = inputs.personalised(description, (person, somebody), (keys, roots), balance, settings, language)
    making.save_new(image, content)
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
    return make_cards(run.console, making.card_profile(profile), folder, people, keys)
