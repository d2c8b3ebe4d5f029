"""What the clerk's keys and typed lines do: they become methods of the till, and the till's screens become views.

Not here: what a step does (terminal/till), the terminal's screen and threads (keyboard.py). All of it runs in one
thread, the one that opened the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from sscard_terminal.cardspec.money import fen_of_items, fen_of_yuan
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.terminal.amounts import Shares, amounts_of_total
from sscard_terminal.terminal.errands import Errands
from sscard_terminal.terminal.outcomes import Declined, Reason
from sscard_terminal.terminal.passwords import Password
from sscard_terminal.terminal.policy import FIRST_PINS
from sscard_terminal.terminal.till.steps import PEOPLE_ARE_AT_IT, Purpose, Screen, Step
from sscard_terminal.terminal.till.till import Order, Till

from ..console import Console
from ..outcomes import declined
from ..pins import pin_of
from .keyed import KNOWN_ERRORS, sentence_of
from .office import Office, Supervisor
from .view import TONES, View, body, state_line


class Key(StrEnum):
    """The keys staff know. Source: counter.md, screen rule 5; F6, F7 and F12 are our choice."""

    HELP = "f1"
    READ = "f2"
    SALE = "f3"
    CHANGE_PIN = "f4"
    DETAILS = "f5"
    BALANCE = "f6"
    OPEN_DAY = "f7"
    REPRINT = "f8"
    VOID = "f9"
    CLOSE_DAY = "f10"
    CANCEL = "escape"


class Asking(StrEnum):
    """What a typed line is, where the till itself asks for nothing. The value is the key of its prompt."""

    NOTHING = "nothing"
    TOTAL = "total"
    VOUCHER_TO_REPRINT = "voucher-to-reprint"
    VOUCHER_TO_VOID = "voucher-to-void"
    CLOSE_THE_DAY = "close-the-day"
    SUPERVISOR = "supervisor"
    SUPERVISOR_PASSWORD = "supervisor-password"


SERVICES = {
    Key.CHANGE_PIN: Purpose.CHANGE_PIN,
    Key.DETAILS: Purpose.DETAILS,
    Key.BALANCE: Purpose.BALANCE,
}
YES = frozenset({"y", "yes", "是"})
NO = frozenset({"n", "no", "否", "不"})
MAY_BE_READ = frozenset(Asking) - {Asking.NOTHING, Asking.SUPERVISOR_PASSWORD}
"""Only what is typed here shows: a PIN keyed a step too early must not (counter.md, screen rule 2)."""
ASKED = {
    Key.REPRINT: Asking.VOUCHER_TO_REPRINT,
    Key.VOID: Asking.VOUCHER_TO_VOID,
    Key.CLOSE_DAY: Asking.CLOSE_THE_DAY,
}


@dataclass(slots=True)
class Clerk:
    """One clerk at one till; `show` is told each new view."""

    till: Till
    office: Office
    console: Console
    shares: Shares
    show: Callable[[View], None]
    asking: Asking = Asking.NOTHING
    notice: tuple[str, ...] = ()
    at_start: tuple[str, ...] = ()
    """What is to be known from the beginning; until the first key, whatever card is in."""
    first_new_pin: Pin | None = field(default=None, repr=False)
    card_is_in: bool = False
    first_pin_used: bool = False
    waiting: Callable[[Supervisor | None], Iterable[str]] | None = field(default=None, repr=False)
    """What is done once a supervisor has answered for it."""
    supervisor: str = ""
    errands: Errands | None = None
    card_in_file: bool = False
    """The card lies in a file, where nobody inserts it."""

    def see_to_errands(self) -> bool:
        """Upload and back-up, where due and nobody is being served. Whether there is more to do at once."""
        is_asked = self.asking is not Asking.NOTHING or self.till.screen.step in PEOPLE_ARE_AT_IT
        if self.errands is None or is_asked:
            return False
        before = self.errands.notes
        goes_on = self.errands.see_to(self.office.journal)
        if self.errands.notes != before:
            self.publish()
        return goes_on

    def card(self, present: bool) -> None:
        """A card was put in, or taken out."""
        self._begin()
        self._forget_new_pin()
        self.card_is_in, self.first_pin_used = present, False
        self._guarded(self.till.card_came if present else self.till.card_went)
        self.publish()

    def press(self, key: Key) -> None:
        """A function key, or Esc."""
        self.at_start = ()
        self._begin()
        self._forget_new_pin()
        match key:
            case Key.HELP:
                self.notice = tuple(self.console.text("counter.help").splitlines())
            case Key.READ:
                self._guarded(self.till.card_came)
            case Key.SALE:
                if self._ready() and self._guarded(self._sign):
                    self.asking = Asking.TOTAL
            case Key.CHANGE_PIN | Key.DETAILS | Key.BALANCE:
                if self._ready():
                    self._guarded(lambda: self.till.ask(SERVICES[key]))
            case Key.OPEN_DAY:
                self._guarded(lambda: self._tell(self.office.open_day()))
            case Key.REPRINT | Key.VOID | Key.CLOSE_DAY:
                self.asking = ASKED[key]
            case Key.CANCEL:
                self.till.cancel()
        self.publish()

    def enter(self, line: str) -> None:
        """A typed line and Enter: the answer to what is asked; an empty line is yes, and no other is taken for it."""
        asking, step = self.asking, self.till.screen.step
        self.at_start = ()
        self._begin()
        if asking is not Asking.NOTHING:
            is_answered = self._guarded(lambda: self._answer(asking, line.strip()))
            if asking is Asking.TOTAL and not is_answered:
                self.asking = asking
        elif step is Step.ENTER_PIN and self.till.screen.at_pad and not line:
            self._guarded(self.till.enter_pin_at_pad)
        elif step is Step.ENTER_PIN:
            self._guarded(lambda: self._pin(line))
        elif step is Step.NEW_PIN:
            self._guarded(lambda: self._new_pin(line))
        elif line.strip():
            self._guarded(lambda: self._word(line.strip().casefold()))
        else:
            self._guarded(self.till.confirm)
        self.publish()

    def on_screen(self, screen: Screen) -> None:
        """The till has come to another step; a sale that has ended gets its slip."""
        if screen.step in (Step.DONE, Step.TO_BE_VERIFIED) and screen.purpose is Purpose.SALE:
            voucher = screen.voucher
            if voucher is not None:
                self._guarded(lambda: self._tell(self.office.slip(voucher, reprint=False)))
        self.publish()

    def publish(self) -> None:
        self.show(self.view())

    def view(self) -> View:
        screen, console = self.till.screen, self.console
        return View(
            state=self._state(screen),
            lines=(*body(screen, console), *self.at_start, *self._hint(screen), *self.notice, *self._notes()),
            prompt=self._prompt(screen),
            secret=self.asking not in MAY_BE_READ,
            tone=TONES.get(screen.step, ""),
            beeps=screen.step is Step.DONE and self.card_is_in,
        )

    def _hint(self, screen: Screen) -> Iterator[str]:
        """Everybody knows the first PINs: an urgent hint to change one (counter.md, "PIN pad")."""
        if self.first_pin_used and screen.step is Step.DONE and screen.purpose is not Purpose.CHANGE_PIN:
            yield self.console.text("keyed.pin.first-pin")

    def _state(self, screen: Screen) -> str:
        if self.card_in_file and screen.step is Step.INSERT_CARD:
            return self.console.text("step.read-card")
        return state_line(screen, self.console.language)

    def _notes(self) -> Iterator[str]:
        """What the counter could not see to by itself."""
        for note in () if self.errands is None else self.errands.notes:
            yield self.console.text(f"errand.{note.key}", since=f"{note.since:%H:%M}")

    def _prompt(self, screen: Screen) -> str:
        if self.asking is not Asking.NOTHING:
            return self.console.text(f"ask.{self.asking}")
        match screen.step:
            case Step.ENTER_PIN if screen.at_pad:
                return self.console.text("ask.at-pad")
            case Step.ENTER_PIN:
                return self.console.text("pin.prompt")
            case Step.NEW_PIN:
                again = self.first_new_pin is not None
                return self.console.text("pin.prompt-again" if again else "pin.prompt-new")
            case Step.REFUSED if self._is_repeat():
                return self.console.text("ask.again")
        return ""

    def _word(self, said: str) -> None:
        """A word where Enter is yes; what is neither yes nor no does nothing."""
        is_question = self.till.screen.step in (Step.CONFIRM_AMOUNT, Step.REST_IN_CASH)
        if self._is_repeat() and said in YES:
            self.till.sell_again()
        elif said in NO and (is_question or self._is_repeat()):
            self.till.cancel()
        else:
            self.notice = (self.console.text("counter.no-answer"),)

    def _is_repeat(self) -> bool:
        """The sale was refused as one already made; a clear yes says that it is meant."""
        refused = self.till.screen.declined
        return refused is not None and refused.reason is Reason.SAME_SALE_AGAIN

    def _sign(self) -> None:
        """Who is signed in now sells; nobody, where somebody has to be, is a refusal."""
        self.till.operator = self.office.operator()

    def _begin(self) -> None:
        self.asking, self.notice = Asking.NOTHING, ()

    def _ready(self) -> bool:
        """On to the next service where the last one is over and the card still in; a line says why not."""
        if self.till.screen.step in (Step.DONE, Step.REFUSED):
            self.till.confirm()
        screen = self.till.screen
        if screen.step is not Step.READY:
            self.notice = (self.console.text("counter.no-card" if screen.panel is None else "counter.busy"),)
        return screen.step is Step.READY

    def _answer(self, asking: Asking, line: str) -> None:
        match asking:
            case Asking.TOTAL:
                self._sell(line)
            case Asking.VOUCHER_TO_REPRINT:
                self._tell(self.office.slip(self._voucher(line) if line else None, reprint=True))
            case Asking.VOUCHER_TO_VOID:
                voucher = self._voucher(line)
                self._answered_for(lambda supervisor: self.office.void(voucher, supervisor))
            case Asking.CLOSE_THE_DAY if line:
                self._answered_for(lambda supervisor: self.office.close_day(line, supervisor))
            case Asking.CLOSE_THE_DAY:
                self._tell(self.office.close_day("", None))
            case Asking.SUPERVISOR:
                self.supervisor, self.asking = line, Asking.SUPERVISOR_PASSWORD
            case Asking.SUPERVISOR_PASSWORD:
                waiting, self.waiting = self.waiting, None
                if waiting is not None:
                    self._tell(waiting(Supervisor(self.supervisor, Password(line))))

    def _answered_for(self, act: Callable[[Supervisor | None], Iterable[str]]) -> None:
        """Do it, after a supervisor's number and password where whoever is signed in is none."""
        if self.office.needs_supervisor():
            self.waiting, self.asking = act, Asking.SUPERVISOR
        else:
            self._tell(act(None))

    def _sell(self, line: str) -> None:
        """Total, or the items it is the sum of; behind it, if typed, the self-paid and the pooled part."""
        words = line.split()
        if not 1 <= len(words) <= 3:
            raise FormatError("an amount is missing")
        total = fen_of_items(words[0])
        if not total:
            raise FormatError("an amount is missing")
        self_paid, pooled = (*map(fen_of_yuan, words[1:]), None, None)[:2]
        amounts = amounts_of_total(total, self_paid, pooled, self.shares)
        if isinstance(amounts, Declined):
            raise declined(amounts)
        self.till.sell(Order(amounts, by_total=True))

    def _pin(self, line: str) -> None:
        pin = pin_of(line)
        self.first_pin_used = pin in FIRST_PINS
        self.till.enter_pin(pin)

    def _forget_new_pin(self) -> None:
        if self.first_new_pin is not None:
            self.first_new_pin.wipe()
        self.first_new_pin = None

    def _new_pin(self, line: str) -> None:
        new, first = pin_of(line), self.first_new_pin
        if first is None:
            self.first_new_pin = new
            return
        self.first_new_pin = None
        if first != new:
            new.wipe()
            first.wipe()
            raise declined(Declined(Reason.NEW_PINS_DIFFER))
        first.wipe()
        self.till.enter_new_pin(new)

    @staticmethod
    def _voucher(line: str) -> int:
        if not (line.isascii() and line.isdecimal()):
            raise FormatError("a voucher number has digits only")
        return int(line)

    def _tell(self, lines: Iterable[str]) -> None:
        self.notice = (*self.notice, *lines)

    def _guarded(self, act: Callable[[], None]) -> bool:
        """Whatever a person may meet becomes its sentence, and False; the till stays where it is."""
        try:
            act()
        except KNOWN_ERRORS as error:
            self.notice = (*self.notice, sentence_of(error, self.console.language))
            return False
        return True
