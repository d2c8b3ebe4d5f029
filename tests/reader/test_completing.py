"""61xx, 6Cxx and the T=0 form of case 4: what is finished, what is passed up, what is a lost answer.

Played from transcripts: a command the transcript lacks is a mismatch, and a command left over is one too.
"""

import time

import pytest

from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.reader.completing import MAX_ROUNDS, REPEATABLE, completing
from sscard_terminal.reader.connection import (
    CardRemoved,
    LinkError,
    LinkLost,
    LinkReason,
    NotSent,
    exclusively,
    link_error,
    reset,
)
from tests.reader.doubles import T0_ATR, T1_ATR, Answering, answer, breaking, command, played, saying

T0 = "# ATR 3B6D000000815431328660370900000002\n"
T1 = "# ATR 3B800181\n"

INITIALIZE_FOR_LOAD = "B02800010B010000271037090000000110"
DEBIT = "B02C01000F0000000120260105101530409CAC6A08"


@pytest.mark.parametrize(
    ("conversation", "asked", "answered"),
    [
        pytest.param(
            T0 + "> B02800010B0100002710370900000001\n< 6110\n"
            "> 00C0000010\n< 00000000000001001122334438151960 9000",
            INITIALIZE_FOR_LOAD,
            "00000000000001001122334438151960 9000",
            id="T=0: no Le, then GET RESPONSE with the length the card said (card.md 2.4)",
        ),
        pytest.param(
            T0 + "> B02C01000F0000000120260105101530409CAC6A\n< CEA3FB7537F86753 9000",
            DEBIT,
            "CEA3FB7537F86753 9000",
            id="T=0: data given at once",
        ),
        pytest.param(
            T1 + "> B02C01000F000000012026010510153 0409CAC6A08\n< CEA3FB7537F86753 9000",
            DEBIT,
            "CEA3FB7537F86753 9000",
            id="T=1: Le travels",
        ),
        pytest.param(
            T1 + "> 00A40400023F0000\n< 6102\n> 00C0000002\n< 6F00 9000",
            "00A40400023F0000",
            "6F00 9000",
            id="T=1: 61xx is fetched too",
        ),
        pytest.param(
            T0 + "> 00A40400023F00\n< 6100\n> 00C0000000\n< " + "AB" * 256 + "9000",
            "00A40400023F0000",
            "AB" * 256 + "9000",
            id="6100 means 256 bytes",
        ),
        pytest.param(
            T0 + "> 00A40400023F00\n< 6104\n> 00C0000004\n< 0102 6102\n> 00C0000002\n< 0304 9000",
            "00A40400023F0000",
            "01020304 9000",
            id="an answer in parts is joined",
        ),
        pytest.param(
            T0 + "> 00B2010400\n< 0102 6102\n> 00C0000002\n< 0304 9000",
            "00B2010400",
            "01020304 9000",
            id="case 2: the first part comes with the first answer",
        ),
        pytest.param(
            T0 + "> 00A40400023F00\n< 6110\n> 00C0000010\n< 6C02\n> 00C0000002\n< 6F00 9000",
            "00A40400023F0000",
            "6F00 9000",
            id="6Cxx to GET RESPONSE",
        ),
        pytest.param(
            T0 + "> 00B2010400\n< 6C03\n> 00B2010403\n< 010101 9000", "00B2010400", "010101 9000", id="6Cxx"
        ),
        pytest.param(
            T0 + "> 0020000000\n< 63C3", "0020000000", "63C3", id="VERIFY with Lc 00 travels as it is"
        ),
        pytest.param(T0 + "> 00A40000\n< 9000", "00A40000", "9000", id="case 1"),
        pytest.param(
            T0 + "> 00B0000000\n< AABB 9000", "00B00000000000", "AABB 9000", id="T=0: Ne 65536 is P3 00"
        ),
    ],
)
def test_a_half_given_answer_is_finished(conversation: str, asked: str, answered: str) -> None:
    replay = played(conversation)

    got = completing(replay).transmit(command(asked))

    assert got == answer(answered)
    replay.assert_finished()


