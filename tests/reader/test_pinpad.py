"""Secure PIN entry over PC/SC: a reader with a pad played at the wall to pyscard, healthy and at fault."""

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from pytest_mock import MockerFixture
from smartcard import scard

from sscard_terminal.reader import pcsc, pinpad
from sscard_terminal.reader.connection import (
    CardRemoved,
    CardReset,
    Connection,
    LinkError,
    LinkLost,
    LinkReason,
    NotSent,
)
from sscard_terminal.reader.pinpad import PadRefusal, PinPad, PinRequest, pin_pad
from sscard_terminal.reader.tracing import traced
from tests.reader.doubles import command, saying
from tests.reader.pad_reader import (
    CANCEL,
    FEATURE_REQUEST,
    MODIFY,
    PIN_PROPERTIES,
    TLV_PROPERTIES,
    VERIFY,
    PadReader,
    SilentCard,
    Wall,
)

READER = "GemPC Pinpad 00 00"
SELECT = command("00A40000023F00")
SIX = PinRequest(replace(command("0020000003FFFFFF"), sensitive=True), frame=3, least=6, most=6)
ANY = PinRequest(command("00200000"), frame=0, least=4, most=12)
CHANGE = PinRequest(command("805E010007FFFFFFFFFFFFFF"), frame=3, least=6, most=6, old_at=0, new_at=4)
FIRST = PinRequest(command("805E010004FFFFFFFF"), frame=3, least=6, most=6, new_at=1)
TEST_PATIENCE_S = 10.0


@pytest.fixture
def reader() -> PadReader:
    return PadReader()


@pytest.fixture
def wall(mocker: MockerFixture, reader: PadReader) -> Wall:
    return Wall(mocker, {READER: (SilentCard(), reader)})


@pytest.fixture
def connection(wall: Wall) -> Iterator[Connection]:
    opened = pcsc.open_reader(READER)
    yield opened
    opened.close()


@pytest.fixture
def pad(connection: Connection) -> PinPad:
    return found(connection)


def found(connection: Connection) -> PinPad:
    pad = pin_pad(connection)
    assert pad is not None
    return pad


def words(*answers: str) -> Callable[[bytes], bytes]:
    waiting = [bytes.fromhex(answer) for answer in answers]
    return lambda command: waiting.pop(0)


def test_the_pin_goes_from_the_pad_to_the_card_and_only_the_word_comes_back(
    reader: PadReader, pad: PinPad
) -> None:
    reader.keys = ["739162"]

    word = pad.enter(SIX)

    assert word == 0x9000
    assert reader.sent == [bytes.fromhex("0020000003739162")]
    assert reader.asked[-1] == (
        VERIFY,
        bytes.fromhex("1E1E8103000606 02FF0000 00000000 08000000 0020000003FFFFFF"),
    )


def test_a_pin_of_any_length_has_its_length_from_the_reader(reader: PadReader, pad: PinPad) -> None:
    reader.keys = ["1234", "73916"]

    pad.enter(ANY)
    pad.enter(ANY)

    assert reader.sent == [bytes.fromhex("00200000021234"), bytes.fromhex("002000000373916F")]


def test_a_change_asks_for_the_old_pin_and_twice_for_the_new_one(reader: PadReader, pad: PinPad) -> None:
    reader.keys = ["123456", "654321", "654321"]

    word = pad.enter(CHANGE)

    assert word == 0x9000
    assert reader.sent == [bytes.fromhex("805E010007123456FF654321")]
    assert reader.asked[-1][0] == MODIFY


def test_a_card_without_a_pin_is_given_one_keyed_twice(reader: PadReader, pad: PinPad) -> None:
    reader.keys = ["654321", "654321"]

    assert pad.enter(FIRST) == 0x9000
    assert reader.sent == [bytes.fromhex("805E010004FF654321")]


@pytest.mark.parametrize("word", ["9000", "63C2", "63C0", "6983", "6A80", "6700"])
def test_what_the_card_says_is_passed_on(word: str, reader: PadReader, pad: PinPad) -> None:
    reader.keys, reader.card = ["123456"], words(word)

    assert pad.enter(SIX) == int(word, 16)


