"""The kiosk: the holder alone, with their own balance, details and PIN, and nothing of them once they are gone."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.counter.kiosk import IDLE_S, WARNING_S
from sscard_terminal.reader.connection import LinkReason
from tests.counter.house import PATIENCE_S, PIN, Browser, House, Watch
from tests.terminal.doubles import another_card, answer_lost

NAME = "张*"
BALANCE = "100.00"


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def house(tmp_path: Path, watch: Watch) -> Iterator[House]:
    with House(tmp_path, now=watch, is_kiosk=True) as open_house:
        yield open_house


@dataclass
class Screen:
    """The kiosk's own browser."""

    browser: Browser

    def load(self, language: str = "") -> str:
        answer = self.browser.client.get("/kiosk" + (f"?language={language}" if language else ""))
        found = re.search(r'name="csrf" content="([^"]+)"', answer.text)
        assert found is not None, answer.text
        self.browser.csrf = found[1]
        return answer.text

    def state(self) -> dict[str, Any]:
        answer = self.browser.client.get("/kiosk/state")
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def do(self, what: str, **body: Any) -> httpx.Response:
        return self.browser.post(f"/kiosk/{what}", {"number": self.state()["number"], **body})

    def enter(self, digits: str) -> None:
        for digit in digits:
            assert self.do("digit", at=self.state()["digits"], digit=int(digit)).is_success
        assert self.do("ok").is_success

    def until(self, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        give_up = time.monotonic() + PATIENCE_S
        while not is_so(state := self.state()):
            assert time.monotonic() < give_up, state
            time.sleep(0.05)
        return state

    def at(self, step: str) -> dict[str, Any]:
        return self.until(lambda state: state["step"] == step)


@pytest.fixture
def screen(house: House) -> Iterator[Screen]:
    with house.browser() as browser:
        kiosk = Screen(browser)
        kiosk.load()
        yield kiosk


@pytest.fixture
def served(house: House, screen: Screen) -> Screen:
    """A card is in and read."""
    house.reader.insert()
    screen.at("ready")
    return screen


def of_holder(state: dict[str, Any]) -> str:
    """Everything a state tells, to be searched for what is the holder's."""
    return json.dumps(state, ensure_ascii=False)


# Services -------------------------------------------------------------------------------------------------


def test_the_balance_shows_after_the_pin_and_not_before(served: Screen) -> None:
    served.do("ask", purpose="balance")
    before = served.at("enter-pin")

    served.enter(PIN)

    after = served.at("done")
    assert (before["balances"], before["name"]) == (None, NAME)
    assert after["balances"][0] == {"says": "Balance", "yuan": BALANCE}


def test_the_details_are_the_cards_own_log(house: House, screen: Screen) -> None:
    house.sold_while_closed()
    screen.load()
    house.reader.insert()
    screen.at("ready")
    screen.do("ask", purpose="details")

    screen.enter(PIN)

    (line,) = screen.at("done")["details"]
    assert (line["kind"], line["account"], line["self_paid"], line["pooled"]) == (
        "purchase",
        "12.34",
        "20.00",
        "80.00",
    )
    assert line.keys() == {"at", "kind", "account", "self_paid", "pooled"}


def test_the_holder_changes_the_pin_typing_the_new_one_twice(house: House, served: Screen) -> None:
    served.do("ask", purpose="change-pin")
    for digits in (PIN, "246813", "246813"):
        served.enter(digits)

    assert served.at("done")["line"] == "PIN changed"
    card = house.goods.insert()
    card.enter_ssse()
    assert type(card.verify_pin(Pin("246813"))).__name__ == "Accepted"


def test_a_wrong_pin_is_told_with_the_tries_left_and_the_last_one_with_a_warning(served: Screen) -> None:
    served.do("ask", purpose="balance")

    served.enter("000000")
    first = served.state()
    served.enter("000000")
    second = served.state()
    served.enter("000000")
    locked = served.at("refused")

    assert first["tries"] == "PIN tries left: 2"
    assert "lock" in "".join(second["lines"])
    assert locked["lines"] != [] and locked["may"] == ["next", "finish"]


def test_after_one_service_another_one_asks_for_the_pin_again(served: Screen) -> None:
    served.do("ask", purpose="balance")
    served.enter(PIN)

    served.do("next")
    served.do("ask", purpose="details")

    assert served.at("enter-pin")["balances"] is None


def test_a_kiosk_sells_nothing(served: Screen) -> None:
    assert served.do("ask", purpose="sale").status_code == 422
    assert served.do("ask", purpose="recover").status_code == 422


# Nobody but the holder ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["/clerk/state", "/clerk/session", "/clerk/day", "/clerk/settings", "/pad", "/pad/state", "/window"],
)
def test_a_kiosk_has_no_clerk_no_pad_and_no_window(screen: Screen, path: str) -> None:
    assert screen.browser.client.get(path).status_code == 404


def test_a_counter_has_no_kiosk(tmp_path: Path) -> None:
    with House(tmp_path) as counter, counter.browser() as browser:
        assert browser.client.get("/kiosk").status_code == 404
        assert browser.client.get("/kiosk/state").status_code == 404


def test_the_front_door_of_a_kiosk_leads_to_its_page(screen: Screen) -> None:
    answer = screen.browser.client.get("/", follow_redirects=True)

    assert answer.url.path == "/kiosk" and "Insert" not in answer.headers.get("location", "")


