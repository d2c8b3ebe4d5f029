"""`sscard script` with other tools' formats: converted, checked, refused with the line shown, and remarked upon."""

from pathlib import Path

from tests.cli.conftest import Sscard

SAMPLES = Path(__file__).parents[2] / "fixtures/scripts"


def test_a_script_is_converted_and_remarks_go_beside_it(sscard: Sscard) -> None:
    file = SAMPLES / "jcardsim/hello.scr"

    done = sscard("script", "convert", file, "--format", "jcardsim")

    assert done.code == 0
    assert done.out.splitlines()[:2] == ["#! sscard 1", "00 A4 04 00 06 D1 56 00 00 05 03 7F"]
    assert f"{file}:5:26: jCardSim sends no Le where it is 0" in done.err


def test_a_refused_command_ends_with_its_place_and_exit_code_2(tmp_path: Path, sscard: Sscard) -> None:
    (tmp_path / "keys.jcsh").write_text("/atr\nset-key 255/1/DES-ECB/404142434445464748494A4B4C4D4E4F\n")

    done = sscard("script", "run", "keys.jcsh", "--card", "gen2-32k", "--lang", "zh")

    assert done.code == 2
    assert "keys.jcsh:2:1: JCShell 有 set-key 命令" in done.err
    assert "\n^" in done.err
    assert "404142" not in done.out + done.err


def test_a_scriptor_file_runs_unchanged_with_a_warning_where_scriptor_would_stop(
    tmp_path: Path, sscard: Sscard
) -> None:
    (tmp_path / "old.txt").write_text("# exit is a word\nreset\n00 20 00 00\n")

    done = sscard("script", "run", "old.txt", "--card", "gen2-32k")

    assert done.code == 0
    assert "old.txt:1:3: scriptor itself would stop here" in done.err


def test_a_format_that_is_none_is_refused_with_those_there_are(sscard: Sscard) -> None:
    done = sscard("script", "check", SAMPLES / "etsi/purse.txt", "--format", "elvish")

    assert done.code == 2
    assert "scriptor-strict" in done.err and "pysim" in done.err
