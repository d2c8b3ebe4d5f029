"""The settings of one terminal, from one TOML file: every setting known, possible, or named with its line.

Not here: what the settings do (policy, sale_rules), and the file with each explained (fixtures/terminal.toml).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from sscard_terminal.cardspec.money import Fen, fen_of_yuan
from sscard_terminal.cardspec.signatures import KEY_LENGTH
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.status import Language

from .amounts import WHOLE, Shares
from .clock_rules import LONGEST_CLOSURE
from .hotlist import Hotlist, read_hotlist
from .policy import Policy
from .sale_rules import NO_RULES, SaleRules
from .slips.charsets import Charset
from .slips.layout import COLUMNS
from .slips.pdf import Font
from .slips.printing import SlipSettings
from .slips.targets import Spool, Target, parse_target
from .upload_file import upload_path

LANGUAGES = ("zh", "en")
MOST_MINUTES = 24 * 60
MOST_COPIES = 9
MOST_FONTS = 99
"""In one collection (.ttc)."""
MOST_DAYS = 3660
_PERCENT = re.compile(r"(\d{1,3})(?:\.(\d{1,2}))?", re.ASCII)
FILES = (
    *("hotlist", "journal", "operators", "slip_font", "upload", "backup_folder"),
    *("counter_certificate", "counter_key", "programs"),
)
"""The fields that are files, relative to the configuration's folder."""
CEILINGS = ("per_sale", "per_card_per_day", "per_day")
"""From the narrowest to the widest."""


class PlaceKind(StrEnum):
    """What a designated place is approved as. Source: system.md, "At a designated place"."""

    HOSPITAL = "hospital"
    CLINIC = "clinic"
    PHARMACY = "pharmacy"


class ConfigurationError(Exception):
    """A setting is unknown, missing or impossible; `setting` is "table.name", `line` counts from 1, 0 where it is missing."""

    def __init__(self, setting: str, problem: str, line: int = 0) -> None:
        super().__init__(setting, problem, line)
        self.setting = setting
        self.problem = problem
        self.line = line


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """One terminal's settings; without a file the defaults, which limit nothing but the city.

    `card_reader` and `psam_reader` are names or parts of them, None where they are looked for. `uses_pad`: a PIN is keyed
    at the card reader's own pad where it has one. `hotlist` is the file,
    `hotlist_key` the centre's public key, 32 bytes. Relative files are relative to the folder of the configuration.
    """

    place: str = ""
    kind: PlaceKind | None = None
    approved_until: date | None = None
    regions: tuple[str, ...] = Policy().accepted_regions
    accept_expired: bool = False
    first_pin_may_pay: bool = True
    card_reader: str | None = None
    psam_reader: str | None = None
    uses_pad: bool = True
    per_sale: Fen | None = None
    per_card_per_day: Fen | None = None
    per_day: Fen | None = None
    repeat_minutes: int = 5
    needs_open_day: bool = False
    refund_days: int = NO_RULES.refund_days
    self_paid_share: int = 0
    pooled_share: int = 0
    hotlist: Path | None = None
    hotlist_key: bytes | None = None
    hotlist_max_age_days: int = 3
    journal: Path | None = None
    upload: Path | None = None
    upload_every_minutes: int = 15
    backup_folder: Path | None = None
    backup_at: time = time(22, 30)
    backup_keep: int = 30
    language: Language | None = None
    warn_before_key_end_days: int = 60
    operators: Path | None = None
    session_minutes: int = 15
    training: bool = False
    training_readers: tuple[str, ...] = ("Virtual PCD",)
    slip_printer: Target = SlipSettings().target
    slip_width_mm: int = SlipSettings().width_mm
    slip_charset: Charset = SlipSettings().charset
    slip_copies: int = SlipSettings().copies
    slip_font: Path | None = None
    slip_font_index: int = 0
    longest_closure_days: int = LONGEST_CLOSURE.days
    counter_certificate: Path | None = None
    counter_key: Path | None = None
    counter_names: tuple[str, ...] = ()
    programs: Path | None = None

    def read_hotlist(self) -> Hotlist | None:
        """The list in use, None at a place that has none.

        Raises:
            HotlistTrouble, OSError: as `hotlist.read_hotlist`.
        """
        if self.hotlist is None or self.hotlist_key is None:
            return None
        return read_hotlist(self.hotlist, self.hotlist_key)

    @property
    def slips(self) -> SlipSettings:
        """How slips are made here."""
        font = None if self.slip_font is None else Font(self.slip_font, self.slip_font_index)
        return SlipSettings(self.slip_width_mm, self.slip_printer, self.slip_charset, self.slip_copies, font)

    def policy(self, hotlist: Hotlist | None) -> Policy:
        """Whose cards are served here."""
        return Policy(self.regions, self.accept_expired, self.first_pin_may_pay, hotlist)

    def sale_rules(self, hotlist: Hotlist | None) -> SaleRules:
        """What may be sold here."""
        return SaleRules(
            self.per_sale,
            self.per_card_per_day,
            self.per_day,
            timedelta(minutes=self.repeat_minutes),
            self.approved_until,
            hotlist,
            timedelta(days=self.hotlist_max_age_days),
            self.needs_open_day,
            timedelta(days=self.longest_closure_days),
            self.refund_days,
        )

    @property
    def shares(self) -> Shares:
        """How a total is divided here where nobody types it."""
        return Shares(self.self_paid_share, self.pooled_share)


