"""Every fault that can be found is told with how to mend it, in both languages."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sscard_terminal.cli import diagnosis, doctor
from sscard_terminal.cli.console import Console
from sscard_terminal.cli.diagnosis import Facts, Level, ReaderFacts, judged, programs_using_pcsc
from sscard_terminal.cli.ports import has_network, ports_open_everywhere
from sscard_terminal.iso7816.status import Language
from sscard_terminal.reader.connection import LinkReason
from tests.cli.conftest import Sscard, sscard_process

WELL = Facts(pyscard="2.3.1", pcscd="/usr/sbin/pcscd", readers=(ReaderFacts("A"), ReaderFacts("B", True)))
GONE: dict[str, Any] = {"service": LinkReason.NO_SERVICE, "pyscard": "2.3.1", "pcscd": "/usr/sbin/pcscd"}

FAULTS = [
    (Facts(pyscard_problem="libpcsclite.so.1: no such file"), "pyscard-broken", "libpcsclite1"),
    (Facts(pyscard_problem="No module named 'smartcard'"), "pyscard-broken", "make install"),
    (
        Facts(pyscard_problem="?", build_missing=("gcc",)),
        "build-missing",
        "apt-get install gcc libpcsclite-dev",
    ),
    (Facts(pyscard="2.3.1"), "pcscd-missing", "apt-get install pcscd"),
    (Facts(**GONE), "service-down", "pcscd.socket"),
    (Facts(**GONE, run_folder=False), "run-missing", "mkdir -p /run/pcscd"),
    (Facts(**GONE, socket="/tmp/x/comm"), "service-socket", "unset PCSCLITE_CSOCK_NAME"),
    (Facts(**{**GONE, "hresult": diagnosis.SECURITY_VIOLATION}), "polkit", "access_pcsc"),
    (Facts(pyscard="2.3.1", pcscd="/usr/sbin/pcscd"), "no-readers", "libccid"),
    (Facts(open_ports=(35963,)), "port-open", "35963"),
    (
        Facts(readers=(ReaderFacts("A", True, LinkReason.READER_BUSY),), programs=("gpg (7)",)),
        "reader-busy",
        "gpg (7)",
    ),
    (Facts(readers=(ReaderFacts("A", True, LinkReason.MUTE_CARD),)), "reader-mute", "A"),
    (Facts(readers=(ReaderFacts("A", True, LinkReason.READER_GONE),)), "reader-trouble", "A"),
]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("facts", "key", "remedy"), FAULTS, ids=[key for _, key, _ in FAULTS])
def test_a_fault_is_named_with_how_to_mend_it(
    facts: Facts,
    key: str,
    remedy: str,
    language: Language,
    sscard: Sscard,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doctor, "examined", lambda _: facts)

    done = sscard("doctor", "--lang", language)
    told = sscard("doctor", "--json")

    assert done.code == told.code == 3
    lines = [line for line in done.out.splitlines() if line.startswith(" ✗")]
    assert any(remedy in line for line in lines)
    assert key in [finding["finding"] for finding in told.json["findings"] if finding["level"] == "fault"]


def test_a_machine_without_faults_is_well(sscard: Sscard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "examined", lambda _: WELL)

    done = sscard("doctor", "--lang", "zh")

    assert done.code == 0
    assert done.out.splitlines()[-1] == "一切正常。"
    assert "✗" not in done.out


def test_a_missing_virtual_driver_is_a_note_for_real_readers_need_none(sscard: Sscard) -> None:
    levels = {finding.key: finding.level for finding in judged(Facts(pyscard="2", pcscd="x", driver=False))}

    assert levels["driver-missing"] is Level.NOTE


def test_doctor_looks_at_this_machine_without_falling_over() -> None:
    """In a process of its own: the first PC/SC call of this one belongs to the private pcscd."""
    done = sscard_process("doctor", "--json")

    assert done.code in (0, 3)
    assert done.json["findings"]


TABLE = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:8C7B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:8C7C 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0
   2: 00000000:1F90 0100007F:1111 01 00000000:00000000 00:00000000 00000000     0        0 3 1 0 100 0 0 10 0
"""


def test_a_port_is_open_to_the_network_when_it_listens_on_every_address(tmp_path: Path) -> None:
    table = tmp_path / "tcp"
    table.write_text(TABLE)

    assert ports_open_everywhere(table) == {35963}
    assert ports_open_everywhere(tmp_path / "none") == frozenset()


@pytest.mark.parametrize(("devices", "network"), [("lo", False), ("lo eth0", True)])
def test_loopback_alone_is_no_network(devices: str, network: bool, tmp_path: Path) -> None:
    table = tmp_path / "dev"
    table.write_text("head\nhead\n" + "".join(f"  {device}: 0 0\n" for device in devices.split()))

    assert has_network(table) is network


def test_programs_that_use_pcsc_are_told_by_the_library_they_have_loaded(tmp_path: Path) -> None:
    for number, name, maps in ((7, "gpg", "/usr/lib/libpcsclite.so.1"), (8, "vi", "/usr/lib/libc.so")):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "maps").write_text(maps)
        (tmp_path / str(number) / "comm").write_text(f"{name}\n")

    assert list(programs_using_pcsc(tmp_path)) == ["gpg (7)"]


@pytest.mark.parametrize("encoding", ["utf-8", "gbk", "ascii"])
def test_the_marks_can_be_shown_by_the_terminal(
    encoding: str, mocker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = mocker.patch("sscard_terminal.cli.console.sys.stdout")
    stream.encoding = encoding
    mark: Callable[[bool], str] = Console("zh", as_json=False).mark

    assert ("✓" in mark(True)) == (encoding == "utf-8")
