"""The card service window at the page: who may do what, what is written down, and what comes onto the card."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sscard_terminal.cardspec.issuing import HostUnreachable, LossStanding, PendingCredit
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.pin_service_journal import PinServiceJournal
from tests.counter.house import FUNDS, PIN, Browser, House, Pad
from tests.counter.test_staff import SUPERVISOR, operators_in, signed_in
from tests.terminal.doubles import OPENING, another_card, answer_lost
from tests.terminal.window_doubles import CREDIT

CARD, IDENTITY = "D2143569X", "11010519491231002X"
NAME, NUMBER = "张三", "370900199001010010"
SIGHTED = {"sighted": True, "sighted_by": "Li"}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A window where nobody needs to sign in; two refunds wait for its card."""
    house = House(tmp_path, has_host=True)
    house.credits = [PendingCredit("r1", Fen(1234), "voucher 7"), PendingCredit("r2", Fen(50))]
    with house:
        yield house


@pytest.fixture
def staffed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with House(tmp_path, has_host=True, operators=operators_in(tmp_path, monkeypatch)) as open_house:
        yield open_house


class Window:
    """A browser that shows the window's page."""

    def __init__(self, house: House, browser: Browser) -> None:
        self.house = house
        self.browser = browser

    def state(self) -> dict[str, Any]:
        answer = self.browser.client.get("/window/state")
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def ask(self, purpose: str, **body: Any) -> httpx.Response:
        return self.post("ask", number=self.browser.look()["number"], purpose=purpose, **body)

    def post(self, what: str, **body: Any) -> httpx.Response:
        return self.browser.post(f"/window/{what}", body)

    def card_in(self) -> None:
        self.house.reader.insert()
        self.browser.until("ready")


@pytest.fixture
def window(house: House, clerk: Browser) -> Window:
    return Window(house, clerk)


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def said(state: dict[str, Any]) -> str:
    return "\n".join(state["lines"])


# Money onto the card --------------------------------------------------------------------------------------


def test_a_load_is_confirmed_then_keyed_then_credited_with_its_slip(
    house: House, window: Window, clerk: Browser, pad: Pad
) -> None:
    window.card_in()
    asked = window.ask("load", amount="10.00").json()
    clerk.do("confirm")
    at_pad = pad.state()

    pad.enter(PIN)

    done = window.state()
    assert (asked["step"], asked["load"]) == ("confirm-amount", "10.00")
    assert (at_pad["amount"], at_pad["amount_says"]) == ("10.00", "Loaded onto your card")
    assert done["line"] == "Credited; please take the card"
    assert "Credited 10.00 yuan, balance 110.00 yuan." in done["lines"]
    assert "10.00" in done["paper"]["text"]
    assert house.balance() == OPENING + 1000


@pytest.mark.parametrize(
    ("amount", "error"), [("", "amount"), ("0", "amount-zero"), ("1.234", "amount"), ("ten", "amount")]
)
def test_an_amount_that_is_none_is_refused_before_anything(window: Window, amount: str, error: str) -> None:
    window.card_in()

    assert refused(window.ask("load", amount=amount)) == (422, error)
    assert window.state()["step"] == "ready"


def test_more_than_the_centre_holds_for_the_card_is_refused_in_the_hosts_words(
    house: House, window: Window, clerk: Browser, pad: Pad
) -> None:
    window.card_in()
    window.ask("load", amount="9999.00")
    clerk.do("confirm")

    pad.enter(PIN)

    assert "does not hold that much" in said(window.state())
    assert house.balance() == OPENING


def test_refunds_show_as_soon_as_the_card_is_in_and_are_loaded_with_the_pin(
    house: House, window: Window, pad: Pad
) -> None:
    window.card_in()
    waiting = window.state()
    window.ask("refunds")

    pad.enter(PIN)

    done = window.state()
    assert waiting["waiting"] == ["Waiting: 12.34 yuan, voucher 7", "Waiting: 0.50 yuan, r2"]
    assert "refunds" in waiting["may"] and "12.84" in said(waiting)
    assert said(done).count("Credited the refund") == 2
    assert house.balance() == OPENING + 1284


def test_a_lost_answer_is_to_be_verified_and_then_settled(
    house: House, window: Window, clerk: Browser, pad: Pad
) -> None:
    window.card_in()
    window.ask("load", amount="10.00")
    clerk.do("confirm")
    house.hands.header, house.hands.fault = CREDIT, answer_lost(LinkReason.CARD_REMOVED)
    pad.enter(PIN)
    unsettled = window.state()
    house.reader.remove()
    with clerk.listening() as events:
        next(value for name, value in events if name == "state" and not value["card_is_in"])
    window.card_in()

    window.ask("settle")
    pad.enter(PIN)

    assert unsettled["step"] == "to-be-verified"
    assert "press F5" in said(unsettled) and "sscard" not in said(unsettled)
    assert window.state()["step"] == "done"
    assert house.balance() == OPENING + 1000