def parse_configuration(text: str, folder: Path) -> Configuration:
    """Read a configuration; `folder` is what its relative files are relative to.

    Raises:
        ConfigurationError: no TOML, or a setting is unknown, missing or impossible.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError("", f"no TOML: {error}") from None
    lines = _lines(text)
    values: dict[str, Any] = {}
    for table, settings in document.items():
        if table not in SETTINGS or not isinstance(settings, dict):
            raise ConfigurationError(table, "is not known here", lines.get(table, 0))
        for name, value in settings.items():
            setting = f"{table}.{name}"
            values |= _read(table, name, value, lines.get(setting, lines.get(table, 0)))
    for setting in FILES:
        if setting in values:
            values[setting] = folder / values[setting]
    if isinstance(spool := values.get("slip_printer"), Spool):
        values["slip_printer"] = Spool(folder / spool.path)
    configuration = Configuration(**values)
    _require_whole(document, lines, configuration)
    return configuration


class _Impossible(Exception):
    """Why a value cannot be."""


def _read(table: str, name: str, value: object, line: int) -> dict[str, Any]:
    if name not in SETTINGS[table]:
        raise ConfigurationError(f"{table}.{name}", "is not known here", line)
    field, reader = SETTINGS[table][name]
    try:
        return {field: reader(value)}
    except _Impossible as error:
        raise ConfigurationError(f"{table}.{name}", str(error), line) from None


def _require_whole(document: Mapping[str, Any], lines: Mapping[str, int], found: Configuration) -> None:
    """What one setting demands of another."""
    for name in ("name", "kind", "approved_until"):
        if name not in document.get("place", {}):
            raise ConfigurationError(f"place.{name}", "is missing")
    if found.hotlist is not None and found.hotlist_key is None:
        raise ConfigurationError("hotlist.key", "is missing")
    if (found.counter_certificate is None) != (found.counter_key is None):
        missing = "tls_cert" if found.counter_certificate is None else "tls_key"
        raise ConfigurationError(f"counter.{missing}", "is missing")
    if found.self_paid_share + found.pooled_share > WHOLE:
        raise ConfigurationError(
            "sale.pooled_percent",
            "is more than the self-paid share leaves",
            lines.get("sale.pooled_percent", lines.get("sale.self_paid_percent", 0)),
        )
    narrower: Fen | None = None
    for name in CEILINGS:
        ceiling: Fen | None = getattr(found, name)
        if ceiling is None:
            continue
        if narrower is not None and ceiling < narrower:
            raise ConfigurationError(
                f"sale.{name}", "is below a narrower ceiling", lines.get(f"sale.{name}", 0)
            )
        narrower = ceiling


def _lines(text: str) -> dict[str, int]:
    """Where each table and each "table.name" stands, as far as a file is laid out in lines."""
    found: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        start = line.strip()
        if start.startswith("["):
            table = start.partition("]")[0].strip("[ ")
            found.setdefault(table, number)
        elif "=" in start and not start.startswith("#"):
            name = start.partition("=")[0].strip().strip("\"'")
            found.setdefault(f"{table}.{name}" if table else name.partition(".")[0], number)
            if not table:
                found.setdefault(name, number)
    return found


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Impossible("must be a text")
    return value


def _upload(value: object) -> str:
    try:
        return upload_path(_text(value))
    except FormatError:
        raise _Impossible("must be file:PATH") from None


def _texts(value: object) -> tuple[str, ...]:
    texts = value if isinstance(value, list) else []
    if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        raise _Impossible("must be a list of texts")
    return tuple(texts)


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise _Impossible("must be true or false")
    return value


def _day(value: object) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise _Impossible("must be a date such as 2027-12-31")
    return value


def _time_of_day(value: object) -> time:
    """A text such as "22:30", or TOML's own 22:30:00."""
    if isinstance(value, time):
        return value.replace(tzinfo=None)
    try:
        return datetime.strptime(_text(value), "%H:%M").time()
    except ValueError:
        raise _Impossible('must be a time of day as a text, such as "22:30"') from None


def _kind(value: object) -> PlaceKind:
    if value not in list(PlaceKind):
        raise _Impossible(f"must be one of {', '.join(PlaceKind)}")
    return PlaceKind(str(value))


