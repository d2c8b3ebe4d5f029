"""A replay insists on every byte, and says where the conversation went another way."""

import pytest

from sscard_terminal.reader.connection import LinkReason, NotSent, link_error
from sscard_terminal.reader.replay import Replay, ReplayMismatch
from sscard_terminal.reader.transcript import Transcript, TranscriptError
from tests.reader.doubles import answer, command, played

CONVERSATION = "# ATR 3B00\n> 00A40000023F00\n< 9000\n> 0020000003******\n< 63C2\n"


def test_the_recorded_answers_are_played_in_order() -> None:
    replay = played(CONVERSATION)

    first = replay.transmit(command("00A40000023F00"))
    second = replay.transmit(command("0020000003123456"))

    assert (first, second) == (answer("9000"), answer("63C2"))
    assert replay.atr == bytes.fromhex("3B00")
    assert replay.finished


def test_another_command_is_a_mismatch_that_names_the_line_and_both_sides() -> None:
    replay = played(CONVERSATION)

    with pytest.raises(ReplayMismatch) as caught:
        replay.transmit(command("00A40000023F01"))

    assert caught.value.line == 2
    assert str(caught.value) == (
        "line 2: the transcript has > 00A40000023F00, the terminal has > 00A40000023F01"
    )


def test_after_a_mismatch_the_expected_command_is_still_expected() -> None:
    replay = played(CONVERSATION)
    with pytest.raises(ReplayMismatch):
        replay.transmit(command("00A40000"))

    assert replay.transmit(command("00A40000023F00")) == answer("9000")


def test_a_mismatch_shows_no_pin_of_either_side() -> None:
    replay = played("> 0020000003654321\n< 9000")

    with pytest.raises(ReplayMismatch) as caught:
        replay.transmit(command("0020000003123456"))

    assert str(caught.value).count("0020000003******") == 2


def test_a_masked_header_fits_any_command_of_its_length() -> None:
    replay = played("> ********\n< 6D00\n> ********\n< 9000")

    refused = replay.transmit(command("00FF0000"))
    with pytest.raises(ReplayMismatch, match=r"transcript has > \*{8}, the terminal"):
        replay.transmit(command("00A4000000"))

    assert refused == answer("6D00")


def test_a_mask_of_another_length_does_not_fit() -> None:
    replay = played("> 0020000003******\n< 9000")

    with pytest.raises(ReplayMismatch):
        replay.transmit(command("00200000021234"))


def test_a_command_past_the_end_is_a_mismatch() -> None:
    with pytest.raises(ReplayMismatch, match="the transcript has ended") as caught:
        played("").transmit(command("00A40000"))

    assert caught.value.line == 0


def test_what_was_not_played_can_be_asserted() -> None:
    replay = played(CONVERSATION)
    replay.transmit(command("00A40000023F00"))

    with pytest.raises(ReplayMismatch, match=r"line 4: .* the terminal has ended"):
        replay.assert_finished()

    assert not replay.finished


@pytest.mark.parametrize("reason", LinkReason)
def test_a_link_that_broke_when_recorded_breaks_again_the_same_way(reason: LinkReason) -> None:
    replay = played(f"> 00A40000\n# link: {reason}")

    with pytest.raises(type(link_error(reason))) as caught:
        replay.transmit(command("00A40000"))

    assert caught.value.reason is reason
    assert replay.finished


def test_a_masked_answer_cannot_be_played() -> None:
    transcript = Transcript.parse("> 00A40000\n< 9000\n> 00B2080014\n< ****9000")

    with pytest.raises(TranscriptError, match="line 3"):
        Replay(transcript)


def test_after_close_nothing_is_played() -> None:
    replay = played(CONVERSATION)
    replay.close()

    with pytest.raises(NotSent):
        replay.transmit(command("00A40000023F00"))
