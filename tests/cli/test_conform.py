"""`sscard conform`: the certificate, the list of clauses, and what ends it before anything is sent."""

from pathlib import Path

import pytest

from sscard_terminal.card.memory import RamStore
from sscard_terminal.card.vpicc import serving
from sscard_terminal.lab import virtual
from sscard_terminal.lab.conformance.suite import clauses
from sscard_terminal.reader import pcsc
from sscard_terminal.reader.private_pcscd import PrivatePcscd, Slot
from tests.cli.conftest import Sscard


def test_the_command_gives_a_certificate_and_exit_code_0(sscard: Sscard, tmp_path: Path) -> None:
    file = tmp_path / "certificate.html"

    done = sscard("conform", "--profile", "psam-city", "--html", file, "--json")

    assert done.code == 0
    assert done.json["conforms"] is True
    assert done.json["counts"] == {"passed": 19, "failed": 0, "not-applicable": 453, "unscripted": 32}
    assert len(done.json["clauses"]) == len(clauses())
    assert file.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_clauses_are_listed_with_their_files(sscard: Sscard) -> None:
    rows = {row["clause"]: row for row in sscard("conform", "--list", "--json").json["clauses"]}

    assert rows["2.2 VERIFY"]["files"] == ["2.2-verify"]
    assert "no card can show it" in rows["1.10 Contactless"]["why"]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--profile", "gen2-32k", "--reader", "x"),
        ("--profile", "gen9"),
        ("--profile", "gen3", "--html", "/nowhere/x"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is(sscard: Sscard, arguments: tuple[str, ...]) -> None:
    assert sscard("conform", *arguments).code == 2


@pytest.mark.vpcd
def test_a_reader_that_is_not_there_is_trouble(sscard: Sscard, pcscd: PrivatePcscd) -> None:
    assert sscard("conform", "--reader", "no such reader").code == 3


@pytest.mark.vpcd
@pytest.mark.parametrize(
    ("options", "pin", "licence"), [((), "", "read-only"), (("--pin-stdin",), "123456\n", "with-pin")]
)
def test_a_card_in_a_reader_is_judged_and_stays_as_it_was(
    sscard: Sscard, pcscd: PrivatePcscd, slot: Slot, options: tuple[str, ...], pin: str, licence: str
) -> None:
    store = RamStore(virtual.card_image("gen2-32k"))
    with serving(virtual.chip_over(store), slot.port, open_socket=pcscd.open_socket):
        assert pcsc.wait_for_card(slot.reader, 10)
        done = sscard("conform", "--reader", slot.reader, "--json", *options, stdin=pin)

    assert done.code == 0
    assert (done.json["licence"], done.json["profile"]) == (licence, "gen2-32k")
    assert done.json["counts"]["passed"] == {"read-only": 92, "with-pin": 118}[licence]
    chip = virtual.chip_over(RamStore(store.read_all()))
    assert chip.respond(bytes.fromhex("0020000000")).hex() == "63c3"


@pytest.mark.vpcd
def test_a_wrong_pin_ends_it_before_the_suite_begins(sscard: Sscard, pcscd: PrivatePcscd, slot: Slot) -> None:
    store = RamStore(virtual.card_image("gen2-32k"))
    with serving(virtual.chip_over(store), slot.port, open_socket=pcscd.open_socket):
        assert pcsc.wait_for_card(slot.reader, 10)
        first = sscard("conform", "--reader", slot.reader, "--pin-stdin", stdin="999999\n")
        second = sscard("conform", "--reader", slot.reader, "--pin-stdin", stdin="999999\n")
        third = sscard("conform", "--reader", slot.reader, "--pin-stdin", stdin="123456\n")

    assert [done.code for done in (first, second, third)] == [1, 1, 1]
    assert first.sentence == "The PIN is wrong; nothing was run. [63C2]"
    assert third.sentence == "The card has 1 tries left; the PIN was not tried and nothing was run."
    assert not any("999999" in done.out + done.err for done in (first, second))
