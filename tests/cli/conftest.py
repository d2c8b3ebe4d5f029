"""What the tests of the command line share: a folder with a card and a PSAM, and ways to run the program."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sscard_applets.catalogue import load_profile
from sscard_terminal.card.person import parse_person
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cli.main import program
from sscard_terminal.cli.making import card_image as made_card
from tests.cards import FIXTURES, PERSON_TEXT, card_image, psam_image
from tests.cards import KEYS as ROOT_KEYS

PERSON, KEYS = FIXTURES / "cards/zhang-san.toml", FIXTURES / "keys/test.toml"
PIN = "123456"


@dataclass(frozen=True)
class Done:
    """How a run ended."""

    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one line on standard error of a refusal."""
        assert self.out == ""
        assert self.err.count("\n") == 1, self.err
        return self.err.strip()

    @property
    def json(self) -> Any:
        """The one object on standard output."""
        assert self.err == ""
        assert self.out.count("\n") == 1, self.out
        return json.loads(self.out)


Sscard = Callable[..., Done]


@pytest.fixture
def sscard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Sscard:
    """Runs a command in this process: `sscard("read", "--json", stdin="…")`, in English unless said otherwise."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: object, stdin: str | None = None) -> Done:
        result = CliRunner().invoke(program, [str(argument) for argument in arguments], input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    return run


def sscard_process(*arguments: object, stdin: str = "", **environment: str) -> Done:
    """Runs a command as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "sscard_terminal.cli", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=50,
        env={**os.environ, **environment},
    )
    return Done(done.returncode, done.stdout, done.stderr)


def card_with(**facts: str) -> bytes:
    """张三's card with other facts: region, serial, card number."""
    profile = load_profile("gen2-32k")
    person = parse_person(PERSON_TEXT, profile.name)
    return made_card(profile, replace(person, card=replace(person.card, **facts)), ROOT_KEYS, Fen(10_000))


@dataclass(frozen=True)
class Counter:
    """A card with 100.00 yuan and a PSAM as image files, and the options that name them as readers."""

    card: Path
    psam: Path
    journal: Path

    @property
    def readers(self) -> tuple[str, ...]:
        return "--reader", f"image:{self.card}", "--psam-reader", f"image:{self.psam}"

    @property
    def book(self) -> tuple[str, ...]:
        return "--journal", str(self.journal)


@pytest.fixture
def counter(tmp_path: Path) -> Counter:
    card, psam = tmp_path / "zhang.card", tmp_path / "terminal.psam"
    card.write_bytes(card_image(balance=10_000))
    psam.write_bytes(psam_image())
    return Counter(card, psam, tmp_path / "journal.db")
