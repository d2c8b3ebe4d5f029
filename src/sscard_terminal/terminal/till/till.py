"""Drives one counter from step to step: card in, service, amount, PIN, exchange, outcome; for any face.

Not here: the services themselves (workflow, debit, recovery), who may use the till (operators), words and keys.
Every method does its work and leaves the next `Screen`; a method that does not fit the step does nothing. Card and PSAM
are held for one breath at a time, never while a person thinks, and each breath identifies the card anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.reader.connection import LinkError, LinkReason
from sscard_terminal.reader.pinpad import PinPad

from ..amounts import missing_from, rest_in_cash
from ..at_pad import AtPad, PinSource
from ..debit import DebitRequest, debit
from ..identification import IdentifiedCard
from ..journal import Journal
from ..journal_events import SaleState
from ..journal_file import JournalTrouble, declined_by_journal
from ..outcomes import Approved, Declined, Reason, SaleKind, Unsettled
from ..policy import Policy
from ..ports import Clock, RandomBytes
from ..recovery import Settlement, identify_to_settle, settle, settle_by_psam
from ..sale_rules import SaleRules, objection_before_card, objection_to_card
from ..slots import Pair, Slots, pad_of
from ..workflow import (
    change_pin,
    change_pin_at_pad,
    read_balance,
    read_balances,
    read_details,
    verify_pin,
    verify_pin_to_pay,
)
from .steps import NEXT, PEOPLE_ARE_AT_IT, Panel, Purpose, Screen, Step

Show = Callable[[Screen], None]
_PIN_SAYS_NO = (Reason.WRONG_PIN, Reason.FIRST_PIN_MAY_NOT_PAY)
"""After these the same step is open again; the screen tells why and how many tries are left."""
ALL_TRIES = 3
"""What a right PIN gives back. Source: card.md §3, decision 0002."""
_ABOUT_WHAT_IS_OPEN = (Purpose.RECOVER, Purpose.SETTLE)
_TAKEN_OUT = Declined(Reason.LINK_BROKEN, link=LinkReason.CARD_REMOVED)


@dataclass(frozen=True, slots=True)
class Shop:
    """What holds for every sale at this till."""

    policy: Policy
    rules: SaleRules
    place: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """What the clerk wants sold. With `by_total` what the account is short of may be paid in cash (rule 13)."""

    amounts: PurchaseAmounts
    by_total: bool = False
    kind: SaleKind = SaleKind.PURCHASE
    again: bool = False
    request: str | None = None
    """The program that asks and its own id of the sale; None where a person asks."""


class Till:
    """One counter. Not for two threads at once: the face sees to it that one method runs at a time."""

    def __init__(
        self,
        slots: Slots,
        journal: Journal,
        shop: Shop,
        clock: Clock,
        random: RandomBytes,
        show: Show = lambda _screen: None,
    ) -> None:
        self._slots = slots
        self._journal = journal
        self._shop = shop
        self._clock = clock
        self._random = random
        self._show = show
        self._order: Order | None = None
        self._pin: Pin | None = None
        self._pad_serves: frozenset[Purpose] = frozenset()
        self._at_pad = False
        self._by_psam: tuple[Settlement, ...] = ()
        self._broken_off: Declined | None = None
        self.operator = ""
        self.screen = Screen(Step.INSERT_CARD)

    def serve_by(self, shop: Shop) -> None:
        """From the next card on these rules hold: a newer hotlist, say."""
        self._shop = shop

    # The card comes and goes --------------------------------------------------------------------------

    def card_came(self) -> None:
        """Identify it, settle what can be settled without a PIN; a sale still open asks for the PIN at once."""
        if Step.READING not in NEXT[self.screen.step]:
            return
        self._forget()
        self._broken_off = self.screen.declined if self.screen.step is Step.INSERT_CARD else None
        self._go(Screen(Step.READING))
        self._breathe(self._looked_at, straight_back=True)

    def card_went(self) -> None:
        """A card pulled between two breaths ends whatever people were at; 待核实 stays on the screen.

        What was broken off is said until something else is done, also over the next card (counter.md, screen rules 6, 12);
        what was sold is said until then, for the card may have been pulled before anybody saw it.
        """
        if self.screen.step not in (Step.TO_BE_VERIFIED, Step.INSERT_CARD):
            self._forget()
            self._go(_after(self.screen))

    def give_up(self) -> None:
        """From any step: forget what people were at, and wait for a card. What is open stands in the journal.

        For a face that leaves, and for one that met a mistake nobody foresaw.
        """
        self._forget()
        self.screen = Screen(Step.INSERT_CARD)
        self._show(self.screen)

    # What the clerk does ------------------------------------------------------------------------------

    def sell(self, order: Order) -> None:
        """Begin a sale; what the place's rules forbid is told before any PIN."""
        if self.screen.step is not Step.READY:
            return
        self._order = order
        asked = self._next(Step.CONFIRM_AMOUNT, purpose=Purpose.SALE, amounts=order.amounts, kind=order.kind)
        objection = self._objection(order)
        self._go(asked if objection is None else replace(asked, step=Step.REFUSED, declined=objection))

    def sell_again(self) -> None:
        """The sale just refused as a repeat is meant: the clerk has said so."""
        refused, order = self.screen.declined, self._order
        if order is not None and refused is not None and refused.reason is Reason.SAME_SALE_AGAIN:
            self._go(Screen(Step.READY, self.screen.panel))
            self.sell(replace(order, again=True))

    def ask(self, purpose: Purpose) -> None:
        """Begin a service that is no sale: balance, details, PIN change."""
        if self.screen.step is not Step.READY or purpose is Purpose.SALE or purpose.is_of_window:
            return
        self._go(self._next(Step.READY, purpose=purpose))
        self._ask_for_pin()

    def confirm(self) -> None:
        """Yes: the amount is right; the rest is paid in cash; on to the next customer's wish after an outcome."""
        match self.screen.step:
            case Step.CONFIRM_AMOUNT:
                self._ask_for_pin()
            case Step.REST_IN_CASH if self.screen.amounts is not None:
                assert self._order is not None
                self._order = replace(self._order, amounts=self.screen.amounts, by_total=False)
                self._charge()
            case Step.DONE if self.screen.purpose is Purpose.RECOVER:
                self.card_came()  # what was let through to be settled may still not be served
            case Step.DONE | Step.REFUSED if self.screen.panel is not None:
                self._forget()
                self._go(Screen(Step.READY, self.screen.panel))

    def cancel(self) -> None:
        """No: back to the choice of services; nothing was charged."""
        if Step.READY in NEXT[self.screen.step] and self.screen.panel is not None:
            self._forget()
            self._go(Screen(Step.READY, self.screen.panel))

    # What the holder does -----------------------------------------------------------------------------

    def enter_pin(self, pin: Pin) -> None:
        """The PIN for what is asked for; the till wipes it when this service has used it."""
        if self.screen.step is Step.ENTER_PIN:
            self._pin = pin
            self._with_pin()
        else:
            pin.wipe()

    def enter_pin_at_pad(self) -> None:
        """The holder keys the PIN on the reader's pad, up to two minutes; of a change also the new one, twice.

        A sale whose rest is then paid in cash has it keyed once more.
        """
        if self.screen.step is not Step.ENTER_PIN or not self.screen.at_pad:
            return
        self._at_pad = True
        if self.screen.purpose is Purpose.CHANGE_PIN:
            self._go(self._next(Step.READING))
            self._breathe(self._changed_at_pad)
        else:
            self._with_pin()

    def enter_new_pin(self, new: Pin) -> None:
        """The new PIN, which the face has asked for twice; the old one was entered before. Both are wiped."""
        if self.screen.step is Step.NEW_PIN:
            old = self._pin
            self._go(self._next(Step.READING))
            self._breathe(lambda _pair, card: self._done(change_pin(card, old, new)))
        new.wipe()

    # ---------------------------------------------------------------------------------------------------

    def _objection(self, order: Order) -> Declined | None:
        panel, now = self.screen.panel, self._clock()
        assert panel is not None
        rules, journal = self._shop.rules, self._journal
        try:
            return objection_before_card(rules, journal, order.amounts, now) or objection_to_card(
                rules, journal, panel.identification, order.amounts, now, again=order.again
            )
        except JournalTrouble as trouble:
            return declined_by_journal(trouble)

    def _ask_for_pin(self) -> None:
        panel = self.screen.panel
        assert panel is not None
        if panel.tries_left == 0:
            self._go(self._next(Step.REFUSED, declined=Declined(Reason.PIN_BLOCKED, tries_left=0)))
        elif panel.tries_left is None:
            self._with_pin()
        else:
            self._go(self._next(Step.ENTER_PIN, at_pad=self.screen.purpose in self._pad_serves))

    def _source(self, pair: Pair) -> PinSource:
        """Where the PIN of this breath comes from."""
        if not self._at_pad:
            return self._pin
        pad = pad_of(pair)
        return None if pad is None else AtPad(pad)

    def _changed_at_pad(self, pair: Pair, card: IdentifiedCard) -> Screen:
        pad = pad_of(pair)
        return self._done(Declined(Reason.PIN_PAD_REFUSED) if pad is None else change_pin_at_pad(card, pad))

    def _with_pin(self) -> None:
        match self.screen.purpose:
            case Purpose.SALE:
                self._charge()
            case Purpose.CHANGE_PIN:
                self._go(self._next(Step.NEW_PIN))
            case Purpose.BALANCE:
                self._read(self._balances)
            case Purpose.DETAILS:
                self._read(self._details)
            case Purpose.RECOVER:
                self._go(self._next(Step.READING))
                self._breathe(self._recovered)

    def _read(self, read: Callable[[IdentifiedCard], Screen]) -> None:
        self._go(self._next(Step.READING))

        def act(pair: Pair, card: IdentifiedCard) -> Screen:
            verdict = verify_pin(card, self._source(pair))
            if isinstance(verdict, Declined):
                return self._pin_refused(verdict)
            self._pin_was_right()
            return read(card)

        self._breathe(act)

    def _balances(self, card: IdentifiedCard) -> Screen:
        balances = read_balances(card)
        if isinstance(balances, Declined):
            return self._pin_refused(balances)
        return self._next(Step.DONE, panel=self._holding(balances.account), balances=balances)

    def _details(self, card: IdentifiedCard) -> Screen:
        """The log, and since the PIN is right the balance too; one that cannot be read spoils no log."""
        details, balance = read_details(card), read_balance(card)
        if isinstance(details, Declined):
            return self._pin_refused(details)
        panel = self.screen.panel if isinstance(balance, Declined) else self._holding(balance)
        return self._next(Step.DONE, panel=panel, details=details)

    def _pin_was_right(self) -> None:
        """The card has all its tries again; asked for them now, some cards would say that none is needed (card.md §3)."""
        panel = self.screen.panel
        if panel is not None and panel.tries_left is not None:
            self.screen = replace(self.screen, panel=replace(panel, tries_left=ALL_TRIES))

    def _holding(self, balance: Fen) -> Panel | None:
        """The panel, with what the card has said it holds."""
        return self.screen.panel and replace(self.screen.panel, balance=balance)

    def _charge(self) -> None:
        self._go(self._next(Step.CHARGING))
        self._breathe(self._charged)

    def _charged(self, pair: Pair, card: IdentifiedCard) -> Screen:
        order = self._order
        assert order is not None
        verdict = verify_pin_to_pay(card, self._source(pair), self._shop.policy)
        if isinstance(verdict, Declined):
            return self._pin_refused(verdict)
        self._pin_was_right()
        if order.by_total:
            balance = read_balance(card)
            if isinstance(balance, Declined):
                return self._next(Step.REFUSED, declined=balance)
            if missing := missing_from(balance, order.amounts):
                amounts = rest_in_cash(order.amounts, balance)
                return self._next(
                    Step.REST_IN_CASH, panel=self._holding(balance), amounts=amounts, missing=missing
                )
        request = DebitRequest(
            order.amounts, self._shop.place, self.operator, order.again, order.kind, order.request
        )
        outcome = debit(card, pair.psam, self._journal, request, self._clock, self._shop.rules)
        match outcome:
            case Approved(sale=sale):
                panel = self._holding(sale.balance_after)
                return self._next(Step.DONE, panel=panel, amounts=sale.amounts, voucher=sale.voucher)
            case Unsettled():
                panel = self.screen.panel and replace(self.screen.panel, balance=None)
                return self._next(
                    Step.TO_BE_VERIFIED, panel=panel, voucher=outcome.sale.voucher, unsettled=outcome
                )
            case declined:
                return self._next(Step.REFUSED, declined=declined, voucher=declined.voucher)

    def _looked_at(self, pair: Pair, card: IdentifiedCard) -> Screen:
        panel, by_psam = Panel.of(card), self._by_psam
        self._pad_serves = _served_at(pad_of(pair))
        if not self._journal.open_sales(card.identification):
            if by_psam:
                return Screen(Step.DONE, panel, Purpose.RECOVER, settled=by_psam)
            locked = Declined(Reason.PIN_BLOCKED, tries_left=0) if card.tries_left == 0 else None
            return Screen(Step.READY, panel, declined=self._broken_off or locked)
        if card.tries_left is None:
            return self._recovered(pair, card)
        if card.tries_left == 0:
            declined = Declined(Reason.PIN_BLOCKED, tries_left=0)
            return Screen(Step.TO_BE_VERIFIED, panel, Purpose.RECOVER, declined=declined)
        at_pad = Purpose.RECOVER in self._pad_serves
        return Screen(Step.ENTER_PIN, panel, Purpose.RECOVER, at_pad=at_pad)

    def _recovered(self, pair: Pair, card: IdentifiedCard) -> Screen:
        verdict = verify_pin(card, self._source(pair))
        if isinstance(verdict, Declined):
            return self._pin_refused(verdict)
        settled = settle(card, pair.psam, self._journal, self._clock, pin_verified=True)
        is_open = any(settlement.state is SaleState.OPEN for settlement in settled)
        step = Step.TO_BE_VERIFIED if is_open else Step.DONE
        return Screen(step, Panel.of(card), Purpose.RECOVER, settled=settled)

    def _done(self, outcome: object) -> Screen:
        """DONE; a wrong old PIN asks for it again."""
        return self._pin_refused(outcome) if isinstance(outcome, Declined) else self._next(Step.DONE)

    def _pin_refused(self, declined: Declined) -> Screen:
        """A wrong PIN may be entered again; anything else ends the service, and what is open stays so."""
        panel = self.screen.panel
        at_pad = self.screen.purpose in self._pad_serves
        if panel is not None and declined.tries_left is not None:
            panel = replace(panel, tries_left=declined.tries_left)
        if declined.reason in _PIN_SAYS_NO:
            return self._next(Step.ENTER_PIN, panel=panel, declined=declined, at_pad=at_pad)
        step = Step.TO_BE_VERIFIED if self.screen.purpose is Purpose.RECOVER else Step.REFUSED
        return self._next(step, panel=panel, declined=declined)

    def _breathe(self, act: Callable[[Pair, IdentifiedCard], Screen], *, straight_back: bool = False) -> None:
        """One breath: open, identify, act, close. Once there is an outcome, nothing that fails afterwards takes its place."""
        found: Screen | None = None
        try:
            with self._slots.at_work() as pair:
                if straight_back:  # identification would make the PSAM forget a purchase it holds
                    self._by_psam = settle_by_psam(pair.card, pair.psam, self._journal, self._clock)
                found = self._identified(pair, act)
        except LinkError as error:
            found = found or self._failed(Declined(Reason.LINK_BROKEN, link=error.reason))
        except JournalTrouble as trouble:
            found = found or self._failed(declined_by_journal(trouble))
        if found.step is not Step.REST_IN_CASH:
            self._wipe_pin()
        self._go(found)

    def _identified(self, pair: Pair, act: Callable[[Pair, IdentifiedCard], Screen]) -> Screen:
        policy, clock, random = self._shop.policy, self._clock, self._random
        card = identify_to_settle(pair.card, pair.psam, self._journal, policy, clock, random)
        if isinstance(card, Declined):
            return self._failed(card)
        if self.screen.panel is not None and self.screen.panel.identification != card.identification:
            return self._failed(Declined(Reason.CARD_SWAPPED))
        return act(pair, card)

    def _failed(self, declined: Declined) -> Screen:
        """Not done; a recovery that could not be done leaves its sale to be verified."""
        step = Step.TO_BE_VERIFIED if self.screen.purpose is Purpose.RECOVER else Step.REFUSED
        return self._next(step, declined=declined, settled=self._by_psam)

    def _next(self, step: Step, **changed: Any) -> Screen:
        """The next screen: what this one shows stays, but for a refusal that is over and a pad that was asked."""
        return replace(self.screen, **{"declined": None, "at_pad": False, **changed, "step": step})

    def _go(self, screen: Screen) -> None:
        assert screen.step in NEXT[self.screen.step] or screen.step is self.screen.step
        self.screen = screen
        self._show(screen)

    def _forget(self) -> None:
        self._order, self._by_psam = None, ()
        self._wipe_pin()

    def _wipe_pin(self) -> None:
        if self._pin is not None:
            self._pin.wipe()
        self._pin, self._at_pad = None, False


def _after(screen: Screen) -> Screen:
    """What a card that is taken leaves on the screen."""
    if screen.step is Step.DONE and screen.purpose is Purpose.SALE:
        return Screen(
            Step.INSERT_CARD,
            purpose=Purpose.SALE,
            amounts=screen.amounts,
            kind=screen.kind,
            voucher=screen.voucher,
        )
    is_broken_off = screen.step in PEOPLE_ARE_AT_IT and screen.purpose not in _ABOUT_WHAT_IS_OPEN
    return Screen(Step.INSERT_CARD, declined=_TAKEN_OUT if is_broken_off else None)


def _served_at(pad: PinPad | None) -> frozenset[Purpose]:
    """What a PIN is keyed for on this pad; a change only where the pad can do it."""
    if pad is None:
        return frozenset()
    return frozenset(Purpose) if pad.can_change else frozenset(Purpose) - {Purpose.CHANGE_PIN}
