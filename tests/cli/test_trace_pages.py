"""The pages on traces and the explorer are true: their commands and options are there, and what they show is what is said."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from sscard_terminal.cli.command import LazyGroup
from sscard_terminal.cli.main import program
from sscard_terminal.lab.explorer.lines import Verb
from sscard_terminal.lab.traces.dissector import lua
from sscard_terminal.lab.traces.recording import Format
from tests.cli.conftest import Counter, Sscard

DOCS = Path(__file__).parents[2] / "docs"
TRACES, EXPLORER = ((DOCS / name).read_text("utf-8") for name in ("traces.md", "explorer.md"))


def commands(page: str) -> list[list[str]]:
    """The words after `sscard` of every command in the page's shell examples."""
    blocks = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    lines = [line.partition(" #")[0] for block in blocks for line in block.splitlines()]
    calls = [part for line in lines for part in re.split(r"\||;|<", line)]
    return [shlex.split(call.strip())[1:] for call in calls if call.strip().startswith("sscard ")]


@pytest.mark.parametrize("words", [*commands(TRACES), *commands(EXPLORER)], ids=" ".join)
def test_a_command_on_the_pages_is_there_with_its_options(words: list[str]) -> None:
    context = click.Context(program, info_name="sscard")
    group: click.Command = program
    while isinstance(group, LazyGroup):
        found = group.get_command(context, words[0])
        assert found is not None, words
        group, words = found, words[1:]

    group.make_context("example", list(words), parent=context)


def test_the_page_names_every_format_and_every_verb() -> None:
    assert all(f"| `{name}` |" in TRACES for name in Format)
    assert all(re.search(rf"`{verb}\b", EXPLORER) for verb in Verb)


def test_the_fields_on_the_page_are_the_dissectors() -> None:
    script = lua("en")
    named = re.findall(r"`(sscard\.[a-z_.]+[a-z])`", TRACES)
    parts = {key.replace("-", "_") for key in re.findall(r'key = "([a-z.-]+)"', script)}

    for field in named:
        is_part = field.startswith("sscard.part.")
        assert f'"{field}"' in script or (is_part and field.removeprefix("sscard.part.") in parts), field


def test_the_walk_on_the_page_is_what_a_walk_says(sscard: Sscard, counter: Counter) -> None:
    lines = "tree\ncd DF04\nverify\n123456\ncat AMOUNTS\nsale 12.34 20 80\n123456\n"

    done = sscard("shell", *counter.readers, *counter.book, stdin=lines)

    shown = [line[4:] for line in EXPLORER.splitlines() if line.startswith("    ")]
    said = done.out.splitlines()
    for line in shown[4 : shown.index("    …") if "    …" in shown else 11]:
        assert line in said or line.startswith("…"), line
    assert "    1  balance 100.00 yuan" in said and "    1  balance 100.00 yuan" in shown
    assert any(line.startswith("Charged 12.34 yuan, balance 87.66 yuan, TAC ") for line in said)
