"""Many people at once: a CSV file with one card a row.

Not here: what a field may hold (person) and the making of images (personalise).
The columns are the fields of a person file, dates as YYYY-MM-DD; beside them the fields of the amount file
(cardspec.amount_settings) and `image`, the name of the image file. A wrong row does not spoil the others.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from io import StringIO
from typing import Any

from sscard_terminal.cardspec.amount_settings import FIELDS as AMOUNT_FIELDS

from .person import CARD_FIELDS, PERSON_FIELDS, Fields, Person, PersonError, person_of

DATES = ("birth_date", "issued", "expires")
IMAGE = "image"
KNOWN = (*PERSON_FIELDS, *CARD_FIELDS, *AMOUNT_FIELDS, IMAGE)
OPTIONAL = ("card_class", *AMOUNT_FIELDS, IMAGE)


@dataclass(frozen=True, slots=True)
class Row:
    """One row, numbered as in the file (the heading is row 1): a person, or what is wrong with it."""

    number: int
    image: str
    settings: tuple[tuple[str, str], ...]
    person: Person | PersonError


def parse_people(text: str) -> Iterator[Row]:
    """The rows of a CSV file.

    Raises:
        PersonError: no heading, a column that is missing or not known; about rows the rows tell themselves.
    """
    table = csv.DictReader(StringIO(text, newline=""), strict=True)
    heading = [name.strip() for name in table.fieldnames or ()]
    table.fieldnames = heading
    _check_heading(heading)
    try:
        for cells in table:
            yield _row(table.line_num, cells)
    except csv.Error as error:
        raise PersonError("the file", f"no CSV: {error}", table.line_num) from None


def _check_heading(heading: list[str]) -> None:
    for name in heading:
        if name not in KNOWN or heading.count(name) > 1:
            raise PersonError(name or "a column without a name", "is not known here, or stands twice", 1)
    for name in KNOWN:
        if name not in heading and name not in OPTIONAL:
            raise PersonError(name, "this column is missing", 1)


def _row(number: int, cells: Mapping[str | None, Any]) -> Row:
    filled = {name: (value or "").strip() for name, value in cells.items() if name is not None}
    image = filled.get(IMAGE) or f"{filled['card_number']}.img"
    settings = tuple((name, filled[name]) for name in AMOUNT_FIELDS if filled.get(name))
    return Row(number, image, settings, _person(number, filled, None in cells))


def _person(number: int, filled: Mapping[str, str], too_long: bool) -> Person | PersonError:
    fields = Fields(lambda name: number)
    try:
        if too_long:
            fields.wrong("the row", "has more cells than the heading has columns")
        typed = {name: _dated(name, value) for name, value in filled.items() if value}
        person = {name: typed[name] for name in PERSON_FIELDS if name in typed}
        card = {name: typed[name] for name in CARD_FIELDS if name in typed}
        return person_of(fields, person, card, {})
    except PersonError as error:
        return error


def _dated(name: str, value: str) -> Any:
    if name not in DATES:
        return value
    try:
        return date.fromisoformat(value)
    except ValueError:
        return value
