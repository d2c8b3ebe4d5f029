"""Where slips go, as the configuration and the command line name it.

Not here: getting them there (printers.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sscard_terminal.iso7816.errors import FormatError

RAW_PORT = 9100
"""Where network printers take raw data. Source: practice ("JetDirect", registered with IANA as pdl-datastream)."""
HIGHEST_PORT = 0xFFFF


@dataclass(frozen=True, slots=True)
class Screen:
    """Plain text where the command speaks."""

    def __str__(self) -> str:
        return "text"


@dataclass(frozen=True, slots=True)
class Nowhere:
    """No slip unless one is asked for."""

    def __str__(self) -> str:
        return "none"


@dataclass(frozen=True, slots=True)
class Device:
    """A printer at a device file: /dev/usb/lp0, /dev/ttyS0."""

    path: Path

    def __str__(self) -> str:
        return f"device:{self.path}"


@dataclass(frozen=True, slots=True)
class Network:
    """A printer in the network, this one and no other."""

    host: str
    port: int = RAW_PORT

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"network:{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Spool:
    """A file to which slips are added as a printer would get them."""

    path: Path

    def __str__(self) -> str:
        return f"file:{self.path}"


Printer = Device | Network | Spool
Target = Screen | Nowhere | Printer


def parse_target(text: str, folder: Path = Path()) -> Target:
    """`text`, `none`, `device:PATH`, `network:HOST[:PORT]` or `file:PATH` (relative to `folder`).

    Raises:
        FormatError: it is none of these.
    """
    kind, _, rest = text.partition(":")
    match kind, rest:
        case "text", "":
            return Screen()
        case "none", "":
            return Nowhere()
        case "device", path if path:
            return Device(Path(path))
        case "file", path if path:
            return Spool(folder / path)
        case "network", address if address:
            return _network(address)
        case _:
            raise FormatError(f"{text!r} is no printer")


def _network(address: str) -> Network:
    """HOST, HOST:PORT, [IPV6] or [IPV6]:PORT."""
    if address.startswith("["):
        host, _, port = address[1:].partition("]")
        port = port.removeprefix(":")
    else:
        host, _, port = address.partition(":")
    is_port = port.isascii() and port.isdecimal() and 0 < int(port) <= HIGHEST_PORT
    if not host or (port and not is_port):
        raise FormatError(f"{address!r} is no address of a printer")
    return Network(host, int(port) if port else RAW_PORT)
