"""The second half of a sale, from the durable intent on: the one place where DEBIT is sent, and it is sent once.

Not here: what comes before the intent (debit.py) and what happens when the card comes back another day (recovery.py).
Source: card.md §4.4 steps 6–10; reliability.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sscard_terminal.cardspec.bcd import bcd_of_time
from sscard_terminal.cardspec.commands.medical import DebitAnswer, DebitForPurchase, TransactionProof
from sscard_terminal.cardspec.transaction import PURCHASE_TYPE
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.status import (
    APPLICATION_BLOCKED,
    CLA_UNKNOWN,
    CONDITIONS_NOT_SATISFIED,
    FUNCTION_NOT_SUPPORTED,
    INS_UNKNOWN,
    TRANSACTION_MAC_WRONG,
    WRONG_LENGTH,
    WRONG_P1P2,
    WRONG_STATE,
    StatusWord,
)
from sscard_terminal.reader.connection import LinkError, LinkReason

from .client import SocialSecurityCard
from .evidence import counter_unmoved
from .exchange import CardRefused
from .journal import Journal
from .journal_events import Event, EventKind
from .journal_file import JournalTrouble
from .outcomes import Approved, Declined, Doubt, Reason, Sale, Unsettled
from .ports import Clock
from .psam import PsamFailure

DEBIT_FOR_PURCHASE = "DEBIT FOR PURCHASE"

REFUSALS_BEFORE_EXECUTION = (
    WRONG_LENGTH,
    WRONG_STATE,
    CONDITIONS_NOT_SATISFIED,
    FUNCTION_NOT_SUPPORTED,
    WRONG_P1P2,
    INS_UNKNOWN,
    CLA_UNKNOWN,
    TRANSACTION_MAC_WRONG,
    APPLICATION_BLOCKED,
)
"""The words to DEBIT that stand before execution in the order of checks: nothing has changed.

6581 (memory failure) comes out of the execution itself and settles nothing, nor does a word the specification does not
list for DEBIT (6D00 belongs to every command). Source: card.md §2.2, §2.3 (DEBIT), §4.4 step 7, §10 A4.

