"""The issuer's host for service windows, in this process: what a terminal may load, and what may be done about a PIN.

It is what the terminal calls an IssuerHost, by its shape alone; over HTTP the same answers will come from centre/api.py.
Not here: keys (hsm.py), the book (window_ledger.py), and any belief in what a terminal says that a card can prove.
Source: card.md §4.3; reliability.md ("The law"); system.md ("Forgery, alteration, misuse").

Exactly once, seen from here. A load takes its money when it is authorised and is unknown from then on, until one of
three tells: the terminal's report, proved by the TAC where it says "credited"; or the same card, when it asks for its
next load: MAC1 proves its load counter, and a counter that has not moved says that the load did not happen and cannot
any more (INITIALIZE FOR LOAD has made its random number stale), one that has moved says that it did.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sscard_terminal.cardspec.issuing import (
    CardReference,
    HostReason,
    HostRefused,
    HostUnreachable,
    LoadAuthorised,
    LoadOutcome,
    LoadReport,
    LoadRequest,
    LoadStanding,
    LossChange,
    LossReport,
    LossStanding,
    PendingCredit,
    PinCommand,
    PinCommandRequest,
    PinPermission,
    PinPermissionRequest,
    PinService,
)
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.iso7816.errors import FormatError

from .hsm import SoftwareHsm
from .ledger_rows import AuthorisedLoad
from .window_ledger import WindowLedger

COUNTER_UNMOVED, COUNTER_MOVED = "counter-unmoved", "counter-moved"
TERMINAL_SAYS, TAC_PROVES, CALLED_OFF = "terminal", "tac", "called-off"
"""What an outcome in the ledger rests on."""
CREDITED_AFTER_ALL = "credited-after-all"
COUNTER_SKIPPED = "counter-skipped"
"""Flags beside those named as a HostReason."""


@dataclass(frozen=True, slots=True)
class WindowHost:
    """Answers one question at a time; every answer is in the ledger before it is given."""

    hsm: SoftwareHsm
    ledger: WindowLedger
    clock: Callable[[], datetime]

    # Loads ----------------------------------------------------------------------------------------------

    def authorise_load(self, asked: LoadRequest) -> LoadAuthorised | HostRefused:
        """Check MAC1, take the money, answer MAC2; the same request again gets the same answer and takes nothing.

        Raises:
            HostUnreachable: the ledger cannot be used; nothing was taken.
        """
        with self._deciding():
            return self._authorised(asked)

    def report_load(self, report: LoadReport) -> LoadStanding | HostRefused:
        """Hear what became of a load. A report of what is held already changes nothing.

        A request nobody has heard of is called off by "not credited": it may still be on its way here.

        Raises:
            HostUnreachable: the ledger cannot be used; report again.
        """
        with self._deciding():
            load = self.ledger.load(report.request)
            return self._called_off(report) if load is None else self._reported(load, report)

    def pending_credits(self, card: CardReference) -> tuple[PendingCredit, ...]:
        """The refunds that wait for this card, oldest first.

        Raises:
            HostUnreachable: the ledger cannot be used.
        """
        with self._deciding():
            return self.ledger.pending(card.identification)

    def _authorised(self, asked: LoadRequest) -> LoadAuthorised | HostRefused:
        known = self.ledger.load(asked.request)
        if known is not None:
            return self._repeated(known, asked)
        if self.ledger.outcome(asked.request) is not LoadOutcome.UNKNOWN:
            return HostRefused(HostReason.REQUEST_ENDED)
        try:
            is_genuine = self.hsm.accepts_mac1(asked)
        except FormatError:
            return HostRefused(HostReason.KEY_NOT_HELD)
        if not is_genuine:
            self._flag(asked, HostReason.CARD_NOT_AUTHENTIC)
            return HostRefused(HostReason.CARD_NOT_AUTHENTIC)
        if self._is_lost(asked.card):
            return HostRefused(HostReason.CARD_LOST)
        refused = self._told_by_counter(asked) or self._objection(asked)
        if refused is not None:
            return refused
        host_time = self.clock().replace(microsecond=0)
        self.ledger.authorise(asked, host_time)
        return LoadAuthorised(host_time, self.hsm.mac2(asked, host_time))

    def _repeated(self, known: AuthorisedLoad, asked: LoadRequest) -> LoadAuthorised | HostRefused:
        if known.asked != asked:
            return HostRefused(HostReason.REQUEST_DIFFERS)
        if known.outcome is not LoadOutcome.UNKNOWN:
            return HostRefused(HostReason.REQUEST_ENDED)
        return LoadAuthorised(known.host_time, self.hsm.mac2(asked, known.host_time))

    def _told_by_counter(self, asked: LoadRequest) -> HostRefused | None:
        """What the card's load counter, proved by MAC1, says of the load before this one."""
        last = self.ledger.newest_load(asked.card.identification)
        if last is None:
            return None
        before = last.asked.counter
        was_credited = self.ledger.was_credited(asked.card.identification, before)
        if asked.counter < before or (asked.counter == before and was_credited):
            self._flag(asked, HostReason.COUNTER_WENT_BACK)
            return HostRefused(HostReason.COUNTER_WENT_BACK)
        if asked.counter == before:
            return self._not_moved(last, asked)
        if not was_credited:
            self._moved(last)
        if asked.counter > before + 1:
            self._flag(asked, COUNTER_SKIPPED)
        return None

    def _not_moved(self, last: AuthorisedLoad, asked: LoadRequest) -> HostRefused | None:
        if last.outcome is not LoadOutcome.UNKNOWN:
            return None
        if asked.time < last.asked.time:  # a message that lost its way tells of the past
            return HostRefused(HostReason.REQUEST_STALE)
        self._conclude(last, LoadOutcome.NOT_CREDITED, COUNTER_UNMOVED)
        return None

    def _moved(self, last: AuthorisedLoad) -> None:
        if last.outcome is LoadOutcome.NOT_CREDITED:
            self._flag(last.asked, CREDITED_AFTER_ALL)
        self._conclude(last, LoadOutcome.CREDITED, COUNTER_MOVED)

    def _objection(self, asked: LoadRequest) -> HostRefused | None:
        """Whether the money is there: the refund that is named, else the card's account."""
        if not asked.amount:
            return HostRefused(HostReason.AMOUNT_ZERO)
        if asked.credit:
            return self._objection_to_credit(asked)
        if self.ledger.available(asked.card.identification) < asked.amount:
            return HostRefused(HostReason.FUNDS_TOO_SMALL)
        return None

    def _objection_to_credit(self, asked: LoadRequest) -> HostRefused | None:
        waiting = {credit.id: credit.amount for credit in self.ledger.pending(asked.card.identification)}
        if waiting.get(asked.credit) == asked.amount:
            return None
        is_loaded = any(
            load.outcome is LoadOutcome.CREDITED
            and load.asked.card.identification == asked.card.identification
            for load in self.ledger.loads_of_credit(asked.credit)
        )
        return HostRefused(HostReason.CREDIT_LOADED if is_loaded else HostReason.CREDIT_UNKNOWN)

    def _called_off(self, report: LoadReport) -> LoadStanding | HostRefused:
        if report.outcome is not LoadOutcome.NOT_CREDITED:
            return HostRefused(HostReason.REQUEST_UNKNOWN)
        if self.ledger.outcome(report.request) is LoadOutcome.UNKNOWN:
            self.ledger.conclude(report.request, report.outcome, CALLED_OFF, self.clock())
        return LoadStanding(report.outcome)

    def _reported(self, load: AuthorisedLoad, report: LoadReport) -> LoadStanding | HostRefused:
        match report.outcome:
            case LoadOutcome.CREDITED if report.tac is not None:
                return self._proved(load, report.tac)
            case LoadOutcome.UNKNOWN:
                return LoadStanding(load.outcome)
        if load.outcome is LoadOutcome.UNKNOWN:
            self._conclude(load, report.outcome, TERMINAL_SAYS)
        elif load.outcome is not report.outcome:
            self._flag(load.asked, HostReason.OUTCOME_DIFFERS)
            return HostRefused(HostReason.OUTCOME_DIFFERS)
        return LoadStanding(report.outcome)

    def _proved(self, load: AuthorisedLoad, tac: bytes) -> LoadStanding | HostRefused:
        """A TAC that holds is stronger than anything held so far."""
        if not self.hsm.accepts_load_tac(load.asked, load.host_time, tac):
            self._flag(load.asked, HostReason.TAC_WRONG)
            return HostRefused(HostReason.TAC_WRONG)
        if load.outcome is LoadOutcome.NOT_CREDITED:
            self._flag(load.asked, CREDITED_AFTER_ALL)
        if not self.ledger.has_tac(load.asked.request):
            self._conclude(load, LoadOutcome.CREDITED, TAC_PROVES, tac)
        return LoadStanding(LoadOutcome.CREDITED)

    # What the centre's own people do; a terminal knows nothing of it --------------------------------------

    def deposit(self, card: CardReference, amount: Fen) -> None:
        """Money comes into the card's account at the centre (划入). Raises HostUnreachable."""
        with self._deciding():
            self.ledger.deposit(card.identification, amount, self.clock())

    def owe(self, card: CardReference, credit: PendingCredit) -> None:
        """A void or refund is granted and waits for its card. Raises HostUnreachable."""
        with self._deciding():
            self.ledger.owe(card.identification, credit, self.clock())

    def available(self, card: CardReference) -> int:
        """Fen of the account that may still be loaded. Raises HostUnreachable."""
        with self._deciding():
            return self.ledger.available(card.identification)

    # The PIN --------------------------------------------------------------------------------------------

    def permit_pin_service(self, asked: PinPermissionRequest) -> PinPermission | HostRefused:
        """Check that it is the card, note who has sighted the document, answer the data that open its PIN commands.

        Raises:
            HostUnreachable: the ledger cannot be used; nothing was permitted.
        """
        with self._deciding():
            try:
                is_genuine = self.hsm.accepts_internal_authentication(
                    asked.card, asked.factor, asked.original, asked.answer
                )
                data = self.hsm.external_authentication_data(asked.card, asked.challenge, asked.information)
            except FormatError:
                return HostRefused(HostReason.KEY_NOT_HELD)
            if not is_genuine:
                identification, now = asked.card.identification, self.clock()
                self.ledger.flag(identification, asked.request, HostReason.CARD_NOT_AUTHENTIC, now)
                return HostRefused(HostReason.CARD_NOT_AUTHENTIC)
            if self._is_lost(asked.card):
                return HostRefused(HostReason.CARD_LOST)
            if not self.ledger.permit(asked, self.clock()):
                return HostRefused(HostReason.REQUEST_DIFFERS)
            return PinPermission(data)

    def pin_command(self, asked: PinCommandRequest) -> PinCommand | HostRefused:
        """The protected command, once for each permission.

        Raises:
            HostUnreachable: the ledger cannot be used; no command was made.
        """
        service = PinService.UNBLOCK if asked.new_pin is None else PinService.RESET
        with self._deciding():
            if not self.ledger.use_permission(asked.request, asked.card, service, self.clock()):
                return HostRefused(HostReason.NO_PERMISSION)
            try:
                if asked.new_pin is None:
                    return self.hsm.unblock_command(asked.card, asked.challenge)
                return self.hsm.reload_command(asked.card, asked.challenge, asked.new_pin)
            except FormatError:
                return HostRefused(HostReason.KEY_NOT_HELD)

    # Loss -----------------------------------------------------------------------------------------------

    def report_loss(self, report: LossReport) -> LossStanding | HostRefused:
        """A temporary loss, or its end. Said twice it stands since the first time.

        Which card belongs to a social security number only the register of holders knows, which comes with the centre:
        this book refuses a card by the card's own number alone.

        Raises:
            HostUnreachable: the ledger cannot be used; report again.
        """
        with self._deciding():
            held = self.ledger.loss_report(report.request)
            if held not in (None, (report.number, report.change)):
                return HostRefused(HostReason.REQUEST_DIFFERS)
            standing = self.ledger.loss(report.number)
            wanted = report.change is LossChange.REPORTED
            if not wanted and standing is None:
                return HostRefused(HostReason.LOSS_UNKNOWN)
            if held is None and (standing is None or standing.is_lost is not wanted):
                self.ledger.record_loss(report, self.clock().replace(microsecond=0))
                standing = self.ledger.loss(report.number)
            assert standing is not None
            return standing

    def _is_lost(self, card: CardReference) -> bool:
        standing = self.ledger.loss(card.number)
        return standing is not None and standing.is_lost

    # ----------------------------------------------------------------------------------------------------

    @contextmanager
    def _deciding(self) -> Iterator[None]:
        try:
            with self.ledger.deciding():
                yield
        except sqlite3.Error as error:
            raise HostUnreachable from error

    def _conclude(
        self, load: AuthorisedLoad, outcome: LoadOutcome, evidence: str, tac: bytes | None = None
    ) -> None:
        self.ledger.conclude(load.asked.request, outcome, evidence, self.clock(), tac)

    def _flag(self, asked: LoadRequest, kind: str) -> None:
        self.ledger.flag(asked.card.identification, asked.request, kind, self.clock())
