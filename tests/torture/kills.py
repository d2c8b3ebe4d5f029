"""SIGKILL for a serving card process at random moments around DEBIT and VERIFY, and the law after each.

Not here: durability. A killed process leaves the page cache behind; what a power cut takes is the enumeration's.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sscard_terminal.card.memory import create_whole
from tests.card.test_vpicc import Driver
from tests.torture import oracle
from tests.torture.counterpart import DF04, SSSE, TERMINAL, Counterpart, chip_on, look_at_card
from tests.torture.oracle import State, Verdict
from tests.torture.scenarios import RIGHT, SMALL, TIME, WRONG, fresh
from tests.torture.stateful import without_codes
from tests.torture.stores import Medium, Write

ROOT = Path(__file__).parents[2]
PROFILE = "gen2-32k"
PATIENCE_S = 20.0
FIRST_GUESS_S = 0.004
"""How long a command takes, until the first one was measured; kills fall between 0 and twice that."""


class RemoteChip:
    """The chip as the other end of the driver's link."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def respond(self, raw: bytes) -> bytes:
        return self._driver.ask(raw)


@contextmanager
def serving_process(image: Path, driver: Driver) -> Iterator[subprocess.Popen[bytes]]:
    """A card process that has been taken in and powered; dead behind the block."""
    command = [sys.executable, "-m", "tests.torture.served_card", str(image), PROFILE, str(driver.port)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        driver.accept()
        driver.send(b"\x01")
        yield process
    finally:
        process.kill()
        process.wait()


class Killer:
    """Kills card processes over one image; each restart goes on where the last one was killed."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.seed = seed
        self.kills: Counter[str] = Counter()
        self.replays = 0
        self._dice = random.Random(seed)
        self._image = folder / "card.img"
        create_whole(self._image, fresh(PROFILE))
        self._state = self._look()
        self._usual_s = {"DEBIT": FIRST_GUESS_S, "VERIFY": FIRST_GUESS_S}

    def _look(self) -> State:
        return look_at_card(self._image.read_bytes(), PROFILE, (RIGHT,))

    def run(self, count: int) -> None:
        """So many kills; AssertionError with seed and number where the law is broken."""
        with closing(Driver()) as driver:
            for number in range(count):
                with serving_process(self._image, driver) as process:
                    self._kill_once(number, driver, process)

    def _kill_once(self, number: int, driver: Driver, process: subprocess.Popen[bytes]) -> None:
        card = Counterpart(RemoteChip(driver), PROFILE)  # type: ignore[arg-type]
        name, command, judge = self._prepare(card)
        before = self._state
        driver.send(bytes.fromhex(command))
        sent = time.perf_counter()
        pause = self._dice.uniform(0, 2 * self._usual_s[name])
        while time.perf_counter() - sent < pause:
            pass  # a sleep is too coarse for a moment inside a commit
        process.kill()
        process.wait()
        answered = self._answered(driver)
        self.replays += self._needs_replay()
        self._state = self._look()
        path, _ = judge(before)
        allowed = [without_codes(state) for state in oracle.allowed(before, path, True, False, answered)]
        assert without_codes(self._state) in allowed, (
            f"seed {self.seed}, kill {number}, {name}: {self._state}"
        )
        moved = "new" if self._state != before else "old"
        self.kills[f"{name}, {'answered' if answered else f'{moved} without an answer'}"] += 1
        usual = self._usual_s[name]
        self._usual_s[name] = 0.9 * usual + 0.1 * (min(pause, usual) if answered else max(pause, usual))

    def _prepare(self, card: Counterpart) -> tuple[str, str, Callable[[State], Verdict]]:
        """Everything up to the command that will be killed; the state is exact until then."""
        if self._state["tries"] == 0:
            card.fetch(SSSE)
            assert (card.authenticate("PUK"), card.unblock_pin()) == ("9000", "9000")
            self._state = {**self._state, "tries": 3}
        wrong = self._state["tries"] > 1 and self._dice.random() < 0.5
        if self._dice.random() < 0.4:
            pin = WRONG if wrong else RIGHT
            return "VERIFY", f"0020000003{pin}", lambda state: oracle.verify(state, pin)
        assert card.verify(RIGHT) == "9000"
        self._state = {**self._state, "tries": 3}
        card.fetch(DF04)
        challenge = card.initialize_purchase(SMALL)
        command = card.debit_command(challenge, SMALL, TIME)
        return "DEBIT", command, lambda state: oracle.purchase(state, SMALL, TERMINAL, TIME, "")

    @staticmethod
    def _answered(driver: Driver) -> bool:
        """Whether a whole answer had left before the kill."""
        try:
            received = driver.link.recv(100)
        except ConnectionResetError:
            return False
        return len(received) >= 4

    def _needs_replay(self) -> bool:
        """Whether the kill fell between the record and the last of its pages."""
        medium = Medium(self._image.read_bytes())
        chip_on(medium, PROFILE)
        return sum(isinstance(event, Write) for event in medium.events) > 0
