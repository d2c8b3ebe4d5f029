"""What PC/SC says, in our words: every hresult of pcsc.md §6, with the functions of pyscard played by mocks."""

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_mock import MockerFixture
from smartcard import scard

from sscard_terminal.iso7816.apdu import CommandApdu
from sscard_terminal.reader import pcsc
from sscard_terminal.reader.connection import (
    CardRemoved,
    CardReset,
    Connection,
    LinkError,
    LinkLost,
    LinkReason,
    NoCard,
    NoReader,
    NotSent,
    ReaderBusy,
    exclusively,
    reset,
)
from tests.reader.doubles import T0_ATR, T1_ATR, answer, command

READER = "Virtual PCD A 00 00"
CONTEXT, HANDLE = 7, 9
SELECT = command("00A40000023F00")
NOT_PRESENT, PRESENT = scard.SCARD_STATE_EMPTY, scard.SCARD_STATE_PRESENT
ODD_CODE = 0x801000FF
NO_CODE = -1


class Service:
    """The functions of `smartcard.scard`, all mocked: a healthy service with one card, until a test says other."""

    def __init__(self, mocker: MockerFixture) -> None:
        def play(function: str, *returned: Any) -> Any:
            value = returned if len(returned) > 1 else returned[0]
            return mocker.patch(f"sscard_terminal.reader.pcsc.scard.{function}", return_value=value)

        ok = scard.SCARD_S_SUCCESS
        self.establish = play("SCardEstablishContext", ok, CONTEXT)
        self.release = play("SCardReleaseContext", ok)
        self.list = play("SCardListReaders", ok, [READER, "other"])
        self.connect = play("SCardConnect", ok, HANDLE, scard.SCARD_PROTOCOL_T0)
        self.reconnect = play("SCardReconnect", ok, scard.SCARD_PROTOCOL_T1)
        self.status = play("SCardStatus", ok, READER, 0, scard.SCARD_PROTOCOL_T0, list(T0_ATR))
        self.transmit = play("SCardTransmit", ok, [0x90, 0x00])
        self.begin = play("SCardBeginTransaction", ok)
        self.end = play("SCardEndTransaction", ok)
        self.disconnect = play("SCardDisconnect", ok)
        self.change = play("SCardGetStatusChange", ok, [(READER, PRESENT, [])])


@pytest.fixture
def service(mocker: MockerFixture) -> Service:
    return Service(mocker)


@pytest.fixture
def connection(service: Service) -> Iterator[Connection]:
    opened = pcsc.open_reader(READER)
    yield opened
    opened.close()


def test_a_command_is_sent_as_it_is_built_and_its_answer_parsed(
    service: Service, connection: Connection
) -> None:
    service.transmit.return_value = (scard.SCARD_S_SUCCESS, [0x6F, 0x00, 0x90, 0x00])

    got = connection.transmit(SELECT)

    assert got == answer("6F009000")
    assert connection.atr == T0_ATR
    service.transmit.assert_called_once_with(HANDLE, scard.SCARD_PROTOCOL_T0, list(SELECT.build()))


@pytest.mark.parametrize(
    ("exclusive", "sharing"), [(False, scard.SCARD_SHARE_SHARED), (True, scard.SCARD_SHARE_EXCLUSIVE)]
)
def test_a_card_is_shared_unless_asked_for_alone(service: Service, exclusive: bool, sharing: int) -> None:
    pcsc.open_reader(READER, exclusive=exclusive).close()

    both = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
    service.connect.assert_called_once_with(CONTEXT, READER, sharing, both)


def test_a_healthy_card_is_left_powered_and_let_go_of_once(service: Service) -> None:
    connection = pcsc.open_reader(READER)

    connection.close()
    connection.close()

    service.disconnect.assert_called_once_with(HANDLE, scard.SCARD_LEAVE_CARD)
    service.release.assert_called_once_with(CONTEXT)


