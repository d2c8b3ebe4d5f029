"""The customer's pad: paired by a code, heard by the counter alone, and soon forgetful."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.counter.pairing import CODE_LASTS_S, CODE_TRIES, HELD_S, PAUSE_S
from tests.counter.house import PATIENCE_S, PIN, Browser, House, Pad, Watch
from tests.terminal.doubles import OPENING


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def house(tmp_path: Path, watch: Watch) -> Iterator[House]:
    with House(tmp_path, now=watch) as open_house:
        yield open_house


def ask_for_pin(house: House, clerk: Browser) -> None:
    house.reader.insert()
    clerk.until("ready")
    clerk.do("sell", total="12.34")
    clerk.do("confirm")


def until(pad: Pad, **wanted: Any) -> dict[str, Any]:
    """The pad's state as soon as it is so."""
    give_up = time.monotonic() + PATIENCE_S
    while True:
        state = pad.state()
        if all(state[name] == value for name, value in wanted.items()):
            return state
        assert time.monotonic() < give_up, state
        time.sleep(0.05)


# Pairing --------------------------------------------------------------------------------------------------


def refusal(browser: Browser, code: str) -> tuple[int, str]:
    answer = browser.post("/pad/pair", {"code": code})
    return answer.status_code, answer.json()["error"]


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def test_a_wrong_code_pairs_nothing_and_a_few_of_them_spoil_the_right_one(
    house: House, clerk: Browser
) -> None:
    code = clerk.post("/clerk/pad-code").json()["code"]

    with house.browser() as guesser:
        guesses = [refusal(guesser, other_than(code)) for _ in range(CODE_TRIES)]

        assert guesses == [(403, "code-wrong")] * CODE_TRIES
        assert refusal(guesser, code) == (403, "no-code")
        assert guesser.client.get("/pad/state").status_code == 401


def test_a_code_is_good_for_two_minutes(house: House, clerk: Browser, watch: Watch) -> None:
    code = clerk.post("/clerk/pad-code").json()["code"]

    watch.pass_(CODE_LASTS_S)

    with house.browser() as late:
        assert refusal(late, code) == (403, "no-code")


def test_a_code_is_good_once(house: House, clerk: Browser, pad: Pad) -> None:
    code = clerk.post("/clerk/pad-code").json()["code"]
    with house.browser() as first, house.browser() as second:
        Pad.paired(first, code)

        assert refusal(second, code) == (403, "no-code")


def test_codes_are_tried_so_often_a_minute_whoever_tries(house: House, clerk: Browser) -> None:
    with house.browser() as guesser:
        answers = [refusal(guesser, "000000") for _ in range(11)]

    assert answers[:10] == [(403, "no-code")] * 10
    assert answers[10] == (429, "too-many")


def test_a_pad_whose_place_was_taken_or_that_was_unpaired_is_told_so(
    house: House, clerk: Browser, pad: Pad
) -> None:
    ask_for_pin(house, clerk)
    key = {"number": pad.state()["number"], "at": 0, "digit": 1}

    clerk.post("/clerk/unpair")

    answer = pad.browser.post("/pad/digit", key)
    assert (answer.status_code, answer.json()["error"]) == (401, "not-paired")
    assert clerk.look()["step"] == "enter-pin"


def test_a_pad_of_before_a_restart_is_paired_no_more(house: House, clerk: Browser, pad: Pad) -> None:
    kept = dict(pad.browser.client.cookies)

    house.close()
    house.open()

    with house.browser() as browser:
        browser.client.cookies.update(kept)
        assert browser.client.get("/pad/state").status_code == 401


def test_keys_without_the_pads_csrf_token_are_refused(house: House, clerk: Browser, pad: Pad) -> None:
    ask_for_pin(house, clerk)
    pad.browser.csrf = "guessed"

    answer = pad.browser.post("/pad/digit", {"number": pad.state()["number"], "at": 0, "digit": 1})

    assert answer.status_code == 403
    assert pad.state()["digits"] == 0


def test_the_clerks_cookie_opens_no_pad_and_the_pads_no_counter(clerk: Browser, pad: Pad) -> None:
    assert clerk.client.get("/pad/state").status_code == 401
    assert pad.browser.client.get("/clerk/state").status_code == 403


# Keys -----------------------------------------------------------------------------------------------------


