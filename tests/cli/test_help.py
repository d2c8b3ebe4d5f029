"""`--help` of everything, in both languages, and quickly; shell completion too."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.shell_completion import ZshComplete

from sscard_terminal.cli.main import COMMANDS, program
from tests.cli.conftest import Sscard, sscard_process

GROUPS = {
    "card": ("new", "serve", "control", "show"),
    "psam": ("new", "serve"),
    "pin": ("verify", "change"),
    "day": ("open", "close", "show"),
    "journal": ("backup", "disclosures"),
    "hotlist": ("show", "update"),
    "window": ("load", "refunds", "settle", "pin-reset", "unblock", "fund"),
    "counter": ("keyboard", "serve"),
    "script": ("run", "check", "convert"),
    "operator": ("add", "remove", "password", "list"),
    "trace": ("show", "export", "import", "live", "dissector"),
}
SERVICES = [(name, *([sub] if sub else [])) for name in COMMANDS for sub in GROUPS.get(name, ("",))]
SERVICES += [("counter", "token", sub) for sub in ("add", "list", "remove")]


@pytest.mark.parametrize("command", SERVICES, ids=" ".join)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_command_explains_itself_with_examples_and_the_options_all_have(
    command: tuple[str, ...], language: str, sscard: Sscard
) -> None:
    done = sscard(*command, "--help", "--lang", language)

    assert done.code == 0
    assert ("示例" if language == "zh" else "Examples") in done.out
    assert f"sscard {' '.join(command)}" in done.out
    assert "--json" in done.out and "--lang zh|en" in done.out
    options = [line for line in done.out.splitlines() if line.startswith("  --")]
    assert all("  " in line.strip() or len(line) > 25 for line in options), done.out


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_program_lists_every_command_and_the_exit_codes(language: str, sscard: Sscard) -> None:
    done = sscard("--help", "--lang", language)

    assert done.code == 0
    for name in COMMANDS:
        assert f"\n  {name}" in done.out
    for code in ("0", "1", "2", "3", "4"):
        assert code in done.out.split("\n\n")[2]


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8"}, "zh"),
        ({}, "en"),
    ],
)
def test_the_locale_chooses_the_language(
    variables: dict[str, str], language: str, sscard: Sscard, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert ("用法" in sscard("--help").out) == (language == "zh")


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_lists_its_commands(group: str, sscard: Sscard) -> None:
    done = sscard(group, "--help")

    assert all(f"\n  {name}" in done.out for name in GROUPS[group])


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from sscard_terminal.cli.main import program\n"
        "try: program(['--help'])\n"
        "except SystemExit: pass\n"
        "print(*sorted({'construct', 'cryptography', 'smartcard', 'tomllib', 'sqlite3'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == ""


def seconds(*command: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def test_help_takes_at_most_three_times_as_long_as_importing_click() -> None:
    help_s, click_s = zip(
        *((seconds("-m", "sscard_terminal.cli", "--help"), seconds("-c", "import click")) for _ in range(7)),
        strict=True,
    )

    assert min(help_s) < 3 * min(click_s)


def test_the_shell_completes_commands_without_loading_them() -> None:
    completion = ZshComplete(program, {}, "sscard", "_SSCARD_COMPLETE")

    items = completion.get_completions([], "de")

    assert [item.value for item in items] == ["demo", "details", "debit"]
    assert all(item.help for item in items)


def test_the_shell_completes_the_options_of_a_command() -> None:
    completion = ZshComplete(program, {}, "sscard", "_SSCARD_COMPLETE")

    assert "--pooled" in [item.value for item in completion.get_completions(["debit"], "--p")]


def test_no_command_at_all_shows_the_help_and_is_a_usage_error() -> None:
    done = sscard_process(LANG="zh_CN.UTF-8")

    assert done.code == 2
    assert "用法" in done.err


@pytest.mark.parametrize("command", [("read",), ("debit", "--account", "1"), ("pin", "verify"), ("doctor",)])
def test_with_real_readers_a_command_needs_no_unix(command: tuple[str, ...], tmp_path: Path) -> None:
    """fcntl stands for all that Windows lacks; image files and virtual readers need it, real readers do not."""
    code = (
        "import sys; sys.modules['fcntl'] = None\n"
        "from sscard_terminal.cli.main import program\n"
        f"program([*{command!r}, '--json'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PCSCLITE_CSOCK_NAME": str(tmp_path / "nowhere"), "XDG_STATE_HOME": str(tmp_path)},
    )

    assert done.returncode == 3, done.stderr
    assert json.loads(done.stdout)