def test_another_browser_that_has_no_page_sees_and_does_nothing(house: House, served: Screen) -> None:
    with house.browser() as stranger:
        seen = [stranger.client.get(f"/kiosk/{path}").status_code for path in ("state", "events")]
        done = stranger.post("/kiosk/ask", {"number": served.state()["number"], "purpose": "balance"})

    assert (seen, done.status_code) == ([401, 401], 401)
    assert served.state()["step"] == "ready"


def test_what_is_done_without_the_pages_csrf_token_is_refused(served: Screen) -> None:
    served.browser.csrf = "guessed"

    assert served.do("ask", purpose="balance").status_code == 401
    assert served.state()["step"] == "ready"


def test_a_page_loaded_anew_takes_the_place_of_the_one_before(house: House, served: Screen) -> None:
    with house.browser() as browser:
        Screen(browser).load()

        assert served.browser.client.get("/kiosk/state").status_code == 401


# The holder is gone ---------------------------------------------------------------------------------------


def finish_balance(screen: Screen) -> dict[str, Any]:
    screen.do("ask", purpose="balance")
    screen.enter(PIN)
    return screen.at("done")


def test_a_card_taken_takes_everything_of_its_holder_along(house: House, served: Screen) -> None:
    seen = of_holder(finish_balance(served))

    house.reader.remove()

    start = served.at("insert-card")
    assert NAME in seen and BALANCE in seen
    assert NAME not in of_holder(start) and BALANCE not in of_holder(start)
    assert start["may"] == []


def test_finish_shows_nothing_any_more_though_the_card_is_still_in(served: Screen) -> None:
    finish_balance(served)

    after = served.do("finish").json()

    assert (after["step"], after["line"]) == ("finished", "Thank you; please take your card")
    assert NAME not in of_holder(after) and BALANCE not in of_holder(after)
    assert served.do("next").status_code == 409
    assert served.do("ask", purpose="balance").status_code == 409


def test_a_holder_who_is_still_there_goes_on_with_the_card_and_types_the_pin_again(served: Screen) -> None:
    finish_balance(served)
    served.do("finish")

    served.do("again")

    state = served.at("ready")
    assert (state["balances"], state["name"]) == (None, NAME)


def test_without_a_key_for_a_minute_the_holder_has_gone(served: Screen, watch: Watch) -> None:
    finish_balance(served)

    watch.pass_(IDLE_S)

    state = served.at("timed-out")
    assert NAME not in of_holder(state) and BALANCE not in of_holder(state)


@pytest.mark.parametrize("typed", ["", "123"])
def test_a_pin_half_typed_goes_with_its_holder(served: Screen, watch: Watch, typed: str) -> None:
    served.do("ask", purpose="change-pin")
    served.enter(PIN)
    for digit in typed:
        served.do("digit", at=served.state()["digits"], digit=int(digit))

    watch.pass_(IDLE_S)

    state = served.at("timed-out")
    assert (state["stage"], state["digits"], state["typed"]) == ("nothing", 0, "")


def test_the_holder_is_asked_before_the_time_is_up_and_may_stay(served: Screen, watch: Watch) -> None:
    finish_balance(served)
    watch.pass_(IDLE_S - WARNING_S)
    served.until(lambda state: state["warns"])

    stays = served.do("stay").json()
    watch.pass_(IDLE_S - WARNING_S - 1)

    assert not stays["warns"]
    assert served.state()["balances"] is not None


def test_the_question_leaves_twenty_seconds_to_answer() -> None:
    assert WARNING_S >= 20


def test_every_key_counts_as_somebody(served: Screen, watch: Watch) -> None:
    served.do("ask", purpose="balance")
    for at, digit in enumerate(PIN):
        watch.pass_(WARNING_S)
        served.do("digit", at=at, digit=int(digit))

    assert served.do("ok").json()["step"] == "done"


def test_the_next_holder_is_not_greeted_in_the_last_ones_language(house: House, served: Screen) -> None:
    served.load("zh")
    served.until(lambda state: state["line"] == "请选择业务")

    house.reader.remove()

    assert served.at("insert-card")["language"] == "en"


def test_a_card_swapped_while_its_holder_is_served_shows_nothing_of_either(
    house: House, served: Screen
) -> None:
    served.do("ask", purpose="balance")
    house.goods.card = another_card()

    served.enter(PIN)

    state = served.at("refused")
    assert state["balances"] is None and "100.00" not in of_holder(state)


def test_a_reader_that_is_away_is_out_of_order_and_says_where_to_go(house: House, screen: Screen) -> None:
    house.reader.trouble = LinkReason.NO_SERVICE

    screen.until(lambda state: "counter" in state["line"])


def test_a_kiosk_page_of_before_a_restart_is_told_to_load_anew(house: House, served: Screen) -> None:
    kept = dict(served.browser.client.cookies)

    house.close()
    house.open()

    with house.browser() as browser:
        browser.client.cookies.update(kept)
        assert browser.client.get("/kiosk/state").status_code == 401


def test_a_sale_left_open_elsewhere_in_the_journal_is_settled_here_too(house: House, screen: Screen) -> None:
    house.sold_while_closed(answer_lost(LinkReason.CARD_REMOVED))
    screen.load()
    house.reader.insert()
    asked = screen.at("enter-pin")

    screen.enter(PIN)

    assert "charges nothing" in "".join(asked["lines"])
    assert screen.at("done")["line"] == "Your earlier sale is settled"
