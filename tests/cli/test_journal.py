"""`sscard journal`: a copy never goes over anything; damage is told, set aside, restored; a move leaves nothing to sell with."""

import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from sscard_terminal.cli import journal as family
from sscard_terminal.cli import reader_search
from sscard_terminal.terminal.journal import Journal
from tests.cli.conftest import Counter, Done, Sscard, sscard_process
from tests.cli.links import DEBIT, losing_answer
from tests.cli.test_settings import config, pay

LANGUAGES = pytest.mark.parametrize("language", ["zh", "en"])


def test_a_backup_holds_every_sale_and_another_pc_goes_on_with_it(
    sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    pay(sscard, counter, amount="1.00")
    copy = tmp_path / "copy.db"

    done = sscard("journal", "backup", copy, *counter.book, "--json")
    moved = sscard("slip", "--journal", copy, "--json").json

    assert done.json == {"file": str(copy), "voucher": 1, "dropped": []}
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


# Into a folder -----------------------------------------------------------------------------------------


def test_into_a_folder_a_backup_goes_under_its_time_and_the_newest_are_kept(
    sscard: Sscard, counter: Counter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pay(sscard, counter)
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / "journal-keep-me.db").write_bytes(b"not ours to delete")
    for day in range(1, 5):
        monkeypatch.setattr(family, "now", lambda day=day: datetime(2026, 1, day, 22))
        done = sscard("journal", "backup", folder, "--keep", "2", *counter.book, "--json")

    assert done.json["file"] == str(folder / "journal-20260104T220000.db")
    assert done.json["dropped"] == [str(folder / "journal-20260102T220000.db")]
    assert sorted(file.name for file in folder.iterdir()) == [
        "journal-20260103T220000.db",
        "journal-20260104T220000.db",
        "journal-keep-me.db",
    ]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_only_in_a_folder_there_is_something_to_keep(
    language: str, sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    done = sscard("journal", "backup", tmp_path / "copy.db", "--keep", "2", *counter.book, "--lang", language)

    assert done.code == 2
    assert str(tmp_path / "copy.db") in done.sentence
    assert not (tmp_path / "copy.db").exists()


# Check, set aside, restore, move -----------------------------------------------------------------------


def damaged(counter: Counter) -> None:
    """A digit of a card number became another, where the last sale is not looked at."""
    counter.journal.write_bytes(counter.journal.read_bytes().replace(b"D2143569X", b"D2143569Y", 1))


@LANGUAGES
def test_a_sound_journal_is_counted(language: str, sscard: Sscard, counter: Counter) -> None:
    pay(sscard, counter)
    before = counter.journal.read_bytes()

    done = sscard("journal", "check", *counter.book, "--lang", language)
    told = sscard("journal", "check", *counter.book, "--json").json

    assert done.code == 0
    assert ("完好" if language == "zh" else "is whole") in done.out
    assert (told["sound"], told["sales"], told["open_sales"], told["newest_voucher"]) == (True, 1, 0, 1)
    assert told["flaws"] == []
    assert counter.journal.read_bytes() == before


@LANGUAGES
def test_a_flaw_is_named_and_what_to_do(language: str, sscard: Sscard, counter: Counter) -> None:
    pay(sscard, counter)
    damaged(counter)

    done = sscard("journal", "check", *counter.book, "--lang", language)
    told = sscard("journal", "check", *counter.book, "--json")

    assert done.code == told.code == 1
    assert ("与写入时不符的交易 1 笔" if language == "zh" else "not what was written: 1") in done.out
    assert "sscard journal set-aside" in done.out
    assert told.json["flaws"] == [{"flaw": "sales-changed", "count": 1, "voucher": 1}]


def test_a_check_makes_no_journal(sscard: Sscard, counter: Counter) -> None:
    done = sscard("journal", "check", *counter.book)

    assert done.code == 2
    assert not counter.journal.exists()


@LANGUAGES
def test_a_damaged_journal_stops_the_sale_and_names_the_next_step(
    language: str, sscard: Sscard, counter: Counter
) -> None:
    pay(sscard, counter)
    counter.journal.write_bytes(b"")

    done = pay(sscard, counter, "--lang", language)

    assert done.code == 1
    assert (
        "已损坏，原样未动，未扣款" if language == "zh" else "damaged and was left as it is; not charged"
    ) in done.sentence
    assert "sscard journal set-aside" in done.sentence
    assert counter.journal.read_bytes() == b""


def test_damage_met_in_the_middle_of_a_sale_is_told_as_such(
    sscard: Sscard, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The card's open sale is looked up before anything is charged, and its row is not what was written."""
    with monkeypatch.context() as broken:
        broken.setattr(reader_search, "LoopbackConnection", losing_answer(DEBIT))
        assert pay(sscard, counter).code == 4
    damaged(counter)

    done = pay(sscard, counter, "--json")

    assert done.code == 1
    assert (done.json["money"], done.json["reason"]) == ("not-charged", "journal-damaged")
    assert "sscard journal set-aside" in done.json["message"]


@LANGUAGES
def test_from_damage_to_the_next_sale(
    language: str, sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    lang = ("--lang", language)
    pay(sscard, counter, amount="1.00")
    sscard("journal", "backup", tmp_path / "copy.db", *counter.book)
    counter.journal.write_bytes(b"")

    aside = sscard("journal", "set-aside", *counter.book, *lang)
    refused = pay(sscard, counter, *lang)
    restored = sscard(
        "journal",
        "restore",
        tmp_path / "copy.db",
        *counter.book,
        "--psam-reader",
        f"image:{counter.psam}",
        *lang,
    )
    sold = pay(sscard, counter, amount="2.00")

    assert aside.code == 0 and "sscard journal restore" in aside.out
    assert refused.code == 1
    assert ("尚无替代" if language == "zh" else "nothing has taken its place") in refused.sentence
    assert restored.code == 0
    assert sold.code == 0
    with Journal.open(counter.journal) as journal:
        assert [entry.sale.voucher for entry in journal.entries()] == [1, 2]


@LANGUAGES
def test_a_backup_older_than_the_psam_is_refused_with_how_many_sales_it_lacks(
    language: str, sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    pay(sscard, counter, amount="1.00")
    sscard("journal", "backup", tmp_path / "copy.db", *counter.book)
    pay(sscard, counter, amount="2.00")
    counter.journal.unlink()
    order = (
        "journal",
        "restore",
        tmp_path / "copy.db",
        *counter.book,
        "--psam-reader",
        f"image:{counter.psam}",
    )

    refused = sscard(*order, "--lang", language)
    facts = sscard(*order, "--json").json
    despite = sscard(*order, "--despite", "the disk is gone", "--lang", language)

    assert refused.code == 1
    assert (
        "最多缺少此 PSAM 之后所做的 1 笔" if language == "zh" else "lacks up to 1 sales"
    ) in refused.sentence
    assert (facts["reason"], facts["count"]) == ("journal-behind-psam", 1)
    assert despite.code == 0
    assert ("最多缺少" if language == "zh" else "Up to 1 sales") in despite.err


@LANGUAGES
def test_without_a_psam_a_restore_needs_a_reason(
    language: str, sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    pay(sscard, counter)
    sscard("journal", "backup", tmp_path / "copy.db", *counter.book)
    counter.journal.unlink()
    order = (
        "journal",
        "restore",
        tmp_path / "copy.db",
        *counter.book,
        "--psam-reader",
        f"image:{counter.card}",
    )

    refused = sscard(*order, "--lang", language)
    done = sscard(*order, "--despite", "the PSAM is at the bureau", "--json")

    assert refused.code == 1
    assert ("没有 PSAM" if language == "zh" else "Without the PSAM") in refused.sentence
    assert done.json["missing"] is None
    assert [row["warning"] for row in done.json["warnings"]] == ["restore.psam-not-asked"]


def test_what_can_be_read_is_salvaged_and_the_rest_counted(
    sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    for amount in ("1.00", "2.00"):
        pay(sscard, counter, amount=amount)
    damaged(counter)

    aside = sscard("journal", "set-aside", *counter.book, "--json").json["aside"]
    done = sscard(
        "journal", "restore", aside, "--damaged", *counter.book, "--psam-reader", f"image:{counter.psam}",
        "--despite", "no back-up", "--json",
    )  # fmt: skip

    assert done.code == 0
    assert (done.json["sales"], done.json["missing"]) == (1, 1)
    assert done.json["left_out"] >= 1
    assert Path(aside).exists()


def restored_damaged(sscard: Sscard, counter: Counter, aside: str, *more: str) -> Done:
    asked = ("--psam-reader", f"image:{counter.psam}", "--despite", "no back-up")
    return sscard("journal", "restore", aside, "--damaged", *counter.book, *asked, *more)


def test_a_journal_whose_header_is_lost_comes_back_whole(sscard: Sscard, counter: Counter) -> None:
    pay(sscard, counter)
    counter.journal.write_bytes(bytes(100) + counter.journal.read_bytes()[100:])

    aside = sscard("journal", "set-aside", *counter.book, "--json").json["aside"]
    done = restored_damaged(sscard, counter, aside, "--json")

    assert (done.code, done.json["sales"], done.json["left_out"]) == (0, 1, 0)


@LANGUAGES
def test_a_journal_of_which_nothing_is_left_is_no_circle(
    language: str, sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    pay(sscard, counter)
    counter.journal.write_bytes(b"")

    aside = sscard("journal", "set-aside", *counter.book, "--json").json["aside"]
    done = restored_damaged(sscard, counter, aside, "--lang", language)
    (tmp_path / "elsewhere").mkdir()
    Path(aside).rename(tmp_path / "elsewhere" / "old.db")

    assert done.code == 1
    assert ("已无可读内容" if language == "zh" else "Nothing can be read of") in done.sentence
    assert "set-aside" not in done.sentence and "sscard journal restore" in done.sentence
    assert pay(sscard, counter).code == 0


@LANGUAGES
def test_a_journal_moves_to_another_pc_in_one_command_each(
    language: str, sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    lang = ("--lang", language)
    pay(sscard, counter)
    there = ("--journal", str(tmp_path / "there.db"))

    moved = sscard("journal", "move", tmp_path / "usb.db", *counter.book, *lang)
    here = pay(sscard, counter, *lang)
    arrived = sscard(
        "journal", "restore", tmp_path / "usb.db", *there, "--psam-reader", f"image:{counter.psam}", *lang
    )
    sold = sscard("debit", "--account", "1", *counter.readers, *there, "--pin-stdin", stdin="123456\n")

    assert moved.code == 0 and f"sscard journal restore {tmp_path / 'usb.db'}" in moved.out
    assert here.code == 1
    assert ("已迁往另一台电脑" if language == "zh" else "has moved to another PC") in here.sentence
    assert arrived.code == 0
    assert sold.code == 0


def test_a_sound_journal_is_not_set_aside(sscard: Sscard, counter: Counter) -> None:
    pay(sscard, counter)

    done = sscard("journal", "set-aside", *counter.book)

    assert done.code == 1
    assert "nothing wrong" in done.sentence


def test_of_two_terminals_on_one_journal_the_second_is_refused(sscard: Sscard, counter: Counter) -> None:
    """Two processes; the first waits at its prompt for the PIN, its journal open."""
    pay(sscard, counter)
    program = (
        "import sys, pathlib; from sscard_terminal.terminal.journal import Journal;"
        "Journal.open(pathlib.Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(counter.journal)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as first:
        assert first.stdout is not None and first.stdout.readline() == "open\n"

        second = sscard_process(
            "debit",
            "--account",
            "1",
            *counter.readers,
            *counter.book,
            "--pin-stdin",
            "--json",
            stdin="123456\n",
        )
        backup = sscard_process(
            "journal", "backup", counter.journal.with_name("copy.db"), *counter.book, "--json"
        )
        first.kill()

    assert (second.code, second.json["error"], second.json["money"]) == (
        1,
        "journal.journal-in-use",
        "not-charged",
    )
    assert (backup.code, backup.json["voucher"]) == (0, 1), (
        "whoever only reads gets a copy of what stands there now"
    )
    assert pay(sscard, counter, amount="1.00").code == 0


# Beside an open counter --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        "requests",
        "upload --status",
        "slip",
        "day show",
        "journal check",
        "journal disclosures",
        "recover --at-start",
    ],
)
def test_what_only_reads_works_beside_an_open_counter(command: str, sscard: Sscard, counter: Counter) -> None:
    pay(sscard, counter)
    alone = sscard(*command.split(), *counter.book, "--json").json

    with Journal.open(counter.journal):
        beside = sscard(*command.split(), *counter.book, "--json")

    assert (beside.code, beside.json) == (0, alone)


@LANGUAGES
@pytest.mark.parametrize("minutes", [15, 0])
def test_an_upload_beside_an_open_counter_says_who_does_it(
    minutes: int, language: str, sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    pay(sscard, counter)
    settings = config(tmp_path, f'[centre]\nupload = "file:centre"\nupload_every_minutes = {minutes}\n')

    with Journal.open(counter.journal):
        done = sscard("upload", *settings, *counter.book, "--lang", language)

    assert done.code == 1
    assert ("自行上传" if language == "zh" else "uploads by itself") in done.sentence
    assert ("15" in done.sentence) is (minutes == 15)
    assert not (tmp_path / "centre").exists()


@LANGUAGES
def test_what_writes_is_sent_to_the_open_counter(language: str, sscard: Sscard, counter: Counter) -> None:
    pay(sscard, counter)

    with Journal.open(counter.journal):
        done = sscard("void", "1", *counter.book, "--lang", language)

    assert done.code == 1
    assert ("在那里操作" if language == "zh" else "do it there") in done.sentence
