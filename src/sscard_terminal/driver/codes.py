"""The driver's codes: one table from whatever the terminal ends in to a number and its text.

Known codes are those of the national interface's annex A; a card's own word is returned as -(SW); what the annex has no
number for has one of ours, from -3001 on, where neither it nor any status word (-24576 and below) can stand. Between
-3199 and -3100 the sale is 待核实: every other negative code means that no money moved.
Source: card.md §8 (annex A, the rule); the codes from -3001 on are our choice (docs/decisions/0015).
Not here: the texts themselves (voice/messages, `driver.code.*`).
"""

from __future__ import annotations

from enum import IntEnum

from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.status import (
    APPLICATION_BLOCKED,
    BLOCKED,
    COUNTER_AT_MAXIMUM,
    FILE_NOT_FOUND,
    FUNCTION_NOT_SUPPORTED,
    INSUFFICIENT_BALANCE,
    KEY_INDEX_NOT_SUPPORTED,
    REFERENCE_NOT_FOUND,
    SECURITY_NOT_SATISFIED,
    WRONG_STATE,
    Language,
    StatusWord,
)
from sscard_terminal.reader.connection import LinkError, LinkReason
from sscard_terminal.terminal.exchange import CardRefused
from sscard_terminal.terminal.identification import declined_by_card, declined_by_psam
from sscard_terminal.terminal.journal_file import JournalFault, JournalTrouble
from sscard_terminal.terminal.outcomes import Declined, Doubt, Reason, Unsettled
from sscard_terminal.terminal.psam import RKSSSE, PsamFailure
from sscard_terminal.voice import told
from sscard_terminal.voice.messages import text

from .result import Result


class Code(IntEnum):
    """The numbers annex A gives, but for a card's own words. Source: card.md §8."""

    WRONG_CARD_TYPE = -1
    NO_CARD = -2
    NOT_POWERED = -3
    NO_ANSWER = -4
    LIBRARY_NOT_LOADED = -5
    READER_CONNECTION = -11
    NOT_CONNECTED = -12
    COMMAND_UNKNOWN = -13
    BAD_PARAMETER = -14
    CHECK_FAILED = -15
    IDENTIFICATION_MALFORMED = -20
    NOT_AUTHENTIC = -21
    DIFFERS_FROM_CARD = -22
    ILLEGAL_DATA = -23
    KEY_LEVEL = -24
    CANCELLED = -31
    TIMED_OUT = -32
    PIN_LENGTH = -33
    PINS_DIFFER = -34
    FIRST_PIN_MAY_NOT_PAY = -35
    NOT_TO_FIRST_PIN = -36
    ILLEGAL_CHARACTER = -41
    WRONG_LENGTH = -42
    WRONG_PIN = -51
    PIN_LOCKED = -52
    NO_PSAM = -2201
    PSAM_LACKS_ALGORITHM = -2202
    PSAM_LACKS_RKSSSE = -2203
    HSM_NOT_NEEDED = -2204


FALLS_BACK_TO_HSM = frozenset(
    {
        *(Code.NO_PSAM, Code.PSAM_LACKS_ALGORITHM, Code.PSAM_LACKS_RKSSSE, Code.KEY_LEVEL),
        -REFERENCE_NOT_FOUND,
    }
)
"""After these the calling program goes on with the HSM steps. Source: card.md §8."""

CODES_OF_WORDS = frozenset(
    -word
    for word in (
        *(0x63C0, 0x63C1, 0x63C2, 0x6700, 0x6901, 0x6981, 0x6982, 0x6983, 0x6984, 0x6985, 0x6988),
        *(0x6A80, 0x6A81, 0x6A82, 0x6A83, 0x6A88, 0x9302, 0x9303, 0x9403, 0x9406),
    )
)
"""The card's words annex A has a text for. Source: card.md §8; 63C0 to 63C2 stand for 0 to 2 tries: §9.28."""

FIRST_OF_OURS, LAST_OF_OURS = -3001, -3199
TO_BE_VERIFIED = range(-3199, -3099)

OUT_OF_TURN = -WRONG_STATE
"""An HSM step that does not follow the one before, or whose card is gone. Our choice among annex A's codes."""

