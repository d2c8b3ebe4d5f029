"""Status words: all 65,536 of them, and the table walked row by row."""

from collections import Counter

import pytest

from sscard_terminal.iso7816 import status
from sscard_terminal.iso7816.status import STATUS_WORDS, StatusMeaning, StatusWord

ALL_WORDS = range(0x10000)
by_name = pytest.mark.parametrize("row", STATUS_WORDS, ids=lambda row: row.name)


def test_success_is_9000_and_61xx_and_nothing_else() -> None:
    successes = [word for word in ALL_WORDS if StatusWord(word).is_success]

    assert successes == [*range(0x6100, 0x6200), 0x9000]


def test_tries_left_are_told_by_63cx_and_6983_and_nothing_else() -> None:
    tries = {word: left for word in ALL_WORDS if (left := StatusWord(word).tries_left) is not None}

    assert tries == {0x63C0 + left: left for left in range(16)} | {0x6983: 0}


def test_more_is_available_after_61xx_and_nothing_else() -> None:
    waiting = {word: count for word in ALL_WORDS if (count := StatusWord(word).more_available) is not None}

    assert waiting == {0x6100: 256} | {0x6100 + count: count for count in range(1, 256)}


def test_the_exact_ne_is_told_by_6cxx_and_nothing_else() -> None:
    exact = {word: ne for word in ALL_WORDS if (ne := StatusWord(word).exact_ne) is not None}

    assert exact == {0x6C00: 256} | {0x6C00 + ne: ne for ne in range(1, 256)}


def test_every_word_is_printed_as_the_standards_print_it_and_taken_apart() -> None:
    odd = [
        word
        for word in ALL_WORDS
        if str(StatusWord(word)) != f"{word:04X}"
        or repr(StatusWord(word)) != f"StatusWord(0x{word:04X})"
        or (StatusWord(word).sw1 << 8 | StatusWord(word).sw2) != word
    ]

    assert odd == []


def test_every_word_has_a_meaning_in_both_languages() -> None:
    meanings = [(StatusWord(word).meaning("zh"), StatusWord(word).meaning("en")) for word in ALL_WORDS]

    assert all(zh and en and "{" not in zh + en for zh, en in meanings)


def test_a_word_outside_the_table_is_kept_and_called_unknown() -> None:
    known = (
        {0x63C0 + x for x in range(16)} | {0x6100 + x for x in range(256)} | {0x6C00 + x for x in range(256)}
    )
    known |= {row.value for row in STATUS_WORDS}

    unknown = [word for word in ALL_WORDS if StatusWord(word).meaning() == "unknown status word"]

    assert unknown == sorted(set(ALL_WORDS) - known)


@pytest.mark.parametrize("number", [-1, 0x10000])
def test_a_number_that_does_not_fit_two_bytes_is_no_status_word(number: int) -> None:
    with pytest.raises(ValueError, match="two bytes"):
        StatusWord(number)


@by_name
def test_a_row_says_all_it_should(row: StatusMeaning) -> None:
    assert row.name.isupper()
    assert row.name.isidentifier()
    assert row.zh
    assert row.en
    assert row.source
    assert row.value & row.mask == row.value
    assert row.mask in (0xFFFF, 0xFFF0, 0xFF00)


@pytest.mark.parametrize("row", [row for row in STATUS_WORDS if row.mask == 0xFFFF], ids=lambda row: row.name)
def test_a_row_of_one_word_has_a_constant_of_its_name(row: StatusMeaning) -> None:
    assert getattr(status, row.name) == row.value


@by_name
def test_a_row_is_found_by_its_word(row: StatusMeaning) -> None:
    word = StatusWord(row.value | 3 & ~row.mask)

    assert word.meaning("zh") == row.zh.format(x=3, xx=3)
    assert word.meaning("en") == row.en.format(x=3, xx=3)


@pytest.mark.parametrize("field", ["name", "value", "zh", "en"])
def test_no_two_rows_say_the_same(field: str) -> None:
    seen = Counter(getattr(row, field) for row in STATUS_WORDS)

    assert [value for value, count in seen.items() if count > 1] == []


def test_the_table_holds_the_list_of_the_card_specification() -> None:
    # Origin: card.md §2.1, "Complete status-word list".
    listed = """9000 6100 63C0 6581 6700 6901 6981 6982 6983 6984 6985 6986 6987 6988 9401 9403
                6A80 6A81 6A82 6A83 6A84 6A85 6A86 6A88 6B00 6C00 6D00 6E00 6F00 9302 9303 9402 9406"""

    assert {f"{row.value:04X}" for row in STATUS_WORDS} == set(listed.split())


@pytest.mark.parametrize(
    ("made", "word"),
    [
        (status.tries_left_word(0), 0x63C0),
        (status.tries_left_word(3), 0x63C3),
        (status.more_available_word(1), 0x6101),
        (status.more_available_word(255), 0x61FF),
        (status.more_available_word(256), 0x6100),
        (status.more_available_word(300), 0x6100),
        (status.exact_ne_word(1), 0x6C01),
        (status.exact_ne_word(256), 0x6C00),
    ],
)
def test_a_family_word_carries_its_number(made: StatusWord, word: int) -> None:
    assert made == word


@pytest.mark.parametrize(
    ("word", "language", "text"),
    [
        (0x63C2, "zh", "校验失败，还可再试 2 次"),
        (0x63C2, "en", "verification failed, 2 tries left"),
        (0x6100, "en", "256 bytes waiting"),
        (0x6C0B, "en", "Le wrong, 11 bytes available"),
        (0x1234, "zh", "未知状态字"),
    ],
)
def test_a_meaning_tells_the_number_in_the_word(word: int, language: status.Language, text: str) -> None:
    assert StatusWord(word).meaning(language) == text
