"""What a broken link says of itself, and the doors that only some connections have."""

import pytest

from sscard_terminal.reader.connection import (
    CardRemoved,
    CardReset,
    LinkError,
    LinkLost,
    LinkReason,
    NoCard,
    NoReader,
    NotSent,
    ReaderBusy,
    exclusively,
    link_error,
    reset,
)
from tests.reader.doubles import saying

NEVER_SENT = {
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
}


@pytest.mark.parametrize("reason", LinkReason)
def test_every_reason_has_a_meaning_a_class_and_says_whether_the_card_may_have_acted(
    reason: LinkReason,
) -> None:
    error = link_error(reason)

    assert str(error) == reason.meaning
    assert error.reason is reason
    assert error.reached_card is (reason not in NEVER_SENT)
    assert isinstance(error, NEVER_SENT.get(reason, (CardRemoved, CardReset, LinkLost)))


def test_no_two_reasons_mean_the_same() -> None:
    assert len({reason.meaning for reason in LinkReason}) == len(LinkReason)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (NoCard(), LinkReason.NO_CARD),
        (ReaderBusy(), LinkReason.READER_BUSY),
        (NotSent(), LinkReason.CLOSED),
        (CardRemoved(), LinkReason.CARD_REMOVED),
        (CardReset(), LinkReason.CARD_RESET),
        (LinkLost(), LinkReason.UNKNOWN),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_raised_bare_has_the_reason_of_its_class(error: LinkError, reason: LinkReason) -> None:
    assert error.reason is reason
    assert type(link_error(reason)) is type(error)


def test_an_error_tells_its_pcsc_code() -> None:
    assert str(CardRemoved(hresult=0x80100069)) == "the card was removed (PC/SC 0x80100069)"


def test_a_connection_nobody_can_share_is_exclusive_already() -> None:
    connection = saying("9000")

    with exclusively(connection):
        pass

    assert connection.commands == []


def test_a_connection_without_a_card_cannot_be_reset() -> None:
    with pytest.raises(TypeError, match="Answering cannot reset"):
        reset(saying("9000"))
