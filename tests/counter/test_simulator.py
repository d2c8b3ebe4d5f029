"""The simulator's drawer: cards come, go and fail at a click; the conversation in words; absent where cards are real."""

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from sscard_terminal.card.control.verbs import CutAnswer, Tear
from sscard_terminal.card.memory import RamStore
from sscard_terminal.card.nvm import Nvm
from sscard_terminal.counter.access import CSRF_HEADER
from sscard_terminal.counter.simulator import KEPT
from tests.cards import chip_over
from tests.counter.bench import PracticeHouse
from tests.counter.house import PATIENCE_S, PIN, Browser, House, Pad
from tests.terminal.doubles import OPENING
from tests.torture import oracle
from tests.torture.counterpart import look_at_card


@pytest.fixture
def house(tmp_path: Path) -> Iterator[PracticeHouse]:
    with PracticeHouse(tmp_path) as open_house:
        yield open_house


def order(clerk: Browser, verb: str) -> httpx.Response:
    return clerk.post("/simulator/verb", {"verb": verb})


def state_of(clerk: Browser) -> dict[str, Any]:
    answer = clerk.client.get("/simulator/state")
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json()
    return found


def at_pin(clerk: Browser, total: str = "12.34") -> None:
    """A sale up to the PIN."""
    order(clerk, "insert")
    clerk.until("ready")
    clerk.do("sell", total=total)
    clerk.do("confirm")


def card_of(house: PracticeHouse, name: str) -> oracle.State:
    """What the chip holds, whatever anybody was told."""
    return look_at_card(house.stores[name].read_all(), "gen2-32k", (PIN,))


# Absent -------------------------------------------------------------------------------------------------


def test_without_a_bench_there_is_no_drawer_and_no_route(tmp_path: Path) -> None:
    with House(tmp_path) as real, real.browser() as browser:
        page = browser.load()
        answers = [
            browser.client.get("/simulator/state"),
            browser.client.get("/simulator/events"),
            browser.post("/simulator/verb", {"verb": "eject"}),
        ]

    assert "simulator" not in page.text
    assert [answer.status_code for answer in answers] == [404, 404, 404]


def test_a_bench_outside_training_is_refused(tmp_path: Path) -> None:
    house = PracticeHouse(tmp_path)
    real = replace(house.fittings.configuration, training=False)

    with pytest.raises(ValueError, match="training"):
        replace(house.fittings, configuration=real)


def test_at_practice_the_page_has_the_drawer(clerk: Browser) -> None:
    page = clerk.load()

    assert 'id="simulator"' in page.text
    assert re.search(r'<script type="module" src="/static/simulator.js">', page.text)
    assert clerk.client.get("/static/simulator.js").is_success


# The verbs ----------------------------------------------------------------------------------------------


def test_cards_are_put_in_taken_out_and_swapped_and_the_till_follows(
    house: PracticeHouse, clerk: Browser
) -> None:
    put_in = order(clerk, "insert").json()
    ready = clerk.until("ready")
    with clerk.listening() as events:
        swapped = order(clerk, "swap other").json()
        other = next(
            value
            for name, value in events
            if name == "state"
            and value["step"] == "ready"
            and value["panel"]["number"] != ready["panel"]["number"]
        )
    taken_out = order(clerk, "eject").json()
    clerk.until("insert-card")

    assert (put_in["name"], put_in["is_in"]) == ("zhang-san", True)
    assert other["panel"]["name"] == "张*"
    assert (swapped["name"], taken_out["is_in"]) == ("other", False)
    assert "李四" in taken_out["line"]


