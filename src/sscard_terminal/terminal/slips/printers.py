"""Brings the bytes of a slip to a device, a network printer or a file, within a deadline, and asks after the paper.

Not here: the bytes (ticket.py). python-escpos has transports too; these can be told how long to wait, read a device's
answer, and end a connection without losing what is on its way.
Source: ESC/POS, DLE EOT 4 (transmit paper roll sensor status); counter.md screen rule 14.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from select import select
from time import monotonic, sleep
from typing import Protocol

from .targets import Device, Network, Printer, Spool
from .trouble import SlipFault, SlipTrouble

DEADLINE_S = 5.0
"""For the whole slip: a counter does not wait longer for paper. Our choice."""
ANSWER_S = 0.5
"""How long a printer may take to say how much paper it has; many never say. Our choice."""
REFUSAL_S = 0.05
"""How long a machine that has closed the connection takes to say so to what still comes. Our choice."""
SHORTEST_S = 0.001
"""A time-out of 0 would mean something else to a socket."""
ASK_FOR_PAPER = bytes.fromhex("100404")
PAPER_OUT = 0x60
"""Bits 5 and 6 of the answer: the sensor at the end of the roll finds none."""
STATUS_MASK, STATUS_BITS = 0x93, 0x12
"""What every status byte looks like, so that nothing else is taken for one."""
MOST_STATUS_BYTES = 64

_FAULTS = {
    errno.ENOENT: SlipFault.NOT_THERE,
    errno.ENODEV: SlipFault.NOT_THERE,
    errno.ENXIO: SlipFault.NOT_THERE,
    errno.ENOTDIR: SlipFault.NOT_THERE,
    errno.EISDIR: SlipFault.NOT_THERE,
    errno.EACCES: SlipFault.NO_RIGHTS,
    errno.EPERM: SlipFault.NO_RIGHTS,
    errno.EBUSY: SlipFault.BUSY,
    errno.ENOSPC: SlipFault.NO_ROOM,
    errno.EDQUOT: SlipFault.NO_ROOM,
    errno.ETIMEDOUT: SlipFault.STALLED,
}


class _Wire(Protocol):
    """What a printer hangs on."""

    def write(self, data: bytes) -> None:
        """All of it, or an OSError."""

    def read(self, wait_s: float) -> bytes:
        """What the printer says within that time; b"" for nothing."""


def send(printer: Printer, data: bytes) -> None:
    """Bring `data` to the printer.

    Where the printer tells that it has no paper nothing is sent; where it told before and has none afterwards, the slip
    is incomplete. A printer that tells nothing is taken at its word.

    Raises:
        SlipTrouble: it did not come out, or perhaps not whole.
    """
    match printer:
        case Spool(path):
            _append(path, data)
        case Device() | Network():
            with _troubles(printer), _opened(printer, monotonic() + DEADLINE_S) as wire:
                tells = _require_paper(wire, printer, SlipFault.NO_PAPER)
                wire.write(data)
                if tells:
                    _require_paper(wire, printer, SlipFault.PAPER_RAN_OUT)


def _require_paper(wire: _Wire, printer: Printer, fault: SlipFault) -> bool:
    """Whether the printer tells how its paper is."""
    wire.read(0)  # whatever it said before nobody asked for
    wire.write(ASK_FOR_PAPER)
    answer = [byte for byte in wire.read(ANSWER_S) if byte & STATUS_MASK == STATUS_BITS]
    if answer and answer[-1] & PAPER_OUT:
        raise SlipTrouble(fault, str(printer))
    return bool(answer)


def _append(path: Path, data: bytes) -> None:
    """Whole slips only: what is cut short by a full disk is taken away again."""
    with _troubles(Spool(path)), open(path, "ab", buffering=0) as file:
        length = file.tell()
        try:
            if file.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            with suppress(OSError):
                file.truncate(length)
            raise


@contextmanager
def _troubles(printer: Printer) -> Iterator[None]:
    """Whatever the system says, in our words; "no space" is what Linux says of a printer without paper (drivers/char/lp.c)."""
    try:
        yield
    except OSError as error:
        fault = _FAULTS.get(error.errno or 0, SlipFault.BROKEN)
        if isinstance(error, TimeoutError):
            fault = SlipFault.STALLED
        if isinstance(printer, Device) and fault is SlipFault.NO_ROOM:
            fault = SlipFault.NO_PAPER
        raise SlipTrouble(fault, str(printer)) from error


@contextmanager
def _opened(printer: Device | Network, deadline: float) -> Iterator[_Wire]:
    match printer:
        case Device(path):
            flags = os.O_RDWR if stat.S_ISCHR(os.stat(path).st_mode) else os.O_WRONLY | os.O_APPEND
            handle = os.open(path, flags | os.O_NOCTTY | os.O_NONBLOCK)
            try:
                if os.isatty(handle):
                    _make_raw(handle)
                yield _DeviceWire(handle, deadline)
            finally:
                os.close(handle)
        case Network(host, port):
            with _connected(printer, host, port) as connection:
                yield _NetworkWire(connection, deadline)
                _finish(connection)


def _make_raw(handle: int) -> None:
    """A serial line as it is (its speed too), but without a terminal's ideas about line ends."""
    import termios  # Unix only, as is a serial line of this kind
    import tty

    tty.setraw(
        handle, termios.TCSANOW
    )  # at once: a line that takes nothing would never have finished what it has


@contextmanager
def _connected(printer: Network, host: str, port: int) -> Iterator[socket.socket]:
    try:
        connection = socket.create_connection((host, port), DEADLINE_S)
    except OSError as error:
        raise SlipTrouble(SlipFault.NOT_THERE, str(printer)) from error
    with connection:
        yield connection


def _finish(connection: socket.socket) -> None:
    """Say that no more comes, and take what the printer still says: closed over unread bytes, the system would tell
    the printer to forget the slip (a reset; RFC 1122 §4.2.2.13)."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(ANSWER_S)
        while connection.recv(MOST_STATUS_BYTES):
            pass


class _DeviceWire:
    """A device file; one that takes nothing (off line, no paper) must not hold up the counter."""

    def __init__(self, handle: int, deadline: float) -> None:
        self._handle = handle
        self._deadline = deadline

    def write(self, data: bytes) -> None:
        while data:
            if not select([], [self._handle], [], max(0.0, self._deadline - monotonic()))[1]:
                raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
            with suppress(BlockingIOError):
                data = data[os.write(self._handle, data) :]

    def read(self, wait_s: float) -> bytes:
        with suppress(OSError):  # a device that can only be written to
            if select([self._handle], [], [], wait_s)[0]:
                return os.read(self._handle, MOST_STATUS_BYTES)
        return b""


class _NetworkWire:
    """A connection to a printer."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline
        self._has_said_all = False

    def write(self, data: bytes) -> None:
        self._connection.settimeout(max(SHORTEST_S, self._deadline - monotonic()))
        self._connection.sendall(data)
        if (
            self._has_said_all
        ):  # it may only have no more to say, or be gone: then the system learns of it now
            sleep(REFUSAL_S)
            if number := self._connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(number, os.strerror(number))

    def read(self, wait_s: float) -> bytes:
        self._connection.settimeout(max(SHORTEST_S, wait_s))
        with suppress(TimeoutError):
            answer = self._connection.recv(MOST_STATUS_BYTES)
            self._has_said_all = not answer
            return answer
        return b""
