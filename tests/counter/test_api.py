"""The typed service for shop software: identify, sell once, ask how it stands, what the holder keys a PIN for."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from httpx import Client

from sscard_terminal.counter.desk import TOKENS_A_MINUTE
from sscard_terminal.terminal.outcomes import SaleKind
from sscard_terminal.terminal.programs import Scope, remove_program
from sscard_terminal.terminal.sale_rules import SaleRules
from tests.counter.house import PIN, Browser, House, Pad, Shopware
from tests.terminal.doubles import OPENING

ALL = tuple(Scope)


@pytest.fixture
def shopware(house: House) -> Iterator[Shopware]:
    with house.program(*ALL) as program:
        yield program


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shopware]:
    """One counter for all requests that begin nothing."""
    with House(tmp_path_factory.mktemp("idle")) as house, house.program(*ALL) as program:
        house.reader.insert()
        program.until_ready()
        yield program


@pytest.fixture
def ready(house: House, shopware: Shopware, pad: Pad) -> Pad:
    """A card in the reader and the pad paired."""
    house.reader.insert()
    shopware.until_ready()
    return pad


def begun(shopware: Shopware, request: str = "r1", **order: object) -> None:
    """A sale that waits for the PIN."""
    answer = shopware.sell(request, **order)
    assert (answer.status_code, answer.json()["state"], answer.json()["step"]) == (
        202,
        "at-work",
        "enter-pin",
    ), answer.text


# Identify -----------------------------------------------------------------------------------------------


def test_the_card_is_told_masked(house: House, shopware: Shopware) -> None:
    before = shopware.get("card").json()
    house.reader.insert()

    card = shopware.until_ready()

    assert (before["step"], before["is_in"], before["number"]) == ("insert-card", False, None)
    assert (card["name"], card["number"], card["tries_left"]) == ("张*", "D2****69X", 3)
    assert card["identification"].startswith("370900D156") and card["expires"] == "2032-01-01"


def test_a_card_that_is_not_served_says_why(house: House, shopware: Shopware) -> None:
    house.goods.psam_chip = house.goods.card
    house.goods.psam = house.goods.powered_psam()
    house.reader.insert()

    for _ in range(100):
        card = shopware.get("card").json()
        if card["refusal"]:
            break

    assert card["refusal"]["money"] == "not-charged" and card["refusal"]["sentence"]


# Sell ---------------------------------------------------------------------------------------------------


def test_a_sale_waits_for_the_pin_and_ends_charged(house: House, shopware: Shopware, ready: Pad) -> None:
    with ThreadPoolExecutor(1) as beside:
        asked = beside.submit(
            shopware.sell, "r1", 10.0, account_fen=1234, self_paid_fen=2000, pooled_fen=8000
        )
        _until_pin(ready)
        ready.enter(PIN)
        answer = asked.result()

    sale = answer.json()
    assert answer.status_code == 200
    assert (sale["state"], sale["money"], sale["account_fen"], sale["balance_fen"]) == (
        "charged",
        "charged",
        1234,
        OPENING - 1234,
    )
    assert len(sale["tac"]) == 8 and sale["voucher"] == 1 and sale["refusal"] is None
    assert house.balance() == OPENING - 1234


def _until_pin(pad: Pad) -> None:
    for _ in range(200):
        if pad.state()["stage"] == "pin":
            return
        threading.Event().wait(0.02)
    raise AssertionError("no PIN was asked for")


def test_the_sale_stands_in_the_journal_under_the_program_and_its_request(
    house: House, shopware: Shopware, ready: Pad
) -> None:
    begun(shopware, "2026-01-05:1")
    ready.enter(PIN)
    house.close()

    (entry,) = house.entries()

    assert (entry.sale.operator, entry.sale.request) == ("till-1", "till-1 2026-01-05:1")


def test_a_record_keeping_debit_takes_nothing_from_the_account(
    house: House, shopware: Shopware, ready: Pad
) -> None:
    begun(shopware, kind="record-keeping", total_fen=30000, paid_fen=25000)
    ready.enter(PIN)

    sale = shopware.get("sales/r1", wait_s=10).json()

    assert (sale["kind"], sale["account_fen"], sale["self_paid_fen"]) == (SaleKind.RECORD_KEEPING, 0, 30000)
    assert house.balance() == OPENING


def test_the_rest_in_cash_needs_nobody_where_the_program_says_so(
    house: House, shopware: Shopware, ready: Pad
) -> None:
    begun(shopware, total_fen=OPENING + 500, rest_in_cash=True)
    ready.enter(PIN)

    sale = shopware.get("sales/r1", wait_s=10).json()

    assert (sale["state"], sale["account_fen"], sale["self_paid_fen"]) == ("charged", OPENING, 500)


def test_too_small_a_balance_is_told_with_what_is_missing(shopware: Shopware, ready: Pad) -> None:
    begun(shopware, account_fen=OPENING + 1)
    ready.enter(PIN)

    sale = shopware.get("sales/r1", wait_s=10).json()

    assert (sale["state"], sale["money"]) == ("not-charged", "not-charged")
    assert sale["refusal"]["facts"]["missing_fen"] == 1


def test_a_wrong_pin_may_be_keyed_again(house: House, shopware: Shopware, ready: Pad) -> None:
    begun(shopware)
    ready.enter("999999")
    still = shopware.get("sales/r1").json()
    ready.enter(PIN)

    assert (still["state"], still["step"]) == ("at-work", "enter-pin")
    assert shopware.get("sales/r1", wait_s=10).json()["state"] == "charged"


def test_the_clerk_sees_the_programs_sale_and_may_cancel_it(
    house: House, clerk: Browser, shopware: Shopware, ready: Pad
) -> None:
    begun(shopware)

    state = clerk.look()
    clerk.do("cancel")
    sale = shopware.get("sales/r1").json()

    assert state["step"] == "enter-pin"
    assert (sale["state"], sale["refusal"]["error"]) == ("not-charged", "declined.pin-cancelled")
    assert house.balance() == OPENING


def test_the_program_may_cancel_what_waits_for_people_and_nothing_that_was_paid(
    shopware: Shopware, ready: Pad
) -> None:
    begun(shopware)
    cancelled = shopware.client.delete("/api/v1/sales/r1").json()
    begun(shopware, "r2")
    ready.enter(PIN)
    paid = shopware.client.delete("/api/v1/sales/r2").json()

    assert (cancelled["state"], paid["state"]) == ("not-charged", "charged")


def test_a_card_taken_out_ends_the_sale_not_charged(house: House, shopware: Shopware, ready: Pad) -> None:
    begun(shopware)

    house.reader.remove()

    sale = shopware.get("sales/r1", wait_s=10).json()
    assert (sale["state"], sale["refusal"]["facts"]["link"]) == ("not-charged", "card-removed")


def test_without_a_card_nothing_is_begun_and_the_id_may_be_used_again(
    house: House, shopware: Shopware, pad: Pad
) -> None:
    refused = shopware.sell()
    house.reader.insert()
    shopware.until_ready()

    assert (refused.status_code, refused.json()["error"]) == (409, "no-card")
    begun(shopware)


def test_another_card_than_the_one_meant_is_refused_before_any_pin(shopware: Shopware, ready: Pad) -> None:
    refused = shopware.sell(account_fen=100, card="F" * 32)
    card = shopware.get("card").json()["identification"]

    assert (refused.status_code, refused.json()["error"]) == (409, "declined.card-swapped")
    begun(shopware, account_fen=100, card=card)


def test_the_places_rules_forbid_a_sale_before_the_pin(tmp_path: Path) -> None:
    with House(tmp_path, rules=SaleRules(needs_open_day=True)) as house, house.program(*ALL) as shopware:
        house.reader.insert()
        shopware.until_ready()

        answer = shopware.sell()

    assert (answer.status_code, answer.json()["state"]) == (200, "not-charged")
    assert answer.json()["refusal"]["error"] == "declined.day-not-open"


@pytest.mark.parametrize(
    "order",
    [
        {},
        {"account_fen": 1, "total_fen": 1},
        {"account_fen": 0},
        {"account_fen": -1},
        {"account_fen": 2**32},
        {"account_fen": 1.5},
        {"account_fen": "1"},
        {"account_fen": True},
        {"total_fen": 100, "self_paid_fen": 101},
        {"kind": "record-keeping", "total_fen": 100},
        {"kind": "record-keeping", "total_fen": 100, "paid_fen": 101},
        {"kind": "record-keeping", "total_fen": 100, "paid_fen": 1, "rest_in_cash": True},
        {"kind": "gift", "total_fen": 100},
        {"account_fen": 1, "rest_in_cash": True},
        {"account_fen": 1, "pin": PIN},
        {"account_fen": 1, "card": "x"},
    ],
)
def test_an_order_that_makes_no_sense_is_refused_and_not_quoted(
    idle: Shopware, order: dict[str, object]
) -> None:
    answer = idle.post("sales", {"request": "r1", **order})

    assert answer.status_code == 422
    assert answer.json()["money"] == "not-charged"
    assert PIN not in answer.text
    assert idle.get("sales/r1").status_code == 404


@pytest.mark.parametrize("request_id", ["", "a b", "x" * 65, "../x", "请求", "-x", "a\n", None, 5])
def test_a_request_id_that_is_none_is_refused(idle: Shopware, request_id: object) -> None:
    assert idle.post("sales", {"request": request_id, "account_fen": 1}).status_code == 422


# What the holder keys the PIN for -------------------------------------------------------------------------


def served(shopware: Shopware, pad: Pad, path: str, *pins: str) -> dict[str, object]:
    with ThreadPoolExecutor(1) as beside:
        asked = beside.submit(shopware.post, path, {}, wait_s=10)
        _until_pin(pad)
        for pin in pins:
            assert pad.enter(pin).is_success
        answer = asked.result()
    assert answer.is_success, answer.text
    found: dict[str, object] = answer.json()
    return found


def test_balances_come_after_the_pin(shopware: Shopware, ready: Pad) -> None:
    assert served(shopware, ready, "balance", PIN) == {
        "account_fen": OPENING,
        "self_paid_fen": 0,
        "pooled_fen": 0,
        "year": "2012",
    }


def test_details_stand_beside_the_journal(shopware: Shopware, ready: Pad) -> None:
    begun(shopware)
    ready.enter(PIN)
    shopware.get("sales/r1", wait_s=10)

    (line,) = served(shopware, ready, "details", PIN)["lines"]  # type: ignore[misc]

    assert (line["match"], line["account_fen"], line["voucher"]) == ("same", 1234, 1)


def test_the_holder_changes_the_pin_at_the_pad(house: House, shopware: Shopware, ready: Pad) -> None:
    assert served(shopware, ready, "pin-change", PIN, "246810", "246810") == {"done": True}

    begun(shopware)
    ready.enter("246810")
    assert shopware.get("sales/r1", wait_s=10).json()["state"] == "charged"


def test_a_holder_who_does_not_key_the_pin_ends_the_service(shopware: Shopware, ready: Pad) -> None:
    answer = shopware.post("balance", {}, wait_s=0)

    assert (answer.status_code, answer.json()["error"]) == (409, "declined.pin-entry-timed-out")
    assert shopware.get("card").json()["step"] == "ready"


# Without a card -------------------------------------------------------------------------------------------


def test_a_slip_comes_again_by_voucher_or_request(shopware: Shopware, ready: Pad) -> None:
    begun(shopware)
    ready.enter(PIN)
    shopware.get("sales/r1", wait_s=10)

    by_request, by_voucher = (
        shopware.post("slips", body).json() for body in ({"request": "r1"}, {"voucher": 1})
    )

    assert by_request == by_voucher
    assert "12.34" in by_request["text"] and by_request["voucher"] == 1
    assert shopware.post("slips", {"voucher": 99}).status_code == 404
    assert shopware.post("slips", {"request": "r9"}).status_code == 404


def test_a_sale_is_voided_once(shopware: Shopware, ready: Pad, clerk: Browser) -> None:
    clerk.post("/clerk/day/open")
    begun(shopware)
    ready.enter(PIN)
    shopware.get("sales/r1", wait_s=10)

    first, again = shopware.post("voids", {"voucher": 1}), shopware.post("voids", {"voucher": 1})

    assert (first.status_code, first.json()) == (200, {"voucher": 1, "amount_fen": 1234})
    assert (again.status_code, again.json()["money"]) == (409, "not-charged")


def test_the_day_tells_its_totals(shopware: Shopware, ready: Pad, clerk: Browser) -> None:
    none = shopware.get("day").json()
    clerk.post("/clerk/day/open")
    begun(shopware)
    ready.enter(PIN)
    shopware.get("sales/r1", wait_s=10)

    day = shopware.get("day").json()

    assert (none["number"], none["is_open"]) == (0, False)
    assert (day["number"], day["is_open"], day["closed"]) == (1, True, None)
    assert [(row["operator"], row["state"], row["account_fen"]) for row in day["sums"]] == [
        ("till-1", "charged", 1234)
    ]


# Events ---------------------------------------------------------------------------------------------------


def test_events_tell_the_state_first_and_then_each_change(house: House, shopware: Shopware) -> None:
    steps = []
    with shopware.client.stream("GET", "/api/v1/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        house.reader.insert()
        for line in answer.iter_lines():
            if line.startswith("data: "):
                steps.append(json.loads(line[6:])["step"])
            if steps and steps[-1] == "ready":
                break

    assert steps[0] == "insert-card" and steps[-1] == "ready"


def test_events_of_a_removed_programs_end(house: House, shopware: Shopware) -> None:
    names = []
    with shopware.client.stream("GET", "/api/v1/events") as answer:
        remove_program(house.folder / "programs.json", "till-1")
        house.reader.insert()
        for line in answer.iter_lines():
            if line.startswith("event: "):
                names.append(line[7:])

    assert names[-1] == "gone"


def test_no_program_hears_of_anothers_sale(house: House, shopware: Shopware, ready: Pad) -> None:
    begun(shopware, "mine")

    with house.program(Scope.CARD, Scope.SALE, name="till-2") as other:
        seen = other.get("card").json()
        status = other.get("sales/mine")

    assert (shopware.get("card").json()["request"], seen["request"]) == ("mine", None)
    assert status.status_code == 404


# Tokens that end, and guesses at them ---------------------------------------------------------------------


def test_token_expired_yesterday_is_refused_in_a_sentence_of_its_own(house: House) -> None:
    today = house.goods.clock().date()
    answers = {}
    for name, until in (("over", today - timedelta(days=1)), ("last-day", today)):
        with house.program(Scope.CARD, name=name, until=until) as program:
            answers[name] = program.get("card")

    assert answers["last-day"].status_code == 200
    assert (answers["over"].status_code, answers["over"].json()["error"]) == (401, "token-expired")
    assert str(today - timedelta(days=1)) in answers["over"].json()["sentence"]


def test_too_many_wrong_tokens_are_told_to_wait_and_a_right_one_is_still_let_in(
    house: House, shopware: Shopware
) -> None:
    with Client(base_url=house.url, headers={"Authorization": "Bearer guessed"}) as guesser:
        answers = [guesser.get("/api/v1/card") for _ in range(TOKENS_A_MINUTE + 1)]

    assert {answer.status_code for answer in answers[:-1]} == {401}
    assert (answers[-1].status_code, answers[-1].json()["error"]) == (429, "too-many")
    assert shopware.get("card").status_code == 200
