"""Settles what the journal holds open, once the same card is back: did it pay, or not?

Not here: what a card's answers prove (evidence), and a second DEBIT, ever.
Source: reliability.md, "Recovery", steps 1–4.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sscard_terminal.cardspec.commands.medical import TransactionProof
from sscard_terminal.cardspec.transaction import PURCHASE_TYPE
from sscard_terminal.iso7816.errors import FormatError

from .client import SocialSecurityCard
from .evidence import VERDICTS, Evidence, Finding, accepts, finding
from .exchange import CardRefused
from .identification import IdentifiedCard, identify, objection_to_issuer
from .journal import Journal
from .journal_events import Event, EventKind, JournalEntry, SaleState
from .outcomes import Declined, Sale
from .policy import Policy
from .ports import Clock, RandomBytes
from .psam import Psam

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
        found = _seen_to_the_end(card, finding(card.client, psam, entry.sale, pin_verified))
        settled.append(_settled(journal, clock, entry, found))
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
    return proof if proof is not None and accepts(psam, sale, proof) else None


def _seen_to_the_end(card: IdentifiedCard, found: Finding) -> Finding:
    """What log and counter have shown settles a sale only while the card that was identified is still there.

    A card that is swapped between two looks of the reader is not noticed, and the next command goes to the other one
    (pcsc.md §3). What settles nothing needs no such look, nor does a MAC2 that the PSAM accepted: it proves itself.
    """
    if found.evidence is Evidence.PSAM_ACCEPTED_MAC2 or VERDICTS[found.evidence] is SaleState.OPEN:
        return found
    try:
        card.client.enter_ssse()
        issuer = card.client.issuer_data()
    except (CardRefused, FormatError):
        return Finding(Evidence.CARD_REFUSED)
    is_same = (str(issuer.identification), issuer.card_number) == (card.identification, card.number)
    return found if is_same else Finding(Evidence.CARD_SWAPPED)


def _settled(journal: Journal, clock: Clock, entry: JournalEntry, found: Finding) -> Settlement:
    proof = found.proof
    tac, mac2 = (proof.tac, proof.mac) if proof else (None, None)
    kind = _EVENTS[VERDICTS[found.evidence]]
    event = Event(kind, clock(), tac, mac2, found.sw, found.evidence)
    journal.record(entry.sale.voucher, event)
    return Settlement(JournalEntry(entry.sale, (*entry.events, event)), found.evidence)
