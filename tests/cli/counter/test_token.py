"""`sscard counter token`: programs let in and out; the token shown once, and a supervisor asked where there is one."""

import json
import os
from datetime import datetime
from pathlib import Path

import pytest

from sscard_terminal.terminal import passwords
from sscard_terminal.terminal.passwords import Cost
from sscard_terminal.terminal.programs import Scope, add_program, new_program, read_programs
from tests.cli.conftest import Sscard
from tests.cli.test_settings import config

CHIEF = "chief marked 7391"


@pytest.fixture
def shop(tmp_path: Path) -> tuple[str, ...]:
    return config(tmp_path, '[counter]\nprograms = "programs.json"\n')


def test_a_program_is_let_in_listed_and_removed(
    sscard: Sscard, shop: tuple[str, ...], tmp_path: Path
) -> None:
    added = sscard("counter", "token", "add", "till-1", "--scope", "card", "--scope", "sale", "--json", *shop)
    token = json.loads(added.out)["token"]
    known = read_programs(tmp_path / "programs.json").of_token(token)
    listed = sscard("counter", "token", "list", *shop)
    removed = sscard("counter", "token", "remove", "till-1", *shop)

    assert known is not None and known.scopes == {Scope.CARD, Scope.SALE}
    assert "till-1" in listed.out and token not in listed.out
    assert (removed.code, read_programs(tmp_path / "programs.json").all) == (0, ())


def test_without_a_setting_the_file_is_in_the_state_folder(sscard: Sscard) -> None:
    assert sscard("counter", "token", "add", "till-1", "--scope", "card").code == 0

    assert "till-1" in sscard("counter", "token", "list", "--lang", "en").out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("add", "till-1"), 2),
        (("add", "Till 1", "--scope", "card"), 2),
        (("add", "till-1", "--scope", "everything"), 2),
        (("remove", "till-1"), 1),
    ],
)
def test_what_cannot_be_is_refused_with_its_code(
    sscard: Sscard, shop: tuple[str, ...], arguments: tuple[str, ...], code: int
) -> None:
    assert sscard("counter", "token", *arguments, *shop).code == code


def test_a_name_is_given_once(sscard: Sscard, shop: tuple[str, ...]) -> None:
    sscard("counter", "token", "add", "till-1", "--scope", "card", *shop)

    again = sscard("counter", "token", "add", "till-1", "--scope", "window", *shop)

    assert again.code == 1


def test_with_operators_only_a_supervisors_password_lets_a_program_in(
    sscard: Sscard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "COST", Cost(16, 1, 1))
    settings = '[operators]\nfile = "operators.json"\n[counter]\nprograms = "programs.json"\n'
    shop = config(tmp_path, settings)
    first = ("operator", "add", "01", "--name", "李芳", "--right", "supervisor", "--password-stdin", *shop)
    assert sscard(*first, stdin=f"{CHIEF}\n").code == 0
    add = ("counter", "token", "add", "till-1", "--scope", "sale", *shop)
    by_chief = ("--supervisor", "01", "--supervisor-password-stdin")

    refused = [sscard(*add), sscard(*add, *by_chief, stdin="wrong marked 6614\n")]
    let_in = sscard(*add, *by_chief, stdin=f"{CHIEF}\n")

    assert [done.code for done in refused] == [1, 1]
    assert let_in.code == 0
    (program,) = read_programs(tmp_path / "programs.json")
    assert program.by == "01"
    assert sscard("counter", "token", "remove", "till-1", *shop).code == 1


def test_a_token_with_a_last_day_is_kept_with_it_and_listed_with_it(
    sscard: Sscard, shop: tuple[str, ...], tmp_path: Path
) -> None:
    added = sscard("counter", "token", "add", "trial", "--scope", "card", "--until", "2999-12-31", *shop)
    past = sscard("counter", "token", "add", "late", "--scope", "card", "--until", "2001-12-31", *shop)

    (kept,) = read_programs(tmp_path / "programs.json")
    assert (added.code, past.code, str(kept.until)) == (0, 2, "2999-12-31")
    assert "2999-12-31" in sscard("counter", "token", "list", *shop).out


def test_a_file_from_before_tokens_could_end_is_read_as_before(tmp_path: Path) -> None:
    program, token = new_program("till-1", frozenset({Scope.CARD}), "", datetime(2026, 1, 5), os.urandom)
    file = tmp_path / "programs.json"
    add_program(file, program)

    assert "until" not in file.read_text("utf-8")
    assert read_programs(file).of_token(token) == program and not program.is_over(datetime(2999, 1, 1))
