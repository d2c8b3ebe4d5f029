"""Many cards from one CSV file, settings of the amount file, and blank PSAMs."""

from pathlib import Path

import pytest

from tests.card.test_people import HEADING, ZHANG
from tests.cli.conftest import KEYS, PERSON, Sscard

BATCH = ("card", "batch", "cards", "--people", "people.csv", "--keys", KEYS)


def people(folder: Path, *rows: str, heading: str = f"{HEADING},cia,image") -> None:
    (folder / "people.csv").write_text("\n".join((heading, *rows)) + "\n", encoding="utf-8")


def test_every_row_becomes_an_image_with_its_amounts(sscard: Sscard, tmp_path: Path) -> None:
    people(tmp_path, f"{ZHANG},500,a.img", f"{ZHANG.replace('张三', '李四')},,b.img")

    done = sscard(*BATCH, "--json")

    assert done.code == 0
    assert done.json == {"images": ["cards/a.img", "cards/b.img"], "wrong": []}
    assert sscard("card", "show", "cards/a.img", "--json").json["balance_fen"] == 500
    assert sscard("card", "show", "cards/b.img", "--json").json["name"] == "李*"


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("en", "people.csv, row 3, column sex: must be one of 1, 2, 9; this card was not made."),
        ("zh", "people.csv 第 3 行 sex 列：须为 1, 2, 9 之一，此卡未制。"),
    ],
)
def test_a_wrong_row_is_named_and_the_others_are_made(
    sscard: Sscard, tmp_path: Path, language: str, says: str
) -> None:
    people(tmp_path, f"{ZHANG},,a.img", f"{ZHANG.replace(',1,01,', ',7,01,')},,b.img", f"{ZHANG},,c.img")

    done = sscard(*BATCH, "--lang", language)

    assert done.code == 1
    assert says in done.err
    assert sorted(path.name for path in (tmp_path / "cards").iterdir()) == ["a.img", "c.img"]


@pytest.mark.parametrize(
    ("row", "column"),
    [(f"{ZHANG},1.5,a.img", "cia"), (f"{ZHANG},,../a.img", "image"), (f"{ZHANG},,taken.img", "image")],
    ids=["amount", "folder", "taken"],
)
def test_a_row_that_cannot_be_made_names_its_column(
    sscard: Sscard, tmp_path: Path, row: str, column: str
) -> None:
    people(tmp_path, row)
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards/taken.img").write_bytes(b"somebody's")

    done = sscard(*BATCH, "--json")

    assert done.code == 1
    assert [(wrong["row"], wrong["column"]) for wrong in done.json["wrong"]] == [(2, column)]
    assert (tmp_path / "cards/taken.img").read_bytes() == b"somebody's"
    assert not (tmp_path / "a.img").exists()


def test_a_heading_that_does_not_fit_makes_nothing(sscard: Sscard, tmp_path: Path) -> None:
    people(tmp_path, ZHANG, heading=HEADING.replace("sex", "gender"))

    done = sscard(*BATCH)

    assert done.code == 2
    assert "gender" in done.sentence
    assert not (tmp_path / "cards").exists()


NEW = ("card", "new", "new.card", "--person", PERSON, "--keys", KEYS)


def test_a_setting_overrules_the_balance(sscard: Sscard) -> None:
    assert (
        sscard(*NEW, "--balance", "1", "--set", "cia=777", "--set", "purchase-counter=9", "--json").code == 0
    )

    shown = sscard("card", "show", "new.card", "--json").json
    assert shown["balance_fen"] == 777


@pytest.mark.parametrize("setting", ["cia=1.50", "year=26", "shoe-size=43", "cia"])
def test_a_wrong_setting_is_a_sentence_and_makes_nothing(
    sscard: Sscard, tmp_path: Path, setting: str
) -> None:
    done = sscard(*NEW, "--set", setting)

    assert done.code == 2
    assert setting.partition("=")[0] in done.sentence
    assert not (tmp_path / "new.card").exists()


def test_a_blank_psam_has_no_purchase_key_yet(sscard: Sscard) -> None:
    sscard("psam", "new", "blank.psam", "--keys", KEYS, "--blank")
    sscard(*NEW)

    done = sscard("read", "--reader", "image:new.card", "--psam-reader", "image:blank.psam", "--json")

    assert done.code in (1, 3)
    assert done.json["exit"] == done.code
