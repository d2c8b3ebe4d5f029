"""Settles what the journal holds open, once the same card is back: did it pay, or not?

Not here: a second DEBIT, ever.
Source: reliability.md, "Recovery", steps 1–4.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sscard_terminal.cardspec.bcd import bcd_of_digits, bcd_of_time
from sscard_terminal.cardspec.commands.medical import TransactionProof
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.records import LogRecord
from sscard_terminal.cardspec.transaction import PURCHASE_TYPE, PurchaseAmounts
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.status import COUNTER_AT_MAXIMUM, SECURITY_NOT_SATISFIED, StatusWord

from .client import SocialSecurityCard
from .exchange import CardRefused
from .identification import IdentifiedCard, identify, objection_to_issuer
from .journal import Journal
from .journal_events import Event, EventKind, JournalEntry, SaleState
from .outcomes import Declined, Sale
from .policy import Policy
from .ports import Clock, RandomBytes
from .psam import Psam, PsamFailure

LAST_COUNTER = 0xFFFF
"""A card whose counter stands here refuses to initialise with 9402. Source: card.md §10 B35."""

NOTHING = PurchaseAmounts(Fen(0))


class Evidence(StrEnum):
    """What a settlement rests on, or why there is none yet. The value is the key of its sentence in cli/messages."""

    PSAM_ACCEPTED_MAC2 = "psam-accepted-mac2"
    LOG_SHOWS_OURS = "log-shows-ours"
    LOG_SHOWS_ANOTHER = "log-shows-another"
    COUNTER_UNMOVED = "counter-unmoved"
    PIN_NEEDED = "pin-needed"
    LOG_TOO_SHORT = "log-too-short"
    CARD_CONTRADICTS = "card-contradicts"
    CARD_REFUSED = "card-refused"


VERDICTS: dict[Evidence, SaleState] = {
    Evidence.PSAM_ACCEPTED_MAC2: SaleState.CHARGED,
    Evidence.LOG_SHOWS_OURS: SaleState.CHARGED,
    Evidence.LOG_SHOWS_ANOTHER: SaleState.NOT_CHARGED,
    Evidence.COUNTER_UNMOVED: SaleState.NOT_CHARGED,
    Evidence.PIN_NEEDED: SaleState.OPEN,
    Evidence.LOG_TOO_SHORT: SaleState.OPEN,
    Evidence.CARD_CONTRADICTS: SaleState.OPEN,
    Evidence.CARD_REFUSED: SaleState.OPEN,
}
"""Source: reliability.md, "Recovery", steps 2–4."""

_EVENTS = {
    SaleState.CHARGED: EventKind.SETTLED_CHARGED,
    SaleState.NOT_CHARGED: EventKind.SETTLED_NOT_CHARGED,
    SaleState.OPEN: EventKind.STILL_OPEN,
}


@dataclass(frozen=True, slots=True)
class Settlement:
    """How one open sale ended, or why it has not: `entry` is the sale as the journal holds it now."""

    entry: JournalEntry
    evidence: Evidence

    @property
    def state(self) -> SaleState:
        return self.entry.state


@dataclass(frozen=True, slots=True)
class Finding:
    """What the card's answers say about one sale; `proof` only where it is known to be ours, `sw` of a refusal."""

    evidence: Evidence
    proof: TransactionProof | None = None
    sw: StatusWord | None = None


def identify_to_settle(
    card: SocialSecurityCard,
    psam: Psam,
    journal: Journal,
    policy: Policy,
    clock: Clock,
    random: RandomBytes,
) -> IdentifiedCard | Declined:
    """As `identify`; a card with an open sale is let through even from the hotlist or after its last day.

    Whether it paid before has nothing to do with whether it may pay now. It proves itself as any other, and one that
    has nothing to settle is refused as at any other service.

    Raises: as `identify`.
    """
    outcome = identify(card, psam, policy.to_settle(), clock, random)
    if isinstance(outcome, Declined) or open_sales_of(outcome, journal):
        return outcome
    return objection_to_issuer(outcome.issuer, policy, clock) or outcome


def open_sales_of(card: IdentifiedCard, journal: Journal) -> list[JournalEntry]:
    """The open sales of this very card: same identification code and same number."""
    return _of_card(journal.open_sales(card.identification), card.identification, card.number)


def settle(
    card: IdentifiedCard, psam: Psam | None, journal: Journal, clock: Clock, *, pin_verified: bool
) -> tuple[Settlement, ...]:
    """Settle the open sales of this card (same identification code and number), by all the evidence there is.

    `pin_verified`: the PIN was verified in this session, or the card has none; without it log and counter stay shut.
    The card must have proved itself: a copy could show any log it likes.

    Raises:
        LinkError: the card went away; what was settled before is in the journal.
        JournalTrouble: the journal cannot be written.
    """
    settled = []
    for entry in open_sales_of(card, journal):
        finding = _finding(card.client, psam, entry.sale, pin_verified)
        settled.append(_settled(journal, clock, entry, finding))
    return tuple(settled)


