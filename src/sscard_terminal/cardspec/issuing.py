"""What a terminal asks the issuer's host and what it answers: loads, PIN permissions, refunds, as plain values.

They stand here because terminal and centre both speak them and never import each other. Every field is a text, a
number, bytes, a time or an enumeration, so that HTTP can carry them as JSON later; the PIN alone travels on its own
terms (`Pin` shows itself to nobody). Not here: who asks (terminal/issuer_host.py) and who answers (centre/).
Source: card.md §3 ("On-line flow"), §4.3, §6.6, §6.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .ciphers import AlgorithmName
from .money import Fen
from .pin import Pin


class HostReason(StrEnum):
    """Why the host says no. The value is the key of its sentence in voice/messages."""

    CARD_NOT_AUTHENTIC = "card-not-authentic"
    """MAC1 or the internal authentication is not that of the card it is said to be."""
    KEY_NOT_HELD = "key-not-held"
    """The host holds no key for this card, key index or algorithm."""
    AMOUNT_ZERO = "amount-zero"
    FUNDS_TOO_SMALL = "funds-too-small"
    """The card's account at the centre does not hold the amount."""
    REQUEST_DIFFERS = "request-differs"
    """This request id stands for another request."""
    REQUEST_ENDED = "request-ended"
    """This request has its outcome; it authorises nothing any more."""
    REQUEST_UNKNOWN = "request-unknown"
    REQUEST_STALE = "request-stale"
    """An older request than the one whose outcome is unknown; a message that lost its way."""
    COUNTER_WENT_BACK = "counter-went-back"
    """The card's load counter stands below what the centre has seen of it."""
    CREDIT_UNKNOWN = "credit-unknown"
    """No such refund waits for this card, or not of this amount."""
    CREDIT_LOADED = "credit-loaded"
    TAC_WRONG = "tac-wrong"
    OUTCOME_DIFFERS = "outcome-differs"
    """The centre holds the opposite for certain."""
    NO_PERMISSION = "no-permission"
    """No PIN permission was given for this request, or it was used."""
    CARD_LOST = "card-lost"
    """The card has been reported lost, and that has not been lifted."""
    LOSS_UNKNOWN = "loss-unknown"
    """There is no loss to lift."""


@dataclass(frozen=True, slots=True)
class HostRefused:
    """The host's no; nothing was debited by this request."""

    reason: HostReason


class HostUnreachable(Exception):
    """No answer of the host. With `reached` it may have heard the question and acted on it.

    Asking again with the same request id is always safe; asking anew with another may not be.
    """

    def __init__(self, reached: bool = True) -> None:
        super().__init__("the issuer's host gave no answer")
        self.reached = reached


@dataclass(frozen=True, slots=True)
class CardReference:
    """Which card, and what its keys are derived with.

    `identification`: the card identification code, 32 hex digits, of which the first 6 are the region; `historical`:
    the 13 historical bytes of its ATR. Source: card.md §6.1, §6.7 (HSM string).
    """

    identification: str
    number: str
    historical: bytes
    algorithm: AlgorithmName

    @property
    def region(self) -> str:
        return self.identification[:6]


# Loads ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRequest:
    """What the card answered to INITIALIZE FOR LOAD, and what for.

    `request`: the id by which this load is known for ever, made by the terminal; `terminal` 12 digits; `time` the
    terminal's; `counter` the load counter before the load; `random` and `mac1` 4 bytes each; `credit`: the id of the
    refund to be loaded, "" for money of the card's account at the centre. Source: card.md §4.3 steps 1–3.
    """

    request: str
    card: CardReference
    terminal: str
    time: datetime
    amount: Fen
    key_index: int
    balance: Fen
    counter: int
    random: bytes
    mac1: bytes
    credit: str = ""
    operator: str = ""


@dataclass(frozen=True, slots=True)
class LoadAuthorised:
    """The centre's account is debited; the card may be credited. `mac2` 4 bytes. Source: card.md §4.3 step 4."""

    host_time: datetime
    mac2: bytes


class LoadOutcome(StrEnum):
    """What became of an authorised load."""

    CREDITED = "credited"
    NOT_CREDITED = "not-credited"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What the terminal knows of a load; `tac` 4 bytes where the card gave one."""

    request: str
    outcome: LoadOutcome
    tac: bytes | None = None


@dataclass(frozen=True, slots=True)
class LoadStanding:
    """What the centre holds of a load, once it has heard the report."""

    outcome: LoadOutcome


@dataclass(frozen=True, slots=True)
class PendingCredit:
    """A refund that waits for its card: `id` for ever, `reference` the place's own (a voucher), "" if it has none.

    `in_doubt`: a load of it was authorised whose outcome is unknown; the next attempt tells.
    """

    id: str
    amount: Fen
    reference: str = ""
    in_doubt: bool = False


# The PIN ----------------------------------------------------------------------------------------------


class PinService(StrEnum):
    """What the window may do about a PIN."""

    RESET = "pin-reset"
    UNBLOCK = "pin-unblock"


@dataclass(frozen=True, slots=True)
class IdentitySighting:
    """Somebody at the window has held the holder's identity document against the card's data: who, and when.

    The document's number is nowhere. Source: system.md, row "unlock": card and ID card both present.

    Raises:
        ValueError: nobody is named.
    """

    by: str
    at: datetime

    def __post_init__(self) -> None:
        if not self.by.strip():
            raise ValueError("a sighting names who has seen the document")


@dataclass(frozen=True, slots=True, kw_only=True)
class PinPermissionRequest:
    """Two proofs in one question, as the driver's HSM string has them.

    The card's: `answer` to INTERNAL AUTHENTICATE over `factor` and `original`, so that the host sees the right card and
    the card never sees data of wrong keys (three of them lock its PUK). The host's: over `challenge`, the card's newest,
    and `information`, the challenge before it. All 8 bytes. Source: card.md §6.6, §6.7.
    """

    request: str
    card: CardReference
    service: PinService
    terminal: str
    sighting: IdentitySighting
    factor: bytes
    original: bytes
    answer: bytes
    challenge: bytes
    information: bytes


@dataclass(frozen=True, slots=True)
class PinPermission:
    """8 bytes for EXTERNAL AUTHENTICATE with PUK, beside the `information` they were made over."""

    authentication_data: bytes


@dataclass(frozen=True, slots=True)
class PinCommandRequest:
    """The protected command itself, over a fresh `challenge` of 8 bytes, within the permission of the same `request`.

    `new_pin`: from the window's pad, for RESET; None for UNBLOCK.
    """

    request: str
    card: CardReference
    challenge: bytes
    new_pin: Pin | None = None


@dataclass(frozen=True, slots=True)
class PinCommand:
    """What RELOAD or UNBLOCK carries: the encrypted PIN (8 or 16 bytes; empty for UNBLOCK) and a MAC of 4 bytes."""

    mac: bytes
    cryptogram: bytes = b""


# Loss -------------------------------------------------------------------------------------------------


class LossChange(StrEnum):
    """What the holder says of a card at the window: a temporary loss, and its end. Source: system.md, "Loss and replacement"."""

    REPORTED = "reported"
    LIFTED = "lifted"


@dataclass(frozen=True, slots=True, kw_only=True)
class LossReport:
    """The card is not there: `number` is its number, or the holder's social security number, off the sighted document.

    `request`: the id by which this report is known for ever, made by the terminal; `place` where it was made.
    """

    request: str
    number: str
    change: LossChange
    sighting: IdentitySighting
    place: str = ""


@dataclass(frozen=True, slots=True)
class LossStanding:
    """What the centre holds of that number now, and since when."""

    is_lost: bool
    since: datetime
