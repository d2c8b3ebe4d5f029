"""A person and what stands on their cards, read from a TOML file for personalisation.

Not here: the card's description (cardspec.profile) and keys. Every wrong field is named.
Source: card.md §1.5, §1.6, §10 (last table).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NoReturn

from sscard_terminal.cardspec.numbers import card_number_check, identity_check
from sscard_terminal.iso7816.errors import FormatError

SEXES = ("1", "2", "9")
CARD_CLASSES = ("1", "2", "3", "4")
PERSON_FIELDS = ("name", "social_security_number", "sex", "nation", "birth_place", "birth_date")
CARD_FIELDS = ("card_number", "region", "serial", "issued", "expires", "card_class")
SERIAL_DIGITS = 8
_TAG = re.compile("[0-9A-Fa-f]{2}")


class PersonError(FormatError):
    """A person file is wrong; `line` is where, 0 where the field is missing."""

    def __init__(self, field_name: str, problem: str, line: int = 0) -> None:
        super().__init__(f"line {line}, {field_name}: {problem}" if line else f"{field_name}: {problem}")
        self.field_name = field_name
        self.problem = problem
        self.line = line


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What one card of this person says: `region` 6 digits, `serial` 8 hex digits, card number with its check."""

    card_number: str
    region: str
    serial: str
    issued: date
    expires: date
    card_class: str = "3"


@dataclass(frozen=True, slots=True)
class Person:
    """A cardholder (invented: fixtures hold nobody real), with the card to be made and extra records by file."""

    name: str
    social_security_number: str
    sex: str
    nation: str
    birth_place: str
    birth_date: date
    card: CardFacts
    records: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    """Further record values by file ("DF04/EF05") and tag, as text (type an) or digits (type cn)."""

    def __repr__(self) -> str:
        return f"Person(card {self.card.card_number[:4]}…)"


def parse_person(text: str, profile_name: str) -> Person:
    """Read a person file for one kind of card: [person], [card], and what differs in [card.PROFILE].

    Further records stand in [card.records."DF/EF"] or [card.PROFILE.records."DF/EF"], tag = value.

    Raises:
        PersonError: no TOML, a missing, unknown or wrong field.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PersonError("the file", f"no TOML: {error}") from None
    lines = text.splitlines()
    fields = Fields(lambda name: _line_of(lines, name))
    unknown = sorted(set(document) - {"purpose", "person", "card"})
    if unknown:
        fields.wrong(unknown[0], "is not known here")
    person, card = _table(document, "person"), dict(_table(document, "card"))
    records = card.pop("records", {})
    kinds = {name: card.pop(name) for name in list(card) if isinstance(card[name], dict)}
    facts = {**card, **kinds.get(profile_name, {})}
    records = facts.pop("records", records)
    return person_of(fields, person, facts, _records(fields, records))


def person_of(
    fields: Fields,
    person: Mapping[str, Any],
    card: Mapping[str, Any],
    records: Mapping[str, Mapping[int, str]],
) -> Person:
    """A person out of raw fields, wherever they come from.

    Raises:
        PersonError: a missing, unknown or wrong field.
    """
    fields.allow(person, PERSON_FIELDS)
    fields.allow(card, CARD_FIELDS)
    return Person(
        name=fields.text(person, "name"),
        social_security_number=fields.identity_number(person),
        sex=fields.choice(person, "sex", SEXES),
        nation=fields.digits(person, "nation", 2),
        birth_place=fields.digits(person, "birth_place", 6),
        birth_date=fields.day(person, "birth_date"),
        card=_card(fields, card),
        records=records,
    )


def _card(fields: Fields, facts: Mapping[str, Any]) -> CardFacts:
    card = CardFacts(
        card_number=fields.card_number(facts),
        region=fields.digits(facts, "region", 6),
        serial=fields.serial(facts),
        issued=fields.day(facts, "issued"),
        expires=fields.day(facts, "expires"),
        card_class=fields.choice(facts, "card_class", CARD_CLASSES) if "card_class" in facts else "3",
    )
    if card.expires <= card.issued:
        fields.wrong("expires", "must lie after issued")
    return card


def _line_of(lines: list[str], name: str) -> int:
    """The first line that sets this field, 0 where none does."""
    return next((number for number, line in enumerate(lines, 1) if line.split("=")[0].strip() == name), 0)


def _records(fields: Fields, tables: Any) -> dict[str, dict[int, str]]:
    found: dict[str, dict[int, str]] = {}
    for name, values in tables.items() if isinstance(tables, dict) else ():
        found[name] = {}
        for tag, value in values.items() if isinstance(values, dict) else ():
            if not _TAG.fullmatch(tag) or not isinstance(value, str):
                fields.wrong(tag, "a record is two hex digits = a text")
            found[name][int(tag, 16)] = value
    return found


def _table(document: dict[str, Any], name: str) -> dict[str, Any]:
    table = document.get(name)
    if not isinstance(table, dict):
        raise PersonError(f"[{name}]", "this table is missing")
    return table


class Fields:
    """Takes fields out of tables; `line_of` tells where a field stands, 0 where it does not."""

    def __init__(self, line_of: Callable[[str], int]) -> None:
        self._line_of = line_of

    def wrong(self, name: str, problem: str) -> NoReturn:
        """
        Raises:
            PersonError: always.
        """
        raise PersonError(name, problem, self._line_of(name))

    def allow(self, table: Mapping[str, Any], names: tuple[str, ...]) -> None:
        for name in table:
            if name not in names:
                self.wrong(name, "is not known here")

    def text(self, table: Mapping[str, Any], name: str) -> str:
        value = table.get(name)
        if not isinstance(value, str) or not value.strip():
            self.wrong(name, "is missing" if value is None else "must be a text")
        return str(value)

    def choice(self, table: Mapping[str, Any], name: str, allowed: tuple[str, ...]) -> str:
        value = self.text(table, name)
        if value not in allowed:
            self.wrong(name, f"must be one of {', '.join(allowed)}")
        return value

    def digits(self, table: Mapping[str, Any], name: str, count: int) -> str:
        value = self.text(table, name)
        if len(value) != count or not (value.isascii() and value.isdecimal()):
            self.wrong(name, f"must be {count} digits")
        return value

    def serial(self, table: Mapping[str, Any]) -> str:
        value = self.text(table, "serial").upper()
        if len(value) != SERIAL_DIGITS or any(char not in "0123456789ABCDEF" for char in value):
            self.wrong("serial", f"must be {SERIAL_DIGITS} hex digits")
        return value

    def day(self, table: Mapping[str, Any], name: str) -> date:
        value = table.get(name)
        if not isinstance(value, date) or isinstance(value, datetime):
            self.wrong(name, "is missing" if value is None else "must be a date such as 2012-01-01")
        return value

    def identity_number(self, table: Mapping[str, Any]) -> str:
        value = self.text(table, "social_security_number").upper()
        body, check = value[:-1], value[-1:]
        if (
            len(value) != 18
            or not (body.isascii() and body.isdecimal())
            or not (check.isdecimal() or check == "X")
        ):
            self.wrong("social_security_number", "must be 17 digits and a digit or X")
        if identity_check(body) != check:
            self.wrong("social_security_number", "has a wrong check digit (GB 11643)")
        return value

    def card_number(self, table: Mapping[str, Any]) -> str:
        value = self.text(table, "card_number").upper()
        try:
            check = card_number_check(value[:-1])
        except ValueError:
            self.wrong("card_number", "must be eight characters 0-9, A-Z and a check character")
        if check != value[-1]:
            self.wrong("card_number", "has a wrong check character")
        return value
