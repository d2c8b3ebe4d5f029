"""The first difference of two recordings: where it is, in words, to the nibble; and golden traces of the main flows."""

from __future__ import annotations

from pathlib import Path

import pytest

from sscard_terminal.lab.traces import recording
from sscard_terminal.lab.traces.compare import Difference, Where, first_difference
from sscard_terminal.lab.traces.formats import transcript
from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.reader.replay import Replay
from sscard_terminal.reader.transcript import Transcript
from tests.lab.traces.flows import FLOWS, GOLDEN, recorded

BALANCE = "> B026000104\n< 0007A1209000\n"


def difference(first: str, second: str) -> Difference | None:
    return first_difference(transcript.read(first.splitlines()), transcript.read(second.splitlines()), "en")


def test_equal_recordings_have_no_difference_whatever_their_remarks_and_readers() -> None:
    assert (
        difference(f"# morning\n# [card]\n{BALANCE}", f"# [Virtual PCD 00 00]\n# evening\n{BALANCE}") is None
    )


def test_another_balance_is_told_in_words_with_the_nibbles_that_differ() -> None:
    found = difference(
        "> 00840000 08\n< 0000000000000000 9000\n" + BALANCE,
        "> 0084000008\n< 0000000000000000 9000\n> B026000104\n< 0007A1309000\n",
    )

    assert found is not None
    assert (found.number, found.where) == (2, Where.DATA)
    assert found.first.says == "9000 done: balance 5000.00 yuan"
    assert found.second.says == "9000 done: balance 5000.16 yuan"
    assert found.first.octets == "0007A1209000"
    assert found.marks == "      ^"
    assert (found.first.line, found.second.line) == (3, 3)
    assert found.command.says == "GET BALANCE of the account"


@pytest.mark.parametrize(
    ("first", "second", "where", "marks"),
    [
        ("> 0020000000\n< 63C3\n", "> 0020000000\n< 63C1\n", Where.STATUS, "   ^"),
        (BALANCE, "> B026000204\n< 0007A1209000\n", Where.COMMAND, "       ^"),
        (BALANCE, "> B0260001\n< 0007A1209000\n", Where.COMMAND, "        ^^"),
        (BALANCE, "> B026000104\n# link: card-removed\n", Where.LINK, ""),
        (BALANCE, BALANCE + BALANCE, Where.ENDED, ""),
        (BALANCE + BALANCE, BALANCE, Where.ENDED, ""),
        (BALANCE, "# ATR 3B00\n", Where.KIND, ""),
        ("# ATR 3B00\n", "# ATR 3B01\n", Where.ATR, "   ^"),
    ],
)
def test_where_two_recordings_part(first: str, second: str, where: Where, marks: str) -> None:
    found = difference(first, second)

    assert found is not None
    assert (found.where, found.marks) == (where, marks)


def test_a_masked_byte_fits_any_of_its_place_but_no_other_length() -> None:
    open_pin, masked = "> 0020000003123456\n< 9000\n", "> 0020000003******\n< 9000\n"

    assert difference(open_pin, masked) is None
    assert difference("> 002000000212 34\n< 9000\n", masked) is not None


def test_two_pins_that_differ_are_not_shown() -> None:
    found = difference("> 0020000003123456\n< 9000\n", "> 0020000003123457\n< 9000\n")

    assert found is not None
    assert found.marks == "               ^"
    assert found.first.octets == found.second.octets == "0020000003******"


def test_by_headers_and_status_words_alone_two_sessions_with_other_random_numbers_are_the_same() -> None:
    first = "> 0084000008\n< 0102030405060708 9000\n> 00B201440E\n< 6982\n"
    second = "> 0084000008\n< 1112131415161718 9000\n> 00B201441C\n< 6A83\n"

    found = first_difference(
        transcript.read(first.splitlines()), transcript.read(second.splitlines()), "en", headers_only=True
    )

    assert found is not None
    assert (found.number, found.where, found.marks) == (2, Where.STATUS, " ^ ^")
    assert (found.first.octets, found.second.octets) == ("6982", "6A83")


@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_says_to_card_and_psam_what_its_golden_trace_says(name: str, tmp_path: Path) -> None:
    with recording.opened(GOLDEN / f"{name}.apdu") as golden:
        found = first_difference(golden, recorded(name, tmp_path), "en")

    assert found is None, f"line {found.first.line}: {found.first} became {found.second}"


def test_the_golden_sale_holds_the_bytes_of_the_specification_and_replays() -> None:
    text = (GOLDEN / "debit.apdu").read_text("utf-8")

    played = Replay(Transcript.parse(text))

    assert "> 00A404000F7378312E73682EC9E7BBE1B1A3D5CF" in text
    assert "> B02801011301000004D2000007D000001F40370900000001" in text
    assert "> 0020000003******" in text
    assert not played.finished


def test_the_golden_recovery_lost_its_answer_to_debit_and_asks_for_the_proof() -> None:
    with recording.opened(GOLDEN / "recover.apdu") as found:
        exchanges = [one for one in found if hasattr(one, "command")]

    debit = next(one for one in exchanges if str(one.command).startswith("B02C"))
    after = exchanges[exchanges.index(debit) + 1 :]
    assert debit.link is LinkReason.CARD_REMOVED
    assert any(str(one.command).startswith("B02E0032") for one in after)
    assert not any(str(one.command).startswith("B02C") for one in after)
