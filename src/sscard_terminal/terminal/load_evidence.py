"""What card and host say about an open load: did it happen, did it not, or do they not tell?

Not here: what becomes of the journal (load_recovery.py).
Source: reliability.md, "Recovery", with the load's proof (type 31) and counter.

The PSAM knows nothing of loads. In its place stands the host: it knows whether a TAC is that of our load, and a load of
nothing, which it refuses, shows it the card's counter under MAC1, which no accident and no copy makes. Only where the
host cannot be asked do the card's bare answers decide, and then by the rules for sales (evidence.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sscard_terminal.cardspec.bcd import bcd_of_digits, bcd_of_time
from sscard_terminal.cardspec.issuing import (
    HostReason,
    HostRefused,
    HostUnreachable,
    LoadOutcome,
    LoadReport,
    LoadRequest,
)
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.records import LogRecord
from sscard_terminal.cardspec.transaction import LOAD_TYPE
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.status import COUNTER_AT_MAXIMUM, SECURITY_NOT_SATISFIED, StatusWord

from .client import SocialSecurityCard
from .exchange import CardRefused
from .identification import IdentifiedCard
from .issuer_host import IssuerHost
from .load import LoadOrder, Window, initialized
from .load_records import Load, LoadEntry, LoadState

NOTHING = Fen(0)


class LoadEvidence(StrEnum):
    """What a settlement rests on, or why there is none yet. The value is the key of its sentence in cli/messages."""

    HOST_ACCEPTED_TAC = "host-accepted-tac"
    HOST_KNOWS_CREDITED = "host-knows-credited"
    HOST_KNOWS_NOT_CREDITED = "host-knows-not-credited"
    LOG_SHOWS_OURS = "log-shows-ours"
    LOG_SHOWS_ANOTHER = "log-shows-another"
    COUNTER_UNMOVED = "counter-unmoved"
    PIN_NEEDED = "pin-needed"
    LOG_TOO_SHORT = "log-too-short"
    CARD_CONTRADICTS = "card-contradicts"
    CARD_REFUSED = "card-refused"


LOAD_VERDICTS: dict[LoadEvidence, LoadState] = {
    LoadEvidence.HOST_ACCEPTED_TAC: LoadState.CREDITED,
    LoadEvidence.HOST_KNOWS_CREDITED: LoadState.CREDITED,
    LoadEvidence.HOST_KNOWS_NOT_CREDITED: LoadState.NOT_CREDITED,
    LoadEvidence.LOG_SHOWS_OURS: LoadState.CREDITED,
    LoadEvidence.LOG_SHOWS_ANOTHER: LoadState.NOT_CREDITED,
    LoadEvidence.COUNTER_UNMOVED: LoadState.NOT_CREDITED,
    LoadEvidence.PIN_NEEDED: LoadState.OPEN,
    LoadEvidence.LOG_TOO_SHORT: LoadState.OPEN,
    LoadEvidence.CARD_CONTRADICTS: LoadState.OPEN,
    LoadEvidence.CARD_REFUSED: LoadState.OPEN,
}

_KNOWN_TO_HOST = {
    LoadOutcome.CREDITED: LoadEvidence.HOST_KNOWS_CREDITED,
    LoadOutcome.NOT_CREDITED: LoadEvidence.HOST_KNOWS_NOT_CREDITED,
}


@dataclass(frozen=True, slots=True)
class LoadFinding:
    """What card and host say about one load; `tac` only where it is known to be ours, `sw` of a refusal."""

    evidence: LoadEvidence
    tac: bytes | None = None
    sw: StatusWord | None = None


def finding_by_host(host: IssuerHost, entry: LoadEntry) -> LoadFinding | None:
    """What the host holds of the load; a TAC the card has given is shown to it. None where it cannot tell."""
    tac = entry.unrefused_tac
    if tac is not None and _accepts(host, entry.load, tac):
        return LoadFinding(LoadEvidence.HOST_ACCEPTED_TAC, tac)
    try:
        answer = host.report_load(LoadReport(entry.load.request, LoadOutcome.UNKNOWN))
    except HostUnreachable:
        return None
    if isinstance(answer, HostRefused) or answer.outcome not in _KNOWN_TO_HOST:
        return None
    return LoadFinding(_KNOWN_TO_HOST[answer.outcome])


def finding_by_card(
    card: IdentifiedCard, host: IssuerHost, window: Window, entry: LoadEntry, *, pin_verified: bool
) -> LoadFinding:
    """The card's proof first, then its counter and its log; `pin_verified`: counter and log are open to us.

    Raises:
        LinkError: the card went away.
    """
    client, load = card.client, entry.load
    try:
        client.enter_medical_account()
        proof = client.transaction_proof(LOAD_TYPE, load.counter)
        accepted = None if proof is None else _accepts(host, load, proof.tac)
        if proof is not None and accepted:
            return LoadFinding(LoadEvidence.HOST_ACCEPTED_TAC, proof.tac)
        if not pin_verified:
            return LoadFinding(LoadEvidence.PIN_NEEDED)
        if proof is not None:
            return _with_proof(client, load, proof.tac if accepted is None else None)
        return _without_proof(card, host, window, entry)
    except CardRefused as refused:
        shut = refused.sw == SECURITY_NOT_SATISFIED
        return LoadFinding(LoadEvidence.PIN_NEEDED if shut else LoadEvidence.CARD_REFUSED, sw=refused.sw)
    except FormatError:
        return LoadFinding(LoadEvidence.CARD_REFUSED)


def _accepts(host: IssuerHost, load: Load, tac: bytes) -> bool | None:
    """True proves the load: the TAC binds this card, its counter, the amount, this terminal and the host's time.

    False proves nothing, for it may be another terminal's load; None: the host is out of reach.
    """
    try:
        answer = host.report_load(LoadReport(load.request, LoadOutcome.CREDITED, tac))
    except HostUnreachable:
        return None
    return not isinstance(answer, HostRefused)


def _with_proof(card: SocialSecurityCard, load: Load, tac: bytes | None) -> LoadFinding:
    """Load n is the card's newest transaction (it keeps one proof): whose it was, its log must show."""
    found = _from_log(card, load, tac)
    return (
        LoadFinding(LoadEvidence.CARD_CONTRADICTS) if found.evidence is LoadEvidence.LOG_TOO_SHORT else found
    )


