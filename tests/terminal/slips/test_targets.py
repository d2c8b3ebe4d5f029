"""Where slips go: every way to write it, and what is no printer."""

from pathlib import Path

import pytest

from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.terminal.slips.targets import (
    Device,
    Network,
    Nowhere,
    Screen,
    Spool,
    Target,
    parse_target,
)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("text", Screen()),
        ("none", Nowhere()),
        ("device:/dev/usb/lp0", Device(Path("/dev/usb/lp0"))),
        ("network:192.0.2.7:9101", Network("192.0.2.7", 9101)),
        ("network:printer.shop:9100", Network("printer.shop", 9100)),
        ("network:[2001:db8::7]:9100", Network("2001:db8::7", 9100)),
        ("file:slips.bin", Spool(Path("slips.bin"))),
    ],
)
def test_a_printer_is_written_as_it_is_read(text: str, target: Target) -> None:
    assert parse_target(text) == target
    assert str(target) == text


@pytest.mark.parametrize("text", ["network:192.0.2.7", "network:[2001:db8::7]"])
def test_a_network_printer_listens_at_9100_unless_told_otherwise(text: str) -> None:
    found = parse_target(text)

    assert isinstance(found, Network)
    assert found.port == 9100


@pytest.mark.parametrize(
    "text",
    [
        "",
        "screen",
        "text:x",
        "device",
        "device:",
        "file:",
        "network:",
        "network::9100",
        "network:h:0",
        "network:h:65536",
        "network:h:x",
        "network:[::1]x",
        "network:1:2:3",
    ],
)
def test_what_is_no_printer_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        parse_target(text)