def test_digits_out_of_turn_or_for_another_screen_are_not_taken(
    house: House, clerk: Browser, pad: Pad
) -> None:
    ask_for_pin(house, clerk)
    number = pad.state()["number"]

    late = pad.browser.post("/pad/digit", {"number": number, "at": 1, "digit": 1})
    stale = pad.browser.post("/pad/digit", {"number": number - 1, "at": 0, "digit": 1})
    early = pad.browser.post("/pad/ok", {"number": number})

    assert [late.json()["error"], stale.json()["error"], early.json()["error"]] == [
        "out-of-turn",
        "stale",
        "out-of-turn",
    ]
    assert pad.state()["digits"] == 0


@pytest.mark.parametrize("digit", ["7", -1, 10, 1.5, None, [7]])
def test_what_is_no_digit_is_refused_and_not_repeated(
    house: House, clerk: Browser, pad: Pad, digit: object
) -> None:
    ask_for_pin(house, clerk)

    answer = pad.browser.post("/pad/digit", {"number": pad.state()["number"], "at": 0, "digit": digit})

    assert answer.status_code == 422
    assert answer.json().keys() == {"error", "sentence", "money"}


def test_nothing_can_be_typed_while_nothing_is_asked_for(house: House, clerk: Browser, pad: Pad) -> None:
    state = pad.state()

    answer = pad.browser.post("/pad/digit", {"number": state["number"], "at": 0, "digit": 1})

    assert (state["stage"], answer.json()["error"]) == ("nothing", "out-of-turn")


def test_cancel_ends_the_service_and_nothing_was_charged(house: House, clerk: Browser, pad: Pad) -> None:
    ask_for_pin(house, clerk)

    pad.type("12")
    pad.press("cancel")

    assert clerk.look()["step"] == "ready"
    assert house.balance() == OPENING


def test_the_new_pin_is_asked_for_anew_when_the_two_differ(house: House, clerk: Browser, pad: Pad) -> None:
    house.reader.insert()
    clerk.until("ready")
    clerk.do("ask", purpose="change-pin")
    pad.enter(PIN)

    pad.enter("246813")
    differing = pad.enter("246831").json()
    pad.enter("246813")
    pad.enter("246813")

    assert (differing["stage"], differing["says"] != "") == ("new-pin", True)
    card = house.goods.insert()
    card.enter_ssse()
    assert type(card.verify_pin(Pin("246813"))).__name__ == "Accepted"


def test_the_pad_speaks_its_holders_language_and_the_clerk_their_own(clerk: Browser, pad: Pad) -> None:
    page = pad.browser.client.get("/pad?language=zh")

    assert 'lang="zh-CN"' in page.text
    assert pad.state()["line"] == "欢迎"
    assert clerk.look()["line"] == "Insert the card"


# Time-outs ------------------------------------------------------------------------------------------------


def test_digits_nobody_goes_on_with_are_wiped(house: House, clerk: Browser, pad: Pad, watch: Watch) -> None:
    ask_for_pin(house, clerk)
    pad.type("123")

    watch.pass_(PAUSE_S)

    until(pad, digits=0)
    pad.enter(PIN)
    assert clerk.look()["step"] == "done"


def test_a_pause_is_counted_from_the_last_digit(house: House, clerk: Browser, pad: Pad, watch: Watch) -> None:
    ask_for_pin(house, clerk)
    for digit in PIN:
        pad.type(digit)
        watch.pass_(PAUSE_S - 1)

    pad.press("ok")

    assert clerk.look()["step"] == "done"


@pytest.mark.parametrize("typed", [(), ("246813",)])
def test_an_old_pin_is_not_held_longer_than_two_minutes_for_the_new_one(
    house: House, clerk: Browser, pad: Pad, watch: Watch, typed: tuple[str, ...]
) -> None:
    house.reader.insert()
    clerk.until("ready")
    clerk.do("ask", purpose="change-pin")
    pad.enter(PIN)
    for digits in typed:
        pad.enter(digits)

    watch.pass_(HELD_S)

    until(pad, step="ready")


def test_a_pin_is_not_held_longer_than_two_minutes_for_the_rest_in_cash(
    house: House, clerk: Browser, pad: Pad, watch: Watch
) -> None:
    house.reader.insert()
    clerk.until("ready")
    clerk.do("sell", total="500.00")
    clerk.do("confirm")
    pad.enter(PIN)
    asked = clerk.look()["step"]

    watch.pass_(HELD_S)

    until(pad, step="ready")
    assert asked == "rest-in-cash"
    assert house.balance() == OPENING
