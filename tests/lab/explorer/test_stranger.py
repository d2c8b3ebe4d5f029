"""vsmartcard's own card (vicc), a card nobody here made: explored and traced as far as it goes, over a private pcscd."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sscard_terminal.reader.pcsc import wait_for_card
from sscard_terminal.reader.private_pcscd import PrivatePcscd, Slot

pytestmark = pytest.mark.vpcd

VICC = Path("/usr/bin/vicc")
MODULES = "/usr/lib/python3/site-packages/virtualsmartcard"
QUICK = """\
import socket
receive = socket.socket.recv
def acknowledging(self, *asked):
    received = receive(self, *asked)
    if self.family == socket.AF_INET:
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
    return received
socket.socket.recv = acknowledging
"""
"""Without it every command waits 44 ms (pcsc.md §5), and a walk asks for many files."""
WITH_FILES = """\
import virtualsmartcard.CardGenerator as generator
from virtualsmartcard.SmartcardFilesystem import DF, TransparentStructureEF
make = generator.CardGenerator._CardGenerator__generate_iso_card
def with_files(self):
    make(self)
    folder = DF(parent=self.mf, fid=0xDF01)
    folder.append(TransparentStructureEF(parent=folder, fid=0xEF02, data=bytes(range(20))))
    self.mf.append(TransparentStructureEF(parent=self.mf, fid=0xEF01, data=b"made by nobody here"))
    self.mf.append(folder)
generator.CardGenerator._CardGenerator__generate_iso_card = with_files
"""
"""vicc's card as packaged has no file at all, and refuses to be given one; its own classes know files."""


@contextmanager
def vicc(pcscd: PrivatePcscd, slot: Slot, folder: Path, before: str) -> Iterator[subprocess.Popen[bytes]]:
    """vsmartcard's program in the slot; `before` is done first (sitecustomize). Its modules lie where Python does not look
    (pcsc.md §1)."""
    assert VICC.exists(), "vsmartcard-vpicc is not installed: make install"
    (folder / "sitecustomize.py").write_text(before)
    command = [sys.executable, str(VICC), "-t", "iso7816", "-H", "127.0.0.1", "-P", str(slot.port)]
    process = subprocess.Popen(
        pcscd.wrap_command(command),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": f"{folder}:{MODULES}"},
    )
    try:
        if not wait_for_card(slot.reader, 15):
            process.kill()
            raise AssertionError(process.communicate()[1].decode())
        yield process
    finally:
        process.kill()
        process.communicate()


def shell(pcscd: PrivatePcscd, slot: Slot, lines: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "sscard_terminal.cli",
            "shell",
            "--reader",
            slot.reader,
            "--lang",
            "en",
            *options,
        ],
        input=lines,
        capture_output=True,
        text=True,
        timeout=50,
        env={**os.environ, **pcscd.environment()},
    )


def test_the_card_as_packaged_is_explored_traced_and_survives(
    pcscd: PrivatePcscd, slot: Slot, tmp_path: Path
) -> None:
    trace = tmp_path / "vicc.trace"
    lines = (
        "info\ntree\nls\napdu 0084000008\n-verify\n-cat EF05\nreset\napdu 00A4000C023F00\napdu 00B0000010\n"
    )

    with vicc(pcscd, slot, tmp_path, QUICK) as card:
        done = shell(pcscd, slot, lines, "--trace", str(trace))
        is_alive = card.poll() is None

    assert is_alive, "SELECT with FCI ends the card process (pcsc.md §1)"
    assert done.returncode == 0, done.stderr
    assert "a card that is not known here" in done.stdout
    assert "ATR 3B951381018073FF01000B" in done.stdout
    assert "MF the master file" in done.stdout
    assert "> 0084000008                                   # GET CHALLENGE" in done.stdout
    assert "6986 no current EF" in done.stdout
    text = trace.read_text("utf-8")
    assert (
        "> 00A4040C0F7378312E73682EC9E7BBE1B1A3D5CF     # SELECT: the social security environment (SSSE)"
        in text
    )
    assert "< 6A82                                         # 6A82 file not found" in text


def test_a_card_of_its_classes_with_files_in_it_is_walked_and_read(
    pcscd: PrivatePcscd, slot: Slot, tmp_path: Path
) -> None:
    with vicc(pcscd, slot, tmp_path, QUICK + WITH_FILES):
        done = shell(pcscd, slot, "tree\ncat EF01\ncd DF01\nls\nread EF02 16\n-cat EF01\n")

    assert done.returncode == 0, done.stderr
    assert "├─ DF01/\n│  └─ EF02\n└─ EF01\n" in done.stdout
    assert "made by nobody h" in done.stdout
    assert "DF01> ls\nEF02\n" in done.stdout
    assert "   16  10 11 12 13" in done.stdout
