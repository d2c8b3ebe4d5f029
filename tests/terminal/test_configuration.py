"""The one file of settings: the example is whole, and every wrong setting is named with its line."""

import re
from dataclasses import fields
from datetime import date, timedelta
from pathlib import Path

import pytest

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.terminal.configuration import (
    FILES,
    SETTINGS,
    Configuration,
    ConfigurationError,
    PlaceKind,
    parse_configuration,
)
from sscard_terminal.terminal.policy import Policy
from sscard_terminal.terminal.sale_rules import SaleRules
from sscard_terminal.terminal.slips.charsets import Charset
from sscard_terminal.terminal.slips.pdf import Font
from sscard_terminal.terminal.slips.printing import SlipSettings
from sscard_terminal.terminal.slips.targets import Spool
from tests.cards import FIXTURES
from tests.terminal.test_hotlist import KEY, listing

EXAMPLE = (FIXTURES / "terminal.toml").read_text("utf-8")
WHOLE = re.sub(r"^# (\w+ = )", r"\1", EXAMPLE, flags=re.MULTILINE)
"""The example with the settings that stand in comments switched on."""
PLACE = '[place]\nname = "药房"\nkind = "pharmacy"\napproved_until = 2027-12-31\n'
HERE = Path("/etc/sscard")


def error_of(text: str) -> tuple[str, str, int]:
    with pytest.raises(ConfigurationError) as error:
        parse_configuration(text, HERE)
    return error.value.setting, error.value.problem, error.value.line


def test_without_a_file_nothing_is_limited_but_the_city_and_the_same_sale_twice() -> None:
    configuration = Configuration()

    assert configuration.policy(None) == Policy()
    assert configuration.sale_rules(None) == SaleRules(repeat_within=timedelta(minutes=5))
    assert configuration.read_hotlist() is None


def test_a_place_alone_leaves_every_other_default() -> None:
    configuration = parse_configuration(PLACE, HERE)

    assert configuration == Configuration(
        place="药房", kind=PlaceKind.PHARMACY, approved_until=date(2027, 12, 31)
    )


def test_the_example_sets_and_explains_every_setting_there_is() -> None:
    configuration = parse_configuration(WHOLE, HERE)

    for table, names in SETTINGS.items():
        for name in names:
            lines = WHOLE.splitlines()
            line = next(number for number, text in enumerate(lines) if text.startswith(f"{name} = "))
            assert any(text.startswith("# ") for text in lines[line - 3 : line]), f"{table}.{name}"
    assert {field for names in SETTINGS.values() for field, _ in names.values()} == {
        item.name for item in fields(Configuration)
    }
    assert configuration.hotlist_key == KEY
    assert (configuration.hotlist, configuration.journal) == (HERE / "hotlist", HERE / "journal.db")


def test_the_example_as_it_stands_makes_policy_and_rules() -> None:
    configuration = parse_configuration(EXAMPLE, HERE)

    assert configuration.policy(None) == Policy(("370900",), False, True, None)
    assert configuration.sale_rules(None) == SaleRules(
        Fen(200_000), Fen(300_000), Fen(5_000_000), timedelta(minutes=5), date(2099, 12, 31)
    )


def test_slips_are_made_as_configured_with_files_beside_the_configuration() -> None:
    text = '[slips]\nprinter = "file:slips.bin"\nwidth_mm = 80\ncharset = "gbk"\ncopies = 2\nfont = "a.ttc"\n'

    configuration = parse_configuration(PLACE + text + "font_index = 1", HERE)

    font = Font(HERE / "a.ttc", 1)
    assert configuration.slips == SlipSettings(80, Spool(HERE / "slips.bin"), Charset.GBK, 2, font)
    assert Configuration().slips == SlipSettings()


def test_the_configured_hotlist_is_read_with_the_configured_key(tmp_path: Path) -> None:
    (tmp_path / "hotlist").write_bytes(listing("range D0000000 D9999999"))

    hotlist = parse_configuration(WHOLE, tmp_path).read_hotlist()

    assert hotlist is not None
    assert hotlist.holds("", "D2143569X")


