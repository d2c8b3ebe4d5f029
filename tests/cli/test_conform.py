"""`sscard conform`: the certificate, the list of clauses, and what ends it before anything is sent."""

from pathlib import Path

import pytest

from sscard_terminal.lab.conformance.suite import clauses
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


def test_a_reader_that_is_not_there_is_trouble(sscard: Sscard) -> None:
    assert sscard("conform", "--reader", "no such reader").code == 3
