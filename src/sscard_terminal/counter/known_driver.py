"""The known driver's functions at this counter: called in the working thread, PINs keyed at the customer's pad.

While the holder keys a PIN for a function the counter serves nobody else; pages show it as any other service. Not here: the
functions themselves, which whoever composes the counter hands in (fittings.py), HTTP (routes_driver.py).
Source: counter.md, "The local service"; card.md §8 (PINs come from a pad, never from a parameter).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.outcomes import Declined, Reason, SaleKind
from sscard_terminal.terminal.till.steps import Panel, Purpose, Screen, Step
from sscard_terminal.terminal.till.till import Shop
from sscard_terminal.voice.told import Money

if TYPE_CHECKING:
    from .workplace import Workplace

PIN_ENTRY_S = 60.0
"""How long a function waits for the holder at the pad. Our choice."""
IDENTIFICATION_DIGITS = 32
READER_BUSY = -12
"""未建立连接: somebody else is at the counter. Source: card.md §8, annex A."""


class KnownResult(Protocol):
    """What a function returns."""

    @property
    def code(self) -> int: ...

    @property
    def out(self) -> str: ...

    @property
    def money(self) -> Money: ...


class KnownDriver(Protocol):
    """SSCardDriver over this counter's reader."""

    @property
    def holds_card(self) -> bool:
        """Whether a flow of HSM steps keeps the card for its next step."""

    def call(self, name: str, parameters: Mapping[str, object], operator: str = "") -> KnownResult: ...

    def close(self) -> None: ...


DriverMaker = Callable[[Journal, Callable[[], Shop], "AskedPins"], KnownDriver]
"""Makes the driver in the working thread: over its journal, by the rules of each moment, PINs asked for like this."""


@dataclass
class AskedPins:
    """Asks the holder at the pad, on behalf of a function that waits in the working thread; answered from the event loop."""

    show: Callable[[Screen | None], None] = lambda _screen: None
    """Puts a screen over the till's, and None takes it away; the workplace's."""
    patience_s: float = PIN_ENTRY_S
    panel: Panel | None = None
    _answer: Future[Pin | Declined] | None = None
    _again: Pin | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def ask(
        self, wish: str, tries_left: int | None = None, amounts: PurchaseAmounts | None = None
    ) -> Pin | Declined:
        """In the working thread. The pad itself has a new PIN typed twice, so its repetition is at hand."""
        if wish == "repeat":
            again, self._again = self._again, None
            return again or Declined(Reason.NEW_PINS_DIFFER)
        answer: Future[Pin | Declined] = Future()
        with self._lock:
            self._answer = answer
        try:
            self.show(_screen_for(wish, self.panel, amounts))
            with suppress(TooLate):
                answer.result(self.patience_s)
        finally:
            with self._lock:  # from now on nobody answers any more
                self._answer = None
            self.show(None)
        found = answer.result() if answer.done() else Declined(Reason.PIN_ENTRY_TIMED_OUT)
        if wish == "new" and isinstance(found, Pin):
            self._again = Pin.from_bcd(found.to_bcd())
        return found

    @property
    def is_waiting(self) -> bool:
        return self._answer is not None

    def give(self, pin: Pin) -> bool:
        """The holder's PIN, to be wiped by the function; False where none waits for it any more."""
        return self._tell(pin)

    def cancel(self) -> bool:
        """The holder's or the clerk's Cancel."""
        return self._tell(Declined(Reason.CANCELLED))

    def _tell(self, answer: Pin | Declined) -> bool:
        with self._lock:
            waiting, self._answer = self._answer, None
            if waiting is None:
                return False
            waiting.set_result(answer)
            return True


def _screen_for(wish: str, panel: Panel | None, amounts: PurchaseAmounts | None) -> Screen:
    if wish == "new":
        return Screen(Step.NEW_PIN, panel, Purpose.CHANGE_PIN)
    if wish == "old":
        return Screen(Step.ENTER_PIN, panel, Purpose.CHANGE_PIN)
    if amounts is None:
        return Screen(Step.ENTER_PIN, panel, Purpose.DETAILS)
    return Screen(Step.ENTER_PIN, panel, Purpose.SALE, amounts, SaleKind.RECORD_KEEPING)


@dataclass(frozen=True, slots=True)
class Call:
    """One call: `operator` the program, `supervisor` who let it in; `discloses` a holder in full."""

    name: str
    parameters: Mapping[str, object]
    operator: str
    supervisor: str = ""
    discloses: bool = False


def called(work: Workplace, call: Call) -> KnownResult | None:
    """One function, in the working thread; None where somebody else is at the counter.

    A holder's data are in the journal's list of disclosures before the program has them.

    Raises:
        JournalTrouble: they could not be put there.
    """
    if work.driver is None or work.is_at_work:
        return None
    panel = work.till.screen.panel
    work.asked_pins.panel = panel
    result = work.driver.call(call.name, call.parameters, call.operator)
    if call.discloses and result.code == 0:
        whose = _whose(call, result.out) or ("" if panel is None else panel.identification)
        work.journal.record_disclosure(work.fittings.clock(), call.operator, call.supervisor, whose)
    work.look_into_books()
    return result


def _whose(call: Call, out: str) -> str:
    """The card identification code of the card that was read, where the call itself tells."""
    info = call.parameters.get("pCardInfo")
    fields = info.split("|") if isinstance(info, str) else out.split("|")[3:4]
    return fields[0] if fields and len(fields[0]) == IDENTIFICATION_DIGITS else ""
