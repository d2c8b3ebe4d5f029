"""What a card's own answers say about an open sale: did it pay, did it not, or does it not tell?

Not here: whose card it is and what becomes of the journal (recovery).
Source: reliability.md, "Recovery", steps 2–4.

A card can be wrong, or a link can garble it, so no single answer decides that nothing was paid, and what contradicts
itself decides nothing. "Paid" needs a proof the PSAM accepts, or a record of the log with our terminal, our second and
our amounts, which no accident makes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sscard_terminal.cardspec.bcd import bcd_of_digits, bcd_of_time, is_decimal, time_of_bcd
from sscard_terminal.cardspec.commands.medical import TransactionProof
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.records import LogRecord
from sscard_terminal.cardspec.transaction import PURCHASE_TYPE, PurchaseAmounts
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.status import COUNTER_AT_MAXIMUM, SECURITY_NOT_SATISFIED, StatusWord

from .client import SocialSecurityCard
from .exchange import CardRefused
from .journal_events import SaleState
from .outcomes import Sale
from .psam import Psam, PsamFailure

LAST_COUNTER = 0xFFFF
"""A card whose counter stands here refuses to initialise with 9402. Source: card.md §10 B35."""

NOTHING = PurchaseAmounts(Fen(0))


class Evidence(StrEnum):
    """What a settlement rests on, or why there is none yet. The value is the key of its sentence in voice/messages."""

    PSAM_ACCEPTED_MAC2 = "psam-accepted-mac2"
    LOG_SHOWS_OURS = "log-shows-ours"
    LOG_SHOWS_ANOTHER = "log-shows-another"
    COUNTER_UNMOVED = "counter-unmoved"
    PIN_NEEDED = "pin-needed"
    LOG_TOO_SHORT = "log-too-short"
    CARD_CONTRADICTS = "card-contradicts"
    CARD_REFUSED = "card-refused"
    CARD_SWAPPED = "card-swapped"


VERDICTS: dict[Evidence, SaleState] = {
    Evidence.PSAM_ACCEPTED_MAC2: SaleState.CHARGED,
    Evidence.LOG_SHOWS_OURS: SaleState.CHARGED,
    Evidence.LOG_SHOWS_ANOTHER: SaleState.NOT_CHARGED,
    Evidence.COUNTER_UNMOVED: SaleState.NOT_CHARGED,
    Evidence.PIN_NEEDED: SaleState.OPEN,
    Evidence.LOG_TOO_SHORT: SaleState.OPEN,
    Evidence.CARD_CONTRADICTS: SaleState.OPEN,
    Evidence.CARD_REFUSED: SaleState.OPEN,
    Evidence.CARD_SWAPPED: SaleState.OPEN,
}
"""Source: reliability.md, "Recovery", steps 2–4."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What the card's answers say about one sale; `proof` only where it is known to be ours, `sw` of a refusal."""

    evidence: Evidence
    proof: TransactionProof | None = None
    sw: StatusWord | None = None


def finding(card: SocialSecurityCard, psam: Psam | None, sale: Sale, pin_verified: bool) -> Finding:
    """All the evidence there is about `sale`; `pin_verified`: log and counter are open to us.

    Raises:
        LinkError: the card went away.
    """
    try:
        card.enter_medical_account()
        proof = card.transaction_proof(PURCHASE_TYPE, sale.counter)
        if proof is not None and psam is not None and accepts(psam, sale, proof):
            return Finding(Evidence.PSAM_ACCEPTED_MAC2, proof)
        if not pin_verified:
            return Finding(Evidence.PIN_NEEDED)
        return _with_proof(card, sale, proof) if proof is not None else _without_proof(card, sale)
    except CardRefused as refused:
        shut = refused.sw == SECURITY_NOT_SATISFIED
        return Finding(Evidence.PIN_NEEDED if shut else Evidence.CARD_REFUSED, sw=refused.sw)
    except FormatError:
        return Finding(Evidence.CARD_REFUSED)


def accepts(psam: Psam, sale: Sale, proof: TransactionProof) -> bool:
    """True proves the purchase: the session key binds this card, this counter, this sequence and the amounts.

    False proves nothing: the PSAM may long have forgotten the purchase (6901), or be out of reach.
    """
    try:
        return psam.may_hold(sale.sequence) and psam.confirm_mac2(proof.mac)
    except PsamFailure:
        return False


