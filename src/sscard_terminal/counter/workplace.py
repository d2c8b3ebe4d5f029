"""Till, journal and slips of one counter, for the one thread that owns them; every change leaves a new snapshot.

Not here: the thread and who may ask it (station.py), the services (terminal), words (view.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.cardspec.records import masked_number
from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.terminal.errands import Errands
from sscard_terminal.terminal.issuer_host import IssuerHost
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.journal_events import JournalEntry
from sscard_terminal.terminal.journal_file import JournalTrouble
from sscard_terminal.terminal.load_journal import LoadJournal
from sscard_terminal.terminal.outcomes import Declined
from sscard_terminal.terminal.policy import FIRST_PINS
from sscard_terminal.terminal.slips.contents import Slip
from sscard_terminal.terminal.slips.forms import slip_of_sale
from sscard_terminal.terminal.slips.layout import text_of
from sscard_terminal.terminal.slips.load_form import slip_of_load
from sscard_terminal.terminal.slips.printing import print_slip
from sscard_terminal.terminal.slips.targets import Nowhere
from sscard_terminal.terminal.slips.targets import Screen as OnScreen
from sscard_terminal.terminal.slips.trouble import SlipTrouble
from sscard_terminal.terminal.till.steps import PEOPLE_ARE_AT_IT, AtWindow, Purpose, Screen, Step
from sscard_terminal.terminal.till.till import Order, Till
from sscard_terminal.terminal.till.window import WindowTill
from sscard_terminal.terminal.upload_queue import waiting

from .beside import LOOKED_THROUGH, Line, beside
from .fittings import Fittings
from .known_driver import AskedPins
from .services import Service
from .snapshot import Became, Books, OpenSale, Paper, Snapshot

Publish = Callable[[Snapshot], None]
Later = Callable[[Callable[["Workplace"], None]], None]
"""Does something in the owning thread, after what it is at."""
_WITH_SLIP = (Step.DONE, Step.TO_BE_VERIFIED)
_WITH_LOAD_SLIP = (*_WITH_SLIP, Step.REFUSED)
"""Of several refunds some may have been loaded before one was refused."""


class Stale(Exception):
    """What was done was done on a screen that is no more; nothing was done."""


class DoesNotFit(Exception):
    """Nothing can be done so at this step; nothing was."""


class Workplace:
    """One counter's belongings. Not for two threads: `station.Station` sees to it."""

    def __init__(
        self,
        fittings: Fittings,
        journal: Journal,
        publish: Publish,
        printer: Executor,
        later: Later,
        asked_pins: AskedPins,
        host: IssuerHost | None = None,
    ) -> None:
        self.fittings = fittings
        self.journal = journal
        self.snapshot = Snapshot()
        self._publish = publish
        self._printer = printer
        self._later = later
        self.shop = fittings.shop
        self.service: Service | None = None
        """What a program has begun and is not at its end."""
        self.asked_pins = asked_pins
        asked_pins.show = self._shown_over
        make = fittings.driver
        self.driver = None if make is None else make(journal, lambda: self.shop, asked_pins)
        """The known driver's functions; a flow of theirs that holds the card ends when the till needs it."""
        self.host = host
        self.errands = Errands(fittings.configuration, fittings.clock)
        self._seen = 0
        """The snapshot at the last look whether an errand is due."""
        self.till = self._till()
        self.look_into_books()

    def _till(self) -> Till:
        parts = self.fittings
        at = (parts.slots, self.journal, parts.shop, parts.clock, parts.random, self._shown)
        return Till(*at) if self.host is None else WindowTill(self.host, *at)

    # What happens by itself -------------------------------------------------------------------------------

    def card(self, present: bool) -> None:
        """A card was put in, or taken out."""
        self._let_go_of_card()
        if present:
            self._take_newer_rules()
        self.change(card_is_in=present, reader_trouble=None)
        with self._or_give_up():
            if present:
                self.till.card_came()
            else:
                self.till.card_went()
            self._go_on()
        self.look_into_books()

    def reader(self, trouble: LinkReason | None) -> None:
        """The reader is away, or back."""
        self.change(reader_trouble=trouble)

    def see_to_errands(self) -> None:
        """Upload and back-up, where due and nobody is being served; step by step, so that whoever comes is served first."""
        is_quiet, self._seen = self._seen == self.snapshot.number, self.snapshot.number
        if not self._is_between_cards(is_quiet):
            return
        before = self.errands.notes
        goes_on = self.errands.see_to(self.journal)
        if goes_on:
            self._later(Workplace.see_to_errands)
        if goes_on or self.errands.notes != before or self.snapshot.books.waiting:
            self.look_into_books()
            self._seen = self.snapshot.number

    def _is_between_cards(self, is_quiet: bool) -> bool:
        """No card; or one that lies there with nobody at it, and nothing happened since the last look."""
        if self.is_at_work or (self.driver is not None and self.driver.holds_card):
            return False
        return self.till.screen.step is Step.INSERT_CARD or is_quiet

    # What people do ---------------------------------------------------------------------------------------

    def act(self, number: int, operator: str, what: Callable[[Till], None]) -> Snapshot:
        """One method of the till, done by `operator` on snapshot `number`.

        Raises:
            Stale: they saw another screen.
            DoesNotFit: it is none of this step's.
        """
        self.require_current(number)
        self._let_go_of_card()
        before = self.till.screen
        self.till.operator = operator if self.service is None else self.service.program
        with self._or_give_up():
            what(self.till)
            if self.till.screen is not before:
                self._go_on()
        if self.till.screen is before:
            raise DoesNotFit
        self.look_into_books()
        return self.snapshot

    @contextmanager
    def _or_give_up(self) -> Iterator[None]:
        """A mistake nobody foresaw must not leave the till where no way leads on."""
        is_done = False
        try:
            yield
            is_done = True
        finally:
            if not is_done:
                self.till.give_up()
                self.look_into_books()

    def sell(self, number: int, operator: str, order: Order) -> Snapshot:
        """Begin a sale, where the last service is over and the card still in also the next one.

        Raises:
            Stale, DoesNotFit: as `act`.
        """

        def begin(till: Till) -> None:
            if till.screen.step in (Step.DONE, Step.REFUSED):
                till.confirm()
            till.sell(order)

        return self.act(number, operator, begin)

    def sell_again(self, number: int, operator: str) -> Snapshot:
        """The sale just refused as one already made is meant.

        Raises:
            Stale: as `act`.
            DoesNotFit: there is none.
        """
        return self.act(number, operator, Till.sell_again)

    # What programs do -------------------------------------------------------------------------------------

    def serve(self, service: Service, begin: Callable[[Till], None]) -> None:
        """Begin a program's service and follow it: to its end, or until it waits for people."""
        self._let_go_of_card()
        with self._or_give_up():
            begin(self.till)
            screen = self.till.screen
            if service.goes_on_at(screen.step):
                self.service = service
                self.change(service=service)
                self._go_on()
            else:
                service.end(self.journal, screen, self.fittings.clock, self._beside(screen))
        self.look_into_books()

    def cancel(self) -> None:
        """End the service people are at; nothing was charged."""
        self.till.cancel()
        self.look_into_books()

    def read_card(self) -> None:
        """Identify the card in the reader anew."""
        self._let_go_of_card()
        with self._or_give_up():
            self.till.card_came()
            self._go_on()
        self.look_into_books()

    @property
    def is_at_work(self) -> bool:
        """Somebody is at it: people, a program, or the card itself."""
        step = self.till.screen.step
        return self.service is not None or step in (*PEOPLE_ARE_AT_IT, Step.CHARGING, Step.READING)

    def _let_go_of_card(self) -> None:
        if self.driver is not None:
            self.driver.close()

    def _shown_over(self, screen: Screen | None) -> None:
        """A PIN is asked for by a function of the known driver: its screen over the till's; None: no more."""
        self.change(screen=screen or self.till.screen, paper=None, beside=())

    def _go_on(self) -> None:
        """Where the reader has a pad it asks at once; after a wrong PIN the clerk has it ask again. A program has said
        before that the rest is paid in cash.
        """
        if self.till.screen.step is Step.REST_IN_CASH and self.service is not None:
            self.till.confirm()
        screen = self.till.screen
        if screen.step is Step.ENTER_PIN and screen.at_pad and screen.declined is None:
            self.till.enter_pin_at_pad()

    def require_current(self, number: int) -> None:
        """
        Raises:
            Stale: whoever saw snapshot `number` saw another screen.
        """
        if not self.snapshot.is_current(number):
            raise Stale

    def require_nobody_at_it(self) -> None:
        """
        Raises:
            DoesNotFit: a service has begun and waits for people; it is finished or cancelled first.
        """
        if self.till.screen.step in PEOPLE_ARE_AT_IT:
            raise DoesNotFit

    def with_pin(self, number: int, operator: str, pin: Pin, enter: Callable[[Till, Pin], None]) -> Snapshot:
        """As `act`, with a PIN, which the till wipes when it has used it, and which is wiped where it never gets it.

        Raises:
            Stale, DoesNotFit: as `act`.
        """
        is_first = pin in FIRST_PINS
        try:
            self.act(number, operator, lambda till: enter(till, pin))
        except (Stale, DoesNotFit):
            pin.wipe()
            raise
        if self.till.screen.step is Step.DONE and self.till.screen.purpose is not Purpose.CHANGE_PIN:
            self.change(first_pin_used=is_first)
        return self.snapshot

    def leave(self) -> None:
        """Nobody is here any more: whatever a service kept is forgotten, its PIN wiped."""
        self._let_go_of_card()
        self.till.give_up()

    def hand_out(self, slip: Slip, voucher: int) -> None:
        """Show a slip, and print it where a printer is configured; how that ends a later snapshot tells."""
        self.change(paper=self._paper(slip, voucher))

    # Snapshots --------------------------------------------------------------------------------------------

    def change(self, **changed: Any) -> None:
        """Publish the next snapshot, unless nothing changed."""
        before = self.snapshot
        new = replace(before, **changed)
        if new == before:
            return
        number = before.number + 1
        since = before.since if new.screen is before.screen else number
        self.snapshot = replace(new, number=number, since=since)
        self._publish(self.snapshot)

    def _take_newer_rules(self) -> None:
        self.shop = self.fittings.newer_shop(self.shop)
        self.till.serve_by(self.shop)
        self.look_into_books()

    def look_into_books(self) -> None:
        """What the journal says now."""
        self.change(books=self._books())

    def _books(self) -> Books:
        try:
            events = self.journal.newest_day_events()
            sales = tuple(map(_open_sale, self.journal.open_sales()))
            behind = waiting(self.journal).count
        except JournalTrouble:
            return replace(self.snapshot.books, is_readable=False)
        day = 0 if not events else events[-1].day
        opened_at = events[0].at if len(events) == 1 else None
        notes = self.errands.notes
        return Books(day, opened_at, sales, behind, hotlist=self.shop.rules.hotlist, notes=notes)

    def _shown(self, screen: Screen) -> None:
        """The till has come to another step; a sale that has ended gets its slip with it."""
        voucher, paper = screen.voucher, None
        if screen.step in _WITH_SLIP and screen.purpose is Purpose.SALE and voucher is not None:
            paper = self._paper_of_sale(voucher)
        if screen.step is Step.INSERT_CARD and voucher is not None:
            paper = self.snapshot.paper
        if screen.step in _WITH_LOAD_SLIP and screen.window is not None:
            paper = self._paper_of_loads(screen.window)
        if self.service is not None and not self.service.goes_on_at(screen.step):
            service, self.service = self.service, None
            service.end(self.journal, screen, self.fittings.clock, self._beside(screen))
        self.change(
            service=self.service,
            screen=screen,
            paper=paper,
            beside=self._beside(screen),
            first_pin_used=False,
        )

    def _beside(self, screen: Screen) -> tuple[Line, ...]:
        """The card's log beside the journal; without a journal to read, nothing beside it."""
        if screen.step is not Step.DONE or screen.details is None or screen.panel is None:
            return ()
        try:
            entries = self.journal.entries_of_card(screen.panel.identification, LOOKED_THROUGH)
            last = self.journal.last_entry()
        except JournalTrouble:
            entries, last = (), None
        return beside(screen.details, entries, "" if last is None else last.sale.terminal)

    def _paper_of_sale(self, voucher: int) -> Paper | None:
        """From the journal, never from the screen (counter.md screen rule 9); without one the sale stands all the same."""
        try:
            entry = self.journal.entry(voucher)
        except JournalTrouble:
            return None
        return None if entry is None else self._paper(self.slip_of(entry), voucher)

    def _paper_of_loads(self, window: AtWindow) -> Paper | None:
        """A slip for each load, from the journal; shown is the last. What was not loaded has none."""
        paper = None
        for _, outcome in window.loads:
            if not isinstance(outcome, Declined):
                paper = self._paper_of_load(outcome.load.number) or paper
        return paper

    def _paper_of_load(self, number: int) -> Paper | None:
        try:
            entry = LoadJournal(self.journal).entry(number)
        except JournalTrouble:
            return None
        place, language = self.shop.place, self.fittings.language
        if entry is None:
            return None
        return self._paper(slip_of_load(entry, place, language, training=self.journal.training), number)

    def slip_of(self, entry: JournalEntry, *, reprint: bool = False) -> Slip:
        return slip_of_sale(entry, self.fittings.language, reprint=reprint, training=self.journal.training)

    def _paper(self, slip: Slip, voucher: int) -> Paper:
        settings = self.fittings.configuration.slips
        text, target = text_of(slip, settings.columns), settings.target
        if isinstance(target, (OnScreen, Nowhere)):
            return Paper(voucher, text, Became.ON_SCREEN)
        paper = Paper(voucher, text, Became.PRINTING)
        printing = self._printer.submit(print_slip, target, slip, settings)
        printing.add_done_callback(lambda done: self._later(lambda work: work._printed(paper, done)))
        return paper

    def _printed(self, paper: Paper, done: Future[str]) -> None:
        try:
            became = replace(paper, became=Became.PRINTED, lost=done.result())
        except SlipTrouble as trouble:
            became = replace(paper, became=Became.NOT_PRINTED, fault=trouble.fault, where=trouble.where)
        if self.snapshot.paper is paper:
            self.change(paper=became)


def _open_sale(entry: JournalEntry) -> OpenSale:
    sale = entry.sale
    return OpenSale(sale.voucher, sale.amounts.account, masked_number(sale.card_number), sale.time)
