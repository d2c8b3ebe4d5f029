"""The systemd units: every command they start is one of ours and does what the unit says; systemd itself finds no fault."""

import shlex
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from sscard_terminal.cli import reader_search
from sscard_terminal.terminal.journal import Journal
from tests.cli.conftest import Counter, Sscard
from tests.cli.links import DEBIT, losing_answer
from tests.cli.test_settings import config, pay

UNITS = Path(__file__).parents[2] / "packaging/systemd"
PAGE = (UNITS.parents[1] / "docs/keeping.md").read_text("utf-8")
SERVICES, TIMERS = sorted(UNITS.glob("*.service")), sorted(UNITS.glob("*.timer"))


def unit(file: Path) -> ConfigParser:
    parser = ConfigParser(interpolation=None, delimiters=("=",), comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(file.read_text("utf-8"))
    return parser


def command_of(service: str, home: Path) -> list[str]:
    words = shlex.split(unit(UNITS / f"{service}.service")["Service"]["ExecStart"].replace("%h", str(home)))
    assert words[0] == "sscard"
    return words[1:]


@pytest.fixture
def configured(counter: Counter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose settings name the counter's journal and a file that stands in for the centre."""
    settings = f'[terminal]\njournal = "{counter.journal}"\n[centre]\nupload = "file:centre"\n'
    monkeypatch.setenv("SSCARD_CONFIG", config(tmp_path, settings)[1])
    (tmp_path / "sscard-backups").mkdir()
    return tmp_path


def test_at_start_it_is_said_which_sales_wait_and_that_is_no_fault(
    sscard: Sscard, counter: Counter, configured: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = command_of("sscard-start", configured)
    well = sscard(*command)
    with monkeypatch.context() as broken:
        broken.setattr(reader_search, "LoopbackConnection", losing_answer(DEBIT))
        assert pay(sscard, counter).code == 4
    waits = sscard(*command)

    assert (well.code, well.out) == (0, "There is no sale to be verified.\n")
    assert str(waits.code) == unit(UNITS / "sscard-start.service")["Service"]["SuccessExitStatus"]
    assert "Sale 1 of" in waits.out and "D2143569X" not in waits.out
    assert waits.err == ""


def test_what_waits_at_start_as_json(
    sscard: Sscard, counter: Counter, configured: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_search, "LoopbackConnection", losing_answer(DEBIT))
    pay(sscard, counter)

    told = sscard("recover", "--at-start", "--json").json

    assert told["exit"] == 4
    assert [(row["voucher"], row["number"], row["account_fen"]) for row in told["open_sales"]] == [
        (1, "D2****69X", 1234)
    ]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_waits_at_start_in_words(
    language: str, sscard: Sscard, counter: Counter, configured: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_search, "LoopbackConnection", losing_answer(DEBIT))
    pay(sscard, counter)

    done = sscard("recover", "--at-start", "--lang", language)

    assert (
        "待核实的交易 1 笔，请勿对这些卡收款" if language == "zh" else "do not sell to these cards"
    ) in done.out


def test_every_night_there_is_one_more_backup(sscard: Sscard, counter: Counter, configured: Path) -> None:
    pay(sscard, counter)

    assert sscard(*command_of("sscard-backup", configured)).code == 0
    assert [file.suffix for file in (configured / "sscard-backups").iterdir()] == [".db"]
    assert unit(UNITS / "sscard-backup.service")["Service"]["ExecStartPre"] == "mkdir -p %h/sscard-backups"


def test_what_waits_for_the_centre_is_brought_there(
    sscard: Sscard, counter: Counter, configured: Path
) -> None:
    pay(sscard, counter)

    assert sscard(*command_of("sscard-upload", configured)).code == 0
    assert (configured / "centre").stat().st_size > 0


def test_beside_an_open_counter_the_night_has_its_backup_too(
    sscard: Sscard, counter: Counter, configured: Path
) -> None:
    pay(sscard, counter)

    with Journal.open(counter.journal):
        assert sscard(*command_of("sscard-backup", configured)).code == 0

    (copy,) = (configured / "sscard-backups").iterdir()
    with Journal.open(copy) as journal:
        assert journal.last_entry() is not None


def test_the_counter_starts_with_the_machine_and_comes_back(sscard: Sscard, tmp_path: Path) -> None:
    service = unit(UNITS / "sscard-counter.service")["Service"]

    assert command_of("sscard-counter", tmp_path) == ["counter", "serve"]
    assert sscard("counter", "serve", "--help").code == 0
    assert (service["Restart"], service["RestartPreventExitStatus"]) == ("always", "2")
    assert (service["NoNewPrivileges"], service["UMask"]) == ("true", "0077")
    assert (
        "/usr/local/bin/sscard" in PAGE and "enable --now sscard-start.service sscard-counter.service" in PAGE
    )


@pytest.mark.parametrize("file", [*SERVICES, *TIMERS], ids=lambda file: file.name)
def test_a_unit_is_documented_and_belongs_to_something(file: Path) -> None:
    found = unit(file)

    assert file.name in PAGE
    if file.suffix == ".timer":
        assert file.with_suffix(".service") in SERVICES
        assert found["Install"]["WantedBy"] == "timers.target"
    else:
        assert found["Service"]["Type"] == ("simple" if file.stem == "sscard-counter" else "oneshot")
        assert "Install" in found or file.with_suffix(".timer") in TIMERS


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_finds_no_fault_in_the_units(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("sscard")
    for file in (*SERVICES, *TIMERS):
        text = file.read_text("utf-8").replace("ExecStart=sscard ", f"ExecStart={program} ")
        (tmp_path / file.name).write_text(text, "utf-8")

    done = subprocess.run(
        ["systemd-analyze", "verify", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
        timeout=50,
    )

    ours = [line for line in done.stderr.splitlines() if "sscard" in line]
    assert (done.returncode, ours) == (0, []), done.stderr
