"""The counter as it runs in a shop: `sscard counter serve`, a process of its own, card and PSAM in virtual readers of pcscd, and
Chromium in front of it. Each flow by keyboard from the card to the slip; killed in a sale; and no PIN on the clerk's side.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from sscard_terminal.card.chip import Chip
from sscard_terminal.card.loopback import LoopbackConnection
from sscard_terminal.card.vpicc import serving
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.reader import pcsc
from sscard_terminal.reader.completing import completing
from sscard_terminal.reader.private_pcscd import PrivatePcscd, Slot
from sscard_terminal.terminal.client import SocialSecurityCard
from tests.browser.people import line_of
from tests.browser.sight import SMALL, OpenPage
from tests.browser.test_clerk import paired_by_f7
from tests.browser.test_window import enter
from tests.cards import new_card, new_psam
from tests.counter.house import PIN

pytestmark = pytest.mark.vpcd
MARKED = "739184"
OPENING = 10_000
DEBIT = bytes.fromhex("B02C")
PATIENCE_S = 20.0
TELLING = """() => {
    const tell = (what) => console.log("seen: " + what);
    const Real = EventSource;
    window.EventSource = class extends Real {
        addEventListener(name, hear) { super.addEventListener(name, (event) => { tell(event.data); hear(event); }); }
    };
    document.addEventListener("DOMContentLoaded", () => new MutationObserver((changes) => {
        for (const change of changes) tell(change.target.outerHTML ?? change.target.data);
    }).observe(document, { subtree: true, childList: true, attributes: true, characterData: true }));
    for (const kind of ["keydown", "input"]) addEventListener(kind, (event) => tell(kind + " " + event.key + event.target.value), true);
}"""
"""Tells on the console everything the clerk's page hears, shows and is typed."""


@dataclass
class Held:
    """A chip in the reader. While `hold` is set its next DEBIT waits: after it was obeyed, or (not `obeys`) unheard."""

    chip: Chip
    hold: bool = False
    obeys: bool = True
    at_debit: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def atr(self) -> bytes:
        return self.chip.atr()

    def power_on(self) -> bytes:
        return self.chip.power_on()

    def reset(self) -> bytes:
        return self.chip.reset()

    def power_off(self) -> None:
        self.chip.power_off()

    def respond(self, command: bytes) -> bytes:
        if not (self.hold and command[:2] == DEBIT):
            return self.chip.respond(command)
        self.hold = False
        answer = self.chip.respond(command) if self.obeys else b"\x6f\x00"
        self.at_debit.set()
        assert self.go_on.wait(PATIENCE_S)
        return answer


@dataclass
class Shop:
    """A counter that may be killed and started again on the same journal, port and readers."""

    folder: Path
    pcscd: PrivatePcscd
    slots: tuple[Slot, Slot]
    card: Held
    url: str = ""
    said: str = ""
    process: subprocess.Popen[str] | None = None
    inserted: ExitStack = field(default_factory=ExitStack)

    def start(self, port: int = 0) -> None:
        command = [sys.executable, "-m", "sscard_terminal.cli", "counter", "serve", "--json", "--lang", "en"]
        command += ["--reader", self.slots[0].reader, "--psam-reader", self.slots[1].reader]
        command += ["--port", str(port), "--journal", str(self.folder / "journal.db")]
        command += ["--trace", str(self.folder / f"trace-{port}")]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert '"url"' in line, line
        self.url = json.loads(line)["url"].rstrip("/")

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.said += "".join(self.process.communicate(timeout=PATIENCE_S))
            self.process = None

    def kill_and_start_again(self) -> None:
        port = int(self.url.rpartition(":")[2])
        self.end(signal.SIGKILL)
        self.start(port)

    def insert(self) -> None:
        self.inserted.enter_context(
            serving(self.card, self.slots[0].port, open_socket=self.pcscd.open_socket)
        )

    def remove(self) -> None:
        self.inserted.close()
        assert pcsc.wait_for_removal(self.slots[0].reader, PATIENCE_S)

    def balance(self, pin: str = PIN) -> int:
        """What the chip holds, out of the reader."""
        self.remove()
        card = SocialSecurityCard(completing(LoopbackConnection(self.card.chip)))
        card.enter_ssse()
        card.verify_pin(Pin(pin))
        card.enter_medical_account()
        return card.balance()


@pytest.fixture
def shop(tmp_path: Path, pcscd: PrivatePcscd, _slots_in_turn: Iterator[Slot]) -> Iterator[Shop]:
    slots = next(_slots_in_turn), next(_slots_in_turn)
    for slot in slots:
        assert pcsc.wait_for_removal(slot.reader, PATIENCE_S)
    folder = tmp_path / "shop"
    folder.mkdir()
    shop = Shop(folder, pcscd, slots, Held(new_card(balance=OPENING)))
    with serving(new_psam(), slots[1].port, open_socket=pcscd.open_socket):
        assert pcsc.wait_for_card(slots[1].reader, PATIENCE_S)
        try:
            shop.start()
            yield shop
        finally:
            shop.end()
            shop.inserted.close()


