"""docs/scripts.md: its scripts run and pass, its functions and words are those there are."""

import re
from pathlib import Path

import pytest

from sscard_terminal.lab.run.card_functions import CARD_FUNCTIONS
from sscard_terminal.lab.run.events import ExitCode
from sscard_terminal.lab.run.psam_functions import PSAM_FUNCTIONS
from sscard_terminal.lab.script.functions import FUNCTIONS
from tests.lab.run.scripts import ran

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/scripts.md").read_text(encoding="utf-8")
GRAMMAR = (ROOT / "src/sscard_terminal/lab/script/grammar.lark").read_text(encoding="utf-8")
SCRIPTS = re.findall(r"^```sscard\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("text", SCRIPTS)
def test_every_script_of_the_page_passes(text: str) -> None:
    found = ran(text)

    assert found.result.exit_code is ExitCode.PASSED, [step for step in found.steps if step.problems]
    assert found.notes == []


def test_the_page_has_three_scripts() -> None:
    assert len(SCRIPTS) == 3


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        *((name, function.parameters) for name, function in FUNCTIONS.items()),
        *((f"card.{name}", None) for name in CARD_FUNCTIONS),
        *((f"psam.{name}", function.parameters) for name, function in PSAM_FUNCTIONS.items()),
    ],
)
def test_every_function_is_on_the_page_with_its_parameters(
    name: str, parameters: tuple[str, ...] | None
) -> None:
    shown = re.search(rf"`{re.escape(name)}\((.*?)\)`", PAGE)

    assert shown is not None
    if parameters is not None:
        assert re.findall(r"[A-Za-z0-9-]+", shown[1]) == list(parameters)


def test_every_word_of_the_grammar_is_in_its_ebnf() -> None:
    ebnf = PAGE[PAGE.index("```ebnf") :]
    words = set(re.findall(r"^_?[A-Z_]+(?:\.\d)?: /([a-z][a-z-]+)[\\(]", GRAMMAR, re.MULTILINE))

    missing = {word for word in words if f'"{word}"' not in ebnf}

    assert words > {"use", "section", "after-write", "transcript"}
    assert missing == set()