_KNOWN: dict[Reason, int] = {
    Reason.ANSWER_TO_RESET_REFUSED: Code.WRONG_CARD_TYPE,
    Reason.NOT_A_SOCIAL_SECURITY_CARD: Code.WRONG_CARD_TYPE,
    Reason.ALGORITHM_NOT_SUPPORTED: Code.PSAM_LACKS_ALGORITHM,
    Reason.CARD_DATA_MALFORMED: Code.CHECK_FAILED,
    Reason.IDENTIFICATION_MALFORMED: Code.IDENTIFICATION_MALFORMED,
    Reason.CARD_SWAPPED: Code.DIFFERS_FROM_CARD,
    Reason.NOT_AUTHENTIC: Code.NOT_AUTHENTIC,
    Reason.WRONG_PIN: Code.WRONG_PIN,
    Reason.PIN_BLOCKED: Code.PIN_LOCKED,
    Reason.FIRST_PIN_MAY_NOT_PAY: Code.FIRST_PIN_MAY_NOT_PAY,
    Reason.CANCELLED: Code.CANCELLED,
    Reason.PIN_ENTRY_TIMED_OUT: Code.TIMED_OUT,
    Reason.PIN_WRONG_LENGTH: Code.PIN_LENGTH,
    Reason.PIN_PAD_REFUSED: Code.COMMAND_UNKNOWN,
    Reason.NEW_PINS_DIFFER: Code.PINS_DIFFER,
    Reason.NEW_PIN_NOT_SIX_DIGITS: Code.PIN_LENGTH,
    Reason.NEW_PIN_IS_A_FIRST_PIN: Code.NOT_TO_FIRST_PIN,
    Reason.PARTS_EXCEED_TOTAL: Code.ILLEGAL_DATA,
    Reason.PSAM_KEY_LEVEL: Code.KEY_LEVEL,
    Reason.PSAM_KEY_MISSING: -REFERENCE_NOT_FOUND,
    Reason.PSAM_NOT_ASKED: Code.NO_PSAM,
}
_BY_WORD: dict[Reason, StatusWord] = {
    Reason.CARD_BLOCKED: FUNCTION_NOT_SUPPORTED,
    Reason.APPLICATION_BLOCKED: APPLICATION_BLOCKED,
    Reason.PIN_NEEDED: SECURITY_NOT_SATISFIED,
    Reason.PUK_BLOCKED: BLOCKED,
    Reason.INSUFFICIENT_BALANCE: INSUFFICIENT_BALANCE,
    Reason.COUNTER_AT_MAXIMUM: COUNTER_AT_MAXIMUM,
    Reason.KEY_INDEX_NOT_SUPPORTED: KEY_INDEX_NOT_SUPPORTED,
    Reason.DEBIT_REFUSED: WRONG_STATE,
    Reason.LOAD_REFUSED: WRONG_STATE,
    Reason.CARD_REFUSED: WRONG_STATE,
}
"""Reasons that are the card's own word; this one, where the outcome holds none."""
_OURS: dict[Reason, int] = {
    Reason.CARD_OF_OTHER_CITY: -3001,
    Reason.CARD_ON_HOTLIST: -3002,
    Reason.EXPIRED: -3003,
    Reason.NEW_PIN_EQUALS_OLD: -3004,
    Reason.PIN_CHANGE_UNKNOWN: -3005,
    Reason.OPEN_SALE: -3010,
    Reason.OPEN_LOAD: -3011,
    Reason.APPROVAL_ENDED: -3020,
    Reason.HOTLIST_NOT_CURRENT: -3021,
    Reason.CEILING_PER_SALE: -3022,
    Reason.CEILING_PER_CARD: -3023,
    Reason.CEILING_PER_DAY: -3024,
    Reason.SAME_SALE_AGAIN: -3025,
    Reason.DAY_NOT_OPEN: -3026,
    Reason.DAY_ALREADY_OPEN: -3027,
    Reason.DAY_HAS_OPEN_SALES: -3028,
    Reason.JOURNAL_TROUBLE: -3030,
    Reason.JOURNAL_DAMAGED: -3031,
    Reason.JOURNAL_BEHIND_PSAM: -3032,
    Reason.CLOCK_WENT_BACKWARDS: -3040,
    Reason.CLOCK_FAR_AHEAD: -3041,
    Reason.CLOCK_BEFORE_PROGRAM: -3042,
    Reason.CLOCK_BEFORE_KEY: -3043,
    Reason.CLOCK_BEFORE_CARD: -3044,
    Reason.HOST_REFUSED: -3050,
    Reason.HOST_UNREACHABLE: -3051,
    Reason.NO_SUCH_SALE: -3060,
    Reason.SALE_TO_BE_VERIFIED: -3061,
    Reason.SALE_NOT_CHARGED: -3062,
    Reason.NOTHING_TO_GIVE_BACK: -3063,
    Reason.ASKED_ALREADY: -3064,
    Reason.VOID_TOO_LATE: -3065,
    Reason.VOID_INSTEAD: -3066,
    Reason.REFUND_TOO_LATE: -3067,
    Reason.REFUND_TOO_LARGE: -3068,
}
_DOUBTS: dict[Doubt, int] = {
    Doubt.ANSWER_LOST: -3101,
    Doubt.MAC2_REFUSED: -3102,
    Doubt.PSAM_FAILED: -3103,
    Doubt.JOURNAL_FAILED: -3104,
}
_LINKS: dict[LinkReason, Code] = {
    LinkReason.NO_SERVICE: Code.LIBRARY_NOT_LOADED,
    LinkReason.UNKNOWN_READER: Code.READER_CONNECTION,
    LinkReason.READER_GONE: Code.READER_CONNECTION,
    LinkReason.SERVICE_GONE: Code.READER_CONNECTION,
    LinkReason.READER_UNAVAILABLE: Code.NOT_CONNECTED,
    LinkReason.READER_SILENT: Code.NOT_CONNECTED,
    LinkReason.READER_BUSY: Code.NOT_CONNECTED,
    LinkReason.CLOSED: Code.NOT_CONNECTED,
    LinkReason.CARD_RESET: Code.NOT_CONNECTED,
    LinkReason.NO_CARD: Code.NO_CARD,
    LinkReason.CARD_REMOVED: Code.NO_CARD,
    LinkReason.MUTE_CARD: Code.NOT_POWERED,
    LinkReason.NO_COMMON_PROTOCOL: Code.NOT_POWERED,
    LinkReason.TOO_LONG: Code.BAD_PARAMETER,
    LinkReason.PAD_REFUSED: Code.COMMAND_UNKNOWN,
    LinkReason.CUT_ANSWER: Code.CHECK_FAILED,
    LinkReason.ENDLESS_ANSWER: Code.CHECK_FAILED,
}
"""Every other reason is a card that gave no answer (-4). Our reading of annex A's words."""


