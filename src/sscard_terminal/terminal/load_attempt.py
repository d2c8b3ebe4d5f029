"""The second half of a load, from the durable intent on: the one place where CREDIT is sent, and it is sent once.

Not here: what comes before the intent (load.py) and what happens when the card comes back another day
(load_recovery.py).
Source: card.md §4.3 steps 5–7; reliability.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from sscard_terminal.cardspec.bcd import bcd_of_time
from sscard_terminal.cardspec.commands.medical import CreditForLoad, TransactionProof
from sscard_terminal.cardspec.issuing import HostRefused, HostUnreachable, LoadOutcome, LoadReport
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.transaction import LOAD_TYPE
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.status import StatusWord
from sscard_terminal.reader.connection import LinkError, LinkReason

from .attempt import REFUSALS_BEFORE_EXECUTION
from .client import SocialSecurityCard
from .exchange import CardRefused
from .issuer_host import IssuerHost
from .journal_file import JournalTrouble
from .load_journal import LoadJournal
from .load_records import Credited, Load, LoadDoubt, LoadEvent, LoadEventKind, LoadUnsettled
from .outcomes import Declined, Reason
from .ports import Clock

NOTHING = Fen(0)


@dataclass(frozen=True, slots=True)
class LoadAttempt:
    """A load whose intent is on the disk."""

    client: SocialSecurityCard
    host: IssuerHost
    journal: LoadJournal
    load: Load
    clock: Clock

    def run(self) -> Credited | Declined | LoadUnsettled:
        """Send CREDIT and bring the load to its end, or say why it has none yet."""
        command = CreditForLoad(bcd_of_time(self.load.time), self.load.mac2)
        try:
            tac = self.client.credit_for_load(command)
        except LinkError as error:
            return self._broken(error)
        except CardRefused as refused:
            return self._ask_back(refused.sw)
        except FormatError:
            return self._ask_back(None)
        return self._answered(tac)

    def _broken(self, error: LinkError) -> Credited | Declined | LoadUnsettled:
        """Whether CREDIT left, the link knows; what the card did then, nobody. Only with 61xx seen is it still there."""
        if not error.reached_card:
            return self._not_sent(error.reason)
        if error.reason is LinkReason.ANSWER_NOT_FETCHED:
            return self._ask_back(None)
        return self._lost(link=error.reason)

    def _ask_back(self, sw: StatusWord | None) -> Credited | Declined | LoadUnsettled:
        """The link is whole, so the card can be asked what it did: no other transaction can have come between.

        `sw` is the refusal, None for an answer that was none. CREDIT knows the words of DEBIT (card.md §2.3).
        """
        try:
            proof = self.client.transaction_proof(LOAD_TYPE, self.load.counter)
        except LinkError as error:
            return self._lost(sw, error.reason)
        except (CardRefused, FormatError):
            return self._lost(sw)
        match proof:
            case TransactionProof(tac=tac):
                return self._answered(tac)
            case None if sw in REFUSALS_BEFORE_EXECUTION:
                return self._refused_unless_moved(sw)
            case _:
                return self._lost(sw)

    def _refused_unless_moved(self, sw: StatusWord | None) -> Declined | LoadUnsettled:
        """Two answers say "not credited"; the third must agree, for each is two bytes a bad link can make."""
        try:
            now = self.client.initialize_for_load(NOTHING, self.load.terminal, self.load.key_index)
        except LinkError as error:
            return self._lost(sw, error.reason)
        except (CardRefused, FormatError):
            return self._lost(sw)
        unmoved = (now.counter, now.balance) == (self.load.counter, self.load.balance_before)
        return self._refused(sw) if unmoved else self._lost(sw)

    def _answered(self, tac: bytes) -> Credited | LoadUnsettled:
        """The card has the money. Its TAC is written down before anything else can go wrong."""
        if not self._wrote(LoadEventKind.ANSWERED, tac):
            return LoadUnsettled(self.load, LoadDoubt.JOURNAL_FAILED, tac=tac)
        try:
            answer = self.host.report_load(LoadReport(self.load.request, LoadOutcome.CREDITED, tac))
        except HostUnreachable:
            return self._confirmed(tac, reported=False)
        if isinstance(answer, HostRefused):
            self._wrote(LoadEventKind.UNPROVED, detail=answer.reason)
            return LoadUnsettled(self.load, LoadDoubt.TAC_REFUSED, tac=tac)
        return self._confirmed(tac, reported=True)

    def _confirmed(self, tac: bytes, *, reported: bool) -> Credited | LoadUnsettled:
        if not self._wrote(LoadEventKind.CONFIRMED):
            return LoadUnsettled(self.load, LoadDoubt.JOURNAL_FAILED, tac=tac)
        if reported:
            self._noted(LoadOutcome.CREDITED)
        return Credited(self.load, tac, reported)

    def _refused(self, sw: StatusWord | None) -> Declined | LoadUnsettled:
        if not self._wrote(LoadEventKind.REFUSED, sw=sw):
            return LoadUnsettled(self.load, LoadDoubt.JOURNAL_FAILED, sw=sw)
        self._called_off()
        number = self.load.number
        return Declined(Reason.LOAD_REFUSED, sw=sw, command="CREDIT FOR LOAD", number=number)

    def _not_sent(self, link: LinkReason) -> Declined | LoadUnsettled:
        if not self._wrote(LoadEventKind.NOT_SENT, detail=link):
            return LoadUnsettled(self.load, LoadDoubt.JOURNAL_FAILED, link=link)
        self._called_off()
        return Declined(Reason.LINK_BROKEN, link=link, number=self.load.number)

    def _lost(self, sw: StatusWord | None = None, link: LinkReason | None = None) -> LoadUnsettled:
        self._wrote(LoadEventKind.LOST, sw=sw, detail=link or "")
        return LoadUnsettled(self.load, LoadDoubt.ANSWER_LOST, link=link, sw=sw)

    def _called_off(self) -> None:
        """Tell the host now, so that the money is free at once; what does not arrive is told later (`unreported`)."""
        try:
            answer = self.host.report_load(LoadReport(self.load.request, LoadOutcome.NOT_CREDITED))
        except HostUnreachable:
            return
        if not isinstance(answer, HostRefused):
            self._noted(LoadOutcome.NOT_CREDITED)

    def _noted(self, outcome: LoadOutcome) -> None:
        """A report that cannot be noted is told again later, which changes nothing."""
        try:
            self.journal.record_report(self.load.request, outcome, outcome, self.clock())
        except JournalTrouble:
            return

    def _wrote(
        self,
        kind: LoadEventKind,
        tac: bytes | None = None,
        sw: StatusWord | None = None,
        detail: str = "",
    ) -> bool:
        """False when the journal cannot take it: the load is open in the journal then, whatever we know."""
        try:
            self.journal.record(self.load.number, LoadEvent(kind, self.clock(), tac, sw, detail))
        except JournalTrouble:
            return False
        return True
