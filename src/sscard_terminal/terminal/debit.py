"""The sale: one debit of the medical account, exactly once.

Not here: what a lost answer leaves open (recovery.py) and who holds the card for us meanwhile: call it inside
`reader.connection.exclusively(connection)`, in one breath with identification and PIN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TypeVar

from sscard_terminal.cardspec.bcd import bcd_of_time
from sscard_terminal.cardspec.commands.medical import PurchaseChallenge
from sscard_terminal.cardspec.commands.psam import SamPurchaseAnswer
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.status import INSUFFICIENT_BALANCE
from sscard_terminal.reader.connection import LinkError

from .attempt import Attempt
from .clock_rules import objection_by_dates
from .exchange import CardRefused
from .identification import IdentifiedCard, RecognisedCard, declined_by_card, declined_by_psam
from .journal import Journal
from .journal_file import JournalTrouble, declined_by_journal
from .outcomes import Approved, DebitIntent, Declined, Reason, Sale, SaleKind, Unsettled
from .ports import Clock
from .psam import Psam, PsamFailure
from .sale_rules import NO_RULES, SaleRules, objection_before_card, objection_to_card


@dataclass(frozen=True, slots=True)
class DebitRequest:
    """What the shop asks for. `place` and `operator` go to the journal and the slip.

    `kind`: a record-keeping debit is the same exchange with amounts of another meaning (`amounts`). `again`: a person has
    confirmed that the same sale is meant a second time (`sale_rules`). `request`: the program that asks and its own id of
    the sale; one the journal knows already is declined there, so look it up before (`journal.entry_of_request`). `time`: the
    one in DEBIT where that program sets it; None: the clock's.
    """

    amounts: PurchaseAmounts
    place: str = ""
    operator: str = ""
    again: bool = False
    kind: SaleKind = SaleKind.PURCHASE
    request: str | None = None
    time: datetime | None = None


def debit(
    card: IdentifiedCard,
    psam: Psam,
    journal: Journal,
    request: DebitRequest,
    clock: Clock,
    rules: SaleRules = NO_RULES,
) -> Approved | Declined | Unsettled:
    """INITIALIZE, MAC1, intent in the journal, DEBIT (once, ever), answer in the journal, MAC2, end in the journal.

    Five card exchanges over T=0. Raises no LinkError: a link broken before DEBIT left is Declined, after it
    Unsettled.

    Source: card.md §4.4; reliability.md.
    """
    prepared = before_debit(lambda: _prepare(card, psam, journal, request, clock, rules))
    if isinstance(prepared, Declined):
        return prepared
    return Attempt(card.client, psam, journal, prepared, clock).run()


_Value = TypeVar("_Value")


def before_debit(act: Callable[[], _Value | Declined]) -> _Value | Declined:
    """What `act` returns, or why there is no sale: whatever goes wrong before DEBIT leaves moves no money."""
    try:
        return act()
    except CardRefused as refused:
        return declined_by_card(refused)
    except PsamFailure as failure:
        return declined_by_psam(failure)
    except LinkError as error:
        return Declined(Reason.LINK_BROKEN, link=error.reason)
    except JournalTrouble as trouble:
        return declined_by_journal(trouble)
    except FormatError:
        return Declined(Reason.CARD_DATA_MALFORMED)


def _prepare(
    card: IdentifiedCard,
    psam: Psam,
    journal: Journal,
    request: DebitRequest,
    clock: Clock,
    rules: SaleRules,
) -> Sale | Declined:
    """Everything up to the durable intent; until then nothing can have happened to the money."""
    now = clock().replace(microsecond=0)
    if (objection := objection_to_sale(card, journal, request, now, rules, psam.valid_from())) is not None:
        return objection
    opened = open_purchase(card, request, psam.terminal_number(), psam.key_index(), now)
    if isinstance(opened, Declined):
        return opened
    mac1 = psam.mac1(opened.challenge, request.amounts, bcd_of_time(opened.time), card.factors)
    return journal.record_intent(opened.intent(mac1))


@dataclass(frozen=True, slots=True)
class OpenPurchase:
    """A purchase the card has opened and nobody has proved yet: nothing is spent."""

    card: RecognisedCard
    request: DebitRequest
    terminal: str
    key_index: int
    challenge: PurchaseChallenge
    time: datetime

    def intent(self, made: SamPurchaseAnswer) -> DebitIntent:
        """What the journal holds before DEBIT leaves; `made`: the sequence and MAC1 of whoever holds the purchase key."""
        request = self.request
        return DebitIntent(
            identification=self.card.identification,
            card_number=self.card.number,
            amounts=request.amounts,
            counter=self.challenge.counter,
            key_index=self.key_index,
            balance_before=self.challenge.balance,
            terminal=self.terminal,
            sequence=made.sequence,
            time=self.time,
            mac1=made.mac1,
            place=request.place,
            operator=request.operator,
            kind=request.kind,
            request=request.request,
        )


def open_purchase(
    card: RecognisedCard, request: DebitRequest, terminal: str, key_index: int, now: datetime
) -> OpenPurchase | Declined:
    """INITIALIZE FOR PURCHASE; a balance that is too small is told with what is missing.

    Raises:
        CardRefused, FormatError, LinkError: no money has moved.
    """
    card.client.enter_medical_account()
    try:
        challenge = card.client.initialize_for_purchase(request.amounts, terminal, key_index)
    except CardRefused as refused:
        if refused.sw == INSUFFICIENT_BALANCE:
            return _insufficient(card, request.amounts, refused)
        raise
    if challenge.balance < request.amounts.account:
        return _short(challenge.balance, request.amounts)
    return OpenPurchase(card, request, terminal, key_index, challenge, request.time or now)


def objection_to_sale(
    card: RecognisedCard,
    journal: Journal,
    request: DebitRequest,
    now: datetime,
    rules: SaleRules,
    key_since: date | None = None,
) -> Declined | None:
    """Why this sale is not even begun; None where nothing speaks against it. `key_since`: first day of the purchase key.

    Raises:
        JournalTrouble: the journal cannot be read.
    """
    for entry in journal.open_sales(card.identification):
        return Declined(Reason.OPEN_SALE, voucher=entry.sale.voucher)
    return (
        objection_before_card(rules, journal, request.amounts, now)
        or objection_to_card(rules, journal, card.identification, request.amounts, now, again=request.again)
        or objection_by_dates(now, key_since, card.issuer.issued)
    )


def _insufficient(card: RecognisedCard, amounts: PurchaseAmounts, refused: CardRefused) -> Declined:
    """9401 does not say what is missing, so the balance is asked for; without an answer it stays unsaid."""
    try:
        declined = _short(card.client.balance(), amounts)
    except (CardRefused, FormatError, LinkError):
        declined = Declined(Reason.INSUFFICIENT_BALANCE)
    return replace(declined, sw=refused.sw, command=refused.command)


def _short(balance: Fen, amounts: PurchaseAmounts) -> Declined:
    missing = Fen(max(0, amounts.account - balance))
    return Declined(Reason.INSUFFICIENT_BALANCE, balance=balance, missing=missing)