def test_a_centre_that_does_not_answer_is_said_with_what_to_do_at_the_page(
    house: House, window: Window, clerk: Browser, pad: Pad, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_question: object) -> object:
        raise HostUnreachable(reached=False)

    for method in ("authorise_load", "pending_credits", "report_load", "report_loss"):
        monkeypatch.setattr(type(house.host), method, silent)
    window.card_in()
    before = window.state()
    window.ask("load", amount="10.00")
    clerk.do("confirm")

    pad.enter(PIN)

    assert before["waiting"] is None and "does not answer" in said(before)
    assert "do the same again later" in said(window.state())
    answer = window.post("loss", holder=CARD, change="reported", **SIGHTED)
    assert refused(answer) == (409, "declined.host-unreachable")


# The PIN --------------------------------------------------------------------------------------------------


def lock(window: Window, pad: Pad) -> None:
    window.browser.do("ask", purpose="balance")
    for _ in range(3):
        pad.enter("000000")
    assert window.state()["step"] == "refused"


def test_a_locked_pin_is_reset_with_card_and_document_and_the_new_one_typed_twice(
    house: House, window: Window, clerk: Browser, pad: Pad
) -> None:
    window.card_in()
    lock(window, pad)
    window.ask("pin-reset", **SIGHTED)
    pad.enter("246813")
    pad.enter("246813")
    reset = window.state()

    clerk.do("confirm")

    assert reset["line"] == "New PIN set; please take the card"
    assert "it alone is good" in said(reset)
    assert window.state()["panel"]["tries"] == "3"
    house.close()
    with Journal.open(house.folder / "journal.db") as journal:
        (entry,) = PinServiceJournal(journal).entries()
        assert (entry.sighting.by, str(entry.service)) == ("Li", "pin-reset")


def test_an_unblocked_pin_is_the_one_it_was(window: Window, clerk: Browser, pad: Pad) -> None:
    window.card_in()
    lock(window, pad)

    state = window.ask("unblock", **SIGHTED).json()

    assert "the one it was" in said(state)
    clerk.do("confirm")
    clerk.do("ask", purpose="balance")
    pad.enter(PIN)
    assert window.state()["balances"]["account"] == "100.00"


@pytest.mark.parametrize("purpose", ["pin-reset", "unblock"])
@pytest.mark.parametrize(
    ("sighting", "error"),
    [
        ({}, "not-sighted"),
        ({"sighted": False, "sighted_by": "Li"}, "not-sighted"),
        ({"sighted": True, "sighted_by": " "}, "sighted-by"),
    ],
)
def test_without_a_sighted_document_and_a_name_nothing_is_done_about_a_pin(
    window: Window, purpose: str, sighting: dict[str, Any], error: str
) -> None:
    window.card_in()

    assert refused(window.ask(purpose, **sighting)) == (422, error)
    assert window.state()["step"] == "ready"


# Loss -----------------------------------------------------------------------------------------------------


def test_a_loss_needs_no_card_and_holds_until_it_is_lifted(house: House, window: Window) -> None:
    reported = window.post("loss", holder=f" {CARD.lower()} ", change="reported", **SIGHTED).json()
    again = window.post("loss", holder=CARD, change="reported", **SIGHTED).json()
    standing = standing_of(house, CARD)
    lifted = window.post("loss", holder=CARD, change="lifted", **SIGHTED).json()

    assert reported["is_lost"] and reported == again
    assert standing is not None and standing.is_lost
    assert not lifted["is_lost"] and "may be used" in lifted["says"]


def standing_of(house: House, number: str) -> LossStanding | None:
    """What the centre holds, asked in the thread that holds its book."""
    return house.in_station(lambda work: house.host.ledger.loss(number))


def test_a_card_reported_lost_is_served_no_more(house: House, window: Window, pad: Pad) -> None:
    house.reader.insert()
    window.browser.until("ready")
    number = house.goods.insert()
    number.enter_ssse()
    window.post("loss", holder=number.issuer_data().card_number, change="reported", **SIGHTED)

    state = window.ask("unblock", **SIGHTED).json()

    assert "reported lost" in said(state)


def test_a_loss_is_reported_by_the_documents_number_too(house: House, window: Window) -> None:
    answer = window.post("loss", holder=IDENTITY, change="reported", **SIGHTED)

    assert answer.json()["is_lost"]
    assert IDENTITY not in answer.text


@pytest.mark.parametrize("number", ["", "D21435699", "D2143569", "110105194912310021", "*", "X" * 60])
def test_a_number_with_a_slip_of_the_finger_locks_nobodys_card(
    house: House, window: Window, number: str
) -> None:
    answer = window.post("loss", holder=number, change="reported", **SIGHTED)

    assert refused(answer) == (422, "loss-number")


