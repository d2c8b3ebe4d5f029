"""Printers that are not: a TCP server on loopback and the far end of a pseudo-terminal, with a paper sensor each."""

from __future__ import annotations

import os
import select
import socket
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from sscard_terminal.terminal.slips.printers import ASK_FOR_PAPER
from sscard_terminal.terminal.slips.targets import Device, Network

ENOUGH, NEARLY_OUT, OUT = b"\x12", b"\x1e", b"\x72"
"""Answers to DLE EOT 4. Source: ESC/POS."""
PATIENCE_S = 5.0


@dataclass
class Paper:
    """What came out, questions apart; `sensor` are the answers in their order, none left: silence."""

    sensor: list[bytes] = field(default_factory=list)
    printed: bytearray = field(default_factory=bytearray)
    is_done: Event = field(default_factory=Event)

    def take(self, data: bytes, answer: Callable[[bytes], object]) -> None:
        *before, rest = data.split(ASK_FOR_PAPER)
        for part in before:
            self.printed += part
            if self.sensor:
                answer(self.sensor.pop(0))
        self.printed += rest

    def all_of_it(self) -> bytes:
        """What is on paper once the line is closed."""
        assert self.is_done.wait(PATIENCE_S)
        return bytes(self.printed)


@contextmanager
def network_printer(*sensor: bytes) -> Iterator[tuple[Network, Paper]]:
    """A printer that takes one connection."""
    paper = Paper(list(sensor))
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE_S)

        def serve() -> None:
            connection = server.accept()[0]
            with connection:
                while data := connection.recv(4096):
                    paper.take(data, connection.sendall)
            paper.is_done.set()

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield Network("127.0.0.1", server.getsockname()[1]), paper
        thread.join(PATIENCE_S)


@contextmanager
def serial_printer(*sensor: bytes) -> Iterator[tuple[Device, Paper]]:
    """A printer at the end of a pseudo-terminal that is in a terminal's usual mode, as a serial line is at first."""
    paper = Paper(list(sensor))
    near, far = os.openpty()
    tty.setraw(near)
    stop = Event()

    def serve() -> None:
        while not stop.is_set() or select.select([near], [], [], 0)[0]:
            if select.select([near], [], [], 0.01)[0]:
                paper.take(os.read(near, 4096), lambda answer: os.write(near, answer))
        paper.is_done.set()

    thread = Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield Device(Path(os.ttyname(far))), paper
    finally:
        stop.set()
        thread.join(PATIENCE_S)
        os.close(near)
        os.close(far)
