"""A counter with its server for tests: the loopback card in a reader of the test's own, and browsers that ask over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Self

import httpx

from sscard_terminal.cardspec.issuing import PendingCredit
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.centre.hsm import SoftwareHsm
from sscard_terminal.centre.window_host import WindowHost
from sscard_terminal.centre.window_ledger import WindowLedger
from sscard_terminal.counter.access import CSRF_HEADER
from sscard_terminal.counter.desk import Desk
from sscard_terminal.counter.fittings import Fittings
from sscard_terminal.counter.serving import CounterServer, Listening, bound
from sscard_terminal.counter.workplace import Workplace
from sscard_terminal.driver.driver import Driver
from sscard_terminal.driver.over_slots import ReadersOfSlots
from sscard_terminal.driver.place import PinEntry, Place
from sscard_terminal.reader.connection import LinkError, LinkReason
from sscard_terminal.terminal.client import SocialSecurityCard
from sscard_terminal.terminal.configuration import Configuration
from sscard_terminal.terminal.issuer_host import IssuerHost
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.policy import Policy
from sscard_terminal.terminal.programs import Scope, add_program, new_program
from sscard_terminal.terminal.psam import Psam
from sscard_terminal.terminal.sale_rules import NO_RULES, SaleRules
from sscard_terminal.terminal.till.till import Shop
from tests.cards import KEYS
from tests.terminal import doubles
from tests.terminal.doubles import DEBIT, Fault, Faulty, pattern

PIN = "123456"
PATIENCE_S = 10.0
FUNDS = 50_000
"""Fen of the card's account at the centre."""


class Reader:
    """A card's reader whose card the test puts in and takes out; it watches, as PC/SC does."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._there = False
        self._is_over = False
        self.trouble: LinkReason | None = None

    def insert(self) -> None:
        self._set(True)

    def remove(self) -> None:
        self._set(False)

    def _set(self, there: bool) -> None:
        with self._changed:
            self._there = there
            self._changed.notify_all()

    def watched(self, is_watched: bool) -> None:
        """While it is not, nobody waits: a server that closes is not held up."""
        with self._changed:
            self._is_over = not is_watched
            self._changed.notify_all()

    def wait_for_card(self, timeout_s: float) -> bool:
        return self._wait(True, timeout_s)

    def wait_for_removal(self, timeout_s: float) -> bool:
        return self._wait(False, timeout_s)

    def _wait(self, there: bool, timeout_s: float) -> bool:
        with self._changed:
            if self.trouble is not None:
                raise LinkError(self.trouble)
            self._changed.wait_for(lambda: self._there is there or self._is_over, timeout_s)
            return self._there is there


class Watch:
    """Monotonic seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.moment = 1000.0

    def __call__(self) -> float:
        return self.moment

    def pass_(self, seconds: float) -> None:
        self.moment += seconds


@dataclass
class Hands:
    """Card and PSAM of a test's desk; `fault` happens to the next DEBIT, or whatever `header` says, `pause` is waited for in every breath."""

    desk: doubles.Desk
    fault: Fault | None = None
    header: bytes = DEBIT
    pause: threading.Event | None = None
    at_it: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def at_work(self) -> Iterator[Breath]:
        if self.pause is not None:
            self.at_it.set()
            assert self.pause.wait(PATIENCE_S)
        fault, self.fault = self.fault, None
        yield Breath(self.desk.insert(lambda inner: Faulty(inner, self.header, fault)), self.desk.psam)


@dataclass
class Breath:
    card: SocialSecurityCard
    psam: Psam