@pytest.fixture
def page(open_page: OpenPage, shop: Shop) -> Page:
    page = open_page(f"{shop.url}/")
    line_of(page, "step.insert-card")
    return page


@pytest.fixture
def pad(open_page: OpenPage, shop: Shop, page: Page) -> Page:
    return paired_by_f7(page, open_page(f"{shop.url}/pad"))


def sell(page: Page, pad: Page, yuan: str, pin: str = PIN) -> None:
    page.keyboard.type(yuan)
    page.keyboard.press("Enter")
    line_of(page, "step.confirm-amount")
    page.keyboard.press("Enter")
    enter(pad, pin, "pad.line.pin")


def serve(page: Page, pad: Page, key: str) -> None:
    page.keyboard.press(key)
    enter(pad, PIN, "pad.line.pin")


def test_every_service_by_keyboard_alone_from_the_card_to_the_slip(page: Page, pad: Page, shop: Shop) -> None:
    page.keyboard.press("F10")
    expect(page.locator("#day button.main")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#day-fact")).to_contain_text("opened at")
    page.keyboard.press("Escape")
    shop.insert()
    line_of(page, "step.ready")

    sell(page, pad, "12.34")
    line_of(page, "step.sold")
    expect(page.locator("#paper pre")).to_contain_text("12.34")
    serve(page, pad, "F6")
    expect(page.locator("[data-balance=account]")).to_have_text("87.66")
    serve(page, pad, "F5")
    expect(page.locator("#details tbody tr")).to_have_count(1)
    page.keyboard.press("F8")
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    expect(page.locator("#paper pre")).to_contain_text("REPRINT")
    page.keyboard.press("F9")
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    expect(page.locator("#way-back button.main")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#back .says")).to_contain_text("refund on its way")
    page.keyboard.press("Escape")
    page.keyboard.press("F10")
    expect(page.locator("#sums tbody")).to_contain_text("12.34")
    page.keyboard.press("Enter")
    expect(page.locator("#day-fact")).to_have_text("The day is not open")

    assert shop.balance() == OPENING - 1234


@pytest.mark.parametrize(("obeys", "paid"), [(True, 1234), (False, 0)])
def test_a_server_killed_at_the_debit_says_to_be_verified_and_then_the_truth(
    obeys: bool, paid: int, page: Page, pad: Page, shop: Shop, open_page: OpenPage
) -> None:
    shop.card.hold, shop.card.obeys = True, obeys
    shop.insert()
    line_of(page, "step.ready")
    sell(page, pad, "12.34")
    assert shop.card.at_debit.wait(PATIENCE_S)
    line_of(page, "step.charging")

    shop.kill_and_start_again()
    shop.card.go_on.set()
    shop.remove()

    expect(page.locator("#pad")).to_contain_text("No pad is paired", timeout=PATIENCE_S * 1000)
    expect(page.locator("#open-sales")).to_contain_text("To be verified: voucher 1")
    pad = paired_by_f7(page, open_page(f"{shop.url}/pad"))
    shop.insert()
    line_of(page, "step.enter-pin")
    enter(pad, PIN, "pad.line.pin")
    line_of(page, "step.done")
    expect(page.locator("#open-sales li")).to_have_count(0)
    expect(page.locator("#lines")).to_contain_text("charged" if obeys else "not charged")
    assert shop.balance() == OPENING - paid


def test_a_pin_typed_at_the_pad_is_nowhere_on_the_clerks_side(
    chromium: Browser, shop: Shop, open_page: OpenPage
) -> None:
    seen: list[str] = []
    har = shop.folder / "clerk.har"
    context = chromium.new_context(viewport=SMALL, record_har_path=har)
    context.add_init_script(f"({TELLING})()")
    page = context.new_page()
    page.on("console", lambda said: seen.append(said.text))
    page.on("request", lambda request: seen.append(f"{request.url} {request.post_data}"))
    page.goto(f"{shop.url}/")
    pad = paired_by_f7(page, open_page(f"{shop.url}/pad"))
    shop.insert()
    line_of(page, "step.ready")
    page.keyboard.press("F4")
    enter(pad, PIN, "pad.line.pin")
    enter(pad, MARKED, "pad.line.new-pin")
    enter(pad, MARKED, "pad.line.new-pin-again")
    line_of(page, "step.done")
    sell(page, pad, "12.34", MARKED)
    line_of(page, "step.sold")
    seen.append(page.content())
    context.close()
    shop.end()

    assert shop.balance(MARKED) == OPENING - 1234
    files = [file for file in shop.folder.rglob("*") if file.is_file()]
    kept = b"".join(file.read_bytes() for file in files)
    told = "".join(seen)
    assert har in files and "PIN so far" not in told and re.search(r"seen: .*6 digits so far", told)
    for form in (MARKED, MARKED[::-1]):
        assert form not in told and form not in shop.said
        assert form.encode() not in kept and bytes.fromhex(form) not in kept
