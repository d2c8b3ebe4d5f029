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
DISKS = pytest.mark.parametrize("disk", ["tmpfs", "limit"])
MOMENTS = pytest.mark.parametrize("moment", AFTER)
pytestmark = pytest.mark.xdist_group("disk full")


@cache
def may_mount() -> bool:
    """Root may, and most systems let everybody in a namespace of their own."""
    return subprocess.run([*NAMESPACE, "true"], capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Disk → moment → what was said and done. Where nothing may be mounted both disks are the limited one."""
    found = {}
    for disk in ("tmpfs", "limit"):
        folder = tmp_path_factory.mktemp(disk)
        (folder / "disk").mkdir()
        (folder / "card").write_bytes(card_image(balance=10_000))
        (folder / "psam").write_bytes(psam_image())
        kind = disk if may_mount() else "limit"
        command = [*(NAMESPACE if kind == "tmpfs" else ()), sys.executable, "-m", "tests.cli.disk_filler"]
        done = subprocess.run(
            [*command, kind, str(folder / "disk"), str(folder)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=55,
        )
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        found[disk] = {line["moment"]: line for line in lines}
    return found


@DISKS
def test_full_before_the_intent_no_debit_is_sent_and_nothing_charged(
    disk: str, reports: dict[str, dict[str, Any]]
) -> None:
    report = reports[disk]["the intent"]

    assert report["first"]["code"] == 0
    assert report["full"]["code"] == 1
    assert (report["full"]["money"], report["full"]["reason"]) == ("not-charged", "journal-trouble")
    assert "make room on the disk" in report["full"]["message"]
    assert DEBIT not in report["sent"]


@DISKS
@pytest.mark.parametrize("moment", ["the answer", "the end"])
def test_full_after_debit_the_sale_is_to_be_verified_and_the_card_pays_once(
    moment: str, disk: str, reports: dict[str, dict[str, Any]]
) -> None:
    report = reports[disk][moment]

    assert report["full"]["code"] == 4
    assert (report["full"]["money"], report["full"]["error"]) == ("to-be-verified", "doubt.journal-failed")
    assert report["sent"].count(DEBIT) == 1


@DISKS
@MOMENTS
def test_with_room_again_everything_comes_right(
    moment: str, disk: str, reports: dict[str, dict[str, Any]]
) -> None:
    report = reports[disk][moment]

    settled = [(row["voucher"], row["state"]) for row in report["recovered"]["settled"]]
    assert settled == ([] if moment == "the intent" else [(2, "charged")])
    assert report["balance"]["account_fen"] == AFTER[moment]
    assert (report["check"]["sound"], report["check"]["open_sales"]) == (True, 0)
    assert report["next"]["code"] == 0


@DISKS
def test_a_day_that_cannot_be_written_is_not_closed(disk: str, reports: dict[str, dict[str, Any]]) -> None:
    report = reports[disk]["without a card"]

    assert (report["day"]["code"], report["day"]["error"]) == (1, "journal.journal-cannot-write")
    assert report["after"]["code"] == 0


@DISKS
@pytest.mark.parametrize("command", ["new", "backup", "move"])
def test_what_cannot_be_written_whole_is_not_there_at_all(
    command: str, disk: str, reports: dict[str, dict[str, Any]]
) -> None:
    report = reports[disk]["without a card"]

    assert report[command]["code"] == 1
    if disk == "tmpfs" and may_mount():  # a limit looks like a broken disk, not like a full one
        assert report[command]["error"] == "journal.journal-cannot-write"
    assert [name for name in report["files"] if not name.startswith("journal.db")] == []
