"""What the clerk sees at each step, and which steps follow which; values only.

Not here: what is done in a step (till.py), the words (voice/messages, counter/), the keys and buttons (the faces).
Source: counter.md, screen rules 1–7, 12, 15.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sscard_terminal.cardspec.issuing import PendingCredit
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.records import LogRecord, masked_name, masked_number
from sscard_terminal.cardspec.transaction import PurchaseAmounts

from ..identification import IdentifiedCard
from ..load_records import Credited, LoadUnsettled
from ..load_recovery import LoadSettlement
from ..outcomes import Declined, SaleKind, Unsettled
from ..recovery import Settlement
from ..workflow import Balances


class Step(StrEnum):
    """One large state line with one next action each. The value is the key of its words."""

    INSERT_CARD = "insert-card"
    """请插卡"""
    READING = "reading"
    """正在读卡，请勿拔卡"""
    READY = "ready"
    """The card may be served: a service is chosen."""
    CONFIRM_AMOUNT = "confirm-amount"
    """请确认金额; before the PIN (rule 3)."""
    ENTER_PIN = "enter-pin"
    """请顾客输入密码"""
    NEW_PIN = "new-pin"
    """The new PIN, twice."""
    REST_IN_CASH = "rest-in-cash"
    """The account is short: is the rest paid in cash? (rule 13)"""
    CHARGING = "charging"
    """扣款中，请勿拔卡"""
    DONE = "done"
    """完成，请取走卡片"""
    REFUSED = "refused"
    """Not done and no money moved; the sentence says why and what now."""
    TO_BE_VERIFIED = "to-be-verified"
    """交易待核实：请重新插入同一张卡"""


class Purpose(StrEnum):
    """What the PIN is asked for."""

    SALE = "sale"
    BALANCE = "balance"
    DETAILS = "details"
    CHANGE_PIN = "change-pin"
    RECOVER = "recover"
    LOAD = "load"
    """From here on: only at the service window (window.py)."""
    REFUNDS = "refunds"
    SETTLE = "settle"
    PIN_RESET = "pin-reset"
    UNBLOCK = "unblock"

    @property
    def is_of_window(self) -> bool:
        return self in (Purpose.LOAD, Purpose.REFUNDS, Purpose.SETTLE, Purpose.PIN_RESET, Purpose.UNBLOCK)


NEXT: dict[Step, frozenset[Step]] = {
    Step.INSERT_CARD: frozenset({Step.READING}),
    Step.READING: frozenset({Step.READY, Step.ENTER_PIN, Step.DONE, Step.REFUSED, Step.TO_BE_VERIFIED}),
    Step.READY: frozenset(
        {
            *(Step.CONFIRM_AMOUNT, Step.ENTER_PIN, Step.READING, Step.NEW_PIN, Step.CHARGING),
            *(Step.REFUSED, Step.INSERT_CARD),
        }
    ),
    Step.CONFIRM_AMOUNT: frozenset(
        {Step.ENTER_PIN, Step.CHARGING, Step.REFUSED, Step.READING, Step.READY, Step.INSERT_CARD}
    ),
    Step.ENTER_PIN: frozenset({Step.READING, Step.CHARGING, Step.NEW_PIN, Step.READY, Step.INSERT_CARD}),
    Step.NEW_PIN: frozenset({Step.READING, Step.READY, Step.INSERT_CARD}),
    Step.REST_IN_CASH: frozenset({Step.CHARGING, Step.READY, Step.INSERT_CARD}),
    Step.CHARGING: frozenset(
        {Step.DONE, Step.ENTER_PIN, Step.REFUSED, Step.REST_IN_CASH, Step.TO_BE_VERIFIED}
    ),
    Step.DONE: frozenset({Step.READING, Step.READY, Step.INSERT_CARD}),
    Step.REFUSED: frozenset({Step.READING, Step.READY, Step.INSERT_CARD}),
    Step.TO_BE_VERIFIED: frozenset({Step.READING, Step.INSERT_CARD}),
}
"""Which step may follow which; `till.Till` goes no other way. A card pulled in a step that is only for people leads to
INSERT_CARD; in READING and CHARGING the outcome of the exchange says what follows, never the removal itself."""


PEOPLE_ARE_AT_IT = (Step.CONFIRM_AMOUNT, Step.ENTER_PIN, Step.NEW_PIN, Step.REST_IN_CASH)
"""A service has begun and waits for people."""


@dataclass(frozen=True, slots=True)
class Panel:
    """What the clerk may see of a card, masked. Source: counter.md, screen rules 4 and 15."""

    identification: str
    name: str
    social_security_number: str
    number: str
    expires: date | None
    tries_left: int | None
    balance: Fen | None = None
    """Of the account, once a right PIN has let this card tell it (counter.md, screen rule 15)."""

    @classmethod
    def of(cls, card: IdentifiedCard) -> Panel:
        holder = card.cardholder
        return cls(
            card.identification,
            masked_name(holder.name),
            masked_number(holder.social_security_number),
            masked_number(card.number),
            card.issuer.expires,
            card.tries_left,
        )


LoadOutcome = Credited | Declined | LoadUnsettled


@dataclass(frozen=True, slots=True)
class AtWindow:
    """What the service window knows besides. `waiting`: the refunds the centre holds for this card, None where it does not
    answer; `amount` is to be loaded; `loads` what was, each with the refund it was of; `settled` the loads that were open
    and have been looked into; `is_open`: one still is.
    """

    waiting: tuple[PendingCredit, ...] | None = ()
    amount: Fen | None = None
    loads: tuple[tuple[PendingCredit | None, LoadOutcome], ...] = ()
    settled: tuple[LoadSettlement, ...] = ()
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Screen:
    """One moment of the till, whole: a face shows this and nothing else.

    `purpose` with ENTER_PIN and after it; `at_pad` with ENTER_PIN where the holder is to key the PIN on the reader's pad
    (the face says so and calls `enter_pin_at_pad`); `amounts` and `kind` from CONFIRM_AMOUNT on; from REST_IN_CASH on with the account's part as
    far as it goes; `missing` with REST_IN_CASH; with DONE
    (and `voucher` with INSERT_CARD, after it) one of `voucher`, `balances`, `details`, `settled` or none of them (a changed PIN); `declined` with REFUSED, with
    ENTER_PIN after a wrong one, with INSERT_CARD after a service broken off, and with READY where that or a locked PIN is to
    be known; `unsettled` with TO_BE_VERIFIED where this till's own sale is meant, `settled` after a
    recovery that left something open; `window` at a till that is a service window.
    """

    step: Step
    panel: Panel | None = None
    purpose: Purpose | None = None
    amounts: PurchaseAmounts | None = None
    kind: SaleKind = SaleKind.PURCHASE
    missing: Fen | None = None
    voucher: int | None = None
    balances: Balances | None = None
    details: tuple[LogRecord, ...] | None = None
    declined: Declined | None = None
    unsettled: Unsettled | None = None
    settled: tuple[Settlement, ...] = ()
    at_pad: bool = False

    @property
    def price(self) -> Fen | None:
        """What the holder is asked to pay with the card: the account's part; of a record-keeping debit its total cost."""
        if self.amounts is None:
            return None
        is_purchase = self.kind is SaleKind.PURCHASE
        return self.amounts.account if is_purchase else self.amounts.self_paid

    window: AtWindow | None = None
