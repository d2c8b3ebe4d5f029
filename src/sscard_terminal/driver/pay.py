"""iDoDebit with the PSAM, and iReadDebitRecord.

The industry driver's debit keeps the record of a sale on the chip and takes nothing from it: account part 0, the total
cost, and what account and pool paid of it on the host. It goes through the same journal and the same rules as any sale of
this terminal, so it happens once: the very same sale (card, time, sums) asked for again gets its first outcome.
Source: card.md §4.8, §8; reliability.md.
"""

from __future__ import annotations

from sscard_terminal.cardspec.bcd import digits_of_bcd
from sscard_terminal.cardspec.money import yuan_of_fen
from sscard_terminal.cardspec.records import LogRecord
from sscard_terminal.cardspec.transaction import PURCHASE_TYPE, PurchaseAmounts
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.terminal.debit import DebitRequest, debit
from sscard_terminal.terminal.identification import IdentifiedCard, RecognisedCard
from sscard_terminal.terminal.journal_requests import first_outcome
from sscard_terminal.terminal.outcomes import Approved, Declined, SaleKind, Unsettled
from sscard_terminal.terminal.recovery import identify_to_settle, settle, settle_by_psam
from sscard_terminal.terminal.sale_rules import objection_before_card
from sscard_terminal.terminal.workflow import read_details, verify_pin_to_pay
from sscard_terminal.voice.told import Money

from .codes import Code
from .hand import Hand, Verify, card_in_hand, held, with_pin
from .keys import DTK_ADDRESS
from .parameters import CardInfo, PayInfo
from .place import Opened, Place
from .result import Refused, Result, joined

TYPE = f"{PURCHASE_TYPE:02X}"


def do_debit(place: Place, card_type: int, card_info: str, pay_info: str) -> Result:
    """iDoDebit: what settles the sale, its TAC last."""
    info, pay = CardInfo.parse(card_info), PayInfo.parse(pay_info, place.clock())
    request = pay.request_for(info)
    if (ended := _ended(place, request)) is not None:
        with card_in_hand(place, card_type, info) as hand:
            return _told(hand, ended)
    require_saleable(place, pay)

    def proved(opened: Opened) -> RecognisedCard | Declined:
        """Before identification, which makes the PSAM forget it, a purchase it still holds is settled."""
        psam = opened.psam
        if psam is None:
            raise Refused(Code.NO_PSAM)
        settle_by_psam(opened.card, psam, place.journal, place.clock)
        policy, clock = place.shop.policy, place.clock
        return identify_to_settle(opened.card, psam, place.journal, policy, clock, place.random)

    with with_pin(place, card_type, verify_to_pay(place), info, proved, pay.amounts) as hand:
        return _told(hand, _debit(hand, pay, request))


def require_saleable(place: Place, pay: PayInfo) -> None:
    """
    Raises:
        Refused: what forbids a sale whatever card is there; nobody is asked for a PIN then.
    """
    objection = objection_before_card(place.shop.rules, place.journal, pay.amounts, place.clock())
    if objection is not None:
        raise Refused(objection)


def verify_to_pay(place: Place) -> Verify:
    """VERIFY for a sale: -35 where first PINs may not pay."""
    return lambda card, pin: verify_pin_to_pay(card, pin, place.shop.policy)


def _ended(place: Place, request: str) -> Approved | Declined | None:
    """The first outcome of this very sale; None where it is new, or only its card can tell."""
    entry = place.journal.entry_of_request(request)
    outcome = None if entry is None else first_outcome(entry)
    return None if isinstance(outcome, Unsettled) else outcome


def _debit(hand: Hand, pay: PayInfo, request: str) -> Approved | Declined | Unsettled:
    """What is open is settled first; it may be this very sale, whose answer was lost."""
    place, card, psam = hand.place, hand.card, hand.opened.psam
    assert isinstance(card, IdentifiedCard) and psam is not None
    settle(card, psam, place.journal, place.clock, pin_verified=True)
    if (entry := place.journal.entry_of_request(request)) is not None:
        return first_outcome(entry)
    return debit(card, psam, place.journal, request_of(place, pay, request), place.clock, place.shop.rules)


def request_of(place: Place, pay: PayInfo, request: str) -> DebitRequest:
    return DebitRequest(
        pay.amounts,
        place.shop.place,
        place.operator,
        kind=SaleKind.RECORD_KEEPING,
        request=request,
        time=pay.time,
    )


def _told(hand: Hand, outcome: Approved | Declined | Unsettled) -> Result:
    if not isinstance(outcome, Approved):
        raise Refused(outcome)
    return Result(0, joined(*settlement_fields(hand.algorithm, outcome)), money=Money.CHARGED)


def settlement_fields(algorithm: str, approved: Approved) -> tuple[str, ...]:
    """What settles a record-keeping debit: algorithm, address of the TAC's key, sums, type, terminal, sequence, time, TAC."""
    sale = approved.sale
    return (
        algorithm,
        DTK_ADDRESS,
        sums_of(sale.amounts),
        TYPE,
        sale.terminal,
        sale.sequence.hex().upper(),
        f"{sale.time:%Y%m%d%H%M%S}",
        approved.tac.hex().upper(),
    )


def sums_of(amounts: PurchaseAmounts) -> str:
    """The last two sums as they stand in the command, 16 hex digits."""
    return amounts.build()[4:].hex().upper()


def read_debit_records(place: Place, card_type: int) -> Result:
    """iReadDebitRecord: the purchases of the card's log, newest first, sums in yuan."""
    with with_pin(place, card_type) as hand:
        records = held(read_details(hand.card))
    return Result(0, joined(*(_record(record) for record in records if record.kind == PURCHASE_TYPE)))


def _record(record: LogRecord) -> str:
    """Number, terminal, time, total cost, what account and pool paid of it; each ended by ^."""
    total, paid = _sums_in(record)
    fields = (f"{record.number:04X}", _digits(record.terminal), record.time.hex(), total, paid)
    return "".join(f"{field}^" for field in fields)


def _sums_in(record: LogRecord) -> tuple[str, str]:
    """A record-keeping debit has no account part, and its pooled field is a part of its total; any other purchase has
    three parts that add up. Source: card.md §4.8; how the two are told apart is our choice."""
    if record.account == 0 and record.pooled <= record.self_paid:
        return yuan_of_fen(record.self_paid), yuan_of_fen(record.pooled)
    paid = record.account + record.pooled
    return yuan_of_fen(paid + record.self_paid), yuan_of_fen(paid)


def _digits(raw: bytes) -> str:
    """What another terminal wrote as its number may be none."""
    try:
        return digits_of_bcd(raw)
    except FormatError:
        return raw.hex().upper()