def test_closing_never_raises(service: Service) -> None:
    service.disconnect.return_value = scard.SCARD_E_NO_SERVICE
    service.release.return_value = scard.SCARD_E_NO_SERVICE

    pcsc.open_reader(READER).close()

    service.release.assert_called_once_with(CONTEXT)


OPENING = [
    pytest.param(scard.SCARD_E_NO_SERVICE, NoReader, LinkReason.NO_SERVICE, id="no pcscd"),
    pytest.param(scard.SCARD_E_SERVICE_STOPPED, NoReader, LinkReason.NO_SERVICE, id="service stopped"),
    pytest.param(
        scard.SCARD_F_COMM_ERROR, NoReader, LinkReason.NO_SERVICE, id="pcscd stopped inside the call"
    ),
    pytest.param(scard.SCARD_E_UNKNOWN_READER, NoReader, LinkReason.UNKNOWN_READER, id="unknown reader"),
    pytest.param(scard.SCARD_E_NO_READERS_AVAILABLE, NoReader, LinkReason.UNKNOWN_READER, id="no readers"),
    pytest.param(scard.SCARD_E_READER_UNAVAILABLE, NoReader, LinkReason.READER_UNAVAILABLE, id="unplugged"),
    pytest.param(scard.SCARD_E_SHARING_VIOLATION, ReaderBusy, LinkReason.READER_BUSY, id="sharing violation"),
    pytest.param(scard.SCARD_E_NO_SMARTCARD, NoCard, LinkReason.NO_CARD, id="no card"),
    pytest.param(scard.SCARD_W_REMOVED_CARD, NoCard, LinkReason.NO_CARD, id="card removed"),
    pytest.param(scard.SCARD_W_UNPOWERED_CARD, NoCard, LinkReason.MUTE_CARD, id="ATR too long"),
    pytest.param(scard.SCARD_W_UNRESPONSIVE_CARD, NoCard, LinkReason.MUTE_CARD, id="card without ATR"),
    pytest.param(scard.SCARD_E_PROTO_MISMATCH, NoCard, LinkReason.NO_COMMON_PROTOCOL, id="ATR nonsense"),
    pytest.param(ODD_CODE, NoReader, LinkReason.READER_UNAVAILABLE, id="unknown code"),
]


@pytest.mark.parametrize(("hresult", "kind", "reason"), OPENING)
def test_a_card_that_cannot_be_opened_says_why_and_was_not_reached(
    service: Service, hresult: int, kind: type[LinkError], reason: LinkReason
) -> None:
    service.connect.return_value = (hresult, 0, 0)

    with pytest.raises(kind) as caught:
        pcsc.open_reader(READER)

    assert caught.value.reason is reason
    assert caught.value.hresult == hresult
    assert not caught.value.reached_card
    service.release.assert_called_once_with(CONTEXT)
    service.disconnect.assert_not_called()


def test_without_a_service_there_is_no_reader(service: Service) -> None:
    service.establish.return_value = (scard.SCARD_E_NO_SERVICE, 0)

    with pytest.raises(NoReader) as caught:
        pcsc.open_reader(READER)

    assert caught.value.reason is LinkReason.NO_SERVICE
    service.release.assert_not_called()


def test_a_card_taken_out_while_it_is_opened_is_let_go_of(service: Service) -> None:
    service.status.return_value = (scard.SCARD_W_REMOVED_CARD, READER, 0, 0, [])

    with pytest.raises(NoCard):
        pcsc.open_reader(READER)

    service.disconnect.assert_called_once()
    service.release.assert_called_once()


