"""Settles the loads the journal holds open, and tells the host what it is still owed.

Not here: what card and host say about one load (load_evidence.py), and a second CREDIT, ever.
Source: reliability.md, "Recovery".
"""

from __future__ import annotations

from dataclasses import dataclass

from sscard_terminal.cardspec.issuing import HostRefused, HostUnreachable

from .identification import IdentifiedCard
from .issuer_host import IssuerHost
from .load import Window
from .load_evidence import LOAD_VERDICTS, LoadEvidence, LoadFinding, finding_by_card, finding_by_host
from .load_records import LoadEntry, LoadEvent, LoadEventKind, LoadState

_EVENTS = {
    LoadState.CREDITED: LoadEventKind.SETTLED_CREDITED,
    LoadState.NOT_CREDITED: LoadEventKind.SETTLED_NOT_CREDITED,
    LoadState.OPEN: LoadEventKind.STILL_OPEN,
}


@dataclass(frozen=True, slots=True)
class LoadSettlement:
    """How one open load ended, or why it has not: `entry` is the load as the journal holds it now."""

    entry: LoadEntry
    evidence: LoadEvidence

    @property
    def state(self) -> LoadState:
        return self.entry.state


def settle_loads(
    card: IdentifiedCard, host: IssuerHost, window: Window, *, pin_verified: bool
) -> tuple[LoadSettlement, ...]:
    """Settle the open loads of this card (same identification code and number), by all the evidence there is.

    First what the host has learned of the card elsewhere, then the card. `pin_verified` as for `recovery.settle`.

    Raises:
        LinkError: the card went away; what was settled before is in the journal.
        JournalTrouble: the journal cannot be written.
    """
    settled = []
    for entry in window.loads.open_loads(card.identification):
        if entry.load.card_number == card.number:
            found = finding_by_host(host, entry)
            if found is None:
                found = finding_by_card(card, host, window, entry, pin_verified=pin_verified)
            settled.append(_settled(window, entry, found))
    return tuple(settled)


def settle_by_host(host: IssuerHost, window: Window) -> tuple[LoadSettlement, ...]:
    """Without any card: what the host can tell of the open loads, because the card has been at another window since.

    Raises:
        JournalTrouble: the journal cannot be written.
    """
    found = [(entry, finding_by_host(host, entry)) for entry in window.loads.open_loads()]
    return tuple(_settled(window, entry, finding) for entry, finding in found if finding is not None)


def report_outcomes(host: IssuerHost, window: Window) -> int:
    """Tell the host every outcome it is still owed; how many it could not be told.

    A contradiction is noted with the host's reason and not told again: the centre has flagged it for a person.

    Raises:
        JournalTrouble: the journal cannot be used.
    """
    owed = window.loads.unreported()
    for told, report in enumerate(owed):
        try:
            answer = host.report_load(report)
        except HostUnreachable:
            return len(owed) - told
        said = answer.reason if isinstance(answer, HostRefused) else answer.outcome
        window.loads.record_report(report.request, report.outcome, said, window.clock())
    return 0


def _settled(window: Window, entry: LoadEntry, found: LoadFinding) -> LoadSettlement:
    kind = _EVENTS[LOAD_VERDICTS[found.evidence]]
    event = LoadEvent(kind, window.clock(), found.tac, found.sw, found.evidence)
    window.loads.record(entry.load.number, event)
    return LoadSettlement(LoadEntry(entry.load, (*entry.events, event)), found.evidence)
