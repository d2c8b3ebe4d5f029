"""The load: money of the centre's account, or a refund, onto the medical account of the chip, exactly once.

Not here: what a lost answer leaves open (load_recovery.py) and who holds the card for us meanwhile: call it inside
`reader.connection.exclusively(connection)`, in one breath with identification and PIN.
Source: card.md §4.3.
"""

from __future__ import annotations

from dataclasses import dataclass

from sscard_terminal.cardspec.issuing import (
    CardReference,
    HostRefused,
    HostUnreachable,
    LoadOutcome,
    LoadRequest,
)
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.reader.connection import LinkError

from .exchange import CardRefused
from .identification import IdentifiedCard, declined_by_card
from .issuer_host import IssuerHost
from .journal import Journal
from .journal_file import JournalTrouble, declined_by_journal
from .load_attempt import LoadAttempt
from .load_journal import LoadJournal
from .load_records import Credited, Load, LoadIntent, LoadUnsettled
from .outcomes import Declined, Reason
from .ports import Clock, RandomBytes

LOAD_KEY_INDEX = 1
"""DLK of group 1. Source: card.md §1.9; the test cards hold this one, §10 B2."""
REQUEST_ID_LENGTH = 16
"""Random bytes, so that no two terminals ever make the same id. Our choice."""


@dataclass(frozen=True, slots=True)
class LoadOrder:
    """What the window asks for: an amount of the card's account at the centre, or the refund with the id `credit`."""

    amount: Fen
    credit: str = ""
    operator: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """Where a load is made: terminal number (12 digits), the journal, time and randomness."""

    terminal: str
    journal: Journal
    clock: Clock
    random: RandomBytes

    @property
    def loads(self) -> LoadJournal:
        return LoadJournal(self.journal)

    def request_id(self) -> str:
        return self.random(REQUEST_ID_LENGTH).hex()


def reference_of(card: IdentifiedCard) -> CardReference:
    """The card as the host knows it."""
    historical = card.client.historical_bytes
    return CardReference(card.identification, card.number, historical, card.suite.name)


def load(
    card: IdentifiedCard, host: IssuerHost, window: Window, order: LoadOrder
) -> Credited | Declined | LoadUnsettled:
    """INITIALIZE, request in the journal, host, intent in the journal, CREDIT (once, ever), TAC in the journal, report.

    The PIN must have been verified if one is set. Raises no LinkError: a link broken before CREDIT left is Declined,
    after it LoadUnsettled.

    Source: card.md §4.3; reliability.md.
    """
    try:
        prepared = _prepare(card, host, window, order)
    except CardRefused as refused:
        return declined_by_card(refused)
    except HostUnreachable:
        return Declined(Reason.HOST_UNREACHABLE)
    except LinkError as error:
        return Declined(Reason.LINK_BROKEN, link=error.reason)
    except JournalTrouble as trouble:
        return declined_by_journal(trouble)
    except FormatError:
        return Declined(Reason.CARD_DATA_MALFORMED)
    if isinstance(prepared, Declined):
        return prepared
    return LoadAttempt(card.client, host, window.loads, prepared, window.clock).run()


def _prepare(card: IdentifiedCard, host: IssuerHost, window: Window, order: LoadOrder) -> Load | Declined:
    """Everything up to the durable intent; until then nothing can have happened to the card."""
    if (objection := _objection(card, window)) is not None:
        return objection
    asked = initialized(card, window, order)
    loads = window.loads
    loads.record_request(asked)
    answer = host.authorise_load(asked)
    if isinstance(answer, HostRefused):
        loads.record_report(asked.request, LoadOutcome.NOT_CREDITED, answer.reason, window.clock())
        return Declined(Reason.HOST_REFUSED, host=answer.reason)
    return loads.record_intent(
        LoadIntent(
            request=asked.request,
            identification=card.identification,
            card_number=card.number,
            amount=order.amount,
            counter=asked.counter,
            key_index=asked.key_index,
            balance_before=asked.balance,
            terminal=asked.terminal,
            time=answer.host_time,
            mac1=asked.mac1,
            mac2=answer.mac2,
            operator=order.operator,
        )
    )


def _objection(card: IdentifiedCard, window: Window) -> Declined | None:
    """A load would replace the proof of an open sale, and a second load that of the first (card.md §4.7)."""
    for sale in window.journal.open_sales(card.identification):
        return Declined(Reason.OPEN_SALE, voucher=sale.sale.voucher)
    for entry in window.loads.open_loads(card.identification):
        return Declined(Reason.OPEN_LOAD, number=entry.load.number)
    return None


def initialized(card: IdentifiedCard, window: Window, order: LoadOrder) -> LoadRequest:
    """INITIALIZE FOR LOAD, and what the host is to be asked. Raises as the client does."""
    card.client.enter_medical_account()
    challenge = card.client.initialize_for_load(order.amount, window.terminal, LOAD_KEY_INDEX)
    return LoadRequest(
        request=window.request_id(),
        card=reference_of(card),
        terminal=window.terminal,
        time=window.clock(),
        amount=order.amount,
        key_index=LOAD_KEY_INDEX,
        balance=challenge.balance,
        counter=challenge.counter,
        random=challenge.random,
        mac1=challenge.mac1,
        credit=order.credit,
        operator=order.operator,
    )