def _without_proof(card: IdentifiedCard, host: IssuerHost, window: Window, entry: LoadEntry) -> LoadFinding:
    """No proof of load n: it did not happen, or a later transaction has replaced the proof."""
    try:
        shown = initialized(card, window, LoadOrder(NOTHING))
    except CardRefused as refused:
        if refused.sw != COUNTER_AT_MAXIMUM:
            raise
        return _from_log(card.client, entry.load, None)
    try:
        answer = host.authorise_load(shown)
    except HostUnreachable:
        return _without_host(card.client, entry.load, shown)
    if answer != HostRefused(HostReason.AMOUNT_ZERO):
        return LoadFinding(LoadEvidence.CARD_CONTRADICTS)
    return finding_by_host(host, entry) or _from_log(card.client, entry.load, None)


def _without_host(card: SocialSecurityCard, load: Load, shown: LoadRequest) -> LoadFinding:
    """A counter never falls, and a log that goes beyond it contradicts it."""
    if shown.counter > load.counter:
        return _from_log(card, load, None)
    if shown.counter < load.counter or _log_reaches(card, load.counter):
        return LoadFinding(LoadEvidence.CARD_CONTRADICTS)
    return LoadFinding(LoadEvidence.COUNTER_UNMOVED)


def _log_reaches(card: SocialSecurityCard, number: int) -> bool:
    """Whether the log's newest load is this one or a later one."""
    newest = next((record for record in card.log_records() if record.kind == LOAD_TYPE), None)
    return newest is not None and newest.number >= number


def _from_log(card: SocialSecurityCard, load: Load, tac: bytes | None) -> LoadFinding:
    """Whose load n was, by the card's own log: terminal number and host time together are nobody else's.

    That it was another terminal's is believed only of the whole log read twice: a garbled record of ours looks like it.
    """
    records = [*card.log_records()]
    record = next((found for found in records if _is_load(found, load.counter)), None)
    if record is None:
        return LoadFinding(LoadEvidence.LOG_TOO_SHORT)
    if _is_ours(record, load):
        is_whole = record.account == load.amount
        return LoadFinding(LoadEvidence.LOG_SHOWS_OURS, tac) if is_whole else _CONTRADICTION
    certain = not _holds_ours(records, load) and records == [*card.log_records()]
    return LoadFinding(LoadEvidence.LOG_SHOWS_ANOTHER) if certain else _CONTRADICTION


_CONTRADICTION = LoadFinding(LoadEvidence.CARD_CONTRADICTS)


def _is_load(record: LogRecord, number: int) -> bool:
    return record.kind == LOAD_TYPE and record.number == number


def _is_ours(record: LogRecord, load: Load) -> bool:
    return (record.terminal, record.time) == (bcd_of_digits(load.terminal, 6), bcd_of_time(load.time))


def _holds_ours(records: Sequence[LogRecord], load: Load) -> bool:
    """Our load under any number: then the counter of one of the two is garbled."""
    return any(record.kind == LOAD_TYPE and _is_ours(record, load) for record in records)
