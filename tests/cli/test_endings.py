"""How a run ends whatever happens: one sentence, a documented exit code, never a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import PIN, Counter, Sscard, sscard_process

LANGUAGES = pytest.mark.parametrize("language", ["zh", "en"])
BUG = """
import sys
from sscard_terminal.cli import main, reading
def broken(*_): raise KeyError("739162")
reading.desk_of = broken
sys.argv = ["sscard", "read", *sys.argv[1:]]
main.main()
"""


def buggy(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", BUG, *arguments],
        capture_output=True,
        text=True,
        timeout=20,
        env={**os.environ, **environment},
    )


@LANGUAGES
def test_a_mistake_of_ours_is_one_sentence_and_to_be_verified(language: str) -> None:
    done = buggy("--lang", language)

    assert done.returncode == 4
    assert done.stderr.count("\n") == 1
    assert ("是否扣款待核实" if language == "zh" else "whether money moved is to be verified") in done.stderr
    assert "KeyError" in done.stderr
    assert "739162" not in done.stderr


def test_a_mistake_of_ours_as_json() -> None:
    done = buggy("--json")

    assert (done.returncode, json.loads(done.stdout)["error"]) == (4, "bug")


def test_a_developer_gets_the_places_and_still_no_values() -> None:
    done = buggy(SSCARD_TRACEBACK="1")

    assert "in broken" in done.stderr
    assert "739162" not in done.stderr.replace('raise KeyError("739162")', "")


@LANGUAGES
@pytest.mark.parametrize(
    ("arguments", "zh", "en"),
    [
        (("sell",), "没有 sell 这个命令", "no command sell"),
        (("card", "burn"), "没有 burn 这个命令", "no command burn"),
        (("read", "--fast"), "没有 --fast 选项", "no option --fast"),
        (("debit",), "请用 --account 或 --total 给出", "No amount was given"),
        (("card", "new"), "缺少 IMAGE", "IMAGE is missing"),
        (("read", "now"), "多了一个参数", "one argument too many"),
        (("read", "--reader"), "--reader 用法有误", "--reader is used wrongly"),
        (("read", "--json=yes"), "--json 用法有误", "--json is used wrongly"),
        (("card", "serve", "x", "--vpcd", "nowhere"), "nowhere 不是地址", "nowhere is no address"),
        (("card", "serve", "x", "--vpcd", "a:99999"), "a:99999 不是地址", "a:99999 is no address"),
    ],
)
def test_a_wrong_command_line_is_one_sentence(
    arguments: tuple[str, ...], zh: str, en: str, language: str, sscard: Sscard
) -> None:
    done = sscard("--lang", language, *arguments)

    assert done.code == 2
    assert (zh if language == "zh" else en) in done.sentence


def test_a_language_nobody_speaks_is_a_usage_error(sscard: Sscard) -> None:
    assert (sscard("read", "--lang", "la").code, sscard("read", "--lang", "la").sentence[:2]) == (2, "la")


def test_a_usage_error_as_json(sscard: Sscard) -> None:
    done = sscard("debit", "--account", "1.234", "--json")

    assert done.code == 2
    assert (done.json["exit"], done.json["error"], done.json["value"]) == (2, "usage.amount", "1.234")


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_sale_nobody_reads_about_is_done_all_the_same(form: tuple[str, ...], counter: Counter) -> None:
    program = [sys.executable, "-m", "sscard_terminal.cli", "debit", "--account", "1", *form, "--pin-stdin"]
    process = subprocess.Popen(
        [*program, *counter.readers, *counter.book],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    process.stdout.close()
    process.stdin.write(f"{PIN}\n")
    process.stdin.close()
    said = process.stderr.read()
    process.stderr.close()

    assert process.wait(20) == 0
    assert "Traceback" not in said and "Exception" not in said


@LANGUAGES
def test_a_trace_is_written_over_a_trace_and_over_nothing_else(
    language: str, sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    trace, precious = tmp_path / "trace.txt", counter.psam.read_bytes()

    assert sscard("read", *counter.readers, "--trace", trace).code == 0
    assert sscard("read", *counter.readers, "--trace", trace).code == 0
    done = sscard("read", *counter.readers, "--trace", counter.psam, "--lang", language)

    assert trace.stat().st_mode & 0o077 == 0
    assert done.code == 2
    assert (
        "不是对话记录，原样未动" if language == "zh" else "no trace and was left as it is"
    ) in done.sentence
    assert counter.psam.read_bytes() == precious


def test_a_terminal_that_cannot_show_chinese_gets_question_marks_not_an_error(counter: Counter) -> None:
    done = sscard_process("read", *counter.readers, "--lang", "zh", PYTHONIOENCODING="ascii", PYTHONUTF8="0")

    assert done.code == 0
    assert "PSAM 370900000001" in done.out


def test_a_gbk_terminal_gets_gbk(counter: Counter) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "sscard_terminal.cli",
            "balance",
            *counter.readers,
            "--pin-stdin",
            "--lang",
            "zh",
        ],
        input=f"{PIN}\n".encode(),
        capture_output=True,
        timeout=20,
        env={**os.environ, "PYTHONIOENCODING": "gbk"},
    )

    assert done.returncode == 0
    assert "账户余额       100.00 元".encode("gbk") in done.stdout


def test_bytes_that_are_no_text_are_no_pin(counter: Counter) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "sscard_terminal.cli",
            "balance",
            *counter.readers,
            "--pin-stdin",
            "--lang",
            "en",
        ],
        input=b"\xff\xfe12\n",
        capture_output=True,
        timeout=20,
        env={**os.environ, "PYTHONUTF8": "1", "PYTHONIOENCODING": "utf-8:strict"},
    )

    assert done.returncode == 2
    assert done.stderr.startswith(b"A PIN has digits only")


@LANGUAGES
def test_without_a_terminal_a_pin_is_not_asked_for_in_the_open(language: str, counter: Counter) -> None:
    done = sscard_process("details", *counter.readers, "--lang", language)

    assert done.code == 2
    assert "--pin-stdin" in done.sentence
