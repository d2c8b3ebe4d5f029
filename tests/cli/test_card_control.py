"""A served card under the verbs of the shell: what any other program then sees, over pcscd."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sscard_terminal.iso7816.apdu import CommandApdu
from sscard_terminal.reader import pcsc
from sscard_terminal.reader.connection import LinkError
from sscard_terminal.reader.private_pcscd import PrivatePcscd, Slot
from tests.cli.conftest import Counter, Sscard

QUERY_TRIES = CommandApdu.parse(bytes.fromhex("0020000000"))
WRONG = CommandApdu.parse(bytes.fromhex("0020000003999999"))
PATIENCE_S = 20.0


@pytest.mark.vpcd
def test_a_served_card_obeys_the_shell_and_keeps_what_it_went_through(
    pcscd: PrivatePcscd, slot: Slot, counter: Counter, sscard: Sscard, tmp_path: Path
) -> None:
    socket = tmp_path / "control"
    program = [sys.executable, "-m", "sscard_terminal.cli", "card", "serve", str(counter.card)]
    process = subprocess.Popen(
        pcscd.wrap_command(
            [*program, "--control", str(socket), "--vpcd", f"127.0.0.1:{slot.port}", "--reader", slot.reader]
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **pcscd.environment(), "LC_ALL": "C.UTF-8"},
    )
    try:
        assert pcsc.wait_for_card(slot.reader, PATIENCE_S)
        before = sscard("card", "control", socket, "--json").json
        ordered = sscard("card", "control", socket, "tear", "after-write", "1")
        card = pcsc.open_reader(slot.reader)
        with pytest.raises(LinkError):
            card.transmit(WRONG)
        card.close()
        torn = sscard("card", "control", socket, "--json").json
        sscard("card", "control", socket, "insert")
        assert pcsc.wait_for_card(slot.reader, PATIENCE_S)
        tries = _tries(slot.reader)
        reset = sscard("card", "control", socket, "reset-by-other")
        refused = sscard("card", "control", socket, "insert")
        process.terminate()
        out, err = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.communicate()

    assert before == {"done": True, "card": str(counter.card), "is_in": True, "ordered": []}
    assert "Ordered: tear after-write 1" in ordered.out
    assert not torn["is_in"]
    assert tries == 0x63C2
    assert reset.code == 0
    assert (refused.code, "take it out first" in refused.sentence) == (1, True)
    assert (process.returncode, err) == (0, "")
    assert "Verbs are taken at" in out
    assert not socket.exists()
    shown = sscard("card", "show", counter.card, "--json").json
    assert shown["tries_left"] == 2


def _tries(reader: str) -> int:
    for _ in range(20):
        try:
            card = pcsc.open_reader(reader)
        except LinkError:
            time.sleep(0.1)
            continue
        try:
            return card.transmit(QUERY_TRIES).sw
        finally:
            card.close()
    raise AssertionError("the card cannot be opened")


def test_without_a_serving_process_the_shell_is_told_so(sscard: Sscard, tmp_path: Path) -> None:
    done = sscard("card", "control", tmp_path / "nobody", "eject")

    assert done.code == 3
    assert "Nobody answers" in done.sentence


def test_a_socket_that_is_another_file_is_left_alone(
    sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    other = tmp_path / "notes"
    other.write_text("mine")

    done = sscard("card", "serve", counter.card, "--control", other, "--vpcd", "127.0.0.1:9")

    assert done.code == 2
    assert "another file" in done.sentence
    assert other.read_text() == "mine"
    assert json.loads(sscard("card", "show", counter.card, "--json").out)["kind"] == "card"


def test_an_image_that_is_no_card_is_refused_before_anything_is_served(
    sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    done = sscard("card", "serve", counter.psam, "--control", tmp_path / "control")

    assert done.code == 2
    assert "not of a card" in done.sentence
    assert not (tmp_path / "control").exists()
