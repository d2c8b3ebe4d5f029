"""Programs and their tokens: told once, kept as a digest, worth nothing once removed; a file that is whole or refused."""

import json
import os
from datetime import datetime
from pathlib import Path

import pytest

from sscard_terminal.terminal.programs import (
    TOKEN_START,
    Program,
    Programs,
    ProgramsFault,
    ProgramsTrouble,
    Scope,
    add_program,
    is_name,
    new_program,
    read_programs,
    remove_program,
)

NOON = datetime(2026, 1, 5, 12)
SCOPES = frozenset({Scope.CARD, Scope.SALE})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "programs.json"


def added(file: Path, name: str = "till-1") -> tuple[Program, str]:
    program, token = new_program(name, SCOPES, "01", NOON, os.urandom)
    assert add_program(file, program)
    return program, token


def test_a_program_is_known_by_its_token_alone(file: Path) -> None:
    (first, token), (second, other) = added(file), added(file, "till-2")

    known = read_programs(file)

    assert [known.of_token(text) for text in (token, other)] == [first, second]
    assert known.of_token(token[:-1]) is None
    assert known.of_token("") is None
    assert known.of_token("\ud800") is None


def test_the_token_is_long_random_and_in_no_file(file: Path) -> None:
    _, token = added(file)
    _, other = added(file, "till-2")

    assert token.startswith(TOKEN_START) and len(token) > 45 and token != other
    assert token not in file.read_text("utf-8")
    assert token not in repr(read_programs(file))


def test_what_was_written_is_read_again(file: Path) -> None:
    program, _ = added(file)

    assert read_programs(file) == Programs((program,))
    assert (program.by, program.since, program.scopes) == ("01", NOON, SCOPES)


def test_a_removed_programs_token_is_worth_nothing(file: Path) -> None:
    _, token = added(file)

    assert remove_program(file, "till-1")

    assert read_programs(file).of_token(token) is None
    assert not remove_program(file, "till-1")


def test_a_name_is_given_once(file: Path) -> None:
    added(file)
    again, _ = new_program("till-1", SCOPES, "", NOON, os.urandom)

    assert not add_program(file, again)


@pytest.mark.parametrize(
    "name", ["", "Till", "till 1", "-till", "收银", "a" * 32, "till_1", "../x", "till\n"]
)
def test_a_name_that_could_be_mistaken_is_none(name: str) -> None:
    assert not is_name(name)


def test_without_a_file_there_are_no_programs(file: Path) -> None:
    assert read_programs(file) == Programs()


@pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")
def test_a_file_that_others_can_read_is_refused(file: Path) -> None:
    added(file)
    file.chmod(0o644)

    with pytest.raises(ProgramsTrouble) as caught:
        read_programs(file)

    assert caught.value.fault is ProgramsFault.NOT_PRIVATE


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[]", "null", "\x00", '{"format": "sscard-programs", "version": 1, "programs": [1]}'],
)
def test_a_damaged_file_is_refused_and_left_as_it_is(file: Path, content: str) -> None:
    file.write_text(content, "utf-8")
    file.chmod(0o600)

    with pytest.raises(ProgramsTrouble) as caught:
        add_program(file, new_program("x", SCOPES, "", NOON, os.urandom)[0])

    assert caught.value.fault is ProgramsFault.DAMAGED
    assert file.read_text("utf-8") == content


def test_a_scope_that_was_added_by_hand_is_noticed(file: Path) -> None:
    added(file)
    whole = json.loads(file.read_text("utf-8"))
    whole["programs"][0]["scopes"].append("window")
    file.write_text(json.dumps(whole), "utf-8")

    with pytest.raises(ProgramsTrouble) as caught:
        read_programs(file)

    assert caught.value.fault is ProgramsFault.DAMAGED


def test_a_newer_programs_file_is_refused(file: Path) -> None:
    added(file)
    whole = json.loads(file.read_text("utf-8"))
    whole["version"] = 2
    file.write_text(json.dumps(whole), "utf-8")

    with pytest.raises(ProgramsTrouble) as caught:
        read_programs(file)

    assert caught.value.fault is ProgramsFault.TOO_NEW