def test_a_loss_without_a_sighted_document_is_not_taken(house: House, window: Window) -> None:
    answer = window.post("loss", holder=CARD, change="reported")

    assert refused(answer) == (422, "not-sighted")
    assert standing_of(house, CARD) is None


def test_what_was_never_lost_is_not_lifted(window: Window) -> None:
    answer = window.post("loss", holder=CARD, change="lifted", **SIGHTED)

    assert refused(answer) == (409, "host.loss-unknown")


# Who may --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/window", "/window/state", "/window/events"])
def test_a_counter_without_a_host_has_no_window(tmp_path: Path, path: str) -> None:
    with House(tmp_path) as counter, counter.browser() as browser:
        assert browser.client.get(path).status_code == 404
        assert "/window" not in browser.load().text


def test_the_counters_page_leads_to_the_window_where_there_is_one(clerk: Browser) -> None:
    assert 'href="/window"' in clerk.load().text


def test_nothing_at_the_window_works_before_somebody_signs_in(staffed: House) -> None:
    with staffed.browser() as browser:
        browser.load()
        window = Window(staffed, browser)
        seen = [browser.client.get(f"/window/{what}").status_code for what in ("state", "events")]
        done = [
            window.post("ask", number=0, purpose="unblock", **SIGHTED),
            window.post("loss", holder=CARD, change="reported", **SIGHTED),
            window.post("in-full", number=0),
        ]

    assert seen == [401, 401]
    assert [answer.status_code for answer in done] == [401] * 3


def test_without_the_pages_csrf_token_nothing_is_done(window: Window) -> None:
    window.browser.csrf = "guessed"

    assert window.post("loss", holder=CARD, change="reported", **SIGHTED).status_code == 403


def test_whoever_is_signed_in_has_sighted_the_document_whatever_name_is_typed(staffed: House) -> None:
    with staffed.browser() as browser:
        browser.load()
        window = Window(staffed, signed_in(browser))
        window.card_in()
        window.ask("unblock", **SIGHTED)

    staffed.close()
    with Journal.open(staffed.folder / "journal.db") as journal:
        assert [entry.sighting.by for entry in PinServiceJournal(journal).entries()] == ["07"]


def test_the_holders_data_in_full_need_a_supervisor_and_are_written_down_before(staffed: House) -> None:
    with staffed.browser() as browser:
        browser.load()
        window = Window(staffed, signed_in(browser))
        window.card_in()
        number = browser.look()["number"]
        alone = window.post("in-full", number=number)
        together = window.post("in-full", number=number, supervisor="01", password=SUPERVISOR)
        seen = json.dumps(window.state(), ensure_ascii=False)

    assert refused(alone) == (403, "needs-supervisor")
    assert (together.json()["name"], together.json()["social_security_number"]) == (NAME, NUMBER)
    assert NAME not in seen and NUMBER not in seen
    staffed.close()
    with Journal.open(staffed.folder / "journal.db") as journal:
        (shown,) = journal.disclosures()
        assert (shown.operator, shown.supervisor) == ("07", "01")
    assert NUMBER.encode() not in b"".join(
        path.read_bytes() for path in staffed.folder.iterdir() if path.name.startswith("journal")
    )


def test_another_card_than_the_one_on_the_screen_is_not_shown_in_full(staffed: House) -> None:
    with staffed.browser() as browser:
        browser.load()
        window = Window(staffed, signed_in(browser, "01", SUPERVISOR))
        window.card_in()
        staffed.goods.card = another_card()

        answer = window.post("in-full", number=browser.look()["number"])

    assert refused(answer) == (409, "declined.card-swapped")


def test_without_operators_nothing_is_shown_in_full(window: Window) -> None:
    window.card_in()

    answer = window.post("in-full", number=window.browser.look()["number"])

    assert refused(answer) == (403, "no-operators")


def test_a_stale_window_does_nothing(house: House, window: Window) -> None:
    window.card_in()
    number = window.browser.look()["number"]
    house.reader.remove()
    window.browser.until("insert-card")

    answer = window.post("ask", number=number, purpose="unblock", **SIGHTED)

    assert refused(answer) == (409, "stale")


def test_the_money_is_where_the_books_say_after_everything(
    house: House, window: Window, clerk: Browser, pad: Pad
) -> None:
    window.card_in()
    for _ in range(2):
        window.ask("load", amount="1.00")
        clerk.do("confirm")
        pad.enter(PIN)
        clerk.do("confirm")

    card = house.goods.insert()
    card.enter_ssse()
    identification = str(card.issuer_data().identification)
    available = house.in_station(lambda work: house.host.ledger.available(identification))
    assert (house.balance(), available) == (OPENING + 200, FUNDS - 200)
