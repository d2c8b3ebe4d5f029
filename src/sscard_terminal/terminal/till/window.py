"""The till of a service window: besides all that a counter does, loads, refunds and the holder's PIN, through the host.

The steps are the same, so that any face and any pad serve it. Not here: the services (service_window.py, load.py,
pin_service.py), who may use them (operators), what is shown (the faces).
Source: system.md, rows "unlock" and "card service window"; counter.md screen rule 3 (the amount before the PIN).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sscard_terminal.cardspec.issuing import IdentitySighting, PendingCredit
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.reader.connection import LinkError

from ..identification import IdentifiedCard
from ..issuer_host import IssuerHost
from ..journal import Journal
from ..load import LoadOrder, Window, load
from ..load_records import Credited, LoadState, LoadUnsettled
from ..load_recovery import LoadSettlement
from ..outcomes import Accepted, Declined, Reason
from ..pin_service import reset_pin, unblock_pin
from ..ports import Clock, RandomBytes
from ..service_window import load_refunds, refunds_of, tidy_up, tidy_up_without_card
from ..slots import Pair, Slots
from ..workflow import verify_pin
from .steps import AtWindow, LoadOutcome, Purpose, Screen, Step
from .till import Shop, Show, Till

Loads = tuple[tuple[PendingCredit | None, LoadOutcome], ...]


@dataclass(frozen=True, slots=True)
class Errand:
    """What a holder has come to the window for; `amount` with LOAD, `sighting` of the document with PIN_RESET and UNBLOCK.

    Raises:
        ValueError: the errand lacks what it needs, or it is none of the window's.
    """

    purpose: Purpose
    amount: Fen | None = None
    sighting: IdentitySighting | None = None

    def __post_init__(self) -> None:
        needs_sighting = self.purpose in (Purpose.PIN_RESET, Purpose.UNBLOCK)
        if not self.purpose.is_of_window:
            raise ValueError("no errand of a service window")
        if (self.purpose is Purpose.LOAD) != bool(self.amount) or needs_sighting != bool(self.sighting):
            raise ValueError("an errand without what it needs")


class WindowTill(Till):
    """One service window. As `Till`: one method at a time, each leaves the next screen."""

    def __init__(
        self,
        host: IssuerHost,
        slots: Slots,
        journal: Journal,
        shop: Shop,
        clock: Clock,
        random: RandomBytes,
        show: Show = lambda _screen: None,
    ) -> None:
        super().__init__(slots, journal, shop, clock, random, show)
        self._host = host
        self._errand: Errand | None = None

    def ask_at_window(self, errand: Errand) -> None:
        """Begin a service of the window: a load's amount is confirmed first, a reset asks for the new PIN."""
        if self.screen.step is not Step.READY:
            return
        self._errand = errand
        match errand.purpose:
            case Purpose.LOAD:
                window = replace(self._window_part, amount=errand.amount)
                self._go(self._next(Step.CONFIRM_AMOUNT, purpose=Purpose.LOAD, window=window))
            case Purpose.PIN_RESET:
                self._go(self._next(Step.NEW_PIN, purpose=Purpose.PIN_RESET))
            case Purpose.UNBLOCK:
                self._go(self._next(Step.READING, purpose=Purpose.UNBLOCK))
                self._breathe(self._unblocked)
            case purpose:
                self._go(self._next(Step.READY, purpose=purpose))
                self._ask_for_pin()

    def enter_new_pin(self, new: Pin) -> None:
        """As `Till.enter_new_pin`; for a reset the old PIN is nobody's business."""
        if self.screen.step is not Step.NEW_PIN or self.screen.purpose is not Purpose.PIN_RESET:
            super().enter_new_pin(new)
            return
        self._go(self._next(Step.READING))
        self._breathe(lambda pair, card: self._reset(pair, card, new))
        new.wipe()

    def confirm(self) -> None:
        """As `Till.confirm`; after a service of the window the card is read anew: its tries and its refunds are others."""
        screen = self.screen
        if (
            screen.step in (Step.DONE, Step.REFUSED)
            and screen.purpose is not None
            and screen.purpose.is_of_window
        ):
            self.card_came()
        else:
            super().confirm()

    # ---------------------------------------------------------------------------------------------------

    @property
    def _window_part(self) -> AtWindow:
        return self.screen.window or AtWindow()

    def _window(self, pair: Pair) -> Window:
        return Window(pair.psam.terminal_number(), self._journal, self._clock, self._random)

    def _with_pin(self) -> None:
        match self.screen.purpose:
            case Purpose.LOAD:
                self._bring(self._loaded)
            case Purpose.REFUNDS:
                self._bring(self._refunded)
            case Purpose.SETTLE:
                self._bring(lambda card, window: ())
            case _:
                super()._with_pin()

    def _bring(self, act: Callable[[IdentifiedCard, Window], Loads | Declined]) -> None:
        """PIN, then what is still open, then `act`, in one breath."""
        self._go(self._next(Step.CHARGING))

        def brought(pair: Pair, card: IdentifiedCard) -> Screen:
            verdict = verify_pin(card, self._source(pair))
            if isinstance(verdict, Declined):
                return self._pin_refused(verdict)
            window = self._window(pair)
            settled = tidy_up(card, self._host, window, pin_verified=True)
            settled += tidy_up_without_card(self._host, window)
            return self._brought(card, window, settled, act(card, window))

        self._breathe(brought)

    def _brought(
        self,
        card: IdentifiedCard,
        window: Window,
        settled: tuple[LoadSettlement, ...],
        loads: Loads | Declined,
    ) -> Screen:
        done: Loads = () if isinstance(loads, Declined) else loads
        is_open = bool(window.loads.open_loads(card.identification))
        part = replace(self._window_part, loads=done, settled=settled, is_open=is_open)
        match loads if isinstance(loads, Declined) else done[-1][1] if done else None:
            case Declined() as declined:
                return self._next(Step.REFUSED, declined=declined, window=part)
            case LoadUnsettled():
                return self._next(Step.TO_BE_VERIFIED, window=part)
            case Credited() | None:
                still = any(one.state is LoadState.OPEN for one in settled)
                return self._next(Step.TO_BE_VERIFIED if still else Step.DONE, window=part)

    def _loaded(self, card: IdentifiedCard, window: Window) -> Loads:
        assert self._errand is not None and self._errand.amount is not None
        order = LoadOrder(self._errand.amount, operator=self.operator)
        return ((None, load(card, self._host, window, order)),)

    def _refunded(self, card: IdentifiedCard, window: Window) -> Loads | Declined:
        found = load_refunds(card, self._host, window, self.operator)
        if isinstance(found, Declined):
            return found
        return tuple((refund.credit, refund.outcome) for refund in found)

    def _reset(self, pair: Pair, card: IdentifiedCard, new: Pin) -> Screen:
        sighting = self._sighting()
        return self._served(lambda: reset_pin(card, self._host, self._window(pair), sighting, new))

    def _unblocked(self, pair: Pair, card: IdentifiedCard) -> Screen:
        sighting = self._sighting()
        return self._served(lambda: unblock_pin(card, self._host, self._window(pair), sighting))

    def _sighting(self) -> IdentitySighting:
        assert self._errand is not None and self._errand.sighting is not None
        return self._errand.sighting

    def _served(self, serve: Callable[[], Accepted | Declined]) -> Screen:
        """A card that was asked and not heard may have done it; doing it again is right in either case."""
        try:
            return self._done(serve())
        except LinkError as error:
            return self._next(Step.REFUSED, declined=Declined(Reason.PIN_CHANGE_UNKNOWN, link=error.reason))

    def _looked_at(self, pair: Pair, card: IdentifiedCard) -> Screen:
        """Before anything else: what the host knows of this card's open loads, and what waits for it."""
        screen = super()._looked_at(pair, card)
        window = self._window(pair)
        settled = tidy_up(card, self._host, window, pin_verified=False)
        waiting = refunds_of(card, self._host)
        part = AtWindow(
            None if isinstance(waiting, Declined) else waiting,
            settled=settled,
            is_open=bool(window.loads.open_loads(card.identification)),
        )
        return replace(screen, window=part)

    def _forget(self) -> None:
        super()._forget()
        self._errand = None
