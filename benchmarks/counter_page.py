"""The counter's page in a real browser over pcscd: how soon a clerk sees card and slip, what the page weighs, and a day of trade.

    python -m benchmarks.counter_page [--rounds N]
    python -m benchmarks.counter_page --trade 3000

The server is `sscard counter serve`, a process of its own; card and PSAM sit in the virtual readers of a private pcscd with its
usual 400 ms poll; clerk's page and customer's pad are in Debian's Chromium. Card: from the moment a PC/SC client is told of it to
the panel filled. Slip: from Enter on the pad to the slip on the clerk's screen. The floor, in the same rounds: one empty
request of the page to the server and back. Trade: that many sales asked for over HTTP, the server's memory beside them.

Targets: card 150 ms, slip 100 ms, page at most 100 KB and interactive in 300 ms, memory at most 120 MB and flat over 3,000 sales.
Not the sale itself (sale.py).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, sync_playwright

from sscard_terminal.card.control.faults import FaultyCard
from sscard_terminal.card.control.slots import VpcdSlot
from sscard_terminal.card.memory import RamStore
from sscard_terminal.card.vpicc import Vpicc, serving
from sscard_terminal.cli.images import chip_over
from sscard_terminal.reader.pcsc import wait_for_card, wait_for_removal
from sscard_terminal.reader.private_pcscd import PrivatePcscd
from sscard_terminal.voice.pages import word
from tests.browser.conftest import FLAGS, NAMES
from tests.cards import card_image, psam_image
from tests.counter.house import PIN, Browser, Pad

PATIENCE_S = 15.0
SAMPLE_EVERY = 250
TARGETS_MS = {"card to panel": 150, "PIN to slip": 100, "interactive": 300}
MOST_PAGE_BYTES, MOST_MEMORY_MB = 100_000, 120
WATCH = """() => {
    const now = () => performance.timeOrigin + performance.now();
    const at = (window.seen = {});
    const look = () => {
        const panel = document.querySelector("#panel"), paper = document.querySelector("#paper");
        at.panel = panel.hidden ? null : (at.panel ?? now());
        at.paper = paper.hidden ? null : (at.paper ?? now());
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
}"""
KEYED = "() => addEventListener('keydown', (event) => { if (event.key === 'Enter') window.keyed = performance.timeOrigin + performance.now(); }, true)"
ROUND_TRIP = """async () => {
    const began = performance.now();
    await (await fetch("/clerk/state")).json();
    return performance.now() - began;
}"""


@dataclass(frozen=True)
class Shop:
    """A running counter, the place where its card goes, and the card."""

    url: str
    pid: int
    slot: VpcdSlot
    card: FaultyCard
    reader: str

    def insert(self) -> float:
        """Put the card in; when PC/SC told of it, in milliseconds since the epoch."""
        told: list[float] = []
        watch = threading.Thread(target=lambda: told.append(_told(self.reader)))
        watch.start()
        self.slot.put_in(self.card)
        watch.join(PATIENCE_S)
        return told[0]

    def remove(self) -> None:
        self.slot.take_out()
        wait_for_removal(self.reader, PATIENCE_S)

    def memory_mb(self) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) / 1024


def _told(reader: str) -> float:
    assert wait_for_card(reader, PATIENCE_S)
    return time.time() * 1000


@contextmanager
def open_shop(*, fast_poll: bool = False) -> Iterator[Shop]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        pcscd = stack.enter_context(PrivatePcscd(2, fast_poll=fast_poll))
        os.environ.update(pcscd.environment())
        cards, psam = pcscd.slots
        slot = VpcdSlot(lambda card: Vpicc(card, cards.port, open_socket=pcscd.open_socket))
        stack.callback(slot.take_out)
        held = chip_over(RamStore(psam_image()))
        stack.enter_context(serving(held, psam.port, open_socket=pcscd.open_socket))
        assert wait_for_card(psam.reader, PATIENCE_S)
        command = [sys.executable, "-m", "sscard_terminal.cli", "counter", "serve", "--port", "0", "--json"]
        command += ["--reader", cards.reader, "--psam-reader", psam.reader]
        command += ["--journal", str(folder / "journal.db"), "--lang", "en"]
        process = stack.enter_context(_ended(subprocess.Popen(command, stdout=subprocess.PIPE, text=True)))
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"].rstrip("/")
        card = FaultyCard(RamStore(card_image(balance=100_000_000)), chip_over)
        yield Shop(url, process.pid, slot, card, cards.reader)


@contextmanager
def _ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    try:
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


@contextmanager
def chromium() -> Iterator[Chromium]:
    with sync_playwright() as playwright:
        program = next(filter(None, map(shutil.which, NAMES)))
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS), headless=True)
        yield browser
        browser.close()


def first_page(browser: Chromium, shop: Shop) -> tuple[int, float]:
    """Bytes of everything the clerk's page loads, and the milliseconds until its state line speaks; in a fresh browser."""
    context = browser.new_context(base_url=shop.url)
    page = context.new_page()
    page.goto("/")
    page.wait_for_function("() => document.querySelector('#line').textContent")
    interactive = float(page.evaluate("() => performance.now()"))
    weight = page.evaluate(
        """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
            .reduce((sum, entry) => sum + entry.transferSize, 0)"""
    )
    context.close()
    return int(weight), interactive


@dataclass
class Rounds:
    card: list[float]
    slip: list[float]
    floor: list[float]


def sell_in_browser(browser: Chromium, shop: Shop, rounds: int) -> Rounds:
    """Sales by keyboard: card in, amount, PIN at the pad, slip, card out."""
    context, other = browser.new_context(base_url=shop.url), browser.new_context(base_url=shop.url)
    page, pad = context.new_page(), other.new_page()
    page.goto("/")
    page.evaluate(WATCH)
    page.keyboard.press("F7")
    page.wait_for_function("() => /\\d{6}/.test(document.querySelector('#code').textContent)")
    code = page.locator("#code").inner_text()
    pad.goto("/pad")
    pad.evaluate(KEYED)
    pad.wait_for_selector("#code")
    pad.keyboard.type(code)
    pad.keyboard.press("Enter")
    page.wait_for_selector("#pairing", state="hidden")
    found = Rounds([], [], [])
    for at in range(rounds):
        found.floor.append(float(page.evaluate(ROUND_TRIP)))
        told = shop.insert()
        found.card.append(_seen(page, "panel") - told)
        page.wait_for_function("() => !document.querySelector('#services').hidden")
        page.keyboard.type(f"0.{at % 89 + 10}")
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-do=confirm]:focus")
        page.keyboard.press("Enter")
        pad.wait_for_function(
            "line => document.querySelector('#line').textContent === line", arg=word("en", "pad.line.pin")
        )
        pad.keyboard.type(PIN)
        pad.wait_for_function("() => document.querySelector('#dots').textContent.length === 6")
        pad.keyboard.press("Enter")
        slip = _seen(page, "paper")
        found.slip.append(slip - float(pad.evaluate("() => window.keyed")))
        shop.remove()
        page.wait_for_function(
            "() => document.querySelector('#panel').hidden && document.querySelector('#paper').hidden"
        )
    context.close()
    other.close()
    return found


