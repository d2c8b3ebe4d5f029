"""A PIN typed on the pad is in nothing that anybody gets: no page, answer, event, log, journal or error of the server."""

import logging
import threading
from pathlib import Path

import pytest

from sscard_terminal.reader.connection import LinkReason
from tests.counter.house import Browser, House, Pad
from tests.terminal.doubles import answer_lost

MARKED = "907153"
"""Digits that are nowhere by chance."""


class Recording:
    """Every byte the server answers to a browser, from now on."""

    def __init__(self, *browsers: Browser) -> None:
        self.heard = b""
        for browser in browsers:
            browser.client.event_hooks["response"] = [self._keep]

    def _keep(self, answer: object) -> None:
        answer.read()  # type: ignore[attr-defined]
        self.heard += str(answer.headers).encode() + answer.content  # type: ignore[attr-defined]


def test_a_marked_pin_is_in_no_answer_event_log_or_journal(
    house: House,
    clerk: Browser,
    pad: Pad,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    for ours in ("httpx", "httpcore"):  # the test's own browser
        caplog.set_level(logging.CRITICAL, logger=ours)
    with house.browser() as listener:
        listener.load()
        events: list[str] = []
        listening = threading.Thread(target=overhear, args=(listener, events))
        listening.start()
        recording = Recording(clerk, pad.browser)
        house.reader.insert()
        clerk.look()
        while clerk.look()["step"] != "ready":
            pass
        change_pin_to_marked(clerk, pad)
        clerk.do("sell", total="1.00")
        clerk.do("confirm")
        pad.enter(MARKED[::-1])
        pad.type(MARKED)
        pad.browser.post("/pad/digit", {"number": pad.state()["number"], "at": MARKED, "digit": MARKED})
        pad.browser.post("/pad/ok?pin=" + MARKED, {"number": MARKED})
        pad.press("ok")
        house.hands.fault = answer_lost(LinkReason.CARD_REMOVED)
        clerk.do("sell", total="2.00")
        clerk.do("confirm")
        pad.enter(MARKED)
        last = clerk.look()["step"]
        house.close()
        listening.join()

    files = b"".join(file.read_bytes() for file in house.folder.rglob("*") if file.is_file())
    everything = recording.heard + "".join(events).encode() + files + caplog.text.encode()
    told = "".join(capfd.readouterr())
    assert last == "to-be-verified" and len(events) > 10
    for form in (MARKED, MARKED[::-1]):
        assert form.encode() not in everything and form not in told
        assert bytes.fromhex(form) not in everything


def change_pin_to_marked(clerk: Browser, pad: Pad) -> None:
    clerk.do("ask", purpose="change-pin")
    pad.enter("123456")
    pad.enter(MARKED)
    pad.enter(MARKED)
    assert clerk.look()["lines"][0].startswith("The PIN")


def overhear(listener: Browser, events: list[str]) -> None:
    with listener.listening() as heard:
        events += [str(event) for event in heard]


def test_a_mistake_of_ours_tells_no_digit(
    house: House, clerk: Browser, pad: Pad, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    house.reader.insert()
    clerk.until("ready")
    clerk.do("ask", purpose="balance")

    def broken() -> None:
        raise RuntimeError(MARKED)

    monkeypatch.setattr(house.hands, "at_work", broken)

    answer = pad.enter(MARKED)

    assert answer.status_code == 500 and answer.json()["money"] == "to-be-verified"
    assert MARKED not in answer.text and MARKED not in caplog.text
    assert "RuntimeError" in caplog.text
    assert clerk.look()["step"] == "insert-card"


def test_the_clerks_page_has_no_field_for_a_pin(clerk: Browser) -> None:
    page = clerk.load().text

    assert page.count('type="password"') == page.count('for="sign-password"') + 2  # two supervisors' fields
    assert "pin" not in [part.split('"')[0] for part in page.split('name="')[1:]]


def test_the_pages_scripts_ask_for_no_pin() -> None:
    from sscard_terminal.counter.templates import STATIC

    assert "/pad/" not in Path(STATIC / "clerk.js").read_text("utf-8")