@pytest.mark.parametrize(
    ("lines", "setting", "problem", "line"),
    [
        ("[sale]\nper_sail = 1", "sale.per_sail", "is not known here", 6),
        ("[shop]\nname = 1", "shop", "is not known here", 5),
        ("[sale]\nper_sale = 500", "sale.per_sale", "must be a text", 6),
        ('[sale]\nper_sale = "5.005"', "sale.per_sale", 'must be yuan as a text, such as "500.00"', 6),
        ('[sale]\nper_sale = "-1"', "sale.per_sale", 'must be yuan as a text, such as "500.00"', 6),
        ('[sale]\nper_sale = "0"', "sale.per_sale", "must be more than nothing", 6),
        ('[sale]\nper_day = "1"\nper_sale = "2"', "sale.per_day", "is below a narrower ceiling", 6),
        (
            '[sale]\nself_paid_percent = "12.345"',
            "sale.self_paid_percent",
            'must be a percentage as a text, such as "70" or "12.5"',
            6,
        ),
        (
            '[sale]\npooled_percent = "100.01"',
            "sale.pooled_percent",
            'must be a percentage as a text, such as "70" or "12.5"',
            6,
        ),
        (
            '[sale]\nself_paid_percent = "60"\npooled_percent = "40.01"',
            "sale.pooled_percent",
            "is more than the self-paid share leaves",
            7,
        ),
        ("[sale]\nrepeat_minutes = 1441", "sale.repeat_minutes", "must be a whole number from 0 to 1440", 6),
        (
            "[sale]\nrepeat_minutes = true",
            "sale.repeat_minutes",
            "must be a whole number from 0 to 1440",
            6,
        ),
        ("[cards]\nregions = []", "cards.regions", "must be a list of codes of 6 digits", 6),
        ('[cards]\nregions = ["000000"]', "cards.regions", "must be a list of codes of 6 digits", 6),
        ("[cards]\nregions = [370900]", "cards.regions", "must be a list of codes of 6 digits", 6),
        ('[cards]\n\naccept_expired = "no"', "cards.accept_expired", "must be true or false", 7),
        ('[readers]\ncard = ""', "readers.card", "must be a text", 6),
        ('[hotlist]\nfile = "list"', "hotlist.key", "is missing", 0),
        ('[hotlist]\nkey = "00"', "hotlist.key", "must be 64 hex digits", 6),
        ('[hotlist]\nkey = "xyz"', "hotlist.key", "must be 64 hex digits", 6),
        (
            "[hotlist]\nmax_age_days = 0",
            "hotlist.max_age_days",
            "must be a whole number from 1 to 3660",
            6,
        ),
        ('[terminal]\nlanguage = "de"', "terminal.language", "must be one of zh, en", 6),
        ("[slips]\nwidth_mm = 76", "slips.width_mm", "must be one of 58, 80", 6),
        ("[slips]\nwidth_mm = true", "slips.width_mm", "must be one of 58, 80", 6),
        ('[slips]\ncharset = "utf-8"', "slips.charset", "must be one of gb18030, gbk, gb2312", 6),
        ("[slips]\ncopies = 0", "slips.copies", "must be a whole number from 1 to 9", 6),
        (
            '[slips]\nprinter = "lpt1"',
            "slips.printer",
            "must be text, none, device:PATH, network:HOST:PORT or file:PATH",
            6,
        ),
    ],
)
def test_an_unknown_or_impossible_setting_is_named_with_its_line(
    lines: str, setting: str, problem: str, line: int
) -> None:
    assert error_of(PLACE + lines) == (setting, problem, line)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('name = "药房"\n', "", ("place.name", "is missing", 0)),
        ('"pharmacy"', '"bar"', ("place.kind", "must be one of hospital, clinic, pharmacy", 3)),
        (
            "2027-12-31",
            "2027-12-31T10:00:00",
            ("place.approved_until", "must be a date such as 2027-12-31", 4),
        ),
        ("approved_until = 2027-12-31\n", "", ("place.approved_until", "is missing", 0)),
        (PLACE, "", ("place.name", "is missing", 0)),
        (PLACE, "language = 1", ("language", "is not known here", 1)),
    ],
)
def test_a_place_says_its_name_its_kind_and_until_when(
    old: str, new: str, expected: tuple[str, str, int]
) -> None:
    assert error_of(PLACE.replace(old, new)) == expected


def test_a_file_that_is_no_toml_is_told_with_line_and_column() -> None:
    setting, problem, _ = error_of(PLACE + "[sale\n")

    assert setting == ""
    assert "line 5" in problem


def test_every_file_of_the_example_is_found_from_anywhere() -> None:
    configuration = parse_configuration(WHOLE, HERE)

    for name in FILES:
        file = getattr(configuration, name)
        assert isinstance(file, Path) and file.is_absolute(), name