class House:
    """One counter behind one server, in a thread of its own."""

    def __init__(
        self,
        folder: Path,
        *,
        rules: SaleRules = NO_RULES,
        language: Any = "en",
        now: Callable[[], float] = time.monotonic,
        is_kiosk: bool = False,
        has_host: bool = False,
        **settings: Any,
    ) -> None:
        self.folder = folder
        self.now = now
        journal = folder / "journal.db"
        with Journal.open(journal, training=settings.get("training", False)) as made:
            self.goods = doubles.Desk(
                made, doubles.new_card(balance=doubles.OPENING), doubles.new_psam(), doubles.TickingClock()
            )
        self.hands = Hands(self.goods)
        self.reader = Reader()
        configuration = Configuration(journal=journal, **settings)
        self.fittings = Fittings(
            self.hands,
            self.reader,
            lambda: Journal.open(journal, training=configuration.training),
            Shop(Policy(), rules, "Hill Pharmacy"),
            configuration,
            self.goods.clock,
            secrets.token_bytes if has_host else pattern,  # the host knows a request by its id
            language,
            lambda _shop: self.shops[-1],
            "loopback",
            is_kiosk,
            programs=folder / "programs.json",
            open_host=self._open_host if has_host else None,
            driver=self._driver,
        )
        self.shops = [self.fittings.shop]
        """The last one holds from the next card on."""
        self.credits: list[PendingCredit] = []
        self.host: WindowHost
        self.url = ""
        self.desk: Desk
        self._server: CounterServer
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()

    @contextmanager
    def _open_host(self) -> Iterator[IssuerHost]:
        """The centre's stand-in over a ledger in the house's folder; the first time it gets FUNDS and `credits`."""
        file = self.folder / "ledger.db"
        is_new = not file.exists()
        with WindowLedger.open(file) as ledger:
            if is_new:
                card = self.goods.insert()
                card.enter_ssse()
                identification = str(card.issuer_data().identification)
                ledger.deposit(identification, Fen(FUNDS), doubles.NOON)
                for credit in self.credits:
                    ledger.owe(identification, credit, doubles.NOON)
            self.host = WindowHost(SoftwareHsm(KEYS), ledger, self.goods.clock)
            yield self.host

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def open(self, port: int = 0) -> None:
        """Start, or start anew on the same journal; without a port at another one."""
        self._ready.clear()
        self.reader.watched(True)
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(port),))
        self._thread.start()
        assert self._ready.wait(PATIENCE_S)

    def close(self) -> None:
        if self._thread is not None:
            self._server.handle_exit(15, None)
            self.reader.watched(False)
            self._thread.join(PATIENCE_S)
            assert not self._thread.is_alive()
            self._thread = None

    def sold_while_closed(self, fault: Fault | None = None) -> None:
        """A sale made with this card on this journal, and the terminal switched off and on since; call it while open."""
        port = self.desk.address.port
        self.close()
        with Journal.open(self.folder / "journal.db") as journal:
            self.goods.journal = journal
            self.goods.sell(fault)
        self.goods.psam = self.goods.powered_psam()
        self.open(port)

    async def _serve(self, port: int) -> None:
        own = bound("127.0.0.1", port)
        listening = Listening("127.0.0.1", own.getsockname()[1])
        self.desk = Desk(self.fittings, listening.address, self.now)
        self.url = listening.address.url.rstrip("/")
        try:
            self.desk.start()
            self._server = CounterServer(self.desk, listening, lambda _address: self._ready.set())
            await self._server.serve([own])
        finally:
            own.close()
            await self.desk.close()

    def _driver(self, journal: Journal, shop: Callable[[], Shop], pins: PinEntry) -> Driver:
        place = lambda: Place(  # noqa: E731
            ReadersOfSlots(self.hands), journal, shop(), self.goods.clock, os.urandom, pins
        )
        return Driver(place, self.now)

    @contextmanager
    def browser(self) -> Iterator[Browser]:
        with httpx.Client(base_url=self.url, timeout=PATIENCE_S) as client:
            yield Browser(client, self.url)

    @contextmanager
    def program(
        self, *scopes: Scope, name: str = "till-1", by: str = "", until: date | None = None
    ) -> Iterator[Shopware]:
        """A program that was let in for this."""
        new, token = new_program(name, frozenset(scopes), by, self.goods.clock(), os.urandom, until)
        assert add_program(self.folder / "programs.json", new)
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=self.url, timeout=PATIENCE_S, headers=headers) as client:
            yield Shopware(client, token)

    def in_station(self, what: Callable[[Workplace], Any]) -> Any:
        """Something asked in the thread that holds journal and ledger."""
        return asyncio.run_coroutine_threadsafe(self.desk.station.do(what), self.desk._loop).result(
            PATIENCE_S
        )

    def balance(self) -> int:
        """What the chip holds, whatever anybody was told."""
        return self.goods.balance()

    def entries(self) -> list[Any]:
        """The journal's sales; once the server is closed."""
        with Journal.open(self.folder / "journal.db") as journal:
            return list(journal.entries())