Even these are believed only with 9406 to GET TRANSACTION PROOF and an unmoved counter beside them: a command that reached the card twice
answers 6901 the second time, and an answer cut off after two bytes of the TAC looks like any status word
(reliability.md, "Faults to enumerate": delivered twice, cut after b bytes; pcsc.md §6).
"""


class ProvesMac2(Protocol):
    """Whoever made MAC1 and so can tell whether the card's MAC2 belongs to it: a PSAM, or an HSM far away."""

    def confirm_mac2(self, mac2: bytes) -> bool:
        """
        Raises:
            PsamFailure: it cannot tell.
        """


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sale whose intent is on the disk. Nothing in it holds a PIN or a key."""

    client: SocialSecurityCard
    psam: ProvesMac2
    journal: Journal
    sale: Sale
    clock: Clock

    def run(self) -> Approved | Declined | Unsettled:
        """Send DEBIT and bring the sale to its end, or say why it has none yet."""
        command = DebitForPurchase(self.sale.sequence, bcd_of_time(self.sale.time), self.sale.mac1)
        try:
            answer = self.client.debit_for_purchase(command)
        except LinkError as error:
            return self._broken(error)
        except CardRefused as refused:
            return self._ask_back(refused.sw)
        except FormatError:
            return self._ask_back(None)
        return self._answered(answer)

    def _broken(self, error: LinkError) -> Approved | Declined | Unsettled:
        """Whether DEBIT left, the link knows; what the card did then, nobody. Only with 61xx seen is it still there."""
        if not error.reached_card:
            return self._not_sent(error.reason)
        if error.reason is LinkReason.ANSWER_NOT_FETCHED:
            return self._ask_back(None)
        return self._lost(link=error.reason)

    def _ask_back(self, sw: StatusWord | None) -> Approved | Declined | Unsettled:
        """The link is whole, so the card can be asked what it did: no other transaction can have come between.

        `sw` is the refusal, None for an answer that was none.
        """
        try:
            proof = self.client.transaction_proof(PURCHASE_TYPE, self.sale.counter)
        except LinkError as error:
            return self._lost(sw, error.reason)
        except (CardRefused, FormatError):
            return self._lost(sw)
        match proof:
            case TransactionProof(mac=mac2, tac=tac):
                return self._proved(DebitAnswer(tac, mac2))
            case None if sw in REFUSALS_BEFORE_EXECUTION:
                return self._refused_unless_moved(sw)
            case _:
                return self._lost(sw)

    def _refused_unless_moved(self, sw: StatusWord | None) -> Declined | Unsettled:
        """Two answers say "not paid"; the third must agree, for each of them is two bytes a bad link can make."""
        try:
            unmoved = counter_unmoved(self.client, self.sale)
        except LinkError as error:
            return self._lost(sw, error.reason)
        except (CardRefused, FormatError):
            return self._lost(sw)
        return self._refused(sw) if unmoved else self._lost(sw)

    def _answered(self, answer: DebitAnswer) -> Approved | Unsettled:
        """The card has paid. Its TAC is written down before anything else can go wrong."""
        if not self._wrote(EventKind.ANSWERED, answer):
            return self._unsettled(Doubt.JOURNAL_FAILED, answer)
        try:
            accepted = self.psam.confirm_mac2(answer.mac2)
        except PsamFailure as failure:
            self._wrote(EventKind.UNPROVED, sw=failure.sw, detail=Doubt.PSAM_FAILED)
            return self._unsettled(Doubt.PSAM_FAILED, answer, failure.sw, failure.link)
        if not accepted:
            self._wrote(EventKind.UNPROVED, detail=Doubt.MAC2_REFUSED)
            return self._unsettled(Doubt.MAC2_REFUSED, answer)
        if not self._wrote(EventKind.CONFIRMED):
            return self._unsettled(Doubt.JOURNAL_FAILED, answer)
        return Approved(self.sale, answer.tac)

    def _proved(self, answer: DebitAnswer) -> Approved | Unsettled:
        """The card keeps its proof, so none is written down before the PSAM has accepted it.

        A link that garbles two status words can fetch an earlier answer of the card's in its place.
        """
        try:
            accepted = self.psam.confirm_mac2(answer.mac2)
        except PsamFailure as failure:
            self._wrote(EventKind.UNPROVED, sw=failure.sw, detail=Doubt.PSAM_FAILED)
            return self._unsettled(Doubt.PSAM_FAILED, sw=failure.sw, link=failure.link)
        if not accepted:
            self._wrote(EventKind.UNPROVED, detail=Doubt.MAC2_REFUSED)
            return self._unsettled(Doubt.MAC2_REFUSED)
        if not (self._wrote(EventKind.ANSWERED, answer) and self._wrote(EventKind.CONFIRMED)):
            return self._unsettled(Doubt.JOURNAL_FAILED, answer)
        return Approved(self.sale, answer.tac)

    def _refused(self, sw: StatusWord | None) -> Declined | Unsettled:
        if not self._wrote(EventKind.REFUSED, sw=sw):
            return self._unsettled(Doubt.JOURNAL_FAILED, sw=sw)
        return Declined(Reason.DEBIT_REFUSED, sw=sw, command=DEBIT_FOR_PURCHASE, voucher=self.sale.voucher)

    def _not_sent(self, link: LinkReason) -> Declined | Unsettled:
        if not self._wrote(EventKind.NOT_SENT, detail=link):
            return self._unsettled(Doubt.JOURNAL_FAILED, link=link)
        return Declined(Reason.LINK_BROKEN, link=link, voucher=self.sale.voucher)

    def _lost(self, sw: StatusWord | None = None, link: LinkReason | None = None) -> Unsettled:
        self._wrote(EventKind.LOST, sw=sw, detail=link or "")
        return self._unsettled(Doubt.ANSWER_LOST, sw=sw, link=link)

    def _unsettled(
        self,
        doubt: Doubt,
        answer: DebitAnswer | None = None,
        sw: StatusWord | None = None,
        link: LinkReason | None = None,
    ) -> Unsettled:
        tac, mac2 = (answer.tac, answer.mac2) if answer else (None, None)
        return Unsettled(self.sale, doubt, link=link, sw=sw, tac=tac, mac2=mac2)

    def _wrote(
        self,
        kind: EventKind,
        answer: DebitAnswer | None = None,
        sw: StatusWord | None = None,
        detail: str = "",
    ) -> bool:
        """False when the journal cannot take it: the sale is open in the journal then, whatever we know."""
        tac, mac2 = (answer.tac, answer.mac2) if answer else (None, None)
        try:
            self.journal.record(self.sale.voucher, Event(kind, self.clock(), tac, mac2, sw, detail))
        except JournalTrouble:
            return False
        return True