def settle_by_psam(
    card: SocialSecurityCard, psam: Psam, journal: Journal, clock: Clock
) -> tuple[Settlement, ...]:
    """Before identification: ask the card for its proof and the PSAM whether it accepts it. Needs no PIN.

    For a card that comes straight back, while the PSAM still holds the purchase: identification would end that.
    Costs nothing (no command) unless the PSAM may hold an open sale. Only "charged" can come out of it: an accepted
    MAC2 proves itself, anything else needs an identified card.

    Raises: as `settle`.
    """
    if psam.holds_nothing:
        return ()
    held = [entry for entry in journal.open_sales() if psam.may_hold(entry.sale.sequence)]
    if not held:
        return ()
    try:
        card.enter_ssse()
        issuer = card.issuer_data()
        mine = _of_card(held, str(issuer.identification), issuer.card_number)
        found = [(entry, _proof_for_psam(card, psam, entry.sale)) for entry in mine]
    except (CardRefused, FormatError):
        return ()  # identification says what is wrong with this card
    return tuple(
        _settled(journal, clock, entry, Finding(Evidence.PSAM_ACCEPTED_MAC2, proof))
        for entry, proof in found
        if proof is not None
    )


def _of_card(entries: Iterable[JournalEntry], identification: str, number: str) -> list[JournalEntry]:
    return [
        entry
        for entry in entries
        if (entry.sale.identification, entry.sale.card_number) == (identification, number)
    ]


def _proof_for_psam(card: SocialSecurityCard, psam: Psam, sale: Sale) -> TransactionProof | None:
    card.enter_medical_account()
    proof = card.transaction_proof(PURCHASE_TYPE, sale.counter)
    return proof if proof is not None and _accepts(psam, sale, proof) else None


def _settled(journal: Journal, clock: Clock, entry: JournalEntry, finding: Finding) -> Settlement:
    proof = finding.proof
    tac, mac2 = (proof.tac, proof.mac) if proof else (None, None)
    kind = _EVENTS[VERDICTS[finding.evidence]]
    event = Event(kind, clock(), tac, mac2, finding.sw, finding.evidence)
    journal.record(entry.sale.voucher, event)
    return Settlement(JournalEntry(entry.sale, (*entry.events, event)), finding.evidence)


def _finding(card: SocialSecurityCard, psam: Psam | None, sale: Sale, pin_verified: bool) -> Finding:
    try:
        card.enter_medical_account()
        proof = card.transaction_proof(PURCHASE_TYPE, sale.counter)
        if proof is not None and psam is not None and _accepts(psam, sale, proof):
            return Finding(Evidence.PSAM_ACCEPTED_MAC2, proof)
        if not pin_verified:
            return Finding(Evidence.PIN_NEEDED)
        return _from_log(card, sale, proof) if proof is not None else _from_counter(card, sale)
    except CardRefused as refused:
        shut = refused.sw == SECURITY_NOT_SATISFIED
        return Finding(Evidence.PIN_NEEDED if shut else Evidence.CARD_REFUSED, sw=refused.sw)
    except FormatError:
        return Finding(Evidence.CARD_REFUSED)


def _accepts(psam: Psam, sale: Sale, proof: TransactionProof) -> bool:
    """True proves the purchase: the session key binds this card, this counter, this sequence and the amounts.

    False proves nothing: the PSAM may long have forgotten the purchase (6901), or be out of reach.
    """
    try:
        return psam.may_hold(sale.sequence) and psam.confirm_mac2(proof.mac)
    except PsamFailure:
        return False


def _from_counter(card: SocialSecurityCard, sale: Sale) -> Finding:
    """No proof of purchase n: it did not happen, or a later transaction has replaced the proof (step 3)."""
    counter = _counter(card, sale)
    if counter == sale.counter:
        return Finding(Evidence.COUNTER_UNMOVED)
    if counter < sale.counter:
        return Finding(Evidence.CARD_CONTRADICTS)  # a counter never falls
    return _from_log(card, sale, None)


def _counter(card: SocialSecurityCard, sale: Sale) -> int:
    """The purchase counter now; INITIALIZE alone spends nothing."""
    try:
        return card.initialize_for_purchase(NOTHING, sale.terminal, sale.key_index).counter
    except CardRefused as refused:
        if refused.sw == COUNTER_AT_MAXIMUM:
            return LAST_COUNTER
        raise


def _from_log(card: SocialSecurityCard, sale: Sale, proof: TransactionProof | None) -> Finding:
    """Whose purchase n was, by the card's own log (steps 2 and 3)."""
    record = next(filter(lambda found: _is_purchase(found, sale.counter), card.log_records()), None)
    if record is None:
        return Finding(Evidence.LOG_TOO_SHORT)
    if (record.terminal, record.time) != (bcd_of_digits(sale.terminal, 6), bcd_of_time(sale.time)):
        return Finding(Evidence.LOG_SHOWS_ANOTHER)
    if not _shows_amounts(record, sale.amounts):
        return Finding(Evidence.CARD_CONTRADICTS)
    return Finding(Evidence.LOG_SHOWS_OURS, proof)


def _is_purchase(record: LogRecord, number: int) -> bool:
    return record.kind == PURCHASE_TYPE and record.number == number


def _shows_amounts(record: LogRecord, amounts: PurchaseAmounts) -> bool:
    """A card in account-only mode keeps no totals: zeros there agree with anything. Source: card.md §1.7."""
    totals = (record.self_paid, record.pooled)
    return record.account == amounts.account and totals in ((amounts.self_paid, amounts.pooled), (0, 0))