@dataclass
class Shopware:
    """A program of the shop's, with its token."""

    client: httpx.Client
    token: str

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.client.get(f"/api/v1/{path}", params=query)

    def post(self, path: str, body: dict[str, Any] | None = None, **query: Any) -> httpx.Response:
        return self.client.post(f"/api/v1/{path}", json=body or {}, params=query)

    def sell(self, request: str = "r1", wait_s: float = 0, **order: Any) -> httpx.Response:
        order = order or {"account_fen": 1234}
        return self.post("sales", {"request": request, **order}, wait_s=wait_s)

    def drive(self, function: str, **parameters: Any) -> dict[str, Any]:
        """A function of the known driver that this program may call."""
        answer = self.client.post("/driver", json={"function": function, **parameters})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def until_ready(self) -> dict[str, Any]:
        """The card, as soon as it can be served."""
        for _ in range(200):
            card: dict[str, Any] = self.get("card").json()
            if card["step"] == "ready":
                return card
            time.sleep(0.02)
        raise AssertionError("the card was never ready")


@dataclass
class Browser:
    """One browser: cookies, the CSRF token of its page, and the newest state it saw."""

    client: httpx.Client
    origin: str
    csrf: str = ""
    state: dict[str, Any] = field(default_factory=dict)

    def load(self) -> httpx.Response:
        """The clerk's page."""
        answer = self.client.get("/")
        found = re.search(r'name="csrf" content="([^"]+)"', answer.text)
        assert found is not None, answer.text
        self.csrf = found[1]
        return answer

    def post(self, path: str, body: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        return self.client.post(
            path, json=body or {}, headers={"Origin": self.origin, CSRF_HEADER: self.csrf, **headers}
        )

    def do(self, what: str, **body: Any) -> httpx.Response:
        """Something on the screen this browser saw last."""
        answer = self.post(f"/clerk/{what}", {"number": self.look()["number"], **body})
        if answer.is_success:
            self.state = answer.json()
        return answer

    def look(self) -> dict[str, Any]:
        """The state at this moment."""
        answer = self.client.get("/clerk/state")
        assert answer.is_success, answer.text
        self.state = answer.json()
        return self.state

    def until(self, step: str) -> dict[str, Any]:
        """The state as soon as it is at that step."""
        with self.listening() as events:
            for name, value in events:
                if name == "state" and value["step"] == step:
                    self.state = value
                    return value
        raise AssertionError(f"never came to {step}")

    @contextmanager
    def listening(self, path: str = "/clerk/events", **headers: str) -> Iterator[Iterator[tuple[str, Any]]]:
        """Server-sent events, name and data each."""
        with self.client.stream("GET", path, headers=headers) as answer:
            assert answer.status_code == 200, answer.read()
            yield parsed(answer.iter_lines())


def parsed(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    name = ""
    for line in lines:
        field_name, _, value = line.partition(": ")
        if field_name == "event":
            name = value
        elif field_name == "data":
            yield name, json.loads(value)


@dataclass
class Pad:
    """A customer's browser, paired."""

    browser: Browser

    @classmethod
    def paired(cls, browser: Browser, code: str) -> Pad:
        answer = browser.post("/pad/pair", {"code": code})
        assert answer.is_success, answer.text
        browser.csrf = answer.json()["csrf"]
        return cls(browser)

    def state(self) -> dict[str, Any]:
        answer = self.browser.client.get("/pad/state")
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def type(self, digits: str) -> None:
        state = self.state()
        for at, digit in enumerate(digits, state["digits"]):
            answer = self.browser.post(
                "/pad/digit", {"number": state["number"], "at": at, "digit": int(digit)}
            )
            assert answer.is_success, answer.text

    def press(self, key: str) -> httpx.Response:
        return self.browser.post(f"/pad/{key}", {"number": self.state()["number"]})

    def enter(self, digits: str) -> httpx.Response:
        self.type(digits)
        return self.press("ok")
