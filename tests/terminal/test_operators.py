"""Operators: passwords that cannot be read or guessed for free, a file that is whole or refused, rights."""

import json
import os
import pickle
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.terminal import operators_file, passwords, private_file
from sscard_terminal.terminal.operators import (
    FIRST_WAIT,
    FREE_TRIES,
    LONGEST_WAIT,
    NotAllowed,
    Operator,
    Operators,
    Refusal,
    Right,
    new_operator,
)
from sscard_terminal.terminal.operators_file import (
    OperatorsFault,
    OperatorsTrouble,
    add_operator,
    change_operators,
    read_operators,
    recognise,
    remove_operator,
    set_password,
)
from sscard_terminal.terminal.passwords import Cost, Password, PasswordHash, digest_of, hash_of

CHEAP = Cost(16, 1, 1)
NOON = datetime(2026, 1, 5, 12)
RIGHT, WRONG, NEXT = Password("open sesame 1"), Password("open sesame 2"), Password("another door")


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "COST", CHEAP)


def somebody(number: str = "01", right: Right = Right.SUPERVISOR, name: str = "李芳") -> Operator:
    made = new_operator(number, name, right, RIGHT, os.urandom)
    assert isinstance(made, Operator)
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A supervisor 01 and a clerk 07, both with the password RIGHT."""
    path = tmp_path / "operators.json"
    for operator in (somebody(), somebody("07", Right.CLERK, "王强")):
        add_operator(path, operator)
    return path


def tries(path: Path, count: int, password: Password = WRONG, now: datetime = NOON) -> object:
    """What the last of `count` tries of operator 07 comes to."""
    found: object = None
    for _ in range(count):
        found = recognise(path, "07", password, now, os.urandom)
    return found


def refusal(found: object) -> Refusal:
    assert isinstance(found, NotAllowed)
    return found.refusal


def fault_of(path: Path) -> OperatorsFault:
    with pytest.raises(OperatorsTrouble) as error:
        read_operators(path)
    return error.value.fault


# Passwords


@pytest.mark.parametrize(
    ("password", "salt", "cost", "digest"),
    [
        (
            "password",
            "NaCl",
            Cost(1024, 8, 16),
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162",
        ),
        (
            "pleaseletmein",
            "SodiumChloride",
            Cost(16384, 8, 1),
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2",
        ),
    ],
)
def test_the_digest_is_scrypt_by_the_vectors_of_rfc_7914(
    password: str, salt: str, cost: Cost, digest: str
) -> None:
    assert digest_of(Password(password), salt.encode(), cost).hex() == digest


def test_a_hash_knows_its_password_and_no_other_and_two_of_one_password_differ() -> None:
    first, second = hash_of(RIGHT, os.urandom), hash_of(RIGHT, os.urandom)

    assert first.matches(RIGHT) and second.matches(RIGHT)
    assert not first.matches(WRONG)
    assert first != second


def test_todays_cost_is_what_owasp_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()

    assert Cost(1 << 15, 8, 3) == passwords.COST


@pytest.mark.parametrize("shown", [repr, str, "{!r:>20}".format, "{}".format])
def test_neither_password_nor_hash_is_ever_shown(shown: object) -> None:
    assert callable(shown)
    kept = hash_of(RIGHT, os.urandom)

    assert "sesame" not in shown(RIGHT)
    assert kept.salt.hex() not in shown(kept) and repr(kept.digest) not in shown(kept)


def test_a_password_cannot_be_stored() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(RIGHT)


@pytest.mark.parametrize("typed", ["", "x" * 129, "line\nbreak", "bell\a", "half \ud800"])
def test_what_is_no_password_is_refused_and_not_quoted(typed: str) -> None:
    with pytest.raises(FormatError) as error:
        Password(typed)

    assert not typed or typed not in str(error.value)


@pytest.mark.parametrize(
    ("one", "other"), [("caf\u00e9 noir", "cafe\u0301 noir"), ("开门 吧芝麻吧吧", "开门\u3000吧芝麻吧吧")]
)
def test_the_same_password_from_another_keyboard_is_the_same(one: str, other: str) -> None:
    assert hash_of(Password(one), os.urandom).matches(Password(other))


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("short 1", Refusal.PASSWORD_TOO_SHORT),
        ("一二三四五六七", Refusal.PASSWORD_TOO_SHORT),
        ("12345678", Refusal.PASSWORD_GUESSABLE),
        ("hgfedcba", Refusal.PASSWORD_GUESSABLE),
        ("aaaaaaaaaa", Refusal.PASSWORD_GUESSABLE),
        ("abababab", Refusal.PASSWORD_GUESSABLE),
        ("20262026", Refusal.PASSWORD_GUESSABLE),
    ],
)
def test_a_new_password_is_neither_short_nor_the_first_to_be_guessed(typed: str, why: Refusal) -> None:
    assert refusal(new_operator("2026", "李芳", Right.CLERK, Password(typed), os.urandom)) is why


def test_a_good_password_of_eight_characters_will_do() -> None:
    assert isinstance(
        new_operator("01", "李芳", Right.CLERK, Password("开门吧芝麻2026"), os.urandom), Operator
    )


@pytest.mark.parametrize(
    "cost", [(0, 8, 1), (3, 8, 1), (1 << 21, 8, 1), (16, 0, 1), (16, 33, 1), (16, 8, 17)]
)
def test_a_cost_that_would_take_the_machine_is_none(cost: tuple[int, int, int]) -> None:
    with pytest.raises(FormatError):
        Cost(*cost)


# Who there is


@pytest.mark.parametrize("number", ["", "123456789", "0x1", "１２", "-1", "1 "])
def test_an_operators_number_is_one_to_eight_digits(number: str) -> None:
    with pytest.raises(FormatError):
        somebody(number)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 41, " 李芳"])
def test_an_operators_name_is_a_short_line(name: str) -> None:
    with pytest.raises(FormatError):
        somebody(name=name)


def test_the_first_operator_is_a_supervisor_and_the_last_supervisor_stays(tmp_path: Path) -> None:
    path = tmp_path / "operators.json"

    assert refusal(add_operator(path, somebody("07", Right.CLERK))) is Refusal.FIRST_IS_SUPERVISOR
    assert not path.exists()
    add_operator(path, somebody())
    assert refusal(remove_operator(path, "01")) is Refusal.LAST_SUPERVISOR
    add_operator(path, somebody("02"))
    assert isinstance(remove_operator(path, "01"), Operators)
    assert [operator.number for operator in read_operators(path)] == ["02"]


def test_two_first_operators_at_once_are_one(file: Path) -> None:
    assert refusal(add_operator(file, somebody("09"), first=True)) is Refusal.NEEDS_SUPERVISOR


def test_a_number_is_given_once_and_an_unknown_one_is_not_removed(file: Path) -> None:
    assert refusal(add_operator(file, somebody("07"))) is Refusal.NUMBER_TAKEN
    assert refusal(remove_operator(file, "08")) is Refusal.NO_SUCH_OPERATOR
    assert refusal(set_password(file, "08", NEXT, os.urandom)) is Refusal.NO_SUCH_OPERATOR


def test_operators_without_a_supervisor_or_with_one_number_twice_are_none() -> None:
    with pytest.raises(FormatError):
        Operators((somebody("07", Right.CLERK),))
    with pytest.raises(FormatError):
        Operators((somebody(), somebody()))


# Wrong passwords


def test_the_right_password_is_recognised_and_a_wrong_one_or_number_is_not_told_apart(file: Path) -> None:
    found = recognise(file, "07", RIGHT, NOON, os.urandom)

    assert isinstance(found, Operator) and (found.name, found.right) == ("王强", Right.CLERK)
    assert refusal(recognise(file, "07", WRONG, NOON, os.urandom)) is Refusal.PASSWORD_WRONG
    assert refusal(recognise(file, "08", RIGHT, NOON, os.urandom)) is Refusal.PASSWORD_WRONG


def test_a_wrong_number_takes_the_time_of_a_hash_too(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    costs: list[Cost] = []

    def noted(password: Password, salt: bytes, cost: Cost) -> bytes:
        costs.append(cost)
        return digest_of(password, salt, cost)

    monkeypatch.setattr(passwords, "digest_of", noted)
    recognise(file, "08", RIGHT, NOON, os.urandom)

    assert costs == [CHEAP]


@pytest.mark.parametrize(
    ("wrong", "wait"),
    [(4, 0), (5, 30), (6, 60), (7, 120), (8, 240), (11, 1920), (12, 3600), (40, 3600), (10**6, 3600)],
)
def test_the_wait_grows_with_each_wrong_password(wrong: int, wait: int) -> None:
    tried = Operator("07", "王强", Right.CLERK, hash_of(RIGHT, os.urandom), wrong, NOON)

    assert tried.wait(NOON) == timedelta(seconds=wait)
    assert tried.wait(NOON + timedelta(seconds=wait)) == timedelta(0)


def test_after_five_wrong_ones_even_the_right_one_must_wait_and_then_all_is_forgotten(file: Path) -> None:
    assert refusal(tries(file, FREE_TRIES)) is Refusal.PASSWORD_WRONG

    held = tries(file, 1, RIGHT, NOON + timedelta(seconds=9.5))
    assert held == NotAllowed(Refusal.HELD_BACK, "07", 21)
    assert isinstance(tries(file, 1, RIGHT, NOON + FIRST_WAIT), Operator)
    assert read_operators(file).find("07") == recognise(file, "07", RIGHT, NOON, os.urandom)


def test_a_wrong_one_after_the_wait_doubles_it_and_a_try_within_it_costs_nothing(file: Path) -> None:
    tries(file, FREE_TRIES)
    tries(file, 3, now=NOON + timedelta(seconds=1))
    later = NOON + FIRST_WAIT

    assert refusal(tries(file, 1, now=later)) is Refusal.PASSWORD_WRONG
    assert tries(file, 1, now=later) == NotAllowed(Refusal.HELD_BACK, "07", 60)


def test_one_operators_wrong_passwords_do_not_hold_back_another(file: Path) -> None:
    tries(file, FREE_TRIES + 1)

    assert isinstance(recognise(file, "01", RIGHT, NOON, os.urandom), Operator)


def test_the_wrong_one_counts_before_it_is_looked_at(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(operators_file, "is_password_of", killed)
        with pytest.raises(KeyboardInterrupt):
            tries(file, 1)

    operator = read_operators(file).find("07")
    assert operator is not None and operator.wrong == 1


def test_guessing_with_many_hands_at_once_wins_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []

    def slow(*_: object) -> bool:
        looked_at.append(1)
        gate.wait(0.2)
        return False

    gate = threading.Event()
    monkeypatch.setattr(operators_file, "is_password_of", slow)
    hands = [threading.Thread(target=tries, args=(file, 1)) for _ in range(12)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()

    assert len(looked_at) == FREE_TRIES


def test_a_clock_set_back_lets_nobody_wait_for_a_year_that_never_was(file: Path) -> None:
    tries(file, FREE_TRIES, now=NOON + timedelta(days=365))

    assert refusal(tries(file, 1)) is Refusal.PASSWORD_WRONG
    held = tries(file, 1)
    assert isinstance(held, NotAllowed) and held.wait_s <= LONGEST_WAIT.seconds


def test_a_new_password_ends_the_wait_and_the_old_one(file: Path) -> None:
    tries(file, FREE_TRIES)

    set_password(file, "07", NEXT, os.urandom)

    assert isinstance(tries(file, 1, NEXT), Operator)
    assert refusal(tries(file, 1, RIGHT)) is Refusal.PASSWORD_WRONG


@pytest.mark.parametrize("password", [Password("1234567"), Password("12345678")])
def test_a_new_password_must_be_a_good_one(password: Password, file: Path) -> None:
    before = file.read_bytes()

    assert isinstance(set_password(file, "07", password, os.urandom), NotAllowed)
    assert file.read_bytes() == before


def test_a_raised_cost_reaches_old_hashes_at_their_next_right_password(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised = Cost(32, 1, 1)
    monkeypatch.setattr(passwords, "COST", raised)

    tries(file, 1, WRONG)
    assert {operator.password.cost for operator in read_operators(file)} == {CHEAP}
    tries(file, 1, RIGHT)

    clerk = read_operators(file).find("07")
    assert clerk is not None and clerk.password.cost == raised
    assert isinstance(tries(file, 1, RIGHT), Operator)


def test_a_password_changed_while_it_was_looked_at_lets_nobody_in_with_the_old_one(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def matches(operator: Operator | None, password: Password, random_bytes: object) -> bool:
        set_password(file, "07", NEXT, os.urandom)
        return True

    with monkeypatch.context() as patch:
        patch.setattr(operators_file, "is_password_of", matches)
        tries(file, 1, RIGHT)

    assert isinstance(tries(file, 1, NEXT), Operator)


# The file


def test_what_is_written_is_read_back_and_only_the_owner_may_see_it(file: Path) -> None:
    tries(file, 2)

    found = read_operators(file)

    assert [(one.number, one.name, one.right, one.wrong) for one in found] == [
        ("01", "李芳", Right.SUPERVISOR, 0),
        ("07", "王强", Right.CLERK, 2),
    ]
    assert file.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in file.parent.iterdir()) == [".operators.json.lock", "operators.json"]


def test_no_file_is_no_operators(tmp_path: Path) -> None:
    assert not read_operators(tmp_path / "operators.json")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o666])
def test_a_file_others_can_read_or_write_is_refused(mode: int, file: Path) -> None:
    file.chmod(mode)

    assert fault_of(file) is OperatorsFault.NOT_PRIVATE


@pytest.mark.parametrize(("mode", "passes"), [(0o777, False), (0o770, False), (0o755, True), (0o1777, True)])
def test_so_is_one_in_a_folder_where_others_can_replace_it(mode: int, passes: bool, file: Path) -> None:
    file.parent.chmod(mode)

    if passes:
        assert len(read_operators(file)) == 2
    else:
        assert fault_of(file) is OperatorsFault.NOT_PRIVATE


def test_one_of_another_owner_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = file.stat().st_uid
    monkeypatch.setattr(private_file.os, "geteuid", lambda: owner + 1)
    if owner == 0:
        os.chown(file, 12345, -1)

    assert fault_of(file) is OperatorsFault.NOT_PRIVATE


def test_a_flipped_bit_anywhere_is_noticed_or_means_nothing(file: Path) -> None:
    whole = file.read_bytes()
    operators = read_operators(file)
    noticed = 0

    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            assert read_operators(file) == operators, place
        except OperatorsTrouble as trouble:
            assert trouble.__cause__ is None
            noticed += 1

    assert noticed > len(whole) // 2


def test_a_file_cut_short_is_damaged_and_left_as_it_is(file: Path) -> None:
    whole = file.read_bytes().rstrip()

    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        assert fault_of(file) is OperatorsFault.DAMAGED, length
    assert file.read_bytes() == whole[:-1]


@pytest.mark.parametrize(
    "content", [b"[]", b"null", b'"x"', b"\xff\xfe", b"{}", b"[" * 100_000, b'{"format": 1, "version": 2}']
)
def test_what_is_no_file_of_operators_is_damaged(content: bytes, file: Path) -> None:
    file.write_bytes(content)

    assert fault_of(file) is OperatorsFault.DAMAGED


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("number", "7x"),
        ("name", "a\nb"),
        ("right", "owner"),
        ("wrong", -1),
        ("wrong", 3),
        ("wrong_at", "2026-01-05T12:00:00+08:00"),
        ("password", {"function": "md5", "digest": "00"}),
        ("password", {"function": "scrypt", "n": 1 << 30, "r": 8, "p": 1, "salt": "00", "digest": "00"}),
    ],
)
def test_an_operator_who_cannot_be_is_damage_even_with_a_right_check(
    field: str, value: object, file: Path
) -> None:
    whole = json.loads(file.read_bytes())
    whole["operators"][0][field] = value
    if field == "wrong_at":
        whole["operators"][0]["wrong"] = 1
    whole["check"] = operators_file._check_of(whole["operators"])
    file.write_text(json.dumps(whole), "utf-8")

    assert fault_of(file) is OperatorsFault.DAMAGED


def test_a_newer_programs_file_is_refused_and_left_as_it_is(file: Path) -> None:
    whole = json.loads(file.read_bytes()) | {"version": 2, "more": "things"}
    file.write_text(json.dumps(whole), "utf-8")
    before = file.read_bytes()

    assert fault_of(file) is OperatorsFault.TOO_NEW
    with pytest.raises(OperatorsTrouble):
        add_operator(file, somebody("09"))
    assert file.read_bytes() == before


@pytest.mark.parametrize("step", ["open", "fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_no_draft(
    step: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file.read_bytes()
    whole_open = os.open

    def full(*arguments: object, **_: object) -> int:
        if step == "open" and ".new" not in str(arguments[0]):
            return whole_open(*arguments)  # type: ignore[arg-type]
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        if step == "replace":
            patch.setattr(Path, "replace", full)
        else:
            patch.setattr(private_file.os, step, full)
        with pytest.raises(OSError, match="No space"):
            add_operator(file, somebody("09"))

    assert file.read_bytes() == before
    assert sorted(path.name for path in file.parent.iterdir()) == [".operators.json.lock", "operators.json"]


def test_the_draft_of_a_killed_process_is_in_nobodys_way(file: Path) -> None:
    draft = file.with_name(".operators.json.new")
    draft.write_text("half a file")

    add_operator(file, somebody("09"))

    assert len(read_operators(file)) == 3
    assert not draft.exists()


def test_content_and_name_reach_the_disk_before_a_change_counts(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    real_sync, real_replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        steps.append("folder" if Path(f"/proc/self/fd/{descriptor}").resolve() == file.parent else "content")
        real_sync(descriptor)

    def replaced(draft: Path, target: Path) -> Path:
        steps.append("rename")
        return real_replace(draft, target)

    monkeypatch.setattr(private_file.os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    change_operators(file, lambda operators: operators)

    assert steps == ["content", "rename", "folder"]


def test_a_hash_of_another_length_is_none() -> None:
    with pytest.raises(FormatError):
        PasswordHash(CHEAP, bytes(15), bytes(32))