TRANSMITTING = [
    pytest.param(scard.SCARD_W_REMOVED_CARD, CardRemoved, LinkReason.CARD_REMOVED, id="card removed"),
    pytest.param(scard.SCARD_E_NO_SMARTCARD, CardRemoved, LinkReason.CARD_REMOVED, id="no card"),
    pytest.param(scard.SCARD_W_RESET_CARD, CardReset, LinkReason.CARD_RESET, id="reset by another program"),
    pytest.param(scard.SCARD_W_UNPOWERED_CARD, CardReset, LinkReason.CARD_RESET, id="powered off by another"),
    pytest.param(scard.SCARD_E_NO_SERVICE, LinkLost, LinkReason.SERVICE_GONE, id="pcscd killed"),
    pytest.param(scard.SCARD_E_SERVICE_STOPPED, LinkLost, LinkReason.SERVICE_GONE, id="service stopped"),
    pytest.param(
        scard.SCARD_F_COMM_ERROR, LinkLost, LinkReason.SERVICE_GONE, id="pcscd stopped inside the call"
    ),
    pytest.param(scard.SCARD_E_INVALID_HANDLE, LinkLost, LinkReason.SERVICE_GONE, id="pcscd came back"),
    pytest.param(scard.SCARD_E_READER_UNAVAILABLE, LinkLost, LinkReason.READER_GONE, id="unplugged"),
    pytest.param(scard.SCARD_E_UNKNOWN_READER, LinkLost, LinkReason.READER_GONE, id="unplugged, forgotten"),
    pytest.param(scard.SCARD_E_NOT_TRANSACTED, LinkLost, LinkReason.NOT_TRANSACTED, id="not transacted"),
    pytest.param(ODD_CODE, LinkLost, LinkReason.UNKNOWN, id="unknown code"),
    pytest.param(NO_CODE, LinkLost, LinkReason.UNKNOWN, id="no code"),
]


@pytest.mark.parametrize(("hresult", "kind", "reason"), TRANSMITTING)
def test_a_link_that_breaks_says_why_and_may_have_reached_the_card(
    service: Service, connection: Connection, hresult: int, kind: type[LinkError], reason: LinkReason
) -> None:
    service.transmit.return_value = (hresult, [])

    with pytest.raises(kind) as caught:
        connection.transmit(SELECT)

    assert caught.value.reason is reason
    assert caught.value.hresult == hresult & 0xFFFFFFFF
    assert caught.value.reached_card


@pytest.mark.parametrize(
    ("raw", "reason"),
    [([], LinkReason.EMPTY_ANSWER), ([0x90], LinkReason.CUT_ANSWER)],
    ids=["empty", "one byte"],
)
def test_a_success_without_a_status_word_is_a_lost_answer(
    service: Service, connection: Connection, raw: list[int], reason: LinkReason
) -> None:
    service.transmit.return_value = (scard.SCARD_S_SUCCESS, raw)

    with pytest.raises(LinkLost) as caught:
        connection.transmit(SELECT)

    assert caught.value.reason is reason
    assert caught.value.hresult is None
    assert caught.value.reached_card


def test_a_sharing_violation_before_a_command_means_it_was_not_sent(
    service: Service, connection: Connection
) -> None:
    service.transmit.return_value = (scard.SCARD_E_SHARING_VIOLATION, [])

    with pytest.raises(ReaderBusy) as caught:
        connection.transmit(SELECT)

    assert not caught.value.reached_card


def test_after_a_break_nothing_more_is_sent(service: Service, connection: Connection) -> None:
    service.transmit.return_value = (scard.SCARD_E_NOT_TRANSACTED, [])
    with pytest.raises(LinkLost):
        connection.transmit(SELECT)

    with pytest.raises(NotSent):
        connection.transmit(SELECT)
    with pytest.raises(NotSent):
        reset(connection)
    with pytest.raises(NotSent), exclusively(connection):
        pass

    assert service.transmit.call_count == 1


