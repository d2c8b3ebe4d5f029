"""Which format a file is in: by its name, by its first line, or because somebody says so."""

from pathlib import Path

import pytest

from sscard_terminal.lab.foreign.formats import FORMATS, guessed, read_foreign
from sscard_terminal.lab.script.reading import read_script
from tests.lab.foreign.telling import SAMPLES, told


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("scriptor/lenient.txt", "scriptor"),
        ("scriptor/windows.txt", "scriptor"),
        ("scriptor-transcript/issue.txt", "scriptor-transcript"),
        ("apdutool/purse.scr", "apdutool"),
        ("jcshell/purse.jcsh", "jcshell"),
        ("jcshell-transcript/issue.txt", "jcshell-transcript"),
        ("opensc-explorer/walk.txt", "opensc-explorer"),
        ("opensc-tool/session.txt", "opensc-tool"),
        ("etsi/purse.txt", "etsi"),
        ("pysim/case.script", "pysim"),
        ("apdu4j/session.dump", "apdu4j"),
        ("seader/sam.apdu", "apdu4j"),
    ],
)
def test_a_sample_is_known_by_its_text(name: str, format: str) -> None:
    assert guessed((SAMPLES / name).read_text(encoding="utf-8")) == format


@pytest.mark.parametrize(
    ("text", "format"),
    [
        ("/card\n/send 00840000", "jcshell"),
        ("// a comment\npowerup;", "apdutool"),
        ("0x00 0xA4 0x04 0x00 0x00 0x7F;", "apdutool"),
        ("apdu 00840000 --expect-sw 9000", "pysim"),
        ("apdu 00840000", "opensc-explorer"),
        ("\ufeffREM a\nRST", "etsi"),
        ("#!/usr/bin/opensc-explorer\napdu 00840000", "opensc-explorer"),
        ("# PROTOCOL: T=1\n00A40400", "apdu4j"),
        ("00 84 00 00 08\nreset", "scriptor"),
        ("00A40000023F00\n9000\n0084000008  # a challenge\n6D00", "seader"),
        ("00A40000023F00\n610A\n00C000000A\n6F0884069000", "apdu4j"),
        ("00 20 00 00\n00 A4 00 00 02 90 00\n00 20 00 00\n00 84 00 00", "scriptor"),
        ("00 84 00 00 08 -> 9000", ""),
        ("reset cold\n00 84 00 00 08", ""),
        ("use card gen2-32k", ""),
        ("", ""),
        ("> 00840000\n< 9000", ""),
    ],
)
def test_the_first_line_tells_the_format_or_nothing_does(text: str, format: str) -> None:
    assert guessed(text) == format


def test_the_end_of_a_name_tells_before_the_text() -> None:
    assert guessed("anything", "walk.JCSH") == "jcshell"


def test_a_name_that_is_none_of_these_is_not_read_here() -> None:
    assert read_foreign("00 84 00 00", "f", "sscard") is None
    assert read_foreign("use card gen2-32k", "f", None) is None


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_of_nothing_sends_nothing(format: str) -> None:
    for text in ("", "\n\n", "\ufeff"):
        found = read_foreign(text, "f", format)
        assert found is not None
        assert told(found) in ([], ["complete on"])


def test_a_named_format_goes_before_what_the_text_looks_like(tmp_path: Path) -> None:
    file = tmp_path / "x.txt"
    file.write_text("00840000\n9000\n", encoding="utf-8")

    assert told(read_script(file, "seader")) == ["00 84 00 00 -> 9000"]


def test_a_pasted_conversation_that_begins_like_ours_is_still_scriptors(tmp_path: Path) -> None:
    file = tmp_path / "pasted.txt"
    file.write_text(
        "> 00 20 00 00\n< 63 C3 : State of non-volatile memory changed. Counter: 0x3\n", encoding="utf-8"
    )

    assert told(read_script(file)) == ["00 20 00 00 -> [] 63C3"]
