"""Descriptions: the shipped ones hold together, and each mistake is named."""

import re
import tomllib
from dataclasses import replace

import pytest

from sscard_applets.catalogue import ENTRY_POINTS, OURS, load_applets, load_profile, profile_names
from sscard_terminal.cardspec.access import AccessRule
from sscard_terminal.cardspec.profile_text import parse_profile
from sscard_terminal.iso7816.errors import FormatError
from tests.cards import FIXTURES

GOOD = """
[card]
name = "tiny"
capacity = 64
algorithm = "3DES"
version = "2.00"
atr = "3B6D000000815431328660370900000002"
applets = ["social_security"]
source = "a test"

[[df]]
name = "MF"
fid = "3F00"
aid = "315041592E5359532E4444463031"
source = "a test"

[[file]]
df = "MF"
name = "EF05"
fid = "EF05"
sfi = 5
structure = "linear"
read = "pin or key:K1"
update = "never"
source = "a test"
records = [{ tag = "01", length = 16, type = "cn", item = "thing" }]

[[key]]
name = "K1"
df = "MF"
id = "04"
use = "external"
source = "a test"
"""


def test_a_small_description_is_read() -> None:
    profile = parse_profile({"tiny.toml": GOOD})

    assert (profile.name, profile.files[0].capacity, profile.key("K1").tries) == ("tiny", 18, 15)
    assert profile.pin is None


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("capacity = 64", "capacity = 10", "the files need 18 bytes, the card has 10"),
        ("capacity = 64", "capacity = -1", "capacity must be a whole number"),
        ("capacity = 64", 'capacity = "64"', "capacity must be a whole number"),
        ('algorithm = "3DES"', 'algorithm = "SSF33"', "algorithm is 'SSF33', allowed are 3DES, SM4"),
        ('version = "2.00"', "", "version is missing"),
        ("sfi = 5", "sfi = 5\ncolour = 1", "tiny.toml file MF/EF05: unknown entry 'colour'"),
        ('use = "external"\nsource = "a test"', 'use = "external"', "tiny.toml key MF/K1: source is missing"),
        ("key:K1", "key:K2", "an access rule of MF/EF05 names no key: K2"),
        ("pin or key:K1", "sometimes", "access rule 'sometimes' is none of"),
        ('df = "MF"\nname = "K1"', 'df = "DF09"\nname = "K1"', "K1"),
        ('fid = "EF05"', 'fid = "EF5"', "fid must be hex digits"),
        ('fid = "EF05"', 'fid = "EF"', "fid must be four hex digits"),
        ("3B6D0000", "3A6D0000", "an ATR starts with 3B or 3F"),
        ('aid = "31', 'parent = "DF09"\naid = "31', "MF lies in DF09, which the description does not have"),
        ('fid = "EF05"', 'fid = "EF05"\noptional = 1', "optional must be a text"),
        ("[[df]]", '[rules]\noptions = ["x"]\n\n[[df]]', "tiny: no part of the description has the option 'x'"),
        ("[[df]]", '[rules]\noptions = "x"\n\n[[df]]', "options must be a list of texts"),
        ("[card]", "[cart]", "one table [card], here are 0"),
        ("[card]", "[card", "no TOML"),
        ('tag = "01"', 'tag = 1', "tag must be a text"),
    ],
)  # fmt: skip
def test_a_wrong_description_says_what_and_where(old: str, new: str, says: str) -> None:
    text = GOOD.replace('name = "K1"\ndf = "MF"', 'df = "MF"\nname = "K1"').replace(old, new)

    with pytest.raises(FormatError, match=re.escape(says)):
        parse_profile({"tiny.toml": text})


def test_an_optional_part_is_there_where_a_rule_names_it() -> None:
    extra = (
        GOOD
        + """
[[file]]
df = "MF"
name = "EF0D"
fid = "EF0D"
structure = "transparent"
size = 3
optional = "shandong"
read = "free"
update = "never"
source = "a test"
"""
    )

    without = parse_profile({"tiny.toml": extra})
    switched_on = parse_profile({"tiny.toml": extra + '[rules]\noptions = ["shandong"]\n'})

    assert [spec.name for spec in without.files] == ["EF05"]
    assert [spec.name for spec in switched_on.files] == ["EF05", "EF0D"]


@pytest.mark.parametrize("name", profile_names())
def test_every_shipped_description_loads_with_its_applets(name: str) -> None:
    profile = load_profile(name)

    assert profile.name == name
    assert [applet.name for applet in load_applets(profile)] == list(profile.applets)
    assert len({spec.key for spec in profile.files}) == len(profile.files)
    assert len({(spec.df, spec.sfi) for spec in profile.files if spec.sfi}) == len(profile.files)


def test_our_applets_are_the_entry_points_of_the_package() -> None:
    project = tomllib.loads((FIXTURES.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert project["entry-points"][ENTRY_POINTS] == OURS


def test_an_applet_nobody_installed_is_named() -> None:
    profile = replace(load_profile("gen2-32k"), applets=("social_security", "purse"))

    with pytest.raises(FormatError, match="gen2-32k needs the applet purse, which is not installed"):
        load_applets(profile)


def test_an_unknown_description_is_named_with_those_there_are() -> None:
    with pytest.raises(FormatError, match="'gen9'; there are gen1-16k, gen2-32k, gen3, psam-city, "):
        load_profile("gen9")


@pytest.mark.parametrize(
    ("text", "alternatives"),
    [
        ("free", [set()]),
        ("never", []),
        ("pin", [{"pin"}]),
        ("pin or key:RK1DF04", [{"pin"}, {"RK1DF04"}]),
        ("pin and key:RK1DF04", [{"pin", "RK1DF04"}]),
    ],
)
def test_access_rules_are_read_as_written(text: str, alternatives: list[set[str]]) -> None:
    assert [set(needed) for needed in AccessRule.parse(text).alternatives] == alternatives