@pytest.mark.parametrize(
    ("hresult", "resets"),
    [
        pytest.param(scard.SCARD_E_NOT_TRANSACTED, 1, id="in doubt: reset"),
        pytest.param(scard.SCARD_W_RESET_CARD, 0, id="another's card now: leave"),
        pytest.param(scard.SCARD_W_REMOVED_CARD, 0, id="gone: leave"),
        pytest.param(scard.SCARD_E_SHARING_VIOLATION, 0, id="another's card: leave"),
    ],
)
def test_only_a_card_in_doubt_is_reset_and_not_before_it_is_opened_again(
    service: Service, connection: Connection, hresult: int, resets: int
) -> None:
    """A reset on closing may find no card at all, and the reader would show none until the next had left again."""
    service.transmit.return_value = (hresult, [])
    with pytest.raises(LinkError):
        connection.transmit(SELECT)
    connection.close()
    service.disconnect.assert_called_once_with(HANDLE, scard.SCARD_LEAVE_CARD)
    service.reconnect.assert_not_called()

    for _ in range(2):
        pcsc.open_reader(READER).close()

    both = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
    expected = [((HANDLE, scard.SCARD_SHARE_SHARED, both, scard.SCARD_RESET_CARD),)] * resets
    assert service.reconnect.call_args_list == expected


def test_a_card_in_doubt_that_cannot_be_reset_is_no_card_and_stays_in_doubt(
    service: Service, connection: Connection
) -> None:
    service.transmit.return_value = (scard.SCARD_E_NOT_TRANSACTED, [])
    with pytest.raises(LinkError):
        connection.transmit(SELECT)
    service.reconnect.return_value = (scard.SCARD_E_NO_SMARTCARD, 0)

    with pytest.raises(NoCard) as caught:
        pcsc.open_reader(READER)
    service.reconnect.return_value = (scard.SCARD_S_SUCCESS, scard.SCARD_PROTOCOL_T0)
    pcsc.open_reader(READER).close()

    assert caught.value.reason is LinkReason.NO_CARD
    assert service.reconnect.call_count == 2
    assert service.disconnect.call_count == 2


def test_the_longest_command_is_sent_and_a_longer_one_is_not(
    service: Service, connection: Connection
) -> None:
    longest = CommandApdu(0x00, 0xD6, 0, 0, bytes(65_528))
    too_long = CommandApdu(0x00, 0xD6, 0, 0, bytes(65_529))

    connection.transmit(longest)
    with pytest.raises(NotSent) as caught:
        connection.transmit(too_long)

    assert caught.value.reason is LinkReason.TOO_LONG
    assert len(service.transmit.call_args_list) == 1


def test_an_unbroken_exchange_is_a_transaction_that_leaves_the_card_as_it_is(
    service: Service, connection: Connection
) -> None:
    with exclusively(connection):
        service.begin.assert_called_once_with(HANDLE)
        service.end.assert_not_called()

    service.end.assert_called_once_with(HANDLE, scard.SCARD_LEAVE_CARD)


def test_a_transaction_that_does_not_begin_is_not_ended(service: Service, connection: Connection) -> None:
    service.begin.return_value = scard.SCARD_W_RESET_CARD

    with pytest.raises(CardReset), exclusively(connection):
        pass

    service.end.assert_not_called()


@pytest.mark.parametrize(("cold", "way"), [(False, scard.SCARD_RESET_CARD), (True, scard.SCARD_UNPOWER_CARD)])
def test_a_reset_is_warm_or_cold_and_gives_the_new_atr(
    service: Service, connection: Connection, cold: bool, way: int
) -> None:
    service.status.return_value = (scard.SCARD_S_SUCCESS, READER, 0, 0, list(T1_ATR))

    atr = reset(connection, cold=cold)
    connection.transmit(SELECT)

    both = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
    service.reconnect.assert_called_once_with(HANDLE, scard.SCARD_SHARE_SHARED, both, way)
    assert atr == connection.atr == T1_ATR
    assert service.transmit.call_args.args[1] == scard.SCARD_PROTOCOL_T1


def test_a_reset_of_a_card_that_left_is_a_removal(service: Service, connection: Connection) -> None:
    service.reconnect.return_value = (scard.SCARD_E_NO_SMARTCARD, 0)

    with pytest.raises(CardRemoved):
        reset(connection)