@pytest.mark.parametrize(
    ("request_", "keys", "refusal"),
    [
        (SIX, [CANCEL], PadRefusal.CANCELLED),
        (SIX, [], PadRefusal.TIMED_OUT),
        (SIX, ["1234"], PadRefusal.WRONG_LENGTH),
        (ANY, ["123"], PadRefusal.WRONG_LENGTH),
        (CHANGE, ["123456", CANCEL], PadRefusal.CANCELLED),
        (CHANGE, ["123456", "654321", "654312"], PadRefusal.PINS_DIFFER),
        (CHANGE, ["123456"], PadRefusal.TIMED_OUT),
    ],
)
def test_an_entry_that_the_pad_ends_never_reaches_the_card(
    request_: PinRequest, keys: list[str], refusal: PadRefusal, reader: PadReader, pad: PinPad
) -> None:
    reader.keys = keys

    assert pad.enter(request_) is refusal
    assert reader.sent == []


@pytest.mark.parametrize("refusal", PadRefusal)
def test_every_word_of_part_10_is_a_refusal(refusal: PadRefusal, reader: PadReader, pad: PinPad) -> None:
    reader.keys, reader.card = ["123456"], words(f"{refusal:04X}")

    assert pad.enter(SIX) is refusal


def test_an_entry_the_driver_does_not_know_is_refused_and_the_card_is_still_there(
    reader: PadReader, connection: Connection, pad: PinPad
) -> None:
    reader.faults[VERIFY] = (scard.SCARD_E_UNSUPPORTED_FEATURE, [])

    assert pad.enter(SIX) is PadRefusal.REFUSED
    assert connection.transmit(SELECT).sw == 0x9000


def test_a_pad_that_only_verifies_changes_nothing(reader: PadReader, connection: Connection) -> None:
    reader.features = bytes.fromhex("060442330006")
    pad = found(connection)

    assert not pad.can_change
    assert pad.enter(CHANGE) is PadRefusal.REFUSED
    assert [code for code, _ in reader.asked] == [FEATURE_REQUEST]


# Finding it -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "features",
    [None, b"", bytes.fromhex("12 04 42330012"), bytes.fromhex("01 04 42330001 02 04 42330002")],
    ids=["no such control", "nothing", "no pad", "VERIFY in two halves only"],
)
def test_a_reader_without_a_pad_has_none(
    features: bytes | None, reader: PadReader, connection: Connection
) -> None:
    reader.features = features

    assert pin_pad(connection) is None
    assert connection.transmit(SELECT).sw == 0x9000