def _seen(page: Page, what: str) -> float:
    """When the page showed it, in milliseconds since the epoch."""
    return float(page.wait_for_function(f"() => window.seen.{what}").json_value())


def trade(shop: Shop, sales: int, tell: Callable[[str], None]) -> list[tuple[int, float]]:
    """(sales so far, memory in MB): every tenth sale with the card put in anew."""
    with (
        httpx.Client(base_url=shop.url, timeout=PATIENCE_S) as first,
        httpx.Client(base_url=shop.url) as second,
    ):
        clerk = Browser(first, shop.url)
        clerk.load()
        pad = Pad.paired(Browser(second, shop.url), clerk.post("/clerk/pad-code").json()["code"])
        samples = []
        for done in range(sales + 1):
            if done % SAMPLE_EVERY == 0:
                samples.append((done, shop.memory_mb()))
                tell(f"{done:6} sales {samples[-1][1]:7.1f} MB")
            if done % 10 == 0:
                shop.remove()
                shop.insert()
                clerk.until("ready")
            clerk.do("sell", total=f"0.{done % 89 + 10}")
            clerk.do("confirm")
            pad.enter(PIN)
            if clerk.look()["money"] != "charged":
                raise SystemExit(f"sale {done} did not go through: {clerk.state['lines']}")
            clerk.do("confirm")
        return samples


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--trade", type=int, default=0, metavar="SALES", help="a day of trade: 3000")
    asked = parser.parse_args()
    if asked.trade:
        with open_shop(fast_poll=True) as shop:
            samples = trade(shop, asked.trade, print)
        print(f"memory: {max(mb for _, mb in samples):.1f} MB at most (target {MOST_MEMORY_MB})")
    else:
        compare(asked.rounds)


def compare(count: int) -> None:
    with open_shop() as shop, chromium() as browser:
        first_page(browser, shop)
        loads = [first_page(browser, shop) for _ in range(5)]
        rounds = sell_in_browser(browser, shop, count)
    floor = median(rounds.floor)
    print(f"{'':16}{'median ms':>10}{'worst ms':>10}{'target':>8}{'× floor':>9}")
    times = {"card to panel": rounds.card, "PIN to slip": rounds.slip, "interactive": [ms for _, ms in loads]}
    for name, found in times.items():
        print(
            f"{name:16}{median(found):10.1f}{max(found):10.1f}{TARGETS_MS[name]:8}{median(found) / floor:9.1f}"
        )
    print(f"{'floor':16}{floor:10.1f}{max(rounds.floor):10.1f}")
    print(f"page: {loads[0][0]:,} bytes in all (target {MOST_PAGE_BYTES:,})")


if __name__ == "__main__":
    main()
