"""What the page does without a card: slips again, voids and refunds, the day and its picture, the settings."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.counter.office_view import setting_of, settings_of
from sscard_terminal.iso7816.status import Language
from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.terminal.configuration import SETTINGS, Configuration, PlaceKind
from sscard_terminal.terminal.slips.targets import Spool
from tests.counter.house import PIN, Browser, House, Pad
from tests.terminal.doubles import answer_lost


@pytest.fixture
def seller(house: House, clerk: Browser, pad: Pad) -> Browser:
    """A clerk who has sold for 12.34."""
    clerk.post("/clerk/day/open")
    sold(house, clerk, pad, "12.34")
    return clerk


def sold(house: House, clerk: Browser, pad: Pad, total: str) -> None:
    house.reader.insert()
    if clerk.look()["step"] == "insert-card":
        clerk.until("ready")
    clerk.do("sell", total=total)
    clerk.do("confirm")
    pad.enter(PIN)


def test_a_reprint_says_that_it_is_one(seller: Browser) -> None:
    seller.post("/clerk/reprint", {"voucher": "１"})

    paper = seller.look()["paper"]
    assert paper["voucher"] == 1 and "REPRINT" in paper["text"].upper()


@pytest.mark.parametrize(
    ("typed", "code"), [("7", 404), ("x", 422), ("-1", 422), ("0", 422), ("9" * 30, 422)]
)
def test_a_voucher_nobody_has_is_refused(typed: str, code: int, clerk: Browser) -> None:
    answer = clerk.post("/clerk/reprint", {"voucher": typed})

    assert answer.status_code == code
    assert "not charged" in answer.json()["sentence"]


def test_a_sale_of_today_is_voided_once(seller: Browser) -> None:
    found = seller.client.get("/clerk/sale").json()

    asked = seller.post("/clerk/void", {"voucher": "1"})
    again = seller.post("/clerk/void", {"voucher": "1"})

    assert (found["way"], found["left"], found["voucher"]) == ("void", "12.34", 1)
    assert asked.json()["amount"] == "12.34" and "on its way" in asked.json()["says"]
    assert (again.status_code, again.json()["error"]) == (409, "declined.asked-already")
    assert "12.34" in seller.look()["paper"]["text"]


def test_a_sale_of_a_closed_day_is_refunded_in_part(seller: Browser) -> None:
    seller.post("/clerk/day/close")

    found = seller.client.get("/clerk/sale?voucher=1").json()
    asked = seller.post("/clerk/refund", {"voucher": "1", "amount": "2.34"})
    too_much = seller.post("/clerk/refund", {"voucher": "1", "amount": "11"})

    assert found["way"] == "refund" and asked.json()["amount_fen"] == 234
    assert too_much.json()["error"] == "declined.refund-too-large"


def test_the_day_has_its_sums_and_its_picture(house: House, seller: Browser, pad: Pad) -> None:
    sold(house, seller, pad, "1.00")

    day = seller.client.get("/clerk/day").json()

    assert day["is_open"] and day["hours"] == [{"hour": "10:00", "count": 2, "paid": "13.34", "share": 100}]
    assert [(row["state"], row["count"], row["account"]) for row in day["sums"]] == [("charged", 2, "13.34")]
    assert day["kinds"][0]["count"] == 2


def test_the_day_is_opened_once_and_closed_with_its_slip(seller: Browser) -> None:
    twice = seller.post("/clerk/day/open")
    closed = seller.post("/clerk/day/close")

    state = seller.look()
    assert twice.json()["error"] == "declined.day-already-open"
    assert closed.json()["is_open"] is False and state["books"]["is_open"] is False
    assert "12.34" in state["paper"]["text"]


def test_a_day_with_a_sale_to_be_verified_closes_only_with_a_reason(
    house: House, seller: Browser, pad: Pad
) -> None:
    house.hands.fault = None
    seller.do("sell", total="1.00")
    seller.do("confirm")
    house.hands.fault = answer_lost(LinkReason.CARD_REMOVED)
    pad.enter(PIN)

    refused = seller.post("/clerk/day/close")
    closed = seller.post("/clerk/day/close", {"despite": "customer left with the card"})

    assert refused.json()["error"] == "declined.day-has-open-sales"
    assert closed.status_code == 200 and any("customer left" in line for line in closed.json()["says"])


def test_no_day_ends_while_a_customer_is_served(seller: Browser) -> None:
    seller.do("sell", total="1.00")

    answer = seller.post("/clerk/day/close")

    assert (answer.status_code, answer.json()["error"]) == (409, "does-not-fit")


def test_a_clock_far_ahead_needs_a_word(house: House, seller: Browser) -> None:
    seller.post("/clerk/day/close")
    house.goods.clock.now += timedelta(days=60)

    doubted = seller.post("/clerk/day/open")
    confirmed = seller.post("/clerk/day/open", {"clock_is_right": True})

    assert doubted.json()["error"] == "declined.clock-far-ahead" and confirmed.status_code == 200


def test_every_setting_is_shown_and_no_key(clerk: Browser) -> None:
    rows = {row["key"]: row["value"] for row in clerk.client.get("/clerk/settings").json()["settings"]}

    assert rows["[sale] needs_open_day"] == "no" and rows["[cards] regions"] == "370900"
    assert rows["[hotlist] key"] == "not set"
    assert setting_of(b"\x01" * 32, "en") == "set" and setting_of(Fen(1234), "en") == "12.34"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_setting_and_its_value_is_in_words(language: Language) -> None:
    configuration = Configuration(journal=Path("j.db"), kind=PlaceKind.PHARMACY)

    rows = {row["key"]: row for row in settings_of(configuration, language)}

    assert len(rows) == sum(map(len, SETTINGS.values()))
    assert rows["[place] kind"]["value"] == {"zh": "药店", "en": "pharmacy"}[language]
    assert rows["[place] kind"]["name"] == {"zh": "单位类型", "en": "Kind of place"}[language]
    if language == "zh":
        assert not [row["name"] for row in rows.values() if re.fullmatch(r"[ -~]+", row["name"])]


@pytest.mark.parametrize("kind", PlaceKind)
def test_every_kind_of_place_has_its_words(kind: PlaceKind) -> None:
    assert setting_of(kind, "zh") != setting_of(kind, "en")


def test_both_languages_are_spoken_browser_by_browser(house: House, clerk: Browser) -> None:
    clerk.post("/clerk/language", {"language": "zh"})
    with house.browser() as other:
        other.load()

        lines = clerk.look()["line"], other.look()["line"]

    assert lines == ("请插卡", "Insert the card")
    assert 'lang="zh-CN"' in clerk.load().text


def test_a_printer_that_fails_undoes_no_sale(tmp_path: Path) -> None:
    spool = tmp_path / "there-is-no-such-folder" / "slips.bin"
    with (
        House(tmp_path, slip_printer=Spool(spool)) as house,
        house.browser() as clerk,
        house.browser() as customer,
    ):
        clerk.load()
        pad = Pad.paired(customer, clerk.post("/clerk/pad-code").json()["code"])
        sold(house, clerk, pad, "1.00")
        with clerk.listening() as events:
            paper = next(
                value["paper"]
                for name, value in events
                if name == "state" and value["paper"]["became"] != "printing"
            )

    assert paper["became"] == "not-printed" and "The sale stands" in paper["says"]
    assert "1.00" in paper["text"]


def test_a_slip_goes_to_the_printer_the_settings_name(tmp_path: Path) -> None:
    spool = tmp_path / "slips.bin"
    with (
        House(tmp_path, slip_printer=Spool(spool)) as house,
        house.browser() as clerk,
        house.browser() as customer,
    ):
        clerk.load()
        pad = Pad.paired(customer, clerk.post("/clerk/pad-code").json()["code"])
        sold(house, clerk, pad, "1.00")
        with clerk.listening() as events:
            paper = next(
                value["paper"]
                for name, value in events
                if name == "state" and value["paper"]["became"] != "printing"
            )

    assert paper["became"] == "printed" and b"1.00" in spool.read_bytes()
