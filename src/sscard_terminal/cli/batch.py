"""Many cards at once: one image for each row of a CSV file; a wrong row is named, and the others are made.

Not here: what a row holds (card/people.py).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from sscard_terminal.card.people import Row, parse_people
from sscard_terminal.card.person import PersonError
from sscard_terminal.cardspec.keys import KeySet
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.profile import CardProfile
from sscard_terminal.iso7816.errors import FormatError

from . import inputs
from .console import Console
from .details import detail_in
from .exits import Exit, Stop
from .making import card_image, save_new

PROGRESS_FROM = 20
"""Rows from which a bar is worth showing, where somebody looks."""


def make_cards(console: Console, profile: CardProfile, folder: Path, people: Path, keys: Path) -> int:
    """Make the images in `folder`, which is made when it is not there.

    Raises:
        Stop: the CSV file as a whole, or the key file, is wrong; nothing was made.
    """
    roots = inputs.read_keys(keys, console.language)
    rows = _rows(console, people)
    folder.mkdir(parents=True, exist_ok=True)
    made, wrong = [], []
    with _progress(rows) as shown:
        for row in shown:
            try:
                made.append(str(_make(profile, folder, row, roots)))
            except (Stop, FormatError) as error:
                wrong.append(_told(console, people, row, error))
    for told in wrong:
        console.warn("batch.row", **told)
    console.say("batch.made", count=len(made), folder=folder, wrong=len(wrong))
    console.give({"images": made, "wrong": wrong})
    return Exit.REFUSED if wrong else Exit.DONE


def _rows(console: Console, people: Path) -> list[Row]:
    try:
        return list(parse_people(people.read_text(encoding="utf-8-sig")))
    except UnicodeDecodeError as error:
        raise Stop(Exit.USAGE, "file.not-text", file=people) from error
    except PersonError as error:
        detail = detail_in(console.language, error.problem)
        raise Stop(
            Exit.USAGE, "person.wrong", file=people, line=error.line, field=error.field_name, detail=detail
        ) from error


def _make(profile: CardProfile, folder: Path, row: Row, roots: KeySet) -> Path:
    """One image.

    Raises:
        FormatError: the row, a setting or a record is wrong.
        Stop: there is a file of that name.
    """
    if isinstance(row.person, PersonError):
        raise row.person
    if Path(row.image).name != row.image:
        raise PersonError("image", "must be a file name without a folder", row.number)
    image = folder / row.image
    save_new(image, card_image(profile, row.person, roots, Fen(0), row.settings))
    return image


def _told(console: Console, people: Path, row: Row, error: Stop | FormatError) -> dict[str, object]:
    match error:
        case PersonError(field_name=column, problem=problem):
            told = (column, detail_in(console.language, problem))
        case Stop():
            told = ("image", console.text(error.key, **error.facts))
        case _:
            column, _, problem = str(error).partition(": ")
            told = (column, detail_in(console.language, problem or column))
    return {"file": str(people), "row": row.number, "column": told[0], "detail": told[1]}


@contextmanager
def _progress(rows: list[Row]) -> Iterator[Iterator[Row]]:
    if len(rows) < PROGRESS_FROM or not sys.stderr.isatty():
        yield iter(rows)
        return
    with click.progressbar(rows, file=sys.stderr) as shown:
        yield iter(shown)