def test_readers_are_listed_in_the_services_order(service: Service) -> None:
    assert pcsc.list_readers() == (READER, "other")

    service.release.assert_called_once_with(CONTEXT)


def test_no_readers_is_an_empty_list(service: Service) -> None:
    service.list.return_value = (scard.SCARD_E_NO_READERS_AVAILABLE, [])

    assert pcsc.list_readers() == ()


def test_no_service_is_no_empty_list(service: Service) -> None:
    service.establish.return_value = (scard.SCARD_E_NO_SERVICE, 0)

    with pytest.raises(NoReader) as caught:
        pcsc.list_readers()

    assert caught.value.reason is LinkReason.NO_SERVICE


def changes(*states: int) -> list[tuple[int, list[tuple[str, int, list[int]]]]]:
    return [(scard.SCARD_S_SUCCESS, [(READER, state, [])]) for state in states]


@pytest.mark.parametrize(
    ("state", "present"),
    [
        (NOT_PRESENT, False),
        (PRESENT, True),
        (PRESENT | scard.SCARD_STATE_MUTE, True),
        (PRESENT | scard.SCARD_STATE_INUSE | 3 << 16, True),
    ],
)
def test_a_card_is_present_or_not(service: Service, state: int, present: bool) -> None:
    service.change.side_effect = changes(state)

    assert pcsc.card_present(READER) is present


@pytest.mark.parametrize("state", [scard.SCARD_STATE_UNKNOWN, scard.SCARD_STATE_UNAVAILABLE])
def test_a_reader_nobody_knows_is_no_empty_reader(service: Service, state: int) -> None:
    service.change.side_effect = changes(state)

    with pytest.raises(NoReader) as caught:
        pcsc.card_present(READER)

    assert caught.value.reason is LinkReason.UNKNOWN_READER


def test_a_wait_ends_when_the_card_comes(service: Service) -> None:
    service.change.side_effect = changes(NOT_PRESENT, PRESENT)

    assert pcsc.wait_for_card(READER, 60.0)

    assert service.change.call_args.args[2] == [(READER, NOT_PRESENT)]


def test_a_wait_for_removal_ends_when_the_card_is_gone(service: Service) -> None:
    service.change.side_effect = changes(PRESENT, NOT_PRESENT)

    assert pcsc.wait_for_removal(READER, 60.0)


def test_a_wait_goes_on_when_something_else_changes(service: Service) -> None:
    in_use = PRESENT | scard.SCARD_STATE_INUSE
    service.change.side_effect = changes(PRESENT, in_use, in_use, NOT_PRESENT)

    assert pcsc.wait_for_removal(READER, 60.0)


def test_a_wait_without_a_card_ends_with_no(service: Service) -> None:
    service.change.side_effect = changes(NOT_PRESENT)

    assert not pcsc.wait_for_card(READER, 0.0)


def test_a_quiet_slice_is_no_error(service: Service) -> None:
    quiet: Any = (scard.SCARD_E_TIMEOUT, [(READER, NOT_PRESENT, [])])
    service.change.side_effect = [*changes(NOT_PRESENT), quiet, *changes(PRESENT)]

    assert pcsc.wait_for_card(READER, 60.0)


def test_a_wait_survives_a_service_that_comes_back(service: Service, mocker: MockerFixture) -> None:
    mocker.patch.object(pcsc, "RETRY_PAUSE_S", 0.0)
    service.establish.side_effect = [(scard.SCARD_E_NO_SERVICE, 0), (scard.SCARD_S_SUCCESS, CONTEXT)]

    assert pcsc.wait_for_card(READER, 60.0)


def test_a_wait_that_ends_without_a_service_says_so(service: Service) -> None:
    service.establish.return_value = (scard.SCARD_E_NO_SERVICE, 0)

    with pytest.raises(NoReader) as caught:
        pcsc.wait_for_card(READER, 0.0)

    assert caught.value.reason is LinkReason.NO_SERVICE
