"""The plugin as others meet it: in pytest runs of their own, the example project of docs/examples among them."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "docs/examples/pharmacy-shop"
PLUGIN = "sscard_terminal.lab.pytest_plugin.plugin"
NOTHING_OF_OURS = """
import sys


def test_it_costs_nothing():
    ours = {name for name in sys.modules if name.startswith(("sscard_applets", "sscard_terminal"))}
    assert ours <= {
        "sscard_terminal", "sscard_terminal.lab", "sscard_terminal.lab.pytest_plugin", "sscard_terminal.lab.pytest_plugin.plugin"
    }
    assert "cryptography" not in sys.modules
"""
FAILING = """
import pytest
from sscard_terminal.iso7816.apdu import ResponseApdu


def test_word(virtual_card):
    assert virtual_card().apdu("0020000003999999").sw == 0x9000


@pytest.mark.sscard("gen3")
def test_mark(virtual_card):
    virtual_card()
"""


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A run of its own, in `folder`, that knows nothing of this one and loads no plugin but ours and those named."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PCSCLITE_"))
    }
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", PLUGIN, *arguments],
        cwd=folder,
        env={**kept, "LC_ALL": "C.UTF-8", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=50,
    )


def test_pytest_finds_the_plugin_by_its_entry_point() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]

    assert declared["pytest11"] == {"sscard": PLUGIN}


@pytest.mark.vpcd
def test_the_example_project_passes_in_two_workers_each_with_its_own_reader(tmp_path: Path) -> None:
    project = tmp_path / "pharmacy-shop"
    shutil.copytree(EXAMPLE, project, ignore=shutil.ignore_patterns("__pycache__"))

    done = run_pytest(project, "-p", "xdist", "-n", "2")

    assert done.returncode == 0, done.stdout
    assert "11 passed" in done.stdout


def test_who_asks_for_no_card_loads_nothing_of_ours(tmp_path: Path) -> None:
    (tmp_path / "test_nothing.py").write_text(NOTHING_OF_OURS, encoding="utf-8")

    done = run_pytest(tmp_path)

    assert done.returncode == 0, done.stdout


def test_a_failed_assertion_is_told_in_words_with_the_conversation_and_without_the_pin(
    tmp_path: Path,
) -> None:
    (tmp_path / "test_failing.py").write_text(FAILING, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nsscard_language = zh\n", encoding="utf-8")

    done = run_pytest(tmp_path)

    assert done.returncode == 1
    assert "卡应答 63C2 (校验失败，还可再试 2 次)，预期 9000 (成功)" in done.stdout
    assert "card: gen2-32k zhang-san" in done.stdout
    assert "> 0020000003******" in done.stdout
    assert "sscard(profile=…, person=…, balance=…)" in done.stdout


@pytest.mark.parametrize(("wish", "word"), [("fail", "1 error"), ("skip", "1 skipped")])
def test_without_pcscd_a_test_that_needs_it_fails_or_by_setting_is_skipped(
    tmp_path: Path, wish: str, word: str
) -> None:
    """`pcscd` is not found: neither on the path nor in /usr/sbin."""
    (tmp_path / "test_reader.py").write_text("def test_reader(pcsc_reader): pass\n", encoding="utf-8")
    (tmp_path / "conftest.py").write_text("import shutil\nshutil.which = lambda *_, **__: None\n", "utf-8")
    (tmp_path / "pytest.ini").write_text(f"[pytest]\nsscard_without_pcscd = {wish}\n", encoding="utf-8")

    done = run_pytest(tmp_path, "-rs")

    assert word in done.stdout
    assert "pcscd is not installed" in done.stdout
