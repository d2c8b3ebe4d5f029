"""`sscard journal backup`: a whole copy that another PC goes on with, and never over anything."""

from pathlib import Path

import pytest

from sscard_terminal.terminal.journal import Journal
from tests.cli.conftest import Counter, Sscard
from tests.cli.test_settings import pay


def test_a_backup_holds_every_sale_and_another_pc_goes_on_with_it(
    sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    pay(sscard, counter, amount="1.00")
    copy = tmp_path / "copy.db"

    done = sscard("journal", "backup", copy, *counter.book, "--json")
    moved = sscard("slip", "--journal", copy, "--json").json

    assert done.json == {"file": str(copy), "voucher": 1}
    assert moved["voucher"] == 1
    with Journal.open(copy) as journal:
        assert [entry.sale.voucher for entry in journal.entries()] == [1]


def test_a_backup_is_its_owners_alone(sscard: Sscard, counter: Counter, tmp_path: Path) -> None:
    sscard("journal", "backup", tmp_path / "copy.db", *counter.book)

    assert (tmp_path / "copy.db").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_backup_never_overwrites(language: str, sscard: Sscard, counter: Counter, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_text("mine")

    done = sscard("journal", "backup", copy, *counter.book, "--lang", language)

    assert done.code == 1
    assert str(copy) in done.sentence
    assert copy.read_text() == "mine"
