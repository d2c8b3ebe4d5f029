"""Bugs planted into the terminal, one at a time: each a way in which terminals have charged twice, or not at all.

Not here: the hunt for them (test_planted_bugs). A bug replaces functions of the product and is gone again at the end of
the `with` block.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from typing import Any
from unittest.mock import patch

from sscard_terminal.iso7816.status import OK
from sscard_terminal.reader.completing import Completing
from sscard_terminal.reader.connection import LinkError, LinkReason
from sscard_terminal.terminal import attempt, evidence, recovery
from sscard_terminal.terminal import debit as sale
from sscard_terminal.terminal.attempt import Attempt
from sscard_terminal.terminal.client import SocialSecurityCard
from sscard_terminal.terminal.evidence import Evidence, Finding
from sscard_terminal.terminal.exchange import CardRefused
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.journal_events import EventKind, SaleState
from sscard_terminal.terminal.journal_file import JournalTrouble
from sscard_terminal.terminal.outcomes import Approved, Sale
from sscard_terminal.terminal.psam import Psam, PsamFailure

DEBIT, FETCH, CONFIRM, WRITE, INITIALIZE, VERIFY = "B02C", "00C0", "8072", "write", "B028", "0020000003"


@dataclass(frozen=True, slots=True)
class PlantedBug:
    """What is wrong, and the replacements: (owner, name, replacement).

    `first` command, fault `named` so, `second` command: where faults show it, only to find it sooner.
    """

    name: str
    first: str
    named: str
    replacements: tuple[tuple[Any, str, Any], ...]
    second: str = ""

    @contextmanager
    def planted(self) -> Iterator[None]:
        with ExitStack() as stack:
            for owner, name, replacement in self.replacements:
                stack.enter_context(patch.object(owner, name, replacement))
            yield


_run, _broken, _answered = Attempt.run, Attempt._broken, Attempt._answered
_record_intent, _record, _open_sales = Journal.record_intent, Journal.record, Journal.open_sales
_debit_for_purchase, _verify_pin = SocialSecurityCard.debit_for_purchase, SocialSecurityCard.verify_pin
_send_with_right_ne = Completing._send_with_right_ne
_confirm_mac2, _finding, _from_log = Psam.confirm_mac2, evidence.finding, evidence._from_log

# -- the journal


def _as_if_written(self: Any, intent: Any) -> Sale:
    newest = self.last_entry()
    voucher = newest.sale.voucher + 1 if newest else 1
    return Sale(voucher=voucher, **{item.name: getattr(intent, item.name) for item in fields(intent)})


def _remember_intent(self: Any, intent: Any) -> Sale:
    self._remembered = intent
    return _as_if_written(self, intent)


def _record_with_intent(self: Any, voucher: int, event: Any) -> None:
    intent, self._remembered = getattr(self, "_remembered", None), None
    if intent is not None:
        _record_intent(self, intent)
    _record(self, voucher, event)


def _write_or_go_on(self: Any, intent: Any) -> Sale:
    try:
        return _record_intent(self, intent)
    except JournalTrouble:
        return _as_if_written(self, intent)


def _charged_beforehand(self: Any) -> Any:
    self._wrote(EventKind.CONFIRMED)
    return _run(self)


# -- the answer to DEBIT


def _taken_for_not_sent(*reasons: LinkReason) -> Any:
    def broken(self: Any, error: LinkError) -> Any:
        return self._not_sent(error.reason) if error.reason in reasons else _broken(self, error)

    return broken


def _believe_the_word(self: Any, sw: Any) -> Any:
    return self._refused(sw) if sw in attempt.REFUSALS_BEFORE_EXECUTION else self._lost(sw)


def _lost_is_refused(self: Any, sw: Any = None, link: Any = None) -> Any:
    return self._refused(sw)


def _debit_again(self: Any, command: Any) -> Any:
    try:
        return _debit_for_purchase(self, command)
    except CardRefused:
        return _debit_for_purchase(self, command)


def _repeat_whatever_it_is(self: Any, command: Any) -> Any:
    answer = _send_with_right_ne(self, command)
    return answer if answer.sw.exact_ne is None else _send_with_right_ne(self, command)


def _verify_again(self: Any, pin: Any) -> Any:
    try:
        return _verify_pin(self, pin)
    except CardRefused:
        return _verify_pin(self, pin)


# -- MAC2


def _psam_failure_is_refusal(self: Any, answer: Any) -> Any:
    self._wrote(EventKind.ANSWERED, answer)
    try:
        accepted = self.psam.confirm_mac2(answer.mac2)
    except PsamFailure:
        return self._refused(None)
    self._wrote(EventKind.CONFIRMED if accepted else EventKind.UNPROVED)
    return (
        Approved(self.sale, answer.tac) if accepted else self._unsettled(attempt.Doubt.MAC2_REFUSED, answer)
    )


def _refused_is_good(self: Any, mac2: bytes) -> bool:
    _confirm_mac2(self, mac2)
    return True


def _any_success(self: Any, mac2: bytes) -> bool:
    try:
        return _confirm_mac2(self, mac2)
    except PsamFailure as failure:
        if failure.sw is None or not failure.sw.is_success or failure.sw == OK:
            raise
        return True


# -- the recovery


def _objection_without_guard(
    card: Any, journal: Any, request: Any, now: Any, rules: Any, key_since: Any = None
) -> Any:
    return sale.objection_before_card(rules, journal, request.amounts, now)


def _pay_again(card: Any, psam: Any, paid: Any, pin_verified: bool) -> Finding:
    found = _finding(card, psam, paid, pin_verified)
    if found.evidence is not Evidence.COUNTER_UNMOVED:
        return found
    again = attempt.DebitForPurchase(paid.sequence, attempt.bcd_of_time(paid.time), paid.mac1)
    answer = card.debit_for_purchase(again)
    return Finding(Evidence.LOG_SHOWS_OURS, evidence.TransactionProof(answer.mac2, answer.tac))


def _moved_is_paid(card: Any, paid: Any) -> Finding:
    unmoved = evidence.counter_unmoved(card, paid)
    return Finding(Evidence.COUNTER_UNMOVED if unmoved else Evidence.LOG_SHOWS_OURS)


def _verdict(of: Evidence, state: SaleState) -> dict[Evidence, SaleState]:
    return {**evidence.VERDICTS, of: state}


def _bug(
    name: str, first: str, named: str, *replacements: tuple[Any, str, Any], second: str = ""
) -> PlantedBug:
    return PlantedBug(name, first, named, replacements, second)


PLANTED_BUGS = (
    _bug("journal written after DEBIT", DEBIT, "killed",
         (Journal, "record_intent", _remember_intent), (Journal, "record", _record_with_intent)),
    _bug("DEBIT sent though the journal cannot be written", WRITE, "disk full", (Journal, "record_intent", _write_or_go_on)),
    _bug("result in the journal before the answer", DEBIT, "", (Attempt, "run", _charged_beforehand)),
    _bug("empty answer taken for failure", DEBIT, "empty answer",
         (Attempt, "_broken", _taken_for_not_sent(LinkReason.EMPTY_ANSWER))),
    _bug("removal trusted", DEBIT, "answer lost", (Attempt, "_broken", _taken_for_not_sent(LinkReason.CARD_REMOVED))),
    _bug("deadline taken for failure", DEBIT, "deadline",
         (Attempt, "_broken", _taken_for_not_sent(LinkReason.DEADLINE_PASSED))),
    _bug("service gone taken for failure", DEBIT, "service gone",
         (Attempt, "_broken", _taken_for_not_sent(LinkReason.SERVICE_GONE))),
    _bug("reset taken for failure", FETCH, "reset", (Attempt, "_broken", _taken_for_not_sent(LinkReason.CARD_RESET))),
    _bug("answer not fetched taken for failure", FETCH, "held back",
         (Attempt, "_broken", _taken_for_not_sent(LinkReason.ANSWER_NOT_FETCHED))),
    _bug("status word believed without asking back", DEBIT, "delivered twice", (Attempt, "_ask_back", _believe_the_word)),
    _bug("lost answer ends the sale", DEBIT, "answer lost", (Attempt, "_lost", _lost_is_refused)),
    _bug("DEBIT sent again", DEBIT, "place of the answer", (SocialSecurityCard, "debit_for_purchase", _debit_again)),
    _bug("6Cxx to DEBIT repeated", DEBIT, "6C08", (Completing, "_send_with_right_ne", _repeat_whatever_it_is)),
    _bug("PIN sent again", VERIFY, "6F00", (SocialSecurityCard, "verify_pin", _verify_again)),
    _bug("MAC2 not shown to the PSAM", DEBIT, "", (Psam, "confirm_mac2", lambda self, mac2: True)),
    _bug("MAC2 refused and taken for good", FETCH, "MAC2 garbled", (Psam, "confirm_mac2", _refused_is_good)),
    _bug("61xx of the PSAM taken for 9000", CONFIRM, "6108", (Psam, "confirm_mac2", _any_success)),
    _bug("PSAM failure taken for not charged", CONFIRM, "held back", (Attempt, "_answered", _psam_failure_is_refusal)),
    _bug("open sale does not stop the next", DEBIT, "never arrives", (sale, "objection_to_sale", _objection_without_guard)),
    _bug("card known by its number alone", DEBIT, "answer lost",
         (Journal, "open_sales", lambda self, identification=None: _open_sales(self)),
         (recovery, "_of_card", lambda entries, code, number: [
             entry for entry in entries if entry.sale.card_number == number])),
    _bug("card known by its identification code alone", DEBIT, "answer lost",
         (recovery, "_of_card", lambda entries, code, number: [
             entry for entry in entries if entry.sale.identification == code])),
    _bug("9406 taken for 'did not happen'", DEBIT, "answer lost",
         (evidence, "_without_proof", lambda card, paid: Finding(Evidence.COUNTER_UNMOVED))),
    _bug("counter above n taken for charged", DEBIT, "never arrives", (evidence, "_without_proof", _moved_is_paid)),
    _bug("any proof of purchase n taken for ours", DEBIT, "never arrives",
         (evidence, "_with_proof", lambda card, paid, proof: Finding(Evidence.LOG_SHOWS_OURS, proof))),
    _bug("proof believed without the PSAM", DEBIT, "never arrives",
         (evidence, "accepts", lambda *_: True), (recovery, "accepts", lambda *_: True)),
    _bug("log record known by its number alone", DEBIT, "never arrives",
         (evidence, "_is_ours", lambda *_: True), (evidence, "_shows_amounts", lambda *_: True)),
    _bug("log record known by number and amounts", DEBIT, "never arrives", (evidence, "_is_ours", lambda *_: True)),
    _bug("log record known by terminal and amounts", DEBIT, "never arrives",
         (evidence, "_is_purchase", lambda record, number: record.kind == evidence.PURCHASE_TYPE),
         (evidence, "_is_ours", lambda record, paid: record.terminal.hex() == paid.terminal)),
    _bug("a load's log record taken for the purchase's", DEBIT, "answer lost",
         (evidence, "_is_purchase", lambda record, number: record.number == number)),
    _bug("no PIN taken for not charged", DEBIT, "answer lost",
         (recovery, "VERDICTS", _verdict(Evidence.PIN_NEEDED, SaleState.NOT_CHARGED))),
    _bug("log too short taken for not charged", DEBIT, "answer lost",
         (recovery, "VERDICTS", _verdict(Evidence.LOG_TOO_SHORT, SaleState.NOT_CHARGED))),
    _bug("TAC not kept", DEBIT, "answer lost", (evidence, "_from_log", lambda card, paid, proof: _from_log(card, paid, None))),
    _bug("recovery sends DEBIT", DEBIT, "never arrives", (recovery, "finding", _pay_again)),
    _bug("card swapped in the recovery not noticed", DEBIT, "answer lost",
         (recovery, "_seen_to_the_end", lambda card, found: found), second=VERIFY),
)  # fmt: skip
