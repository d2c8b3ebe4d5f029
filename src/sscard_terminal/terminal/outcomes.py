"""What a workflow can end in, as values with the facts in them.

Not here: sentences for people (voice/messages) and broken links before money is at stake (those are exceptions).
A `Declined` always means: no money moved. `Unsettled` means: the card has to be asked again (reliability.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sscard_terminal.cardspec.issuing import HostReason
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.transaction import PurchaseAmounts
from sscard_terminal.iso7816.status import StatusWord
from sscard_terminal.reader.connection import LinkReason


@dataclass(frozen=True, slots=True)
class Accepted:
    """The PIN was right (VERIFY), or has been changed (CHANGE PIN)."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """The PIN was wrong; `tries_left` is 1 or more."""

    tries_left: int


@dataclass(frozen=True, slots=True)
class Blocked:
    """The PIN is locked, now or since before; only the card service window can unlock it."""


@dataclass(frozen=True, slots=True)
class NotSet:
    """The card has no PIN; nothing needs to be verified."""


PinVerdict = Accepted | Wrong | Blocked | NotSet


class Reason(StrEnum):
    """Why something was declined. The value is the key of its sentence in voice/messages."""

    # The card in the reader.
    ANSWER_TO_RESET_REFUSED = "answer-to-reset-refused"
    NOT_A_SOCIAL_SECURITY_CARD = "not-a-social-security-card"
    CARD_BLOCKED = "card-blocked"
    APPLICATION_BLOCKED = "application-blocked"
    ALGORITHM_NOT_SUPPORTED = "algorithm-not-supported"
    CARD_DATA_MALFORMED = "card-data-malformed"
    IDENTIFICATION_MALFORMED = "identification-malformed"
    CARD_OF_OTHER_CITY = "card-of-other-city"
    CARD_SWAPPED = "card-swapped"
    CARD_ON_HOTLIST = "card-on-hotlist"
    EXPIRED = "expired"
    NOT_AUTHENTIC = "not-authentic"
    # The PIN.
    PIN_NEEDED = "pin-needed"
    WRONG_PIN = "wrong-pin"
    PIN_BLOCKED = "pin-blocked"
    FIRST_PIN_MAY_NOT_PAY = "first-pin-may-not-pay"
    CANCELLED = "pin-cancelled"
    PIN_ENTRY_TIMED_OUT = "pin-entry-timed-out"
    PIN_WRONG_LENGTH = "pin-wrong-length"
    PIN_PAD_REFUSED = "pin-pad-refused"
    NEW_PINS_DIFFER = "new-pins-differ"
    NEW_PIN_NOT_SIX_DIGITS = "new-pin-not-six-digits"
    NEW_PIN_IS_A_FIRST_PIN = "new-pin-is-a-first-pin"
    NEW_PIN_EQUALS_OLD = "new-pin-equals-old"
    PUK_BLOCKED = "puk-blocked"
    PIN_CHANGE_UNKNOWN = "pin-change-unknown"
    # The account.
    INSUFFICIENT_BALANCE = "insufficient-balance"
    COUNTER_AT_MAXIMUM = "counter-at-maximum"
    KEY_INDEX_NOT_SUPPORTED = "key-index-not-supported"
    OPEN_SALE = "open-sale"
    OPEN_LOAD = "open-load"
    DEBIT_REFUSED = "debit-refused"
    LOAD_REFUSED = "load-refused"
    CARD_REFUSED = "card-refused"
    # The place and its rules.
    APPROVAL_ENDED = "approval-ended"
    HOTLIST_NOT_CURRENT = "hotlist-not-current"
    CEILING_PER_SALE = "ceiling-per-sale"
    CEILING_PER_CARD = "ceiling-per-card"
    CEILING_PER_DAY = "ceiling-per-day"
    SAME_SALE_AGAIN = "same-sale-again"
    PARTS_EXCEED_TOTAL = "parts-exceed-total"
    DAY_NOT_OPEN = "day-not-open"
    DAY_ALREADY_OPEN = "day-already-open"
    DAY_HAS_OPEN_SALES = "day-has-open-sales"
    # A void or refund.
    NO_SUCH_SALE = "no-such-sale"
    SALE_TO_BE_VERIFIED = "sale-to-be-verified"
    SALE_NOT_CHARGED = "sale-not-charged"
    NOTHING_TO_GIVE_BACK = "nothing-to-give-back"
    ASKED_ALREADY = "asked-already"
    VOID_TOO_LATE = "void-too-late"
    VOID_INSTEAD = "void-instead"
    REFUND_TOO_LATE = "refund-too-late"
    REFUND_TOO_LARGE = "refund-too-large"
    # The terminal.
    LINK_BROKEN = "link-broken"
    PSAM_TROUBLE = "psam-trouble"
    PSAM_KEY_LEVEL = "psam-key-level"
    PSAM_KEY_MISSING = "psam-key-missing"
    JOURNAL_TROUBLE = "journal-trouble"
    JOURNAL_DAMAGED = "journal-damaged"
    JOURNAL_BEHIND_PSAM = "journal-behind-psam"
    PSAM_NOT_ASKED = "psam-not-asked"
    CLOCK_WENT_BACKWARDS = "clock-went-backwards"
    CLOCK_FAR_AHEAD = "clock-far-ahead"
    CLOCK_BEFORE_PROGRAM = "clock-before-program"
    CLOCK_BEFORE_KEY = "clock-before-key"
    CLOCK_BEFORE_CARD = "clock-before-card"
    # The issuer's host.
    HOST_REFUSED = "host-refused"
    HOST_UNREACHABLE = "host-unreachable"


@dataclass(frozen=True, slots=True)
class Declined:
    """Not done (with PIN_CHANGE_UNKNOWN: perhaps done), and no money moved. Beside `reason`, the facts its sentence needs; None where they do not apply.

    `sw` and `command` name the refusal behind it; `link` the broken link; `tries_left` stands with WRONG_PIN (1..)
    and PIN_BLOCKED (0); `missing` with INSUFFICIENT_BALANCE, how many fen short, where the card told its balance;
    `region` with CARD_OF_OTHER_CITY, 6 digits; `expired_on` with EXPIRED, APPROVAL_ENDED and REFUND_TOO_LATE, the last good day;
    `issued_at` with HOTLIST_NOT_CURRENT; `ceiling` with the ceilings, and `left`, what may still be paid today, with
    those that add up; `voucher` with OPEN_SALE and DAY_HAS_OPEN_SALES, the sale that is open, with SAME_SALE_AGAIN,
    the one before, and with a sale that reached the journal before it was declined; `number` likewise with OPEN_LOAD
    and a load; `rule` with ANSWER_TO_RESET_REFUSED, the rule of `atr_rules` that the card breaks; `clock` with
    the CLOCKs, what it says, and `known` what it contradicts; `count` with
    JOURNAL_BEHIND_PSAM, how many sales are missing at most; `host` with HOST_REFUSED, the host's reason;
    `asked` with ASKED_ALREADY, how much of the sale is asked back, and `left` there and with REFUND_TOO_LARGE, how
    much still can be.
    """

    reason: Reason
    sw: StatusWord | None = None
    command: str = ""
    link: LinkReason | None = None
    tries_left: int | None = None
    balance: Fen | None = None
    missing: Fen | None = None
    region: str = ""
    expired_on: date | None = None
    voucher: int | None = None
    rule: str = ""
    issued_at: datetime | None = None
    ceiling: Fen | None = None
    left: Fen | None = None
    clock: datetime | None = None
    known: date | None = None
    count: int | None = None
    number: int | None = None
    host: HostReason | None = None
    asked: Fen | None = None


class SaleKind(StrEnum):
    """What a debit does to the card."""

    PURCHASE = "purchase"
    """The account pays its part. Source: card.md §4.4."""
    RECORD_KEEPING = "record-keeping"
    """The account pays nothing; the self-paid field holds the total cost, the pooled field what account and pool paid,
    on the host. Source: card.md §4.8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DebitIntent:
    """What is known of a sale before DEBIT leaves; `time` is the one in DEBIT and in the card's log.

    `identification` is the card identification code, 32 hex digits; `counter` the purchase counter n before the
    debit; `terminal` 12 digits; `sequence` the terminal (PSAM) sequence and `mac1`, 4 bytes each; `request` the program
    that asked and its own id of the sale, None where a person asked: the journal takes each once. No name, no identity
    number. Source: reliability.md, "Recovery"; counter.md, "Privacy".
    """

    identification: str
    card_number: str
    amounts: PurchaseAmounts
    counter: int
    key_index: int
    balance_before: Fen
    terminal: str
    sequence: bytes
    time: datetime
    mac1: bytes
    place: str = ""
    operator: str = ""
    kind: SaleKind = SaleKind.PURCHASE
    request: str | None = None

    @property
    def balance_after(self) -> Fen:
        """What the card holds once the sale has happened."""
        return Fen(self.balance_before - self.amounts.account)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale(DebitIntent):
    """An intent that stands in the journal under its voucher number."""

    voucher: int


@dataclass(frozen=True, slots=True)
class Approved:
    """已扣款: the card has paid and the PSAM has accepted its proof. `tac` 4 bytes."""

    sale: Sale
    tac: bytes


class Doubt(StrEnum):
    """Why a sale is not settled. The value is the key of its sentence in voice/messages."""

    ANSWER_LOST = "answer-lost"
    MAC2_REFUSED = "mac2-refused"
    PSAM_FAILED = "psam-failed"
    JOURNAL_FAILED = "journal-failed"


@dataclass(frozen=True, slots=True)
class Unsettled:
    """待核实: DEBIT was sent and what the card did is unknown, or known and not proved.

    `tac` and `mac2` where the card gave them; `sw` a status word that settles nothing; `link` the broken link.
    This card is refused until `recovery.settle` has closed the sale.
    """

    sale: Sale
    doubt: Doubt
    link: LinkReason | None = None
    sw: StatusWord | None = None
    tac: bytes | None = None
    mac2: bytes | None = None