@pytest.mark.parametrize("first", REPEATABLE, ids=REPEATABLE.values())
def test_6cxx_to_a_command_that_only_reads_is_repeated_once_with_the_right_ne(first: tuple[int, int]) -> None:
    card = Answering(lambda sent: answer("AABB9000" if sent.ne == 2 else "6C02"))

    got = completing(card).transmit(CommandApdu(*first, 0, 0, ne=256))

    assert got == answer("AABB9000")
    assert [sent.ne for sent in card.commands] == [256, 2]


@pytest.mark.parametrize("first", REPEATABLE, ids=REPEATABLE.values())
def test_a_second_6cxx_is_passed_up(first: tuple[int, int]) -> None:
    card = saying("6C02")

    got = completing(card).transmit(CommandApdu(*first, 0, 0, ne=256))

    assert got == answer("6C02")
    assert len(card.commands) == 2


@pytest.mark.parametrize("atr", [T0_ATR, T1_ATR], ids=["T=0", "T=1"])
@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(CommandApdu(0xB0, 0x2C, 1, 0, bytes(15), 8), id="DEBIT FOR PURCHASE"),
        pytest.param(CommandApdu(0xB0, 0x2A, 0, 0, bytes(11), 4), id="CREDIT FOR LOAD"),
        pytest.param(CommandApdu(0xB0, 0x28, 1, 1, bytes(19), 22), id="INITIALIZE FOR PURCHASE"),
        pytest.param(CommandApdu(0xB0, 0xB0, 0, 0, ne=4), id="B0 B0 is no READ BINARY"),
        pytest.param(CommandApdu(0x00, 0x26, 0, 0, ne=4), id="00 26 is no GET BALANCE"),
        pytest.param(CommandApdu(0x00, 0x20, 0, 0, ne=256), id="VERIFY, Lc 00"),
        pytest.param(CommandApdu(0x00, 0xD6, 0, 0, bytes(4)), id="UPDATE BINARY"),
        pytest.param(CommandApdu(0x80, 0x5E, 1, 0, bytes(5)), id="CHANGE PIN"),
        pytest.param(CommandApdu(0x00, 0xA4, 2, 0, b"\xef\x05"), id="SELECT that wants nothing back"),
    ],
)
def test_6cxx_to_any_other_command_is_passed_up_and_not_repeated(asked: CommandApdu, atr: bytes) -> None:
    card = saying("6C08", atr)

    got = completing(card).transmit(asked)

    assert got == answer("6C08")
    assert len(card.commands) == 1


def test_6cxx_to_a_t0_case_4_select_is_passed_up_since_a_repeat_would_be_the_same_bytes() -> None:
    card = saying("6C10", T0_ATR)

    got = completing(card).transmit(command("00A40400023F0000"))

    assert got == answer("6C10")
    assert len(card.commands) == 1


def test_6cxx_to_a_t1_case_4_select_is_repeated_with_its_data() -> None:
    replay = played(T1 + "> 00A40400023F0000\n< 6C02\n> 00A40400023F0002\n< 6F00 9000")

    got = completing(replay).transmit(command("00A40400023F0000"))

    assert got == answer("6F00 9000")


@pytest.mark.parametrize("asked", ["00A40000", "00A4020002EF05"], ids=["case 1", "case 3"])
def test_61xx_to_a_command_that_wants_no_data_is_passed_up_as_the_success_it_is(asked: str) -> None:
    card = saying("6110")

    got = completing(card).transmit(command(asked))

    assert got == answer("6110")
    assert got.sw.is_success
    assert len(card.commands) == 1


def test_a_case_3_command_of_a_t0_text_is_fetched_on_demand() -> None:
    replay = played(T0 + "> 00A40400023F00\n< 6102\n> 00C0000002\n< 6F00 9000")

    got = completing(replay, fetch_unasked=True).transmit(command("00A40400023F00"))

    assert got == answer("6F00 9000")


def test_61xx_without_end_is_a_lost_answer() -> None:
    card = saying("6101")

    with pytest.raises(LinkLost) as caught:
        completing(card).transmit(command("00B2010400"))

    assert caught.value.reason is LinkReason.ENDLESS_ANSWER
    assert len(card.commands) == 1 + MAX_ROUNDS


