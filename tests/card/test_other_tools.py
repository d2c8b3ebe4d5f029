"""Other people's programs walk our card when the description lets them (rule `fcp_for_ef`), and read it when not."""

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sscard_terminal.card.chip import Chip
from sscard_terminal.card.vpicc import Vpicc
from sscard_terminal.reader.pcsc import wait_for_card
from sscard_terminal.reader.private_pcscd import PrivatePcscd, Slot
from tests.cards import ask, fetch, new_card

pytestmark = pytest.mark.vpcd

WALK = """cd DDF1
info EF05
cat EF05
cd DF04
info
info EF08
quit
"""


@contextmanager
def inserted(card: Chip, pcscd: PrivatePcscd, slot: Slot) -> Iterator[None]:
    vpicc = Vpicc(card, slot.port, open_socket=pcscd.open_socket)
    serving = threading.Thread(target=vpicc.serve)
    serving.start()
    try:
        assert wait_for_card(slot.reader, 5)
        yield
    finally:
        vpicc.request_stop()
        serving.join()


def run(pcscd: PrivatePcscd, program: str, *arguments: str, script: str = "") -> str:
    environment = {**os.environ, **pcscd.environment()}
    done = subprocess.run(
        [program, *arguments], input=script, capture_output=True, text=True, timeout=30, env=environment
    )
    return done.stdout + done.stderr


def test_opensc_explorer_walks_from_the_mf_to_the_medical_account(pcscd: PrivatePcscd, slot: Slot) -> None:
    with inserted(new_card(rules={"fcp_for_ef": True}), pcscd, slot):
        seen = run(pcscd, "opensc-explorer", "-r", slot.reader, script=WALK)

    assert "OpenSC [3F00/DDF1/DF04]>" in seen
    assert "Number of records:       7" in seen
    assert "D2143569X" in seen
    assert "EF structure:            Cyclic" in seen
    assert "Max. record size:        28 bytes" in seen


def test_a_real_card_answers_nothing_to_select_ef_and_knows_no_paths() -> None:
    card = new_card()
    fetch(card, "00A404000F7378312E73682EC9E7BBE1B1A3D5CF")

    assert [ask(card, text) for text in ("00A4020002EF05", "00A4080002EF05", "00A4020C02EF05")] == [
        "9000",
        "6A86",
        "6A86",
    ]


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("00A40800043F00DDF1", "6F20820138"),
        ("00A4080404DDF1DF04", "6212820138"),
        ("00A4080406DDF1DF04EF08", "6215800203488205"),
        ("00A40C00", "6A86"),
        ("00A4080C06DDF1DF04EF08", "9000"),
        ("00A4080004DDF1EF99", "6A82"),
        ("00A4080006DDF1EF05EF06", "6A82"),
        ("00A4080003DDF1EF", "6700"),
    ],
)
def test_paths_and_templates_of_the_friendly_card(path: str, template: str) -> None:
    card = new_card(rules={"fcp_for_ef": True})
    card.power_on()

    assert fetch(card, path).startswith(template)
