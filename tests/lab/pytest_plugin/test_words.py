"""Why an assertion failed, in words and in both languages."""

import pytest

from sscard_terminal.iso7816.apdu import ResponseApdu
from sscard_terminal.iso7816.status import StatusWord
from sscard_terminal.lab.pytest_plugin.words import difference, difference_of_transcripts
from sscard_terminal.reader.transcript import Transcript


def answer(text: str) -> ResponseApdu:
    return ResponseApdu.parse(bytes.fromhex(text))


def test_a_status_word_is_told_with_its_meaning_on_either_side() -> None:
    said = ["the card answered 63C2 (verification failed, 2 tries left); expected 9000 (done)"]

    assert difference("==", StatusWord(0x63C2), 0x9000, "en") == said
    assert difference("==", 0x9000, StatusWord(0x63C2), "en") == said
    assert difference("==", StatusWord(0x6983), 0x9000, "zh") == [
        "卡应答 6983 (认证方法锁定)，预期 9000 (成功)"
    ]


def test_a_choice_of_status_words_is_told_whole() -> None:
    assert difference("in", StatusWord(0x6982), (0x9000, 0x6A83), "en") == [
        "the card answered 6982 (security status not satisfied); expected 9000 (done), 6A83 (record not found)"
    ]
    assert difference("!=", StatusWord(0x9000), 0x9000, "en") == [
        "the card answered 9000 (done), which it must not here"
    ]


def test_differing_data_are_marked_nibble_by_nibble() -> None:
    assert difference("==", answer("0011223344 9000"), answer("0011323344 9000"), "en") == [
        "the card answered 9000 (done), with other data than expected",
        "5 bytes; expected 5",
        "0000  00 11 22 33 44",
        "            ^",
        "expected: 0000  00 11 32 33 44",
    ]


def test_a_longer_answer_is_told_by_its_lengths() -> None:
    lines = difference("==", answer("00" * 17 + "6A83"), answer("00" * 16 + "9000"), "en")

    assert lines is not None
    assert lines[:2] == [
        "the card answered 6A83 (record not found); expected 9000 (done)",
        "17 bytes; expected 16",
    ]
    assert lines[2] == "0010  00"


def test_what_is_no_business_of_ours_is_left_to_pytest() -> None:
    assert difference("==", 1, 2, "en") is None
    assert difference("<", StatusWord(1), 2, "en") is None
    assert difference("in", StatusWord(1), 5, "en") is None


COMMON = "# ATR 3B00\n> 00A4040006D15600000503\n< 610A\n"


@pytest.mark.parametrize(
    ("said", "expected", "words"),
    [
        (
            "> B026000104\n< 6982\n",
            "> B026000104\n< 000027109000\n",
            [
                "exchange 2: the card answered something else:",
                "> B026000104  # GET BALANCE of the account",
                "< 6982  # 6982 security status not satisfied",
                "expected: < 000027109000",
            ],
        ),
        (
            "> B026000104\n< 6982\n",
            "> B026000206\n< 6982\n",
            ["exchange 2: another command was sent:", "> B026000104  # GET BALANCE of the account"],
        ),
        ("", "> B026000104\n< 6982\n", ["the conversation ended before exchange 2:"]),
        ("> 00C000000A\n< 6F00\n", "", ["exchange 2 is one too many:"]),
        (
            "> B026000104\n# link: card-removed\n",
            "> B026000104\n< 6982\n",
            ["exchange 2: the card answered something else:"],
        ),
    ],
    ids=["answer", "command", "short", "long", "link"],
)
def test_of_two_conversations_the_first_difference_is_told(
    said: str, expected: str, words: list[str]
) -> None:
    lines = difference_of_transcripts(
        Transcript.parse(COMMON + said), Transcript.parse(COMMON + expected), "en"
    )

    assert lines[: len(words)] == words


def test_a_masked_byte_fits_any_and_equal_conversations_have_no_difference() -> None:
    masked = Transcript.parse("> 0020000003******\n< 63C2\n")
    plain = Transcript.parse("> 0020000003999999\n< 63C2\n")

    assert difference_of_transcripts(plain, masked, "en") == []
