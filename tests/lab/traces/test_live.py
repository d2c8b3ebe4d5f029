"""Traces while they are made: a file that grows, and other people's programs over a private pcscd."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sscard_terminal.card.vpicc import Vpicc
from sscard_terminal.lab.traces import recording
from sscard_terminal.lab.traces.entries import Exchange
from sscard_terminal.lab.traces.formats import spy
from sscard_terminal.lab.traces.live import FIFO, SpyBusy, growing, spied
from sscard_terminal.lab.traces.spy_library import NoSpy, spy_library, stand_in
from sscard_terminal.reader.pcsc import wait_for_card
from sscard_terminal.reader.private_pcscd import PrivatePcscd, Slot
from tests.cards import new_card

SSCARD = [sys.executable, "-m", "sscard_terminal.cli"]
PATIENCE_S = 20
FLOOR = Path(__file__).parents[3] / "benchmarks/floor"


@pytest.fixture
def served(pcscd: PrivatePcscd, slot: Slot) -> Iterator[Slot]:
    """A card in the slot."""
    vpicc = Vpicc(new_card(balance=500_000), slot.port, open_socket=pcscd.open_socket)
    serving = threading.Thread(target=vpicc.serve)
    serving.start()
    try:
        assert wait_for_card(slot.reader, 5)
        yield slot
    finally:
        vpicc.request_stop()
        serving.join()


@pytest.mark.vpcd
def test_opensc_is_heard_while_it_talks_to_our_card(
    pcscd: PrivatePcscd, served: Slot, tmp_path: Path
) -> None:
    program = ["opensc-tool", "-r", served.reader, "-s", "00:20:00:00:03:12:34:56", "-s", "00:20:00:00"]
    environment = {**os.environ, **pcscd.environment(), "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}

    done = subprocess.run(
        [*SSCARD, "trace", "live", "--lang", "en", "--", *program],
        capture_output=True,
        text=True,
        timeout=50,
        env=environment,
    )

    assert done.returncode == 0, done.stderr
    assert "Received (SW1=0x90, SW2=0x00)" in done.stdout
    assert "# VERIFY: PIN ***" in done.stderr
    assert "# 63C3 tries left: 3" in done.stderr
    assert f"# [{served.reader}]" in done.stderr
    assert "123456" not in done.stderr
    assert not (tmp_path / FIFO).exists()


@pytest.mark.vpcd
def test_scriptor_which_loads_the_library_itself_is_heard_too(
    pcscd: PrivatePcscd, served: Slot, tmp_path: Path
) -> None:
    environment = {**os.environ, **pcscd.environment(), "HOME": str(tmp_path)}
    script = tmp_path / "script"
    script.write_text("00 20 00 00\nreset\n00 84 00 00 08\n")

    with spied(["scriptor", "-r", served.reader, str(script)], environment) as (program, lines):
        found = list(spy.read_raw(lines))

    assert program.returncode == 0
    assert [str(one.command) for one in found if isinstance(one, Exchange)] == ["00200000", "0084000008"]
    assert [type(one).__name__ for one in found] == ["Exchange", "Reset", "Exchange"]


@pytest.mark.vpcd
def test_a_python_program_is_heard_which_hands_over_no_header_of_the_answer(
    pcscd: PrivatePcscd, served: Slot, tmp_path: Path
) -> None:
    program = (
        "import sys; from sscard_terminal.reader.pcsc import open_reader; from sscard_terminal.iso7816.apdu import *;"
        "c = open_reader(sys.argv[1]); print(c.transmit(CommandApdu(0, 0x20, 0, 0, ne=256)).sw); c.close()"
    )
    environment = {**os.environ, **pcscd.environment(), "HOME": str(tmp_path)}

    with spied([sys.executable, "-c", program, served.reader], environment) as (process, lines):
        found = list(spy.read_raw(lines))

    assert process.returncode == 0
    assert [str(one.answer) for one in found if isinstance(one, Exchange)] == ["63C3"]


@pytest.mark.vpcd
def test_a_program_linked_against_the_library_and_its_data_is_heard(
    pcscd: PrivatePcscd, served: Slot, tmp_path: Path
) -> None:
    linked = tmp_path / "linked"
    source = FLOOR / "client.c"
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libpcsclite"], capture_output=True, text=True
    )
    command = ["gcc", "-O1", "-o", str(linked), str(source), *flags.stdout.split()]
    subprocess.run(command, check=True, capture_output=True)
    environment = {**os.environ, **pcscd.environment(), "HOME": str(tmp_path)}

    line = f"echo 2 | {linked} '{served.reader}' 0084000008"

    with spied(["sh", "-c", line], environment) as (process, lines):
        found = [str(one.command) for one in spy.read_raw(lines) if isinstance(one, Exchange)]

    assert process.returncode == 0
    assert found == ["0084000008", "0084000008"]


def test_without_a_compiler_the_spying_library_is_used_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))

    assert stand_in(Path("/usr/lib/libpcscspy.so.0")) == Path("/usr/lib/libpcscspy.so.0")


def test_the_exit_code_of_the_program_is_ours(tmp_path: Path) -> None:
    with spied([sys.executable, "-c", "raise SystemExit(7)"], {**os.environ, "HOME": str(tmp_path)}) as (
        program,
        lines,
    ):
        assert list(lines) == []

    assert program.returncode == 7


def test_two_traces_in_one_home_are_refused_and_what_a_killed_one_left_is_not(tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path)}
    os.mkfifo(tmp_path / FIFO)
    nothing = [sys.executable, "-c", ""]

    with spied(nothing, environment), pytest.raises(SpyBusy), spied(nothing, environment):
        pass

    (tmp_path / FIFO).write_text("somebody's file")
    with pytest.raises(SpyBusy), spied(nothing, environment):
        pass
    assert (tmp_path / FIFO).read_text() == "somebody's file"


def test_without_the_spying_library_nothing_is_started(tmp_path: Path) -> None:
    with pytest.raises(NoSpy):
        spy_library(tmp_path)


def test_a_growing_trace_is_told_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "growing.trace"
    file.write_text("# ATR 3B00\n> 0084000008\n")
    with file.open("rb") as stream:
        found = recording.entries(growing(stream))
        assert type(next(found)).__name__ == "Reset"
        with file.open("a") as more:
            more.write("< 0102030405060708 90")
        threading.Timer(0.2, _append, (file, "00\n> 00200000\n< 63C3\n")).start()

        first, second = next(found), next(found)

    assert isinstance(first, Exchange) and isinstance(second, Exchange)
    assert str(first.answer) == "01020304050607089000"
    assert str(second.answer) == "63C3"


def _append(file: Path, text: str) -> None:
    with file.open("a") as more:
        more.write(text)


def test_following_ends_with_ctrl_c(tmp_path: Path) -> None:
    file = tmp_path / "growing.trace"
    file.write_text("> 00200000\n< 63C3\n> 00840000\n")
    program = subprocess.Popen(
        [*SSCARD, "trace", "show", str(file), "--follow", "--lang", "en"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    try:
        assert "how many tries are left" in program.stdout.readline()
        assert "63C3" in program.stdout.readline()
        program.send_signal(2)
        out, err = program.communicate(timeout=PATIENCE_S)
    finally:
        program.kill()
        program.communicate()

    assert (program.returncode, err) == (0, "")
    assert out == ""