@pytest.mark.parametrize("features", ["06", "060442330006070442", "0602233006"])
def test_a_list_of_features_that_is_no_list_means_no_pad_and_is_said_in_the_log(
    features: str, reader: PadReader, connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    reader.features = bytes.fromhex(features)

    with caplog.at_level(logging.WARNING):
        assert pin_pad(connection) is None

    assert "its pad is not used" in caplog.text
    assert connection.transmit(SELECT).sw == 0x9000


@pytest.mark.parametrize(
    "hresult", [scard.SCARD_E_NOT_TRANSACTED, scard.SCARD_E_UNSUPPORTED_FEATURE, 1, 22, 50]
)
def test_a_reader_that_will_not_be_asked_has_no_pad_and_still_its_card(
    hresult: int, reader: PadReader, connection: Connection
) -> None:
    reader.faults[FEATURE_REQUEST] = (hresult, [])

    assert pin_pad(connection) is None
    assert connection.transmit(SELECT).sw == 0x9000


def test_a_reader_unplugged_while_it_is_asked_is_a_broken_link(
    reader: PadReader, connection: Connection
) -> None:
    reader.faults[FEATURE_REQUEST] = (scard.SCARD_E_READER_UNAVAILABLE, [])

    with pytest.raises(LinkLost) as caught:
        pin_pad(connection)

    assert caught.value.reason is LinkReason.READER_GONE


def test_a_connection_without_a_reader_has_no_pad() -> None:
    assert pin_pad(saying("9000")) is None


# What it says of itself -------------------------------------------------------------------------------------


def structure_of(reader: PadReader, pad: PinPad, request: PinRequest = SIX) -> bytes:
    reader.keys = ["123456", "654321", "654321"]
    pad.enter(request)
    return reader.asked[-1][1]


@pytest.mark.parametrize(
    ("short", "long", "validation", "messages"),
    [
        ("10020700", "", 0x02, 0xFF),
        ("00000700", "", 0x02, 0x00),
        ("00000100", "", 0x01, 0x00),
        ("00000000", "", 0x02, 0x00),
        (None, "01021002 020105", 0x05, 0xFF),
        ("00000700", "01021002", 0x02, 0xFF),
        (None, None, 0x02, 0x00),
        ("1002", "0102", 0x02, 0x00),
    ],
    ids=["display", "none", "full length only", "no condition", "long only", "both", "neither", "stuttering"],
)
def test_the_entry_ends_as_the_pad_can_and_speaks_where_it_has_a_display(
    short: str | None,
    long: str | None,
    validation: int,
    messages: int,
    reader: PadReader,
    connection: Connection,
) -> None:
    reader.properties = None if short is None else bytes.fromhex(short)
    reader.tlv_properties = None if long is None else bytes.fromhex(long)

    structure = structure_of(reader, found(connection))

    assert (structure[7], structure[8]) == (validation, messages)


@pytest.mark.parametrize(("request_", "messages"), [(CHANGE, 3), (FIRST, 2)])
def test_a_change_has_a_prompt_for_each_entry(
    request_: PinRequest, messages: int, reader: PadReader, connection: Connection
) -> None:
    assert structure_of(reader, found(connection), request_)[11] == messages


def test_what_the_pad_takes_narrows_what_is_asked_for(reader: PadReader, connection: Connection) -> None:
    reader.tlv_properties = bytes.fromhex("060106 070108")

    assert structure_of(reader, found(connection), ANY)[5:7] == bytes((8, 6))


@pytest.mark.parametrize("limits", ["060107", "070105"])
def test_a_pad_that_does_not_take_six_digits_is_not_asked(
    limits: str, reader: PadReader, connection: Connection
) -> None:
    reader.tlv_properties = bytes.fromhex(limits)
    pad = found(connection)

    assert pad.enter(SIX) is PadRefusal.REFUSED
    assert {code for code, _ in reader.asked} == {FEATURE_REQUEST, PIN_PROPERTIES, TLV_PROPERTIES}


# Broken links -----------------------------------------------------------------------------------------------

BREAKS = [
    pytest.param(
        scard.SCARD_W_REMOVED_CARD, CardRemoved, LinkReason.CARD_REMOVED, id="card out while typing"
    ),
    pytest.param(scard.SCARD_E_NO_SMARTCARD, CardRemoved, LinkReason.CARD_REMOVED, id="no card"),
    pytest.param(scard.SCARD_W_RESET_CARD, CardReset, LinkReason.CARD_RESET, id="reset by another program"),
    pytest.param(scard.SCARD_E_NOT_TRANSACTED, LinkLost, LinkReason.NOT_TRANSACTED, id="structure rejected"),
    pytest.param(scard.SCARD_E_READER_UNAVAILABLE, LinkLost, LinkReason.READER_GONE, id="reader unplugged"),
    pytest.param(scard.SCARD_E_NO_SERVICE, LinkLost, LinkReason.SERVICE_GONE, id="pcscd killed"),
    pytest.param(scard.SCARD_F_COMM_ERROR, LinkLost, LinkReason.SERVICE_GONE, id="pcscd stopped"),
    pytest.param(scard.SCARD_E_INVALID_HANDLE, LinkLost, LinkReason.SERVICE_GONE, id="pcscd came back"),
    pytest.param(-1, LinkLost, LinkReason.UNKNOWN, id="no code"),
]


@pytest.mark.parametrize(("hresult", "kind", "reason"), BREAKS)
def test_a_link_that_breaks_while_the_holder_types_leaves_open_what_the_card_did(
    hresult: int,
    kind: type[LinkError],
    reason: LinkReason,
    reader: PadReader,
    connection: Connection,
    pad: PinPad,
) -> None:
    reader.keys, reader.faults[VERIFY] = ["123456"], (hresult, [])

    with pytest.raises(kind) as caught:
        pad.enter(SIX)

    assert (caught.value.reason, caught.value.reached_card) == (reason, True)
    with pytest.raises(NotSent):
        connection.transmit(SELECT)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ([], LinkReason.EMPTY_ANSWER),
        ([0x90], LinkReason.CUT_ANSWER),
        ([0x63, 0xC2, 0x90], LinkReason.CUT_ANSWER),
    ],
)
def test_an_answer_that_is_no_status_word_is_a_lost_one(
    answer: list[int], reason: LinkReason, reader: PadReader, pad: PinPad
) -> None:
    reader.keys, reader.faults[VERIFY] = ["123456"], (scard.SCARD_S_SUCCESS, answer)

    with pytest.raises(LinkLost) as caught:
        pad.enter(SIX)

    assert caught.value.reason is reason