def counter_unmoved(card: SocialSecurityCard, sale: Sale) -> bool:
    """Whether the purchase counter is still n and the account no smaller; INITIALIZE alone spends nothing.

    Raises:
        CardRefused, FormatError, LinkError: it does not tell.
    """
    challenge = card.initialize_for_purchase(NOTHING, sale.terminal, sale.key_index)
    return challenge.counter == sale.counter and challenge.balance >= sale.balance_before


def _with_proof(card: SocialSecurityCard, sale: Sale, proof: TransactionProof) -> Finding:
    """Purchase n is the card's newest transaction (it keeps one proof): whose it was, its log must show (step 2)."""
    found = _from_log(card, sale, proof)
    return Finding(Evidence.CARD_CONTRADICTS) if found.evidence is Evidence.LOG_TOO_SHORT else found


def _without_proof(card: SocialSecurityCard, sale: Sale) -> Finding:
    """No proof of purchase n: it did not happen, or a later transaction has replaced the proof (step 3)."""
    try:
        challenge = card.initialize_for_purchase(NOTHING, sale.terminal, sale.key_index)
    except CardRefused as refused:
        if refused.sw != COUNTER_AT_MAXIMUM:
            raise
        counter, balance = LAST_COUNTER, sale.balance_before
    else:
        counter, balance = challenge.counter, challenge.balance
    if counter > sale.counter:
        return _from_log(card, sale, None)
    # A counter never falls, and only a purchase takes money away.
    if counter < sale.counter or balance < sale.balance_before or _log_reaches(card, sale.counter):
        return Finding(Evidence.CARD_CONTRADICTS)
    return Finding(Evidence.COUNTER_UNMOVED)


def _log_reaches(card: SocialSecurityCard, number: int) -> bool:
    """Whether the log's newest purchase is this one or a later one; a log that cannot be read says nothing against it."""
    try:
        newest = next((record for record in card.log_records() if record.kind == PURCHASE_TYPE), None)
    except (CardRefused, FormatError):
        return False
    return newest is not None and newest.number >= number


def _from_log(card: SocialSecurityCard, sale: Sale, proof: TransactionProof | None) -> Finding:
    """Whose purchase n was, by the card's own log (steps 2 and 3).

    That it was another terminal's is believed only of a record that could be one, in the whole log read twice: a garbled
    record of ours looks like it.
    """
    reading = card.log_records()
    records = []
    for record in reading:
        records.append(record)
        if _is_purchase(record, sale.counter):
            break
    else:
        return Finding(Evidence.LOG_TOO_SHORT)
    if _is_ours(record, sale):
        shown = _shows_amounts(record, sale.amounts)
        return Finding(Evidence.LOG_SHOWS_OURS, proof) if shown else Finding(Evidence.CARD_CONTRADICTS)
    records.extend(reading)
    possible = _is_possible(record) and not _holds_ours(records, sale)
    certain = possible and records == [*card.log_records()]
    return Finding(Evidence.LOG_SHOWS_ANOTHER if certain else Evidence.CARD_CONTRADICTS)


def _is_purchase(record: LogRecord, number: int) -> bool:
    return record.kind == PURCHASE_TYPE and record.number == number


def _is_ours(record: LogRecord, sale: Sale) -> bool:
    return (record.terminal, record.time) == (bcd_of_digits(sale.terminal, 6), bcd_of_time(sale.time))


def _is_possible(record: LogRecord) -> bool:
    """Whether a terminal can have written this: a number of digits, and a time of the calendar."""
    try:
        time_of_bcd(record.time)
    except FormatError:
        return False
    return is_decimal(record.terminal)


def _holds_ours(records: Sequence[LogRecord], sale: Sale) -> bool:
    """Our sale under any number: then the counter of one of the two is garbled."""
    return any(record.kind == PURCHASE_TYPE and _is_ours(record, sale) for record in records)


def _shows_amounts(record: LogRecord, amounts: PurchaseAmounts) -> bool:
    """A card in account-only mode keeps no totals: zeros there agree with anything. Source: card.md §1.7."""
    totals = (record.self_paid, record.pooled)
    return record.account == amounts.account and totals in ((amounts.self_paid, amounts.pooled), (0, 0))