@pytest.mark.parametrize(
    ("before", "verb", "status", "error"),
    [
        ("", "eject", 409, "bench-no-card"),
        ("", "insert nobody", 409, "bench-no-such-card"),
        ("insert", "insert", 409, "bench-card-is-in"),
        ("", "mute for 3 s", 409, "bench-no-card"),
        ("insert", "mute for 0 s", 422, "verb"),
        ("insert", "cut answer after ten bytes", 422, "verb"),
        ("insert", "tear after-write -1", 422, "verb"),
        ("", "", 422, "verb"),
        ("", "insert\n\x1b[2J", 422, "verb"),
        ("", "insert " + "x" * 300, 422, "request"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence_and_changes_nothing(
    house: PracticeHouse, clerk: Browser, before: str, verb: str, status: int, error: str
) -> None:
    if before:
        house.say(before)
    standing = house.bench.standing

    answer = order(clerk, verb)

    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert "not charged" in answer.json()["sentence"]
    assert house.bench.standing == standing


@pytest.mark.parametrize("body", [{}, {"verb": 1}, {"verb": ["eject"]}, {"verb": "eject", "more": 1}, []])
def test_a_body_that_is_none_of_ours_is_refused(clerk: Browser, body: Any) -> None:
    answer = clerk.client.post(
        "/simulator/verb", json=body, headers={"Origin": clerk.origin, CSRF_HEADER: clerk.csrf}
    )

    assert answer.status_code == 422


def test_the_drawer_stands_behind_the_same_wall_as_the_counter(house: PracticeHouse, clerk: Browser) -> None:
    with house.browser() as stranger:
        unknown = [stranger.client.get(f"/simulator/{path}") for path in ("state", "events")]
        stranger.load()
        no_token = stranger.client.post(
            "/simulator/verb", json={"verb": "insert"}, headers={"Origin": stranger.origin}
        )
    elsewhere = clerk.post("/simulator/verb", {"verb": "insert"}, Origin="http://evil.example")

    assert [answer.status_code for answer in unknown] == [403, 403]
    assert (no_token.status_code, elsewhere.status_code) == (403, 403)
    assert not house.bench.standing.is_in


# Faults in a sale ---------------------------------------------------------------------------------------


DEBIT = bytes.fromhex("B02C0100")


@pytest.mark.parametrize("writes", range(5))
def test_a_card_torn_in_a_debit_ends_in_the_truth_and_keeps_the_cards_law(
    house: PracticeHouse, clerk: Browser, pad: Pad, writes: int
) -> None:
    at_pin(clerk)
    house.at = DEBIT, Tear(writes)

    pad.enter(PIN)
    seen = clerk.look()
    standing = state_of(clerk)["standing"]
    order(clerk, "insert")
    asked = clerk.until("enter-pin" if writes == 0 else "done")
    if asked["step"] == "enter-pin":
        pad.enter(PIN)
    truth = clerk.look()
    house.close()

    held = card_of(house, "zhang-san")
    charged = [entry.sale.amounts.account for entry in house.entries() if entry.tac is not None]
    assert not standing["is_in"]
    assert (seen["step"], seen["money"]) == ("to-be-verified", "to-be-verified")
    assert truth["step"] == "done"
    assert oracle.keeps_the_law(OPENING, held)
    assert sum(charged) == OPENING - held["balance"] == (0 if writes == 0 else 1234)


def test_an_answer_cut_off_after_a_debit_is_to_be_verified_and_then_charged(
    house: PracticeHouse, clerk: Browser, pad: Pad
) -> None:
    at_pin(clerk)
    house.at = DEBIT, CutAnswer(1)

    pad.enter(PIN)
    seen = clerk.look()
    order(clerk, "insert")
    truth = clerk.until("done")

    assert (seen["step"], seen["money"]) == ("to-be-verified", "to-be-verified")
    assert "charged" in truth["lines"][0]
    assert card_of(house, "zhang-san")["balance"] == OPENING - 1234


def test_a_mute_card_passes_the_deadline_and_moves_no_money_twice(tmp_path: Path) -> None:
    with PracticeHouse(tmp_path, deadline_s=0.4) as house, house.browser() as clerk:
        clerk.load()
        order(clerk, "insert")
        clerk.until("ready")
        order(clerk, "mute for 3600 s")
        ordered = state_of(clerk)["standing"]["ordered"]

        clerk.do("read")
        seen = clerk.look()
        order(clerk, "eject")
        clerk.until("insert-card")
        order(clerk, "insert")
        again = clerk.until("ready")

    assert ordered and "3600" in ordered[0]
    assert seen["step"] == "refused"
    assert again["panel"] is not None
    assert card_of(house, "zhang-san")["balance"] == OPENING


def test_a_reset_by_another_program_ends_nothing_but_the_breath(
    house: PracticeHouse, clerk: Browser, pad: Pad
) -> None:
    at_pin(clerk)

    reset = order(clerk, "reset-by-other")
    pad.enter(PIN)

    assert reset.is_success
    assert clerk.look()["step"] == "done"
    assert card_of(house, "zhang-san")["balance"] == OPENING - 1234


# What is heard ------------------------------------------------------------------------------------------


def test_the_conversation_is_told_in_words_and_without_the_pin(
    house: PracticeHouse, clerk: Browser, pad: Pad
) -> None:
    at_pin(clerk)
    pad.enter(PIN)

    heard = state_of(clerk)["heard"]

    asked = [one["asked"] for one in heard]
    text = "\n".join(f"{one['sent']} {one['asked']} {one['got']} {one['said']}" for one in heard)
    assert "INITIALIZE FOR PURCHASE: key index 1, account 12.34 yuan" in text
    assert any(one.startswith("DEBIT FOR PURCHASE: terminal sequence") for one in asked)
    assert any(one.startswith("card put in: 张三") for one in asked)
    assert {one["kind"] for one in heard} == {"card", "psam", "trainer"}
    assert PIN not in text
    assert "张三" not in text.replace("card put in: 张三", "")
    assert [one["number"] for one in heard] == sorted(one["number"] for one in heard)


def test_both_languages_hear_the_same(house: PracticeHouse, clerk: Browser) -> None:
    order(clerk, "insert")
    clerk.until("ready")
    english = state_of(clerk)

    clerk.post("/clerk/language", {"language": "zh"})
    chinese = state_of(clerk)

    sent = [one["sent"] for one in english["heard"]]
    assert [one["sent"] for one in chinese["heard"]] == sent
    assert chinese["standing"]["line"] == "读卡器中：张三 gen2-32k"
    assert any("选择 SELECT" in one["asked"] for one in chinese["heard"])


def test_what_happens_is_told_as_it_happens(house: PracticeHouse, clerk: Browser) -> None:
    told: list[str] = []
    with clerk.listening("/simulator/events") as events:
        for name, value in events:
            if name == "standing" and not told:
                house.say("insert")
            told.append(name)
            if name == "heard" and any("SELECT" in one["asked"] for one in value["heard"]):
                break
            assert len(told) < 50

    assert told[:2] == ["standing", "heard"]


def test_a_card_that_lost_its_contact_is_told_to_be_out(house: PracticeHouse, clerk: Browser) -> None:
    house.say("insert", "cut answer after 3 bytes")

    standings = []
    with clerk.listening("/simulator/events") as events:
        for name, value in events:
            if name == "standing":
                standings.append(value["standing"]["is_in"])
                if not standings[-1]:
                    break

    assert standings[-1] is False


def test_only_so_much_is_kept(house: PracticeHouse) -> None:
    house.close()
    for _ in range(KEPT):
        house.say("insert", "eject")

    kept = house.bench.hearing.since(0)

    assert len(kept) == KEPT
    assert kept[-1].number > 2 * KEPT, "the PSAM's power-on was heard first"


def test_a_listener_ends_with_the_server(house: PracticeHouse, clerk: Browser) -> None:
    with clerk.listening("/simulator/events") as events:
        next(events)
        began = time.monotonic()
        house.close()
        rest = list(events)

    assert time.monotonic() - began < PATIENCE_S
    assert all(name in ("heard", "standing") for name, _ in rest)


def test_after_a_tear_the_memory_is_a_card_again(house: PracticeHouse) -> None:
    house.say("insert", "tear after-write 1")
    card = house.slot.open()
    with pytest.raises(Exception, match="empty"):
        card.transmit(_wrong_pin())

    house.say("insert")

    tries = house.slot.open().transmit(_wrong_pin()).sw
    assert tries == 0x63C1
    assert Nvm(RamStore(house.stores["zhang-san"].read_all())) is not None
    assert chip_over(RamStore(house.stores["zhang-san"].read_all())).respond(bytes.fromhex("0020000000"))


def _wrong_pin() -> Any:
    from sscard_terminal.iso7816.apdu import CommandApdu

    return CommandApdu.parse(bytes.fromhex("0020000003999999"))
