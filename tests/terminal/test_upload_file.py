"""The file that stands in for the centre: what it acknowledges lies in it, whole, once, in order; whatever is cut."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sscard_terminal.cardspec.upload_record import UploadBatch
from sscard_terminal.terminal import upload_file
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.journal_events import Event, EventKind
from sscard_terminal.terminal.upload import CentreUnreachable, Ending, LinkFault, UploadReport, upload
from sscard_terminal.terminal.upload_file import HEADER, UploadFile, records_in
from sscard_terminal.terminal.upload_queue import acknowledged, records_behind
from tests.terminal.doubles import NOON, TickingClock
from tests.terminal.test_journal import MAC2, TAC, intent
from tests.terminal.test_upload import CHARGED, TERMINAL, sold, stream

ROOT = Path(__file__).parents[2]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "uploads"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "journal.db") as journal:
        yield journal


def sent(journal: Journal, file: Path, batch: int = 100) -> UploadReport:
    return upload(journal, UploadFile(file), TickingClock(), batch)


def fault_of(report: UploadReport) -> LinkFault:
    assert (report.ending, report.sent) == (Ending.NO_ANSWER, 0)
    assert report.trouble is not None
    return report.trouble.fault


def lines(file: Path) -> list[str]:
    text = file.read_text("ascii")
    assert text.startswith(HEADER.decode()) and text.endswith("\n")
    return text.splitlines()[1:]


def sold_many(journal: Journal, count: int) -> None:
    """In one transaction: `count` events of one sale after another, charged."""
    first = sold(journal, *CHARGED)
    with journal.writing() as database:
        columns = ", ".join(
            row["name"] for row in database.execute("PRAGMA table_info(debits)") if not row["pk"]
        )
        numbers = (
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count // 2 - 1})"
        )
        database.execute(f"{numbers} INSERT INTO debits ({columns}) SELECT {columns} FROM n, debits")
        for kind, tac, mac2 in ((EventKind.ANSWERED, TAC, MAC2), (EventKind.CONFIRMED, None, None)):
            database.execute(
                "INSERT INTO events (voucher, kind, at, tac, mac2, detail)"
                " SELECT voucher, ?, ?, ?, ?, '' FROM debits WHERE voucher > ?",
                (kind, NOON.isoformat(), tac, mac2, first),
            )


def test_what_was_sent_stands_in_the_file_line_by_line(journal: Journal, file: Path) -> None:
    sold(journal, *CHARGED)
    first = sent(journal, file)
    sold(journal, CHARGED[0])

    second = sent(journal, file)

    assert (first.sent, second.sent) == (2, 1)
    assert lines(file) == stream(journal)
    assert [record.build() for record in records_in(file)] == stream(journal)


def test_only_its_owner_may_read_it(journal: Journal, file: Path) -> None:
    sold(journal, *CHARGED)
    sent(journal, file)

    assert file.stat().st_mode & 0o077 == 0


def test_it_is_on_the_disk_before_it_is_acknowledged(
    journal: Journal, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[int, int]] = []
    fsync = os.fsync

    def watching(handle: object) -> None:
        synced.append((file.stat().st_size, acknowledged(journal)))
        fsync(handle)  # type: ignore[arg-type]

    sold(journal, *CHARGED)
    monkeypatch.setattr(os, "fsync", watching)
    sent(journal, file)

    assert synced[:2] == [(file.stat().st_size, 0)] * 2  # the file, its folder


def test_a_file_that_is_taken_away_is_begun_again(journal: Journal, file: Path) -> None:
    sold(journal, *CHARGED)
    sent(journal, file)
    file.rename(file.with_name("carried"))
    sold(journal, *CHARGED)

    sent(journal, file, batch=1)

    assert lines(file) == stream(journal)


def test_a_file_that_comes_back_from_an_old_copy_is_filled_up(journal: Journal, file: Path) -> None:
    sold(journal, *CHARGED)
    sent(journal, file)
    old = file.read_bytes()
    for _ in range(3):
        sold(journal, *CHARGED)
    sent(journal, file)
    file.write_bytes(old)

    sent(journal, file, batch=2)

    assert lines(file) == stream(journal)


@pytest.mark.parametrize("content", [b"cards\n", b"sscard-upload 2\n", b"\x00" * 100, HEADER[:-1] + b" "])
def test_another_file_is_left_as_it_is(journal: Journal, file: Path, content: bytes) -> None:
    file.write_bytes(content)
    sold(journal, *CHARGED)

    assert fault_of(sent(journal, file)) is LinkFault.NOT_AN_UPLOAD_FILE
    assert file.read_bytes() == content
    with pytest.raises(CentreUnreachable):
        list(records_in(file))


def test_another_journals_file_is_left_as_it_is(journal: Journal, file: Path, tmp_path: Path) -> None:
    with Journal.open(tmp_path / "other.db") as other:
        other.record(
            other.record_intent(intent(terminal="370900000002")).voucher, Event(EventKind.CONFIRMED, NOON)
        )
        sent(other, file)
    before = file.read_bytes()
    sold(journal, *CHARGED)

    assert fault_of(sent(journal, file)) is LinkFault.OTHER_JOURNAL
    assert file.read_bytes() == before


@pytest.mark.parametrize("line", [b"{}\n", b"\xff\n", b"\n"])
def test_a_damaged_file_is_left_as_it_is(journal: Journal, file: Path, line: bytes) -> None:
    file.write_bytes(HEADER + line)
    sold(journal, *CHARGED)

    assert fault_of(sent(journal, file)) is LinkFault.DAMAGED
    assert file.read_bytes() == HEADER + line
    with pytest.raises(CentreUnreachable):
        list(records_in(file))


@pytest.mark.parametrize("where", [".", "missing/uploads"])
def test_where_no_file_can_be_nothing_is_acknowledged(journal: Journal, tmp_path: Path, where: str) -> None:
    sold(journal, *CHARGED)

    assert fault_of(sent(journal, tmp_path / where)) is LinkFault.CANNOT_WRITE
    assert acknowledged(journal) == 0


def batches(journal: Journal) -> tuple[UploadBatch, UploadBatch]:
    """The first two events, and all behind them."""
    records = records_behind(journal, TERMINAL, 0, 1000)
    return UploadBatch(TERMINAL, None, records[:2]), UploadBatch(TERMINAL, records[1].key, records[2:])


def test_an_append_cut_at_any_byte_and_not_acknowledged_is_made_good(journal: Journal, file: Path) -> None:
    """The process was killed, or the power failed, in the append, or behind it and before the journal knew."""
    for _ in range(2):
        sold(journal, *CHARGED)
    wanted, link = stream(journal), UploadFile(file)
    pieces: list[bytes] = [b""]
    for batch in batches(journal):
        link.send(batch)
        pieces.append(file.read_bytes())

    for batch, before, after in zip(batches(journal), pieces, pieces[1:], strict=False):
        for cut in (*range(len(before), len(after), 5), len(after) - 1, len(after)):
            file.write_bytes(after[:cut])
            answer = link.send(batch)

            assert answer.held == batch.records[-1].key
            assert lines(file) == wanted[: len(after.splitlines()) - 1]


@pytest.mark.parametrize("block", [40, 1000, 5000, 1 << 16])
@pytest.mark.parametrize("torn", [0, 300])
def test_a_batch_that_is_there_in_part_is_found_whatever_the_disk_reads_at_once(
    journal: Journal, file: Path, monkeypatch: pytest.MonkeyPatch, block: int, torn: int
) -> None:
    monkeypatch.setattr(upload_file, "_BLOCK", block)
    for _ in range(10):
        sold(journal, *CHARGED)
    (first, rest), link = batches(journal), UploadFile(file)
    link.send(first)
    link.send(UploadBatch(TERMINAL, rest.behind, rest.records[:7]))
    file.write_bytes(file.read_bytes() + b"x" * torn)

    link.send(rest)
    after = lines(file)
    file.write_bytes(file.read_bytes() + b"x" * torn)
    link.send(rest)

    assert after == lines(file) == stream(journal)


# Real processes -----------------------------------------------------------------------------------------

UPLOADING = """
import sys, pathlib
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.upload import upload
from sscard_terminal.terminal.upload_file import UploadFile
from tests.terminal.doubles import TickingClock
with Journal.open(pathlib.Path(sys.argv[1])) as journal:
    report = upload(journal, UploadFile(pathlib.Path(sys.argv[2])), TickingClock(), int(sys.argv[3]))