def test_a_dead_connection_asks_no_pad(reader: PadReader, connection: Connection, pad: PinPad) -> None:
    connection.close()

    with pytest.raises(NotSent) as caught:
        pad.enter(SIX)

    assert caught.value.reason is LinkReason.CLOSED
    assert all(code != VERIFY for code, _ in reader.asked)


# Patience ---------------------------------------------------------------------------------------------------


def test_the_holder_may_take_longer_than_a_card(reader: PadReader, wall: Wall) -> None:
    def slow(command: bytes) -> bytes:
        threading.Event().wait(0.3)
        return bytes.fromhex("9000")

    reader.keys, reader.card = ["123456"], slow
    connection = pcsc.open_reader(READER, deadline_s=0.1)
    pad = found(connection)

    assert pad.enter(SIX) == 0x9000
    connection.close()


def test_a_pad_that_never_answers_is_left_behind(
    reader: PadReader, wall: Wall, connection: Connection, pad: PinPad, mocker: MockerFixture
) -> None:
    let_go = threading.Event()
    mocker.patch.object(pinpad, "PATIENCE_S", 0.05)

    def mute(command: bytes) -> bytes:
        let_go.wait(TEST_PATIENCE_S)
        return bytes.fromhex("9000")

    reader.keys, reader.card = ["123456"], mute

    with pytest.raises(LinkLost) as caught:
        pad.enter(SIX)

    assert caught.value.reason is LinkReason.DEADLINE_PASSED
    with pytest.raises(NotSent):
        connection.transmit(SELECT)
    let_go.set()
    assert wall.released.wait(TEST_PATIENCE_S)


def test_our_patience_is_longer_than_the_drivers() -> None:
    assert max(90, pinpad.ENTRY_TIMEOUT_S + 10) < pinpad.PATIENCE_S


# The trace --------------------------------------------------------------------------------------------------


def test_a_trace_shows_the_command_masked_and_how_it_ended(reader: PadReader, connection: Connection) -> None:
    lines: list[str] = []
    pad = pin_pad(connection, lambda keys: traced(keys, lines.append))
    assert pad is not None
    reader.keys, reader.card = ["739162", CANCEL, "739162"], words("63C2", "9000")

    pad.enter(SIX)
    pad.enter(SIX)
    reader.faults[VERIFY] = (scard.SCARD_E_UNSUPPORTED_FEATURE, [])
    pad.enter(SIX)

    assert [line.split("  ")[0] for line in lines] == [
        *("> 0020000003******", "< 63C2"),
        *("> 0020000003******", "< 6401"),
        *("> 0020000003******", "# link: pad-refused"),
    ]
