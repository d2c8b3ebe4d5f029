"""Which sentence an outcome or an error of the terminal is, with its facts, for people and for programs.

Not here: the sentences (messages/), and what a face does about one: an exit code, a screen, a status of HTTP.
Source: counter.md screen rule 6 (what happened, whether money moved, what to do now; hex only as a detail).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sscard_terminal.cardspec.issuing import HostReason
from sscard_terminal.cardspec.money import Fen, yuan_of_fen
from sscard_terminal.iso7816.status import BLOCKED, Language, StatusWord, tries_left_word
from sscard_terminal.reader.connection import LinkError, LinkReason
from sscard_terminal.terminal.exchange import CardRefused
from sscard_terminal.terminal.journal_file import JournalTrouble
from sscard_terminal.terminal.load_records import LoadUnsettled
from sscard_terminal.terminal.outcomes import Declined, Reason, Unsettled
from sscard_terminal.terminal.psam import PsamFailure

from .messages import text


class Money(StrEnum):
    """未扣款, 已扣款, 待核实."""

    NOT_CHARGED = "not-charged"
    CHARGED = "charged"
    TO_BE_VERIFIED = "to-be-verified"


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence by its key, filled in with `facts` (None: left out), and whether money moved.

    `is_trouble`: reader, card, PSAM or journal trouble rather than a no.
    """

    key: str
    money: Money = Money.NOT_CHARGED
    facts: Mapping[str, object] = field(default_factory=dict)
    is_trouble: bool = False

    def sentence(self, language: Language) -> str:
        """For people; the card's status word, if any, behind it in brackets."""
        return sentence(language, self.key, self.facts)


TROUBLE = frozenset(
    {
        Reason.CARD_DATA_MALFORMED,
        Reason.IDENTIFICATION_MALFORMED,
        Reason.LINK_BROKEN,
        Reason.PIN_CHANGE_UNKNOWN,
        Reason.PIN_PAD_REFUSED,
        Reason.PSAM_TROUBLE,
        Reason.PSAM_KEY_LEVEL,
        Reason.PSAM_KEY_MISSING,
        Reason.HOST_UNREACHABLE,
    }
)
"""Reasons that are reader, card, PSAM or host trouble rather than a no."""

Failure = LinkError | PsamFailure | CardRefused | JournalTrouble
"""What a workflow may end with instead of an outcome, no money moved."""


def declined(outcome: Declined) -> Told:
    """No money moved."""
    facts = {
        "reason": str(outcome.reason),
        "command": outcome.command or None,
        "sw": _word_of(outcome),
        "link": outcome.link,
        "tries_left": outcome.tries_left,
        "balance": outcome.balance,
        "missing": outcome.missing,
        "region": outcome.region or None,
        "expired_on": outcome.expired_on,
        "voucher": outcome.voucher,
        "rule": outcome.rule or None,
        "issued_at": outcome.issued_at,
        "ceiling": outcome.ceiling,
        "left": outcome.left,
        "clock": outcome.clock,
        "known": outcome.known,
        "count": outcome.count,
        "number": outcome.number,
        "host": outcome.host,
        "asked": outcome.asked,
    }
    return Told(_key_of(outcome), Money.NOT_CHARGED, facts, outcome.reason in TROUBLE)


def unsettled(outcome: Unsettled, slip: str | None = None) -> Told:
    """Money may have moved; `slip` says whether that is on paper."""
    facts = {
        "voucher": outcome.sale.voucher,
        "sw": outcome.sw,
        "link": outcome.link,
        "tac": None if outcome.tac is None else outcome.tac.hex().upper(),
        "slip": slip,
    }
    return Told(f"doubt.{outcome.doubt}", Money.TO_BE_VERIFIED, facts, is_trouble=True)


def load_unsettled(outcome: LoadUnsettled) -> Told:
    """The card may have been credited."""
    facts = {
        "number": outcome.load.number,
        "sw": outcome.sw,
        "link": outcome.link,
        "tac": None if outcome.tac is None else outcome.tac.hex().upper(),
    }
    return Told(f"load.doubt.{outcome.doubt}", Money.TO_BE_VERIFIED, facts, is_trouble=True)


def failed(error: Failure) -> Told:
    """A link, a PSAM, a card or a journal that did not do its part."""
    match error:
        case LinkError():
            hresult = None if error.hresult is None else f"0x{error.hresult:08X}"
            return Told(f"link.{error.reason}", facts={"hresult": hresult}, is_trouble=True)
        case PsamFailure():
            facts = {"command": error.command, "sw": error.sw}
            return Told(f"psam.{error.problem}", facts=facts, is_trouble=True)
        case CardRefused():
            return Told("card.refused", facts={"command": error.command, "sw": error.sw})
        case JournalTrouble():
            return Told(f"journal.{error.fault}", facts={"file": error.path})


def sentence(language: Language, key: str, facts: Mapping[str, object]) -> str:
    """The sentence under `key`, its facts as people read them."""
    told = {name: _for_people(value) for name, value in facts.items()}
    sw = facts.get("sw")
    return text(language, key, **told) + ("" if sw is None else f" [{sw}]")


def for_programs(facts: Mapping[str, object]) -> dict[str, Any]:
    """As JSON says it: money in fen, numbers as they are, all else as text; what is None is left out."""
    return dict(_for_programs(name, value) for name, value in facts.items() if value is not None)


def _for_programs(name: str, value: object) -> tuple[str, object]:
    if isinstance(value, Fen):
        return f"{name}_fen", int(value)
    return name, value if type(value) in (int, bool, str) else str(value)  # a status word is an int, and text


def _for_people(value: object) -> object:
    if value is None:
        return ""
    return yuan_of_fen(value) if isinstance(value, Fen) else value


def _word_of(outcome: Declined) -> StatusWord | None:
    """The card's word; a wrong or locked PIN leaves only its meaning in the outcome, which has one word.

    Source: card.md §3.
    """
    match outcome:
        case Declined(reason=Reason.WRONG_PIN, tries_left=int(left)):
            return tries_left_word(left)
        case Declined(reason=Reason.PIN_BLOCKED):
            return BLOCKED
    return outcome.sw


def _key_of(outcome: Declined) -> str:
    match outcome:
        case Declined(reason=Reason.WRONG_PIN, tries_left=1):
            return "declined.wrong-pin-last"
        case Declined(reason=Reason.INSUFFICIENT_BALANCE, missing=int()):
            return "declined.insufficient-balance-by"
        case Declined(reason=Reason.LINK_BROKEN, link=LinkReason.CARD_REMOVED):
            return "declined.card-removed"
        case Declined(reason=Reason.HOST_REFUSED, host=HostReason() as why):
            return f"host.{why}"
    return f"declined.{outcome.reason}"
