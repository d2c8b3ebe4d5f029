"""Which TCP ports of this machine are open to the whole network, as the kernel tells; it opens none.

Source: proc_net(5): the local address stands second, the state fourth (0A: listening).
"""

from __future__ import annotations

from pathlib import Path

TABLE = Path("/proc/net/tcp")
EVERYWHERE = "00000000"
LISTENING = "0A"


def is_open_to_network(port: int, table: Path = TABLE) -> bool:
    """Whether something on this machine listens on `port` at 0.0.0.0; False where that cannot be told.

    In a network namespace with nothing but the loopback device there is no network to be open to.
    """
    return has_network() and port in ports_open_everywhere(table)


def ports_open_everywhere(table: Path = TABLE) -> frozenset[int]:
    """Every port listened on at 0.0.0.0; none where the kernel has no such table."""
    try:
        rows = [line.split() for line in table.read_text("ascii").splitlines()[1:]]
    except OSError:
        return frozenset()
    places = (row[1].split(":") for row in rows if row[3] == LISTENING)
    return frozenset(int(port, 16) for address, port in places if address == EVERYWHERE)


def has_network(devices: Path = Path("/proc/net/dev")) -> bool:
    """Whether there is any network device but the loopback one."""
    try:
        lines = devices.read_text("ascii").splitlines()[2:]
    except OSError:
        return False
    return any(line.split(":")[0].strip() != "lo" for line in lines)
