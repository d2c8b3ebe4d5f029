"""Who is at the page: signing in, the time-out, the lock, and who answers for what needs a supervisor."""

import secrets
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sscard_terminal.counter import desk
from sscard_terminal.counter.sessions import MOST_SESSIONS, RateLimit, Sessions, sign_in
from sscard_terminal.terminal import passwords
from sscard_terminal.terminal.operators import Operator, Right, new_operator
from sscard_terminal.terminal.operators_file import add_operator, remove_operator
from sscard_terminal.terminal.passwords import Cost, Password
from tests.counter.house import PIN, Browser, House, Pad

CHEAP = Cost(n=16, r=1, p=1)
CLERK, SUPERVISOR = "pharmacy 07 opens", "supervision 01 looks"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A counter with a supervisor 01 and a clerk 07."""
    with House(tmp_path, operators=operators_in(tmp_path, monkeypatch)) as open_house:
        yield open_house


def operators_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a supervisor 01 and a clerk 07, their hashes cheap."""
    monkeypatch.setattr(passwords, "COST", CHEAP)
    folder.chmod(0o700)
    file = folder / "operators.json"
    for number, name, right, word in (
        ("01", "Chen", Right.SUPERVISOR, SUPERVISOR),
        ("07", "Wang", Right.CLERK, CLERK),
    ):
        operator = new_operator(number, name, right, Password(word), secrets.token_bytes)
        assert isinstance(operator, Operator)
        add_operator(file, operator)
    return file


def signed_in(browser: Browser, number: str = "07", word: str = CLERK) -> Browser:
    answer = browser.post("/clerk/sign-in", {"operator": number, "password": word})
    assert answer.is_success, answer.text
    browser.csrf = answer.json()["csrf"]
    return browser


def test_nothing_is_shown_before_somebody_signs_in(clerk: Browser) -> None:
    answers = [
        clerk.client.get(path) for path in ("/clerk/state", "/clerk/events", "/clerk/day", "/clerk/settings")
    ]

    assert [answer.status_code for answer in answers] == [401] * 4
    assert clerk.post("/clerk/pad-code").status_code == 401


def test_a_wrong_password_signs_nobody_in_and_does_not_say_what_was_wrong(clerk: Browser) -> None:
    wrong = clerk.post("/clerk/sign-in", {"operator": "07", "password": "not this one"})
    nobody = clerk.post("/clerk/sign-in", {"operator": "99", "password": "not this one"})

    assert (wrong.status_code, nobody.status_code) == (403, 403)
    assert wrong.json() == nobody.json()


def test_who_signs_in_sells_in_that_name_and_gets_a_new_token(house: House, clerk: Browser) -> None:
    before = clerk.csrf
    signed_in(clerk)
    with house.browser() as customer:
        pad = Pad.paired(customer, clerk.post("/clerk/pad-code").json()["code"])
        house.reader.insert()
        clerk.until("ready")
        clerk.do("sell", total="1.00")
        clerk.do("confirm")
        pad.enter(PIN)

    assert clerk.csrf != before
    assert "07" in clerk.look()["paper"]["text"]
    house.close()
    assert [entry.sale.operator for entry in house.entries()] == ["07"]


def test_a_locked_page_shows_nothing_until_the_password_comes(house: House, clerk: Browser) -> None:
    signed_in(clerk)
    with clerk.listening() as events:
        next(events)
        clerk.post("/clerk/lock")
        names = [name for name, _ in events]

    locked = clerk.client.get("/clerk/state")
    signed_in(clerk)

    assert names[-1] == "gone"
    assert (locked.status_code, locked.json()["error"]) == (401, "locked")
    assert clerk.look()["step"] == "insert-card"


def test_a_session_ends_by_itself_after_idle_minutes(house: House, clerk: Browser) -> None:
    signed_in(clerk)
    minutes = house.fittings.configuration.session_minutes
    sessions = house.desk.sessions
    now = sessions.now
    sessions.now = lambda: now() + minutes * 60

    answer = clerk.client.get("/clerk/state")
    who = clerk.client.get("/clerk/session", headers={"X-CSRF-Token": clerk.csrf}).json()

    assert answer.status_code == 401
    assert (who["operator"], who["ended"]) == (None, "timed-out")


def test_looking_is_no_use_of_a_session_and_doing_is() -> None:
    moment = [0.0]
    house_sessions = Sessions("en", idle=timedelta(seconds=60), now=lambda: moment[0])
    token, session = house_sessions.begin()
    operator = new_operator("07", "Wang", Right.CLERK, Password(CLERK), secrets.token_bytes)
    assert isinstance(operator, Operator)
    sign_in(session, operator)

    moment[0] = 50
    house_sessions.use(session)
    moment[0] = 100
    after_use = house_sessions.find(token)
    still_in = after_use is not None and after_use.operator is not None
    moment[0] = 110
    house_sessions.find(token)

    assert still_in and session.operator is None


def test_an_operator_who_was_removed_is_out_at_once(house: House, clerk: Browser) -> None:
    signed_in(clerk)
    assert house.desk.staff.file is not None
    remove_operator(house.desk.staff.file, "07")

    answer = clerk.client.get("/clerk/state")

    assert answer.status_code == 401


def test_too_many_passwords_in_a_minute_have_to_wait(clerk: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = {"operator": "99", "password": "not this one"}

    codes = [clerk.post("/clerk/sign-in", tries).status_code for _ in range(desk.PASSWORDS_A_MINUTE + 1)]

    assert codes == [403] * desk.PASSWORDS_A_MINUTE + [429]


def test_the_operators_file_counts_wrong_passwords_besides(clerk: Browser) -> None:
    tries = {"operator": "07", "password": "not this one"}
    for _ in range(5):
        clerk.post("/clerk/sign-in", tries)

    held_back = clerk.post("/clerk/sign-in", {"operator": "07", "password": CLERK})

    assert (held_back.status_code, held_back.json()["error"]) == (429, "held-back")


def test_a_void_needs_a_supervisor_and_names_both(house: House, clerk: Browser) -> None:
    signed_in(clerk)
    with house.browser() as customer:
        pad = Pad.paired(customer, clerk.post("/clerk/pad-code").json()["code"])
        house.reader.insert()
        clerk.until("ready")
        clerk.do("sell", total="1.00")
        clerk.do("confirm")
        pad.enter(PIN)

    alone = clerk.post("/clerk/void", {"voucher": "1"})
    by_clerk = clerk.post("/clerk/void", {"voucher": "1", "supervisor": "07", "password": CLERK})
    together = clerk.post("/clerk/void", {"voucher": "1", "supervisor": "01", "password": SUPERVISOR})

    assert (alone.status_code, by_clerk.status_code, together.status_code) == (403, 403, 200)
    house.close()
    (entry,) = house.entries()
    assert (entry.requests[0].event.operator, entry.requests[0].event.supervisor) == ("07", "01")


def test_a_rate_limit_opens_again_as_tries_grow_old() -> None:
    moment = [0.0]
    limit = RateLimit(2, 60.0, lambda: moment[0])

    waits = [limit.wait_s(), limit.wait_s(), limit.wait_s()]
    moment[0] = 60.0

    assert waits == [0, 0, 60] and limit.wait_s() == 0


def test_the_session_used_longest_ago_makes_room() -> None:
    moment = [0.0]
    sessions = Sessions("en", timedelta(minutes=15), lambda: moment[0])
    tokens = []
    for turn in range(MOST_SESSIONS + 1):
        moment[0] = turn
        tokens.append(sessions.begin()[0])

    assert sessions.find(tokens[0]) is None and sessions.find(tokens[1]) is not None
