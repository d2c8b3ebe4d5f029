"""The files a card is made from: the person and the root keys. A wrong one is named with line and field.

Not here: what a card is made of (card/personalise.py) and where the image goes (images.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from sscard_terminal.card.person import Person, PersonError, parse_person
from sscard_terminal.cardspec.keys import KeySet
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.profile import CardProfile
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.status import Language

from .details import detail_in
from .exits import Exit, Stop
from .making import Settings, card_image


def read_person(file: Path, profile: CardProfile, language: Language) -> Person:
    """The person of a file.

    Raises:
        Stop: a field is wrong; file, line and field are named.
    """
    text = _text_of(file)
    try:
        return parse_person(text, profile.name)
    except PersonError as error:
        line = error.line and _line_of(text, profile.name, error.field_name)
        raise _wrong_field(file, line or error.line, error.field_name, error.problem, language) from error


def read_keys(file: Path, language: Language) -> KeySet:
    """The root keys of a file.

    Raises:
        Stop: the file is wrong; it and the key are named, never a key's digits.
    """
    try:
        return KeySet.parse(_text_of(file))
    except FormatError as error:
        raise wrong_keys(file, error, language) from error


def personalised(
    profile: CardProfile,
    person: tuple[Path, Person],
    keys: tuple[Path, KeySet],
    balance: Fen,
    settings: Settings,
    language: Language,
) -> bytes:
    """The image of a new card; `person` and `keys` with the files they come from.

    Raises:
        Stop: a record of the person does not fit the card, or a key is missing.
    """
    file, somebody = person
    roots = keys[1]
    try:
        return card_image(profile, somebody, roots, balance, settings)
    except FormatError as error:
        table, field, problem = _culprit(profile, somebody, roots) or ("", "", "")
        if not field:
            raise wrong_keys(keys[0], error, language) from error
        line = _line_of(_text_of(file), profile.name, field, table)
        raise _wrong_field(file, line, field, problem, language) from error


def wrong_keys(file: Path, error: FormatError, language: Language) -> Stop:
    return Stop(Exit.USAGE, "keys.wrong", file=file, detail=detail_in(language, str(error)))


def _wrong_field(file: Path, line: int, field: str, problem: str, language: Language) -> Stop:
    """A field that is missing stands on no line."""
    detail = detail_in(language, problem)
    if line:
        return Stop(Exit.USAGE, "person.wrong", file=file, line=line, field=field, detail=detail)
    return Stop(Exit.USAGE, "person.missing", file=file, field=field, detail=detail)


def _culprit(profile: CardProfile, person: Person, keys: KeySet) -> tuple[str, str, str] | None:
    """Table, field and problem of what does not fit, found by trying everything alone; None where it is no field."""
    trials = [("[person]", "name", replace(person, records={}))]
    for file, records in person.records.items():
        for tag, value in records.items():
            alone = replace(person, records={file: {tag: value}})
            trials.append((file, f"{tag:02X}", alone))
    for table, field, trial in trials:
        try:
            card_image(profile, trial, keys, Fen(0))
        except FormatError as error:
            return None if "key" in str(error) else (table, field, str(error))
    return None


def _line_of(text: str, profile: str, field: str, table: str = "") -> int:
    """The line on which `field` stands, in a table of this kind of card rather than in another; 0 if nowhere."""
    places = [(heading, line) for heading, name, line in _fields_in(text) if name == field.upper()]
    places = [(heading, line) for heading, line in places if table in heading]
    own = [line for heading, line in places if profile in heading]
    return next(iter([*own, *(line for _, line in places)]), 0)


def _fields_in(text: str) -> Iterator[tuple[str, str, int]]:
    """Heading of the table, name of the field in capitals, line."""
    heading = ""
    for number, line in enumerate(text.splitlines(), 1):
        start = line.strip()
        if start.startswith("["):
            heading = start
        elif "=" in start:
            yield heading, start.split("=")[0].strip().strip('"').upper(), number


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise Stop(Exit.USAGE, "file.not-text", file=file) from error