def code_of(outcome: Declined | Unsettled) -> int:
    """The one code of an outcome."""
    if isinstance(outcome, Unsettled):
        return _DOUBTS[outcome.doubt]
    match outcome.reason:
        case Reason.LINK_BROKEN:
            return _LINKS.get(outcome.link or LinkReason.UNKNOWN, Code.NO_ANSWER)
        case Reason.PSAM_TROUBLE:
            return _of_psam(outcome)
        case Reason.PSAM_KEY_MISSING if RKSSSE.name in outcome.command:
            return Code.PSAM_LACKS_RKSSSE
        case reason if reason in _BY_WORD:
            return -(_BY_WORD[reason] if outcome.sw is None else outcome.sw)
        case reason:
            return _KNOWN[reason] if reason in _KNOWN else _OURS[reason]


def _of_psam(outcome: Declined) -> int:
    """A PSAM that is none or gives no answer is no PSAM; one that refuses to select an environment lacks its algorithm."""
    if outcome.sw is None or outcome.command.startswith(("READ BINARY 0016", "SELECT 0016", "SELECT 3F00")):
        return Code.NO_PSAM
    if outcome.command.startswith("SELECT") and outcome.sw in (FILE_NOT_FOUND, FUNCTION_NOT_SUPPORTED):
        return Code.PSAM_LACKS_ALGORITHM
    return -outcome.sw


def result_of(outcome: Declined | Unsettled, language: Language = "zh") -> Result:
    """The code of an outcome with its text: annex A's where it has one, else the terminal's own sentence."""
    code = code_of(outcome)
    if FIRST_OF_OURS >= code >= LAST_OF_OURS:
        found = told.unsettled(outcome) if isinstance(outcome, Unsettled) else told.declined(outcome)
        return Result(int(code), found.sentence(language), money=found.money)
    tries_left = outcome.tries_left if isinstance(outcome, Declined) else None
    return of_code(code, language, tries_left)


def of_code(code: int, language: Language = "zh", tries_left: int | None = None) -> Result:
    """A code of annex A, or a card's word, with its text."""
    if code in CODES_OF_WORDS or code in Code.__members__.values():
        return Result(int(code), text(language, f"driver.code.{-code}", tries_left=tries_left))
    word = StatusWord(-code)
    return Result(int(code), text(language, "driver.code.other", meaning=word.meaning(language), sw=word))


Failure = LinkError | CardRefused | PsamFailure | JournalTrouble | FormatError


def result_of_failure(error: Failure, language: Language = "zh") -> Result:
    """What a function ends with instead of an outcome, before any money could move."""
    return result_of(_declined(error), language)


def _declined(error: Failure) -> Declined:
    match error:
        case LinkError():
            return Declined(Reason.LINK_BROKEN, link=error.reason)
        case PsamFailure():
            return declined_by_psam(error)
        case CardRefused():
            return declined_by_card(error)
        case JournalTrouble():
            is_damaged = error.fault is JournalFault.DAMAGED
            return Declined(Reason.JOURNAL_DAMAGED if is_damaged else Reason.JOURNAL_TROUBLE)
    return Declined(Reason.CARD_DATA_MALFORMED)
