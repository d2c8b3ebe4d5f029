"""What a recording tells of secrets: nothing, unless it is said that all may be seen, and then still no PIN."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable

import pytest

from sscard_terminal.iso7816.status import Language
from sscard_terminal.lab.traces.entries import Entry, Exchange, Shown
from sscard_terminal.lab.traces.formats import jsonl, pcapng, transcript
from sscard_terminal.lab.traces.words import told

PIN_COMMANDS = ["0020000003123456", "805E010007123456FF654321", "002C00020812345611111111"]
SESSION = """\
# ATR 3B6D000000815431328660370900000002
> 00A404000F7378312E73682EC9E7BBE1B1A3D5CF
< 9000
> 0084000008
< 0102030405060708 9000
> 008200040811223344556677
< 6984
> 00B2090020
< 091ED5C5C8FD0000000000000000000000000000000000000000000000000000 9000
"""


def lines(text: str, language: Language = "en", *, reveals: bool = False) -> str:
    return "".join(transcript.write(told(transcript.read(text.splitlines()), language, reveals=reveals)))


@pytest.mark.parametrize("command", PIN_COMMANDS)
@pytest.mark.parametrize("reveals", [False, True])
def test_no_pin_is_told_whatever_may_be_revealed(command: str, reveals: bool) -> None:
    text = lines(f"> {command}\n< 9000\n", reveals=reveals)

    assert "123456" not in text
    assert "654321" not in text and "11111111" not in text


def test_challenges_names_and_authentication_data_are_withheld() -> None:
    text = lines(SESSION)

    assert "0102030405060708" not in text
    assert "11223344556677" not in text
    assert "D5C5C8FD" not in text
    assert "张*" in text


def test_revealed_they_are_shown() -> None:
    text = lines(SESSION, reveals=True)

    assert "0102030405060708" in text
    assert "张三" in text


def test_every_line_is_told_in_chinese_too() -> None:
    text = lines("> B026000104\n< 0007A1209000\n", "zh")

    assert text.splitlines()[0].endswith("# 读余额 GET BALANCE：个人账户")
    assert text.splitlines()[1].endswith("# 9000 成功：余额 5000.00 元")


def test_a_masked_amount_is_not_told_as_nothing() -> None:
    text = lines("> B026000104\n< ********9000\n")

    assert text.splitlines()[1] == f"{'< ********9000':<46} # 9000 done: 4 bytes withheld"


def test_the_psam_and_the_card_are_two_conversations() -> None:
    text = lines(
        "# [card]\n> 00A4040006D15600000503\n< 9000\n# [PSAM]\n> 00A40000023F00\n< 9000\n# [card]\n> 00B201441C\n< 6982\n"
    )

    assert "EF08 transaction log" in text


def test_what_is_shown_as_a_transcript_reads_as_the_same_entries() -> None:
    first = lines(SESSION)

    assert [line[:46] for line in lines(first).splitlines()] == [line[:46] for line in first.splitlines()]


def test_json_lines_hold_bytes_words_and_what_broke_the_link() -> None:
    text = "# [card]\n> 0020000003123456\n< 63C2\n> B02C01000F0000000120260105101531A1820680\n# link: card-removed\n"

    first, second = _objects(transcript.read(text.splitlines()))

    assert first["command"] == "0020000003******"
    assert (first["says"], first["answer"], first["sw"]) == ("VERIFY: PIN ***", "63C2", "63C2")
    assert first["answer_says"] == "63C2 verification failed, 2 tries left"
    assert second["link"] == "card-removed"
    assert "answer" not in second
    assert second["card"] == "card"


def test_json_lines_read_back_are_the_entries_that_were_written() -> None:
    entries = [
        Exchange(Shown(b"\x00\x84\x00\x00\x08"), Shown(b"\x69\x85"), None, "a b", 12, 1),
        Exchange(Shown(b"\x00\x84\x00\x00\x08"), None, None, "", None, 1),
    ]
    written = list(jsonl.write(told(entries, "en")))

    again = list(jsonl.read(written))

    assert [str(one.answer) for one in again if isinstance(one, Exchange)] == ["6985", "None"]
    assert (again[0].card, again[0].time_us) == ("a b", 12)  # type: ignore[union-attr]  # an exchange has both


def _objects(entries: Iterable[Entry]) -> list[dict[str, str]]:
    return [json.loads(line) for line in jsonl.write(told(entries, "en"))]


@pytest.mark.parametrize("reveals", [False, True])
def test_whatever_bytes_passed_there_are_words_and_a_form_for_them(reveals: bool) -> None:
    dice = random.Random(reveals)
    headers = [
        b"",
        b"\x00",
        b"\x00\x20\x00\x00",
        b"\x00\xb2\x01\x2c",
        b"\xb0\x2c\x01\x00",
        b"\x80\x70\x01\x00",
    ]
    entries = [
        Exchange(
            Shown(dice.choice(headers) + dice.randbytes(dice.randrange(30))),
            Shown(dice.randbytes(dice.randrange(40))) if dice.random() < 0.9 else None,
            card=dice.choice(("", "card", "PSAM")),
        )
        for _ in range(1000)
    ]

    for write in (transcript.write, jsonl.write, pcapng.write):
        assert sum(1 for _ in write(told(entries, "zh", reveals=reveals))) >= 1000