print(report.ending, report.sent, report.trouble and report.trouble.fault)
"""


def uploading(journal: Path, file: Path, batch: int, limit: int = 0) -> subprocess.Popen[str]:
    """An upload in a process of its own, which may write no file longer than `limit`."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.Popen(
        [sys.executable, "-c", UPLOADING, str(journal), str(file), str(batch)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=limited if limit else None,
    )


def size_of(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def test_a_process_killed_in_the_middle_again_and_again_loses_and_doubles_nothing(
    tmp_path: Path, file: Path
) -> None:
    path = tmp_path / "journal.db"
    with Journal.open(path) as journal:
        sold_many(journal, 2000)
        wanted = stream(journal, 2000)

    for more in (1, 60_000, 111_111):
        until = size_of(file) + more
        with uploading(path, file, 1) as process:
            while size_of(file) < until and process.poll() is None:
                time.sleep(0.001)
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        with Journal.open(path) as journal:
            whole = file.read_bytes().rpartition(b"\n")[0].count(b"\n")
            assert 0 <= whole - acknowledged(journal) <= 1

    with Journal.open(path) as journal:
        assert sent(journal, file, batch=1000).ending is Ending.DONE
    assert lines(file) == wanted


def test_a_disk_that_fills_up_acknowledges_what_fits(tmp_path: Path, file: Path) -> None:
    path = tmp_path / "journal.db"
    with Journal.open(path) as journal:
        sold_many(journal, 1000)
        wanted = stream(journal, 1000)
    size = path.stat().st_size + 100_000

    with uploading(path, file, 100, limit=size) as process:
        assert process.stdout is not None
        said = process.stdout.read().split()

    assert said[0] == "no-answer" and said[2] == "cannot-write"
    assert 0 < int(said[1]) < 1000
    assert lines(file) == wanted[: int(said[1])]
    with Journal.open(path) as journal:
        assert sent(journal, file).ending is Ending.DONE
    assert lines(file) == wanted
