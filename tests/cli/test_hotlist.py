"""`sscard hotlist`: which list is in use, and how a newer one takes its place."""

from pathlib import Path

import pytest

from tests.cli.conftest import Counter, Sscard
from tests.cli.test_settings import CARD, config, pay, with_hotlist


def newer(folder: Path, name: str = "update", version: int = 2) -> Path:
    """A signed list of a version, beside the one in use (which stays as it is)."""
    in_use = folder / "hotlist"
    before = in_use.read_bytes() if in_use.exists() else None
    with_hotlist(folder, f"range {CARD} {CARD}", version=version)
    in_use.replace(folder / name)
    if before is not None:
        in_use.write_bytes(before)
    return folder / name


@pytest.mark.parametrize(("language", "words"), [("en", "version 1 of"), ("zh", "第 1 版")])
def test_the_list_in_use_is_shown_with_version_and_date_and_without_its_cards(
    language: str, words: str, sscard: Sscard, tmp_path: Path
) -> None:
    more = config(tmp_path, with_hotlist(tmp_path, f"range {CARD} {CARD}"))

    done = sscard("hotlist", "show", *more, "--lang", language)

    assert done.code == 0
    assert words in done.out
    assert CARD not in done.out


def test_a_place_without_a_list_says_so(sscard: Sscard) -> None:
    assert sscard("hotlist", "show", "--json").json == {"version": None}
    assert sscard("hotlist", "update", "anything").code == 2


def test_a_newer_list_takes_the_place_of_the_one_in_use(sscard: Sscard, tmp_path: Path) -> None:
    more = config(tmp_path, with_hotlist(tmp_path))

    done = sscard("hotlist", "update", newer(tmp_path), *more, "--json")

    assert (done.json["version"], done.json["ranges"]) == (2, 1)
    assert sscard("hotlist", "show", *more, "--json").json["version"] == 2


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_list_that_is_not_newer_is_refused_and_changes_nothing(
    language: str, sscard: Sscard, tmp_path: Path
) -> None:
    more = config(tmp_path, with_hotlist(tmp_path))

    done = sscard("hotlist", "update", newer(tmp_path, version=1), *more, "--lang", language)

    assert done.code == 1
    assert "update" in done.sentence
    assert sscard("hotlist", "show", *more, "--json").json["ranges"] == 0


def test_a_damaged_list_in_use_can_be_replaced(sscard: Sscard, tmp_path: Path) -> None:
    more = config(tmp_path, with_hotlist(tmp_path))
    update = newer(tmp_path)
    (tmp_path / "hotlist").write_bytes(b"half")

    assert sscard("hotlist", "show", *more).code == 1
    assert sscard("hotlist", "update", update, *more).code == 0
    assert sscard("hotlist", "show", *more).code == 0


def test_one_range_is_no_plural(sscard: Sscard, tmp_path: Path) -> None:
    more = config(tmp_path, with_hotlist(tmp_path, f"range {CARD} {CARD}"))

    assert "ranges of card numbers 1" in sscard("hotlist", "show", *more, "--lang", "en").out


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_configured_list_that_is_not_there_stops_the_sale_and_says_what_to_do(
    language: str, sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    more = config(tmp_path, with_hotlist(tmp_path))
    (tmp_path / "hotlist").unlink()

    done = pay(sscard, counter, *more, "--lang", language)

    assert done.code == 1
    assert str(tmp_path / "hotlist") in done.sentence and "sscard hotlist update" in done.sentence
    assert ("未扣款" if language == "zh" else "not charged") in done.sentence
    assert not counter.journal.exists()