def _one_of(*values: str | int) -> Callable[[object], object]:
    def read(value: object) -> object:
        if isinstance(value, bool) or value not in values:
            raise _Impossible(f"must be one of {', '.join(map(str, values))}")
        return value

    return read


def _charset(value: object) -> Charset:
    return Charset(str(_one_of(*map(str, Charset))(value)))


def _target(value: object) -> Target:
    try:
        return parse_target(_text(value))
    except FormatError:
        raise _Impossible("must be text, none, device:PATH, network:HOST:PORT or file:PATH") from None


def _regions(value: object) -> tuple[str, ...]:
    codes = value if isinstance(value, list) else []
    if not codes or not all(_is_region(code) for code in codes):
        raise _Impossible("must be a list of codes of 6 digits")
    return tuple(codes)


def _is_region(code: object) -> bool:
    return (
        isinstance(code, str) and len(code) == 6 and code.isascii() and code.isdecimal() and code != "000000"
    )


def _yuan(value: object) -> Fen:
    """A text: TOML's own fractions are binary, and money is never rounded."""
    try:
        fen = fen_of_yuan(_text(value))
    except FormatError:
        raise _Impossible('must be yuan as a text, such as "500.00"') from None
    if not fen:
        raise _Impossible("must be more than nothing")
    return fen


def _whole(least: int, most: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise _Impossible(f"must be a whole number from {least} to {most}")
        return value

    return read


def _percent(value: object) -> int:
    """A text, for the reason `_yuan` has; in hundredths of a percent."""
    found = _PERCENT.fullmatch(_text(value))
    share = 100 * int(found[1]) + int((found[2] or "").ljust(2, "0")) if found else WHOLE + 1
    if share > WHOLE:
        raise _Impossible('must be a percentage as a text, such as "70" or "12.5"')
    return share


def _public_key(value: object) -> bytes:
    text = _text(value)
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_LENGTH:
        raise _Impossible(f"must be {2 * KEY_LENGTH} hex digits")
    return key


SETTINGS: dict[str, dict[str, tuple[str, Callable[[object], object]]]] = {
    "place": {
        "name": ("place", _text),
        "kind": ("kind", _kind),
        "approved_until": ("approved_until", _day),
    },
    "cards": {
        "regions": ("regions", _regions),
        "accept_expired": ("accept_expired", _yes_or_no),
        "first_pin_may_pay": ("first_pin_may_pay", _yes_or_no),
    },
    "readers": {
        "card": ("card_reader", _text),
        "psam": ("psam_reader", _text),
        "pad": ("uses_pad", _yes_or_no),
    },
    "sale": {
        "per_sale": ("per_sale", _yuan),
        "per_card_per_day": ("per_card_per_day", _yuan),
        "per_day": ("per_day", _yuan),
        "repeat_minutes": ("repeat_minutes", _whole(0, MOST_MINUTES)),
        "needs_open_day": ("needs_open_day", _yes_or_no),
        "refund_days": ("refund_days", _whole(0, MOST_DAYS)),
        "self_paid_percent": ("self_paid_share", _percent),
        "pooled_percent": ("pooled_share", _percent),
    },
    "hotlist": {
        "file": ("hotlist", _text),
        "key": ("hotlist_key", _public_key),
        "max_age_days": ("hotlist_max_age_days", _whole(1, MOST_DAYS)),
    },
    "centre": {
        "upload": ("upload", _upload),
        "upload_every_minutes": ("upload_every_minutes", _whole(0, MOST_MINUTES)),
    },
    "journal": {
        "backup_folder": ("backup_folder", _text),
        "backup_at": ("backup_at", _time_of_day),
        "backup_keep": ("backup_keep", _whole(1, MOST_DAYS)),
    },
    "operators": {
        "file": ("operators", _text),
        "session_minutes": ("session_minutes", _whole(1, MOST_MINUTES)),
    },
    "terminal": {
        "journal": ("journal", _text),
        "language": ("language", _one_of(*LANGUAGES)),
        "longest_closure_days": ("longest_closure_days", _whole(1, MOST_DAYS)),
        "warn_before_key_end_days": ("warn_before_key_end_days", _whole(0, MOST_DAYS)),
        "training": ("training", _yes_or_no),
        "training_readers": ("training_readers", _texts),
    },
    "counter": {
        "tls_cert": ("counter_certificate", _text),
        "tls_key": ("counter_key", _text),
        "names": ("counter_names", _texts),
        "programs": ("programs", _text),
    },
    "slips": {
        "printer": ("slip_printer", _target),
        "width_mm": ("slip_width_mm", _one_of(*COLUMNS)),
        "charset": ("slip_charset", _charset),
        "copies": ("slip_copies", _whole(1, MOST_COPIES)),
        "font": ("slip_font", _text),
        "font_index": ("slip_font_index", _whole(0, MOST_FONTS)),
    },
}
"""Table → name → the field of `Configuration`, and what reads its value. Explained one by one in fixtures/terminal.toml."""
