"""docs/foreign-scripts.md: its table has every format, its commands run."""

import re
import shlex
from pathlib import Path

import pytest

from sscard_terminal.lab.foreign.formats import FORMATS
from tests.cli.conftest import Sscard
from tests.cli.conftest import sscard as sscard

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/foreign-scripts.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^sscard (.*)$", PAGE, re.MULTILINE)


def test_the_table_has_every_format_once() -> None:
    assert re.findall(r"^\| `(\w[\w-]*)` \|", PAGE, re.MULTILINE) == list(FORMATS)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_page_runs(command: str, sscard: Sscard) -> None:
    words = shlex.split(command.partition(" >")[0], comments=True)
    words = [str(ROOT / word) if word.startswith("fixtures/") else word for word in words]
    words = [
        str(ROOT / "fixtures/scripts/jcardsim/hello.scr") if word == "hello.scr" else word for word in words
    ]

    assert sscard(*words).code == 0
