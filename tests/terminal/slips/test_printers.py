"""Slips on their way to paper: over the network, to a device, into a file, and all that can stop them."""

import errno
import os
import resource
import socket
from pathlib import Path
from threading import Thread
from time import monotonic

import pytest

from sscard_terminal.terminal.slips import printers
from sscard_terminal.terminal.slips.printers import send
from sscard_terminal.terminal.slips.targets import Device, Network, Printer, Spool
from sscard_terminal.terminal.slips.trouble import SlipFault, SlipTrouble
from tests.terminal.slips.paper import ENOUGH, NEARLY_OUT, OUT, network_printer, serial_printer

SLIP = "\x1b@药店\n1.00\n\x1dV\x00".encode("gb18030")
MUCH = bytes(8_000_000)
"""More than any buffer on the way holds."""
PRINTERS = pytest.mark.parametrize("printer_with", [network_printer, serial_printer])


def fault_of(printer: Printer, data: bytes = SLIP) -> SlipFault:
    with pytest.raises(SlipTrouble) as trouble:
        send(printer, data)
    assert trouble.value.where == str(printer)
    return trouble.value.fault


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printers, "DEADLINE_S", 0.2)
    monkeypatch.setattr(printers, "ANSWER_S", 0.05)


@PRINTERS
@pytest.mark.parametrize("sensor", [(), (ENOUGH, ENOUGH), (NEARLY_OUT, NEARLY_OUT), (b"\xff\x00",)])
def test_a_slip_comes_out_byte_for_byte_whatever_the_printer_tells(
    printer_with: object, sensor: tuple[bytes, ...]
) -> None:
    with printer_with(*sensor) as (printer, paper):  # type: ignore[operator]
        send(printer, SLIP)

    assert paper.all_of_it() == SLIP


@PRINTERS
def test_a_printer_without_paper_is_sent_nothing(printer_with: object) -> None:
    with printer_with(OUT) as (printer, paper):  # type: ignore[operator]
        assert fault_of(printer) is SlipFault.NO_PAPER

    assert paper.all_of_it() == b""


@PRINTERS
def test_paper_that_ran_out_on_the_way_is_told_apart(printer_with: object) -> None:
    with printer_with(ENOUGH, OUT) as (printer, _paper):  # type: ignore[operator]
        assert fault_of(printer) is SlipFault.PAPER_RAN_OUT


def test_nobody_at_the_address_is_told(impatient: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    assert fault_of(Network("127.0.0.1", port)) is SlipFault.NOT_THERE


def test_a_network_printer_that_takes_nothing_does_not_hold_up_the_counter(impatient: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        start = monotonic()

        assert fault_of(Network("127.0.0.1", server.getsockname()[1]), MUCH) is SlipFault.STALLED
        assert monotonic() - start < 2


def test_a_connection_that_breaks_on_the_way_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            connection = server.accept()[0]
            connection.recv(16)
            connection.close()

        thread = Thread(target=hang_up)
        thread.start()

        assert fault_of(Network("127.0.0.1", server.getsockname()[1])) is SlipFault.BROKEN
        thread.join()


def test_a_device_that_takes_nothing_does_not_hold_up_the_counter(impatient: None) -> None:
    near, far = os.openpty()
    try:
        assert fault_of(Device(Path(os.ttyname(far))), MUCH) is SlipFault.STALLED
    finally:
        os.close(near)
        os.close(far)


def test_what_linux_says_of_a_printer_without_paper_is_said_as_that(impatient: None) -> None:
    assert fault_of(Device(Path("/dev/full"))) is SlipFault.NO_PAPER


def test_a_pipe_takes_a_slip_while_somebody_reads_it(tmp_path: Path, impatient: None) -> None:
    pipe = tmp_path / "printer"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    send(Device(pipe), SLIP)
    taken = os.read(reader, 4096)
    os.close(reader)

    assert taken.endswith(SLIP)
    assert fault_of(Device(pipe)) is SlipFault.NOT_THERE


@pytest.mark.parametrize("printer", [Device(Path("/dev/no-printer")), Spool(Path("/no-folder/slips"))])
def test_a_printer_or_folder_that_is_not_there_is_told(printer: Printer) -> None:
    assert fault_of(printer) is SlipFault.NOT_THERE


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        (errno.EACCES, SlipFault.NO_RIGHTS),
        (errno.EBUSY, SlipFault.BUSY),
        (errno.ENXIO, SlipFault.NOT_THERE),
        (errno.EIO, SlipFault.BROKEN),
    ],
)
def test_what_the_system_says_of_a_device_has_its_word(
    number: int, fault: SlipFault, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(printers.os, "open", refused)

    assert fault_of(Device(Path("/dev/null"))) is fault


def test_slips_are_added_to_a_file(tmp_path: Path) -> None:
    file = tmp_path / "slips.bin"

    send(Spool(file), SLIP)
    send(Spool(file), SLIP)

    assert file.read_bytes() == SLIP * 2


def test_a_full_disk_leaves_whole_slips_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "slips.bin"
    send(Spool(file), SLIP)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(SLIP) + 5, hard))
    try:
        fault = fault_of(Spool(file))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert fault is SlipFault.NO_ROOM
    assert file.read_bytes() == SLIP
    assert fault_of(Spool(Path("/dev/full"))) is SlipFault.NO_ROOM