def test_an_answer_in_as_many_parts_as_allowed_is_whole() -> None:
    parts = iter(["6101"] + ["AA6101"] * (MAX_ROUNDS - 1) + ["AA9000"])
    card = Answering(lambda _: answer(next(parts)))

    got = completing(card).transmit(command("00B2010400"))

    assert got == answer("AA" * MAX_ROUNDS + "9000")


def test_data_without_end_are_a_lost_answer() -> None:
    card = saying("AB" * 1000 + "6100")

    with pytest.raises(LinkLost) as caught:
        completing(card).transmit(command("00B2010400"))

    assert caught.value.reason is LinkReason.ENDLESS_ANSWER


def test_an_answer_that_trickles_in_ends_with_the_deadline_of_one_answer() -> None:
    """Each piece comes in time; all of them together never would."""

    def trickle(_: CommandApdu) -> ResponseApdu:
        time.sleep(0.02)
        return answer("AA6101")

    card = Answering(trickle)
    begun = time.monotonic()

    with pytest.raises(LinkLost) as caught:
        completing(card, deadline_s=0.1).transmit(command("00B2010400"))

    assert caught.value.reason is LinkReason.DEADLINE_PASSED
    assert time.monotonic() - begun < 1
    assert len(card.commands) < 10


@pytest.mark.parametrize("refusal", ["6F00", "6985", "6A86", "6C08", "6283"])
def test_a_debit_whose_answer_cannot_be_fetched_has_not_failed_its_answer_is_lost(refusal: str) -> None:
    parts = iter(["6108", refusal, refusal])
    card = Answering(lambda _: answer(next(parts)))

    with pytest.raises(LinkLost) as caught:
        completing(card).transmit(command(DEBIT))

    assert caught.value.reason is LinkReason.ANSWER_NOT_FETCHED
    assert caught.value.reached_card


@pytest.mark.parametrize("reason", LinkReason)
def test_a_link_that_breaks_while_an_answer_is_fetched_never_looks_like_a_command_not_sent(
    reason: LinkReason,
) -> None:
    def respond(sent: CommandApdu) -> object:
        if sent.ins == 0xC0:
            raise link_error(reason, 0x80100016)
        return answer("6108")

    with pytest.raises(LinkError) as caught:
        completing(Answering(respond)).transmit(command(DEBIT))  # type: ignore[arg-type]

    assert caught.value.reached_card
    assert caught.value.hresult == 0x80100016


def test_a_link_that_breaks_at_the_first_command_is_passed_up_as_it_is() -> None:
    error = CardRemoved()

    with pytest.raises(CardRemoved) as caught:
        completing(breaking(error)).transmit(command(DEBIT))

    assert caught.value is error


def test_more_data_than_t0_can_carry_are_not_sent() -> None:
    card = saying("9000")

    with pytest.raises(NotSent) as caught:
        completing(card).transmit(CommandApdu(0x00, 0xD6, 0, 0, bytes(256)))

    assert caught.value.reason is LinkReason.TOO_LONG
    assert card.commands == []


@pytest.mark.parametrize("atr", [b"", b"\x00\x00"], ids=["no ATR", "nonsense"])
def test_a_card_whose_atr_cannot_be_read_gets_whole_commands(atr: bytes) -> None:
    card = saying("9000", atr)

    completing(card).transmit(command("00A40400023F0000"))

    assert card.commands == [command("00A40400023F0000")]


def test_a_reset_that_shows_another_atr_changes_the_form_of_commands() -> None:
    class Changeling(Answering):
        def reset(self, *, cold: bool = False) -> bytes:
            self.atr = T1_ATR if cold else T0_ATR
            return self.atr

    card = Changeling(lambda _: answer("9000"), T0_ATR)
    connection = completing(card)

    connection.transmit(command("00A40400023F0000"))
    reset(connection, cold=True)
    connection.transmit(command("00A40400023F0000"))

    assert [sent.ne for sent in card.commands] == [0, 256]


def test_what_is_around_the_card_is_passed_on() -> None:
    card = saying("9000")
    connection = completing(card)

    with exclusively(connection):
        connection.close()

    assert connection.atr == T0_ATR
    assert card.closed
