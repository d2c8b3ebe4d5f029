"""`card serve` and `psam serve` as processes, in the readers of a private pcscd; other people's programs read them."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from sscard_terminal.cli.ports import has_network
from sscard_terminal.iso7816.apdu import CommandApdu
from sscard_terminal.reader.pcsc import open_reader, wait_for_card, wait_for_removal
from sscard_terminal.reader.private_pcscd import PrivatePcscd, Slot
from tests.cli.conftest import Counter, Sscard

pytestmark = pytest.mark.vpcd

SSSE, EF05 = "00A404000F7378312E73682EC9E7BBE1B1A3D5CF", "00B2012D40"
QUERY_TRIES = CommandApdu.parse(bytes.fromhex("0020000000"))
CHALLENGE_OF_16 = CommandApdu.parse(bytes.fromhex("0084000010"))
CARD_NUMBER = "44 32 31 34 33 35 36 39 58"


@contextmanager
def served(pcscd: PrivatePcscd, slot: Slot, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A serve process with its card in the reader."""
    program = [sys.executable, "-m", "sscard_terminal.cli", *map(str, arguments)]
    process = subprocess.Popen(
        pcscd.wrap_command([*program, "--vpcd", f"127.0.0.1:{slot.port}"]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    try:
        assert wait_for_card(slot.reader, 10)
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.communicate()


def run(pcscd: PrivatePcscd, program: str, *arguments: str, script: str = "") -> str:
    done = subprocess.run(
        [program, *arguments],
        input=script,
        capture_output=True,
        text=True,
        timeout=20,
        env={**os.environ, **pcscd.environment()},
    )
    return done.stdout + done.stderr


def test_opensc_tool_reads_the_atr_and_ef05(pcscd: PrivatePcscd, slot: Slot, counter: Counter) -> None:
    with served(pcscd, slot, "card", "serve", counter.card):
        atr = run(pcscd, "opensc-tool", "-r", slot.reader, "-a")
        ef05 = run(
            pcscd, "opensc-tool", "-r", slot.reader, "--card-driver", "default", "-s", SSSE, "-s", EF05
        )

    assert "3b:6d:00:00:00:81:54:31:32:86:60:37:09:00:00:00:02" in atr
    assert "Received (SW1=0x90, SW2=0x00):\n01 10 37 09 00 D1 56 00 00 05 00 00 00 02" in ef05
    assert "D2143569X" in ef05


@pytest.mark.parametrize(("mode", "word"), [((), "61 18"), (("--t1",), "90 00")])
def test_scriptor_reads_ef05_in_both_manners(
    mode: tuple[str, ...], word: str, pcscd: PrivatePcscd, slot: Slot, counter: Counter
) -> None:
    with served(pcscd, slot, "card", "serve", counter.card, *mode):
        said = run(pcscd, "scriptor", "-r", slot.reader, script=f"{SSSE}\n{EF05}\n")

    first, second = said.split("> 00 B2 01 2D 40")
    assert word in first
    assert CARD_NUMBER in second
    assert "90 00" in second


def test_pcsc_scan_sees_the_card_with_its_atr(pcscd: PrivatePcscd, slot: Slot, counter: Counter) -> None:
    with served(pcscd, slot, "card", "serve", counter.card):
        said = run(pcscd, "timeout", "2", "pcsc_scan", "-n")

    assert "3B 6D 00 00 00 81 54 31 32 86 60 37 09 00 00 00 02" in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_and_leaves_cleanly_with_the_image_sealed(
    number: signal.Signals, pcscd: PrivatePcscd, slot: Slot, counter: Counter, sscard: Sscard
) -> None:
    with served(pcscd, slot, "card", "serve", counter.card) as process:
        os.kill(process.pid, number)
        out, err = process.communicate(timeout=10)

    assert process.returncode == 0
    assert err == ""
    assert [re.sub(r"127\.0\.0\.1:\d+", "HERE", line) for line in out.splitlines()] == [
        "Card D2143569X (gen2-32k) waits for the virtual reader at HERE …",
        "Card D2143569X (gen2-32k) is in the virtual reader at HERE.",
        "Card D2143569X (gen2-32k) has left the reader.",
    ]
    assert b"SEAL" in counter.card.read_bytes()[64:128]
    assert sscard("card", "show", counter.card).code == 0
    assert wait_for_removal(slot.reader, 5)


def test_with_until_eof_it_leaves_when_its_starter_does(
    pcscd: PrivatePcscd, slot: Slot, counter: Counter
) -> None:
    with served(pcscd, slot, "psam", "serve", counter.psam, "--until-eof", "--json") as process:
        out, _ = process.communicate(timeout=10)  # closes its standard input

    assert process.returncode == 0
    assert [json.loads(line)["state"] for line in out.splitlines()] == ["waiting", "inserted", "stopped"]


def test_without_an_image_a_throw_away_demo_card_is_served(pcscd: PrivatePcscd, slot: Slot) -> None:
    with served(pcscd, slot, "card", "serve") as process:
        assert process.stdout is not None
        assert "throw-away demo card D2143569X (gen2-32k, first PIN 123456)" in process.stdout.readline()


def test_what_a_client_does_stays_in_the_image_and_the_trace_shows_no_pin(
    pcscd: PrivatePcscd, slot: Slot, counter: Counter, sscard: Sscard, tmp_path: Path
) -> None:
    trace = tmp_path / "trace.txt"
    with served(pcscd, slot, "card", "serve", counter.card, "--trace", trace) as process:
        said = run(pcscd, "scriptor", "-r", slot.reader, script=f"{SSSE}\n0020000003111111\n")
        process.terminate()
        process.communicate(timeout=10)

    assert "63 C2" in said
    assert "> 0020000003******" in trace.read_text("utf-8")
    assert sscard("card", "show", counter.card, "--json").json["tries_left"] == 2


def test_it_waits_for_the_service_and_comes_back_by_itself(counter: Counter, tmp_path: Path) -> None:
    """With a pcscd of its own, watched from a process of its own: this process has its pcscd already."""
    with PrivatePcscd(2, fast_poll=True) as own:
        own.stop_service()
        program = [sys.executable, "-m", "sscard_terminal.cli", "card", "serve", str(counter.card)]
        process = subprocess.Popen(
            own.wrap_command([*program, "--vpcd", f"127.0.0.1:{own.slots[0].port}", "--json"]),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        try:
            states = [json.loads(process.stdout.readline())["state"]]
            for _ in range(2):
                own.start_service()
                states.append(json.loads(process.stdout.readline())["state"])
                own.stop_service()
                states.append(json.loads(process.stdout.readline())["state"])
        finally:
            process.terminate()
            process.communicate(timeout=10)

    assert states == ["waiting", "inserted", "waiting", "inserted", "waiting"]


def test_a_serving_process_stays_under_45_megabytes(
    pcscd: PrivatePcscd, slot: Slot, counter: Counter
) -> None:
    with served(pcscd, slot, "card", "serve", counter.card) as process:
        status = Path(f"/proc/{process.pid}/status").read_text()

    peak = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert peak is not None and int(peak[1]) < 45 * 1024


def test_an_open_port_is_named(counter: Counter) -> None:
    """Outside a namespace the driver's port is open to everybody; where there is a network, it is said so."""
    with PrivatePcscd(2, isolate=False, fast_poll=True) as own:
        program = [
            sys.executable,
            "-m",
            "sscard_terminal.cli",
            "card",
            "serve",
            str(counter.card),
            "--until-eof",
        ]
        process = subprocess.Popen(
            [*program, "--vpcd", f"127.0.0.1:{own.slots[0].port}", "--lang", "zh"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        while "已插入" not in process.stdout.readline():
            pass
        _, err = process.communicate(timeout=10)

    assert ("对网络开放" in err) == has_network()


def test_a_card_served_at_9600_baud_takes_the_time_of_its_bytes(
    pcscd: PrivatePcscd, slot: Slot, counter: Counter
) -> None:
    with served(pcscd, slot, "card", "serve", counter.card, "--baud", "9600"):
        card = open_reader(slot.reader)
        card.transmit(QUERY_TRIES)
        begun = time.monotonic()
        answer = card.transmit(CHALLENGE_OF_16)
        took_s = time.monotonic() - begun
        card.close()

    assert len(answer.data) == 16
    assert took_s >= 0.033  # 24 bytes of 1.25 ms and 3 ms of its own
