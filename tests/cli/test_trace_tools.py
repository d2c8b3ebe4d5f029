"""`sscard trace` and `sscard compare` as typed: files in, files out, what is refused and with which code."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sscard_terminal.cli.details import OTHERWISE, detail_in
from tests.cards import FIXTURES
from tests.cli.conftest import Sscard

TRACES = FIXTURES / "traces"
PRODUCT = Path(__file__).parents[2] / "src/sscard_terminal"
GOLDEN = TRACES / "golden/debit.apdu"


def test_a_recording_is_told_in_words_in_both_languages(sscard: Sscard) -> None:
    english = sscard("trace", "show", TRACES / "scriptor.txt")
    chinese = sscard("trace", "show", TRACES / "scriptor.txt", "--lang", "zh")

    assert english.code == chinese.code == 0
    assert "# GET BALANCE of the account" in english.out
    assert "# 9000 done: balance 5000.00 yuan" in english.out
    assert "# 校验密码 VERIFY：密码 ***" in chinese.out
    assert "123456" not in english.out + chinese.out


def test_json_is_one_object_a_line(sscard: Sscard) -> None:
    done = sscard("trace", "show", TRACES / "opensc-debug.log", "--json")

    rows = [json.loads(line) for line in done.out.splitlines()]
    assert len(rows) == 7
    assert rows[3]["command"] == "0020000003******"
    assert rows[3]["sw"] == "9000"


def test_exported_for_wireshark_and_imported_again_a_recording_is_the_same(
    sscard: Sscard, tmp_path: Path
) -> None:
    exported = sscard("trace", "export", GOLDEN, "sale.pcapng", "--reveal")
    imported = sscard("trace", "import", "sale.pcapng", "again.apdu", "--reveal")
    compared = sscard("compare", GOLDEN, "again.apdu")

    assert (exported.code, imported.code, compared.code) == (0, 0, 0)
    assert exported.out == "Written to sale.pcapng: 27 commands with their answers.\n"
    assert (tmp_path / "again.apdu").read_text("utf-8") == GOLDEN.read_text("utf-8")
    assert (tmp_path / "sale.pcapng").stat().st_mode & 0o077 == 0


def test_a_difference_is_told_with_the_digits_and_ends_with_1(sscard: Sscard, tmp_path: Path) -> None:
    other = tmp_path / "other.apdu"
    other.write_text(GOLDEN.read_text("utf-8").replace("63C3", "63C1"), encoding="utf-8")

    done = sscard("compare", GOLDEN, other)
    told = sscard("compare", GOLDEN, other, "--json")

    assert done.code == told.code == 1
    assert "in the status word of the answer" in done.out
    assert "VERIFY without a PIN: how many tries are left" in done.out
    assert "A < 63C3\nB < 63C1\n       ^\n" in done.out
    assert (told.json["where"], told.json["marks"]) == ("status", "   ^")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("show", "absent.trace"), 2, "absent.trace"),
        (("show", "bad.trace"), 2, "bad.trace, line 2: an answer without a command before it"),
        (("show", "column.trace"), 2, "column.trace, line 2, column 1: expected a line that starts with"),
        (("show", "empty.trace"), 2, "nothing tells the format"),
        (("export", "good.trace", "out.xyz"), 2, "add --to"),
        (("export", "good.trace", "good.trace"), 2, "good.trace"),
        (("export", "bad.trace", "out.jsonl"), 2, "line 2"),
        (("show", "good.trace", "--from", "poem"), 2, "--from"),
        (("live", "--", "no-such-program-here"), 2, "no-such-program-here"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_left_behind(
    arguments: tuple[str, ...],
    code: int,
    words: str,
    sscard: Sscard,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "good.trace").write_text("> 00200000\n< 63C3\n")
    (tmp_path / "bad.trace").write_text("# x\n< 9000\n")
    (tmp_path / "column.trace").write_text("# x\n9000\n")
    (tmp_path / "empty.trace").write_text("")

    done = sscard("trace", *arguments)

    assert done.code == code
    assert words in done.err
    assert not list(tmp_path.glob("out.*"))
    assert not list(tmp_path.glob("*.part"))


def test_a_mistake_in_a_recording_is_told_in_chinese_too(sscard: Sscard, tmp_path: Path) -> None:
    (tmp_path / "bad.trace").write_text("# x\n< 9000\n")

    done = sscard("trace", "show", "bad.trace", "--lang", "zh")

    assert "bad.trace 第 2 行：应答之前没有命令" in done.err


def test_the_dissector_is_printed_or_written(sscard: Sscard, tmp_path: Path) -> None:
    printed = sscard("trace", "dissector")
    written = sscard("trace", "dissector", "sscard.lua")

    assert printed.out == (tmp_path / "sscard.lua").read_text("utf-8")
    assert written.code == 0
    assert 'DissectorTable.get("gsmtap.type"):set(4, sscard)' in printed.out


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    long = tmp_path / "long.trace"
    long.write_text("> 0084000008\n< 00000000000000009000\n" * 20_000)
    program = subprocess.Popen(
        [sys.executable, "-m", "sscard_terminal.cli", "trace", "show", str(long)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(os.environ),
    )
    assert program.stdout is not None and program.stderr is not None
    program.stdout.readline()
    program.stdout.close()

    assert (program.wait(30), program.stderr.read()) == (0, b"")
    program.stderr.close()


def _problems() -> set[str]:
    """What a recording can be wrong in, as the sources say it; a fact in it stands as 7."""
    found: set[str] = set()
    for file in (PRODUCT / "lab/traces").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "TraceError"):
                continue
            match node.args[1]:
                case ast.Constant(value=str(text)):
                    found.add(text)
                case ast.JoinedStr(values=parts):
                    found.add(
                        "".join(part.value if isinstance(part, ast.Constant) else "7" for part in parts)
                    )
    return found


def test_whatever_is_wrong_in_a_recording_has_its_words_in_chinese() -> None:
    problems = {re.sub("^7 has at least", "a command has at least", problem) for problem in _problems()}

    assert len(problems) > 15
    assert not [problem for problem in problems if detail_in("zh", problem) == OTHERWISE]
