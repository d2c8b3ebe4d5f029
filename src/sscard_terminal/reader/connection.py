"""The one seam between a terminal and a card, and the ways in which it breaks.

Not here: any particular reader, and what a command means.
Source: style.md "The core types"; the reasons are those of pcsc.md §6.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from typing import ClassVar, Protocol, runtime_checkable

from ..iso7816.apdu import CommandApdu, ResponseApdu


class Connection(Protocol):
    """A powered card that answers commands, one at a time."""

    @property
    def atr(self) -> bytes:
        """The answer to reset, 2 to 33 bytes; empty where nobody recorded it."""
        ...

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        """Send one command and wait for its answer.

        Raises:
            LinkError: no answer came. `reached_card` tells whether the card can have acted on the command.
        """
        ...

    def close(self) -> None:
        """Let go of the card; never raises, and a second call does nothing."""
        ...


@runtime_checkable
class Exclusive(Protocol):
    """A connection that other programs can share, and that can hold them off for a while."""

    def exclusively(self) -> AbstractContextManager[None]: ...


@runtime_checkable
class Resettable(Protocol):
    """A connection that can reset its card."""

    def reset(self, *, cold: bool = False) -> bytes: ...


@runtime_checkable
class Controllable(Protocol):
    """A connection whose reader takes commands of its own, beside those for the card."""

    def control(self, code: int, data: bytes = b"", *, patience_s: float | None = None) -> bytes | None: ...


def exclusively(connection: Connection) -> AbstractContextManager[None]:
    """Hold the card for one unbroken exchange: `with exclusively(connection): ...`.

    Ask the human first: a card held idle for five seconds is reset by Windows. A connection that nobody
    can share (loopback, replay) is exclusive already.

    Raises:
        LinkError: on entry, when the card is gone or another program does not let go of it.
    """
    return connection.exclusively() if isinstance(connection, Exclusive) else nullcontext()


def reset(connection: Connection, *, cold: bool = False) -> bytes:
    """Reset the card, warm or (power off and on) cold, and return its new answer to reset.

    Raises:
        LinkError: the card or the reader is gone.
        TypeError: the connection has no card that could be reset (a replay).
    """
    if not isinstance(connection, Resettable):
        raise TypeError(f"a {type(connection).__name__} cannot reset a card")
    return connection.reset(cold=cold)


def control(
    connection: Connection, code: int, data: bytes = b"", *, patience_s: float | None = None
) -> bytes | None:
    """Give the reader itself a command; its answer, None where it knows no such command (a loopback knows none).

    `code` is its control code (PC/SC part 10). Without `data` the reader is asked about itself; with `data` it may talk
    to the card, and answers with at least a status word. `patience_s`: how long a person may take over it.

    Raises:
        LinkError: no answer came; after a command with `data` the card may have acted.
    """
    return (
        connection.control(code, data, patience_s=patience_s)
        if isinstance(connection, Controllable)
        else None
    )


class LinkReason(StrEnum):
    """Why a link broke. The value is the word that stands in a transcript (`# link: card-removed`)."""

    # Before any command could travel.
    NO_SERVICE = "no-service"
    UNKNOWN_READER = "unknown-reader"
    READER_UNAVAILABLE = "reader-unavailable"
    READER_SILENT = "reader-silent"
    READER_BUSY = "reader-busy"
    NO_CARD = "no-card"
    MUTE_CARD = "mute-card"
    NO_COMMON_PROTOCOL = "no-common-protocol"
    CLOSED = "closed"
    TOO_LONG = "too-long"
    PAD_REFUSED = "pad-refused"
    # The command may have reached the card.
    CARD_REMOVED = "card-removed"
    CARD_RESET = "card-reset"
    EMPTY_ANSWER = "empty-answer"
    CUT_ANSWER = "cut-answer"
    DEADLINE_PASSED = "deadline-passed"
    INTERRUPTED = "interrupted"
    SERVICE_GONE = "service-gone"
    READER_GONE = "reader-gone"
    NOT_TRANSACTED = "not-transacted"
    ENDLESS_ANSWER = "endless-answer"
    ANSWER_NOT_FETCHED = "answer-not-fetched"
    UNKNOWN = "unknown"

    @property
    def meaning(self) -> str:
        """One sentence for the log; what the counter shows is said in cli/."""
        return _MEANINGS[self]


_MEANINGS: dict[LinkReason, str] = {
    LinkReason.NO_SERVICE: "the smart card service is not running",
    LinkReason.UNKNOWN_READER: "there is no reader of this name",
    LinkReason.READER_UNAVAILABLE: "the reader cannot be used",
    LinkReason.READER_SILENT: "the reader did not answer within the deadline",
    LinkReason.READER_BUSY: "another program holds the card",
    LinkReason.NO_CARD: "there is no card in the reader",
    LinkReason.MUTE_CARD: "the card gives no answer to reset",
    LinkReason.NO_COMMON_PROTOCOL: "the card offers no protocol the reader has",
    LinkReason.CLOSED: "this connection was closed before the command",
    LinkReason.TOO_LONG: "the command is too long for this link",
    LinkReason.PAD_REFUSED: "the reader does not take this PIN entry on its pad",
    LinkReason.CARD_REMOVED: "the card was removed",
    LinkReason.CARD_RESET: "the card was reset by another program",
    LinkReason.EMPTY_ANSWER: "the answer was empty, without a status word",
    LinkReason.CUT_ANSWER: "the answer was cut off before its status word",
    LinkReason.DEADLINE_PASSED: "the card did not answer within the deadline",
    LinkReason.INTERRUPTED: "the wait for the answer was interrupted",
    LinkReason.SERVICE_GONE: "the smart card service went away",
    LinkReason.READER_GONE: "the reader went away",
    LinkReason.NOT_TRANSACTED: "the reader could not finish the exchange",
    LinkReason.ENDLESS_ANSWER: "the card announced more data without end",
    LinkReason.ANSWER_NOT_FETCHED: "the card acted, but its answer could not be fetched",
    LinkReason.UNKNOWN: "the link failed for a reason without a name",
}


class LinkError(Exception):
    """The link to the card broke: what the card did with the last command is unknown, it did not "fail".

    `reason` names the cause, `hresult` is the PC/SC code (0x80100069) where there is one.
    `reached_card` is False only when the command certainly never left for the card, so that no money can
    have moved; True means "it may have". The text never holds APDU bytes.
    """

    reached_card: ClassVar[bool] = True

    def __init__(self, reason: LinkReason = LinkReason.UNKNOWN, hresult: int | None = None) -> None:
        super().__init__(reason, hresult)
        self.reason = reason
        self.hresult = hresult

    def __str__(self) -> str:
        code = "" if self.hresult is None else f" (PC/SC 0x{self.hresult:08X})"
        return self.reason.meaning + code


class NoReader(LinkError):
    """No service, no reader of that name, or one that cannot be used. No command was sent."""

    reached_card = False


class ReaderBusy(LinkError):
    """Another program holds the card. No command was sent."""

    reached_card = False

    def __init__(self, reason: LinkReason = LinkReason.READER_BUSY, hresult: int | None = None) -> None:
        super().__init__(reason, hresult)


class NoCard(LinkError):
    """No card, or none that can be spoken to. No command was sent."""

    reached_card = False

    def __init__(self, reason: LinkReason = LinkReason.NO_CARD, hresult: int | None = None) -> None:
        super().__init__(reason, hresult)


class NotSent(LinkError):
    """The command was held back: the connection had ended (`close`, an earlier break), or it is too long."""

    reached_card = False

    def __init__(self, reason: LinkReason = LinkReason.CLOSED, hresult: int | None = None) -> None:
        super().__init__(reason, hresult)


class CardRemoved(LinkError):
    """The card was taken out; the last command may have been carried out."""

    def __init__(self, reason: LinkReason = LinkReason.CARD_REMOVED, hresult: int | None = None) -> None:
        super().__init__(reason, hresult)


class CardReset(LinkError):
    """Another program reset the card: selection, PIN status and an open transaction are lost."""

    def __init__(self, reason: LinkReason = LinkReason.CARD_RESET, hresult: int | None = None) -> None:
        super().__init__(reason, hresult)


class LinkLost(LinkError):
    """Service or reader gone, no whole answer, deadline passed: the last command may have been carried out."""


_CLASSES: dict[LinkReason, type[LinkError]] = {
    LinkReason.NO_SERVICE: NoReader,
    LinkReason.UNKNOWN_READER: NoReader,
    LinkReason.READER_UNAVAILABLE: NoReader,
    LinkReason.READER_SILENT: NoReader,
    LinkReason.READER_BUSY: ReaderBusy,
    LinkReason.NO_CARD: NoCard,
    LinkReason.MUTE_CARD: NoCard,
    LinkReason.NO_COMMON_PROTOCOL: NoCard,
    LinkReason.CLOSED: NotSent,
    LinkReason.TOO_LONG: NotSent,
    LinkReason.PAD_REFUSED: NotSent,
    LinkReason.CARD_REMOVED: CardRemoved,
    LinkReason.CARD_RESET: CardReset,
}


def link_error(reason: LinkReason, hresult: int | None = None) -> LinkError:
    """The error of the class that belongs to `reason`."""
    return _CLASSES.get(reason, LinkLost)(reason, hresult)
