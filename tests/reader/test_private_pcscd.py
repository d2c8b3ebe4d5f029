"""A private pcscd as its users see it: other people's tools find the reader, the card in it, and nothing left over."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from sscard_terminal.card.vpicc import Vpicc, serving
from sscard_terminal.reader.private_pcscd import (
    PcscdUnavailable,
    PrivatePcscd,
    Slot,
    fast_poll,
    instance,
    slots,
)

pytestmark = pytest.mark.vpcd

ATR = bytes.fromhex("3B6D000000815431328660370900000002")
ATR_AS_PRINTED = "3b:6d:00:00:00:81:54:31:32:86:60:37:09:00:00:00:02"
PATIENCE_S = 5.0


class EchoCard:
    """A card that gives a command's data back, and 9000."""

    def atr(self) -> bytes:
        return ATR

    def power_on(self) -> bytes:
        return ATR

    def reset(self) -> bytes:
        return ATR

    def power_off(self) -> None:
        pass

    def respond(self, command: bytes) -> bytes:
        return command[5:] + b"\x90\x00"


def opensc_tool(pcscd: PrivatePcscd, *arguments: str) -> str:
    """What opensc-tool says, both streams; it may well refuse (no card, unknown card)."""
    command = ["opensc-tool", *arguments]
    environment = os.environ | pcscd.environment()
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20, check=False)
    return run.stdout + run.stderr


