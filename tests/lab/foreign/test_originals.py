"""The tools themselves as witnesses: what scriptor, opensc-tool and opensc-explorer send to a card is what our readers say they send."""

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sscard_terminal.card.chip import Chip
from sscard_terminal.card.vpicc import Vpicc
from sscard_terminal.lab.foreign.formats import read_foreign
from sscard_terminal.lab.script.syntax import Command, Octets
from sscard_terminal.reader.pcsc import wait_for_card
from sscard_terminal.reader.private_pcscd import PrivatePcscd, Slot
from tests.cards import new_card
from tests.lab.foreign.telling import SAMPLES


class Heard:
    """A card that writes down what it is sent."""

    def __init__(self, chip: Chip) -> None:
        self._chip = chip
        self.sent: list[str] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._chip, name)

    def respond(self, command: bytes) -> bytes:
        self.sent.append(command.hex().upper())
        return self._chip.respond(command)


@pytest.fixture
def heard(pcscd: PrivatePcscd, slot: Slot) -> Iterator[Heard]:
    card = Heard(new_card(balance=500_000))
    vpicc = Vpicc(card, slot.port, open_socket=pcscd.open_socket)  # type: ignore[arg-type]
    serving = threading.Thread(target=vpicc.serve)
    serving.start()
    try:
        assert wait_for_card(slot.reader, 5)
        yield card
    finally:
        vpicc.request_stop()
        serving.join()


def ran(pcscd: PrivatePcscd, home: Path, *program: str) -> str:
    environment = {**os.environ, **pcscd.environment(), "HOME": str(home), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(program, capture_output=True, text=True, timeout=30, env=environment)
    return done.stdout + done.stderr


def sent(text: str, format: str) -> list[str]:
    """What our reader says is sent, as it goes over T=0: a header alone gets a fifth byte 00 (ISO/IEC 7816-3 §12.2.2)."""
    found = read_foreign(text, "f", format)
    assert found is not None
    commands = [
        b"".join(part.value for part in one.parts if isinstance(part, Octets))
        for one in found.statements
        if isinstance(one, Command)
    ]
    return [command.ljust(5, b"\0").hex().upper() for command in commands]


@pytest.mark.vpcd
def test_scriptor_sends_what_the_strict_reader_says(
    pcscd: PrivatePcscd, slot: Slot, heard: Heard, tmp_path: Path
) -> None:
    file = SAMPLES / "scriptor/strict.txt"
    heard.sent.clear()

    printed = ran(pcscd, tmp_path, "scriptor", "-r", slot.reader, str(file))

    assert heard.sent == sent(file.read_text(encoding="utf-8"), "scriptor-strict"), printed
    assert sent(printed, "scriptor-transcript") == heard.sent


@pytest.mark.vpcd
@pytest.mark.parametrize(
    "text",
    [
        "00 84  00 00 08\n",
        " 00 84 00 00 08\n",
        "00 84\t00 00 08\n",
        "00 84 00 00 08 # no\n",
        "0x00 84 00 00 08\n",
        "00 84 00 00 \\\n",
    ],
)
def test_scriptor_sends_nothing_of_what_the_strict_reader_refuses(
    pcscd: PrivatePcscd, slot: Slot, heard: Heard, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "script"
    file.write_text(text, encoding="utf-8")
    heard.sent.clear()

    ran(pcscd, tmp_path, "scriptor", "-r", slot.reader, str(file))

    with pytest.raises(ValueError):
        sent(text, "scriptor-strict")
    assert heard.sent == []


@pytest.mark.vpcd
def test_opensc_explorer_sends_what_our_reader_says(
    pcscd: PrivatePcscd, slot: Slot, heard: Heard, tmp_path: Path
) -> None:
    text = (
        '# comment\napdu 00 84 00 00 08\napdu 00A4 040004 "1PAY"\nveri CHV1 "1234"\nverify CHV2 31:32:33:34\n'
        'change CHV2 "old0" "new0"\nunblock CHV2 00:00:00:00:00:00 "foobar"\nunblock CHV2 "" "foobar"\n'
        'unblock CHV2 00:00:00:00:00:00 ""\nrandom 8\nquit\napdu 00 84 00 00 04\n'
    )
    file = tmp_path / "script"
    file.write_text(text, encoding="utf-8")
    heard.sent.clear()

    printed = ran(pcscd, tmp_path, "opensc-explorer", "-r", slot.reader, "-c", "default", "-m", "", str(file))

    assert heard.sent == sent(text, "opensc-explorer"), printed


@pytest.mark.vpcd
def test_opensc_tool_sends_what_our_reader_says(
    pcscd: PrivatePcscd, slot: Slot, heard: Heard, tmp_path: Path
) -> None:
    arguments = [
        "-c",
        "default",
        "-s",
        "00:84:00:00:08",
        "-s",
        "0020000003999999",
        "--send-apdu",
        "00:20:00:00",
    ]
    heard.sent.clear()

    printed = ran(pcscd, tmp_path, "opensc-tool", "-r", slot.reader, *arguments)

    assert heard.sent == sent("opensc-tool " + " ".join(arguments), "opensc-tool"), printed
