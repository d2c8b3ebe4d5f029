"""The slots of a private pcscd: their ports, their copies of the driver, their configuration; no process yet.

Every fact about pcscd and its vpcd driver used here is from pcsc.md section 2.
"""

import contextlib
import os
import random
import shutil
import socket
import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

DRIVER = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
SLOTS_PER_DRIVER = 2  # compiled into the driver; more slots need more copies of it
MOST_SLOTS = 16  # pcscd drops further readers without a word


class PcscdUnavailable(Exception):
    """No private pcscd can be had; the text is one sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for one virtual card: the `reader` name PC/SC clients see, and the TCP `port` its card connects to."""

    reader: str
    port: int


def free_ports(count: int) -> tuple[int, ...]:
    """As many ports in a row, the first even and all below the ephemeral range, that could be bound just now."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for _ in range(100):
        first = random.randrange(10_000, max(lowest, 11_000) - count, 2)
        ports = tuple(range(first, first + count))
        if all(_bindable(port) for port in ports):
            return ports
    raise PcscdUnavailable(f"there are no {count} free TCP ports in a row on this machine")


def listening_ports(pid: int) -> set[int]:
    """The TCP ports on which this very process listens, in whatever network it lives.

    Source: proc_net(5): local address second, state fourth (0A: listening), inode tenth.
    """
    owned = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed since we saw its name
            owned.add(os.readlink(entry))
    rows = (line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:])
    return {int(row[1].split(":")[1], 16) for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in owned}


def _bindable(port: int) -> bool:
    with socket.socket() as trial:
        try:
            trial.bind(("", port))
        except OSError:
            return False
    return True


def write_configuration(directory: Path, ports: Sequence[int]) -> tuple[Slot, ...]:
    """Write pcscd's configuration and one copy of the driver per pair of slots; tell the slots, in order."""
    slots: list[Slot] = []
    lines: list[str] = []
    for letter, port in zip(string.ascii_uppercase, ports[::SLOTS_PER_DRIVER], strict=False):
        # A copy each: the driver keeps its slots in a static array, and the same file twice would share it.
        library = directory / f"libifdvpcd-{letter}.so"
        shutil.copyfile(DRIVER, library)
        name = f"Virtual PCD {letter}"
        lines += [
            f'FRIENDLYNAME "{name}"',
            f"DEVICENAME /dev/null:{port}",
            f"LIBPATH {library}",
            f"CHANNELID {port}",
        ]
        slots += [Slot(f"{name} 00 {number:02X}", port + number) for number in range(SLOTS_PER_DRIVER)]
    (directory / "conf").mkdir()
    (directory / "conf" / "readers").write_text("\n".join(lines) + "\n")
    return tuple(slots)