def wait_for(condition: str, pcscd: PrivatePcscd, *arguments: str) -> str:
    """Ask opensc-tool until its answer holds the condition; pcscd sees a card only at its next look."""
    deadline = time.monotonic() + PATIENCE_S
    while condition not in (said := opensc_tool(pcscd, *arguments)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return said


def gone(pid: int) -> bool:
    """Whether the process ends, within our patience."""
    deadline = time.monotonic() + PATIENCE_S
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return not Path(f"/proc/{pid}").exists()


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextlib.contextmanager
def card_in(pcscd: PrivatePcscd, slot: Slot) -> Iterator[Vpicc]:
    with serving(EchoCard(), slot.port, open_socket=pcscd.open_socket) as vpicc:
        assert vpicc.wait_inserted(PATIENCE_S)
        yield vpicc


def test_every_slot_is_a_reader_under_the_name_it_was_given(pcscd: PrivatePcscd) -> None:
    said = opensc_tool(pcscd, "-l")

    assert [line.split(maxsplit=2)[2] for line in said.splitlines()[2:]] == [
        slot.reader for slot in pcscd.slots
    ]


def test_card_of_this_process_shows_its_atr_to_opensc_tool(pcscd: PrivatePcscd, slot: Slot) -> None:
    with card_in(pcscd, slot):
        said = wait_for("3b", pcscd, "-r", slot.reader, "-a")

    assert ATR_AS_PRINTED in said


def test_card_answers_an_apdu_of_opensc_tool(pcscd: PrivatePcscd, slot: Slot) -> None:
    with card_in(pcscd, slot):
        said = wait_for("SW1=", pcscd, "-r", slot.reader, "-s", "00A4000C023F00")

    assert "3F 00" in said
    assert "SW1=0x90, SW2=0x00" in said


def test_each_slot_holds_its_own_card(pcscd: PrivatePcscd) -> None:
    first, third = pcscd.slots[0], pcscd.slots[2]

    with card_in(pcscd, first):
        seen = wait_for("3b", pcscd, "-r", first.reader, "-a")
        aliased = opensc_tool(pcscd, "-r", third.reader, "-a")

    assert ATR_AS_PRINTED in seen
    assert ATR_AS_PRINTED not in aliased


def test_card_process_reaches_its_slot_by_the_wrapped_command(pcscd: PrivatePcscd, slot: Slot) -> None:
    script = (
        "from tests.reader.test_private_pcscd import EchoCard\n"
        "from sscard_terminal.card.vpicc import Vpicc\n"
        f"Vpicc(EchoCard(), {slot.port}).serve()"
    )
    command = pcscd.wrap_command([sys.executable, "-c", script])

    with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as card:
        said = wait_for("3b", pcscd, "-r", slot.reader, "-a")
        card.kill()

    assert ATR_AS_PRINTED in said


def test_several_private_pcscd_live_side_by_side(pcscd: PrivatePcscd) -> None:
    with contextlib.ExitStack() as stack:
        several = [stack.enter_context(PrivatePcscd(2, fast_poll=True)) for _ in range(3)]
        stack.enter_context(card_in(several[1], several[1].slots[0]))
        seen = [wait_for("3b", several[1], "-r", several[1].slots[0].reader, "-a")]
        seen += [opensc_tool(other, "-r", other.slots[0].reader, "-a") for other in (several[0], several[2])]

    assert [ATR_AS_PRINTED in said for said in seen] == [True, False, False]


def test_isolated_port_is_out_of_reach_from_outside(pcscd: PrivatePcscd, slot: Slot) -> None:
    if not pcscd.isolated:
        pytest.skip("this machine allows no namespaces; the port is open, and the object says so")

    with socket.socket() as outside:
        refused = outside.connect_ex(("127.0.0.1", slot.port))

    assert refused != 0


def test_without_isolation_it_works_too_and_says_so() -> None:
    with PrivatePcscd(1, isolate=False, fast_poll=True) as open_one, card_in(open_one, open_one.slots[1]):
        said = wait_for("3b", open_one, "-r", open_one.slots[1].reader, "-a")

        assert not open_one.isolated
        assert open_one.wrap_command(["card"]) == ["card"]
        assert ATR_AS_PRINTED in said


def test_port_taken_by_another_is_given_up_for_free_ones(mocker: MockerFixture) -> None:
    with socket.socket() as squatter:
        squatter.bind(("", 0))
        squatter.listen()
        taken = squatter.getsockname()[1]
        free = slots.free_ports(2)
        mocker.patch.object(instance, "free_ports", side_effect=[(taken, taken + 1), free])

        with PrivatePcscd(2, isolate=False) as found:
            assert found.ports == free


def test_service_can_be_stopped_and_comes_back_at_the_same_place(pcscd: PrivatePcscd) -> None:
    with PrivatePcscd(1, fast_poll=True) as restarted, card_in(restarted, restarted.slots[0]) as vpicc:
        reader = restarted.slots[0].reader
        restarted.stop_service()
        while_stopped = opensc_tool(restarted, "-l")
        restarted.start_service()
        assert vpicc.wait_inserted(PATIENCE_S)
        afterwards = wait_for("3b", restarted, "-r", reader, "-a")

    assert reader not in while_stopped
    assert ATR_AS_PRINTED in afterwards


def test_nothing_is_left_after_the_end() -> None:
    with PrivatePcscd(2) as ended:
        directory = Path(ended.environment()["PCSCLITE_CSOCK_NAME"]).parent
        supervisor = next(pid for pid in children(os.getpid()) if ended_by(pid, directory))
        daemon = children(supervisor)[0]

    assert gone(supervisor)
    assert gone(daemon)
    assert not directory.exists()


def ended_by(pid: int, directory: Path) -> bool:
    return str(directory).encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")


@pytest.mark.parametrize("victim", ["owner", "supervisor"])
def test_pcscd_dies_with_a_killed_owner_or_supervisor(victim: str) -> None:
    script = (
        "import sys\n"
        "from sscard_terminal.reader.private_pcscd import PrivatePcscd\n"
        "with PrivatePcscd(2):\n"
        "    print('up', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as owner:
        assert owner.stdout is not None
        owner.stdout.readline()
        supervisor = children(owner.pid)[0]
        daemon = children(supervisor)[0]
        os.kill(owner.pid if victim == "owner" else supervisor, signal.SIGKILL)

        assert gone(daemon)


def test_missing_pcscd_is_told_in_one_sentence(mocker: MockerFixture) -> None:
    mocker.patch.object(instance.shutil, "which", return_value=None)

    with pytest.raises(PcscdUnavailable, match="pcscd is not installed; as root: apt-get install pcscd"):
        PrivatePcscd().start()


def test_missing_driver_is_told_in_one_sentence(mocker: MockerFixture, tmp_path: Path) -> None:
    mocker.patch.object(instance, "DRIVER", tmp_path / "libifdvpcd.so")

    with pytest.raises(
        PcscdUnavailable, match=r"driver .*libifdvpcd.so is missing; as root: apt-get install"
    ):
        PrivatePcscd().start()


def test_missing_gcc_is_told_in_one_sentence(mocker: MockerFixture, tmp_path: Path) -> None:
    mocker.patch.dict(os.environ, {"XDG_CACHE_HOME": str(tmp_path), "PATH": "/usr/sbin"})

    with pytest.raises(PcscdUnavailable, match="needs gcc; as root: apt-get install gcc"):
        PrivatePcscd(fast_poll=True).start()


def test_pcscd_that_ends_at_once_is_told_with_its_last_words(mocker: MockerFixture, tmp_path: Path) -> None:
    broken = tmp_path / "pcscd"
    broken.write_text("#!/bin/sh\necho 'pcscd: no such luck' >&2\n")
    broken.chmod(0o755)
    mocker.patch.object(instance.shutil, "which", return_value=str(broken))

    with pytest.raises(PcscdUnavailable, match="pcscd did not start: pcscd: no such luck"):
        PrivatePcscd().start()


@pytest.mark.parametrize("count", [0, 17])
def test_slots_pcscd_cannot_have_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"not {count}"):
        PrivatePcscd(count)


def test_sixteen_slots_are_all_there() -> None:
    with PrivatePcscd(16) as full:
        said = opensc_tool(full, "-l")

    assert said.count("Virtual PCD") == 16


def test_fast_poll_library_is_built_once(mocker: MockerFixture, tmp_path: Path) -> None:
    mocker.patch.dict(os.environ, {"XDG_CACHE_HOME": str(tmp_path)})
    build = mocker.spy(fast_poll, "_compile")

    libraries = {fast_poll.fast_poll_library() for _ in range(3)}

    assert build.call_count == 1
    assert [path.parent for path in libraries] == [tmp_path / "sscard-terminal"]


def test_free_ports_begin_even_and_lie_in_a_row() -> None:
    ports = slots.free_ports(6)

    assert ports[0] % 2 == 0
    assert ports == tuple(range(ports[0], ports[0] + 6))
