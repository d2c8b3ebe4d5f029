"""A disk that is full in the middle of a sale, for real: no DEBIT is sent, or the sale is to be verified, never lost."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.cards import card_image, psam_image

ROOT = Path(__file__).parents[2]
NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")
DEBIT, AFTER = "b02c", {"the intent": 9_900, "the answer": 8_666, "the end": 8_666}
"""Where a second sale of 12.34 leaves the card that paid 1.00 of 100.00 before: the balance in fen, whatever was told."""
Reports = dict[str, dict[str, Any]]
MOMENTS = pytest.mark.parametrize("moment", AFTER)


@cache
def may_mount() -> bool:
    """Root may, and most systems let everybody in a namespace of their own."""
    return subprocess.run([*NAMESPACE, "true"], capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Reports:
    """Moment → what was said and done; on a real disk, or under a limit where nothing may be mounted."""
    folder = tmp_path_factory.mktemp("full")
    (folder / "disk").mkdir()
    (folder / "card").write_bytes(card_image(balance=10_000))
    (folder / "psam").write_bytes(psam_image())
    disk = [*NAMESPACE, sys.executable] if may_mount() else [sys.executable]
    kind = "tmpfs" if may_mount() else "limit"
    done = subprocess.run(
        [*disk, "-m", "tests.cli.disk_filler", kind, str(folder / "disk"), str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=55,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["moment"]: line for line in lines}


def test_full_before_the_intent_no_debit_is_sent_and_nothing_charged(reports: Reports) -> None:
    report = reports["the intent"]

    assert report["first"]["code"] == 0
    assert report["full"]["code"] == 1
    assert (report["full"]["money"], report["full"]["reason"]) == ("not-charged", "journal-trouble")
    assert "make room on the disk" in report["full"]["message"]
    assert DEBIT not in report["sent"]


@pytest.mark.parametrize("moment", ["the answer", "the end"])
def test_full_after_debit_the_sale_is_to_be_verified_and_the_card_pays_once(
    moment: str, reports: Reports
) -> None:
    report = reports[moment]

    assert report["full"]["code"] == 4
    assert (report["full"]["money"], report["full"]["error"]) == ("to-be-verified", "doubt.journal-failed")
    assert report["sent"].count(DEBIT) == 1


@MOMENTS
def test_with_room_again_everything_comes_right(moment: str, reports: Reports) -> None:
    report = reports[moment]

    settled = [(row["voucher"], row["state"]) for row in report["recovered"]["settled"]]
    assert settled == ([] if moment == "the intent" else [(2, "charged")])
    assert report["balance"]["account_fen"] == AFTER[moment]
    assert (report["check"]["sound"], report["check"]["open_sales"]) == (True, 0)
    assert report["next"]["code"] == 0


def test_a_day_that_cannot_be_written_is_not_closed(reports: Reports) -> None:
    report = reports["without a card"]

    assert (report["day"]["code"], report["day"]["error"]) == (1, "journal.journal-cannot-write")
    assert report["after"]["code"] == 0


@pytest.mark.parametrize("command", ["new", "backup", "move"])
def test_what_cannot_be_written_whole_is_not_there_at_all(command: str, reports: Reports) -> None:
    report = reports["without a card"]

    assert report[command]["code"] == 1
    if may_mount():  # a limit looks like a broken disk, not like a full one
        assert report[command]["error"] == "journal.journal-cannot-write"
    assert [name for name in report["files"] if not name.startswith("journal.db")] == []
