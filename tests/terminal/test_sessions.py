"""Who is signed in: until signing out, a time without use, a clock set back, a new password, or a touched file."""

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sscard_terminal.terminal.operators import NotAllowed, Operator, Operators, Refusal, Right
from sscard_terminal.terminal.passwords import Cost, Password, hash_of
from sscard_terminal.terminal.sessions import begin_session, end_session, signed_in

NOON = datetime(2026, 1, 5, 12)
IDLE = timedelta(minutes=15)
CLERK = Operator("07", "王强", Right.CLERK, hash_of(Password("open sesame 1"), os.urandom, Cost(16, 1, 1)))
CHIEF = Operator(
    "01", "李芳", Right.SUPERVISOR, hash_of(Password("open sesame 2"), os.urandom, Cost(16, 1, 1))
)
EVERYONE = Operators((CHIEF, CLERK))


@pytest.fixture
def session(tmp_path: Path) -> Path:
    path = tmp_path / "session.json"
    begin_session(path, CLERK, NOON)
    return path


def after(path: Path, minutes: float, operators: Operators = EVERYONE) -> Operator | NotAllowed:
    return signed_in(path, operators, NOON + timedelta(minutes=minutes), IDLE)


def test_whoever_signed_in_is_there_and_the_file_is_the_owners_alone(session: Path) -> None:
    assert after(session, 1) == CLERK
    assert session.stat().st_mode & 0o777 == 0o600


def test_nobody_is_there_before_signing_in_and_after_signing_out(session: Path, tmp_path: Path) -> None:
    assert after(tmp_path / "other.json", 0) == NotAllowed(Refusal.NOT_SIGNED_IN)
    assert end_session(session)
    assert after(session, 0) == NotAllowed(Refusal.NOT_SIGNED_IN)
    assert not end_session(session)


def test_a_session_ends_after_the_time_without_use_and_for_good(session: Path) -> None:
    assert after(session, 15) == NotAllowed(Refusal.TIMED_OUT, "07")
    assert after(session, 0) == NotAllowed(Refusal.NOT_SIGNED_IN)


def test_every_use_begins_the_time_anew(session: Path) -> None:
    found = [after(session, minutes) for minutes in range(10, 500, 10)]

    assert set(found) == {CLERK}
    assert isinstance(after(session, 490 + 15), NotAllowed)


def test_a_use_within_seconds_does_not_touch_the_disk(session: Path) -> None:
    before = session.stat().st_mtime_ns

    after(session, 0.1)

    assert session.stat().st_mtime_ns == before


@pytest.mark.parametrize(("minutes", "stays"), [(-1, True), (-3, False), (-60 * 24 * 365, False)])
def test_a_clock_that_was_set_back_ends_it(minutes: float, stays: bool, session: Path) -> None:
    found = after(session, minutes)

    assert found == (CLERK if stays else NotAllowed(Refusal.CLOCK_WENT_BACKWARDS, "07"))
    assert session.exists() == stays


def test_a_new_password_or_a_removed_operator_ends_it(session: Path, tmp_path: Path) -> None:
    renewed = Operator(
        "07", "王强", Right.CLERK, hash_of(Password("another door"), os.urandom, Cost(16, 1, 1))
    )

    assert after(session, 1, Operators((CHIEF, renewed))) == NotAllowed(Refusal.SESSION_VOID, "07")
    begin_session(session, CLERK, NOON)
    assert after(session, 1, Operators((CHIEF,))) == NotAllowed(Refusal.SESSION_VOID, "07")


def test_the_right_is_the_one_the_operator_has_now(session: Path) -> None:
    raised = Operator("07", "王强", Right.SUPERVISOR, CLERK.password)

    found = after(session, 1, Operators((CHIEF, raised)))

    assert isinstance(found, Operator) and found.is_supervisor


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("number", "01"),
        ("used", "2026-01-05T13:00:00"),
        ("began", "2026-01-05T13:00:00"),
        ("used", "2026-01-05T12:00:00+08:00"),
        ("seal", "00" * 32),
        ("seal", "密"),
        ("used", None),
    ],
)
def test_a_session_made_by_hand_is_none(field: str, value: object, session: Path) -> None:
    session.write_text(json.dumps(json.loads(session.read_text()) | {field: value}))

    found = after(session, 30)

    assert isinstance(found, NotAllowed) and found.refusal is Refusal.SESSION_VOID
    assert not session.exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_a_damaged_session_is_none(content: bytes, session: Path) -> None:
    session.write_bytes(content)

    assert after(session, 1) == NotAllowed(Refusal.SESSION_VOID)
    assert not session.exists()


def test_a_session_others_can_write_is_none(session: Path) -> None:
    session.chmod(0o666)

    assert after(session, 1) == NotAllowed(Refusal.SESSION_VOID)


def test_signing_in_takes_the_place_of_who_was_there(session: Path) -> None:
    begin_session(session, CHIEF, NOON)

    assert after(session, 1) == CHIEF


def test_neither_password_nor_hash_stands_in_the_session(session: Path) -> None:
    content = session.read_text()

    assert CLERK.password.digest.hex() not in content and CLERK.password.salt.hex() not in content
