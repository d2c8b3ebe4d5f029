"""Every sample of fixtures/scripts, with the odd cases of scripts.md §1 to §7: the bytes it sends, written out here by hand."""

import pytest

from tests.lab.foreign.telling import lines, remarks, sample, script, told

SELECT_SSSE = "00 A4 04 00 0F 73 78 31 2E 73 68 2E C9 E7 BB E1 B1 A3 D5 CF"
SELECT_PURSE = "00 A4 04 00 06 D1 56 00 00 05 03"
ATR = "3B 6D 00 00 00 81 54 31 32 86 60 37 09 00 00 00 02"


def test_scriptor_as_its_users_write_it() -> None:
    found = sample("scriptor/lenient.txt")

    assert told(found) == [
        "reset warm",
        SELECT_SSSE,
        "00 B2 01 2D 40",
        "00 B2 02 2D 40",
        "00 84 00 00 08",
        "reset warm",
        "00 20 00 00",
        "exit",
    ]
    assert lines(found) == [5, 6, 10, 11, 12, 13, 14, 15]


def test_where_scriptor_would_act_on_a_part_of_a_comment_is_remarked() -> None:
    found = sample("scriptor/lenient.txt")

    assert remarks(found) == [(2, 13, "scriptor-exit"), (3, 34, "scriptor-reset")]


def test_scriptor_exactly_as_it_reads_itself() -> None:
    found = sample("scriptor/strict.txt", "scriptor-strict")

    assert told(found) == [
        "reset warm",
        SELECT_PURSE,
        SELECT_PURSE,
        "00 84 00 00 08",
        "B0 26 00 01 04",
        "exit",
    ]
    assert lines(found) == [3, 4, 6, 8, 9, 10]


def test_strictly_exit_in_a_comment_stops_and_reset_behind_an_indented_comment_resets() -> None:
    assert told(script("00840000\n# exit the MF\n00840000\n", "scriptor-strict")) == ["00 84 00 00", "exit"]
    assert told(script(" # reset\n# reset\n", "scriptor-strict")) == ["reset warm"]


def test_lines_may_end_as_windows_ends_them() -> None:
    expected = ["00 84 00 00 08", "reset warm", "00 A4 00 00 02 3F 00"]

    assert told(sample("scriptor/windows.txt")) == expected
    assert told(sample("scriptor/windows.txt", "scriptor-strict")) == expected


def test_apdutool_with_decimal_numbers_comments_and_statements_over_lines() -> None:
    found = sample("apdutool/purse.scr")

    assert told(found) == [
        "reset cold",
        f"{SELECT_PURSE} 7F",
        'echo "balance; in fen"',
        "wait 250 ms",
        "B0 26 00 01 04",
        "00 84 00 00 08",
        "00 84 00 00 00",
        "00 D6 95 00 02 AB CD",
        "00 44 00 00",
        "reset warm",
        "power off",
    ]
    assert lines(found) == [2, 7, 9, 9, 10, 11, 12, 13, 14, 15, 17]


def test_jcardsim_takes_the_last_number_for_le_and_sends_none_for_0() -> None:
    found = sample("jcardsim/hello.scr")

    assert told(found) == [
        f"{SELECT_PURSE} 7F",
        "00 B0 95 00 00",
        "00 44 00 00",
        "00 D6 95 00 02 AB CD 10",
        "00 84 00 00 08",
    ]
    assert remarks(found) == [
        (5, 26, "jcardsim-no-le"),
        (6, 36, "jcardsim-ignores"),
        (8, 2, "jcardsim-joins"),
    ]


def test_jcardsim_would_not_read_a_second_statement_on_a_line() -> None:
    found = script("powerup; 0x00 0x84 0x00 0x00 0x00 0x08;", "jcardsim")

    assert told(found) == ["00 84 00 00 08"]
    assert remarks(found) == [(1, 10, "jcardsim-keeps")]


def test_jcshell_with_variables_texts_and_lengths() -> None:
    found = sample("jcshell/purse.jcsh")

    assert told(found) == [
        "reset cold",
        "reset cold",
        f"{SELECT_PURSE} 00",
        "00 A4 04 00 04 53 53 53 45 00",
        "B0 26 00 01 04",
        "00 A4 04 00 07 D1 56 61 62 02 FE FF",
        'echo "balance read"',
        "wait 200 ms",
        "reset warm",
        "power off",
    ]
    assert remarks(found) == [(2, 1, "jcshell-terminal"), (4, 1, "jcshell-card")]


def test_jcshell_notation_of_its_help() -> None:
    assert told(script('/send "0102|ab|03 04|cd"', "jcshell")) == ["01 02 61 62 03 04 63 64"]
    assert told(script('/send "01#(|ab|#{FE FF})"', "jcshell")) == ["01 05 61 62 02 FE FF"]


def test_opensc_explorer_in_the_commands_of_iso_7816_4() -> None:
    found = sample("opensc-explorer/walk.txt")

    assert told(found) == [
        "complete on",
        SELECT_PURSE,
        "B0 26 00 01 04",
        "B0 26 00 01 04",
        "00 A4 04 00 04 31 50 41 59",
        "00 A4 00 00 02 3F 00",
        "00 A4 00 00 02 DF 01",
        "00 A4 00 00 02 00 15",
        "00 A4 00 00 02 3F 00",  # cd ..
        "00 A4 00 00 02 DF 01",
        "00 A4 00 00 02 EF 05",  # cat EF05
        "00 B0 00 00 00",
        "00 B0 95 00 00",  # cat sfi:21
        "00 A4 00 00 02 EF 05",  # cat EF05 2
        "00 B2 02 04 00",
        "00 B0 00 00 00",
        "00 20 00 01 04 31 32 33 34",
        "00 20 00 02 04 31 32 33 34",
        "00 24 00 02 08 6F 6C 64 30 6E 65 77 30",
        "00 24 01 02 04 6E 65 77 30",
        "00 2C 00 02 0C 00 00 00 00 00 00 66 6F 6F 62 61 72",
        "00 2C 02 02 06 66 6F 6F 62 61 72",
        "00 2C 01 02 06 00 00 00 00 00 00",
        "00 2C 03 02",
        "00 A4 00 00 02 00 15",
        "00 D6 01 00 03 41 42 43",
        "00 A4 00 00 02 EF 05",
        "00 DC 02 04 02 41 42",
        "00 84 00 00 08",
        'echo "done with it"',
        "exit",
    ]
    assert [remark[:1] + remark[2:] for remark in remarks(found)] == [
        (10, "explorer-comment"),
        (10, "explorer-cat"),
        (11, "explorer-cat"),
        (13, "explorer-cat"),
    ]


def test_opensc_tool_as_typed_into_a_shell() -> None:
    found = sample("opensc-tool/session.txt")

    assert told(found) == [
        "complete on",
        "00 A4 00 00 02 3F 00",
        "00 B0 95 00 00",
        "reset warm",
        "00 84 00 00 08",
        "B0 26 00 01 04",
        "00 44 00 00",
    ]
    assert lines(found) == [1, 2, 2, 3, 3, 4, 5]
    assert remarks(found) == [(3, 15, "opensc-driver"), (5, 1, "opensc-driver")]


def test_etsi_masks_and_lists_of_status_words() -> None:
    found = sample("etsi/purse.txt")

    assert told(found) == [
        'echo "the medical account"',
        "reset cold",
        f"{SELECT_PURSE} -> [6F xx x4 5x] 9000|61xx",
        "00 84 00 00 08 -> [xx xx xx xx xx xx xx xx] xxxx",
        "00 44 00 00 -> [] 9000",
        "B0 26 00 01 04",
        "00 20 00 00 03 99 99 99 -> 63Cx|6983",
        "A0 10 00 00 02 FF 03",
        "power off",
    ]


def test_pysim_patterns_of_words_and_expressions_on_data() -> None:
    found = sample("pysim/case.script")

    assert told(found) == [
        "complete on",
        "reset cold",
        "00 44 00 00 -> [] 9000",
        "00 A4 00 00 02 3F 00 -> 6Fxx",
        "00 84 00 00 08 -> [xx xx xx xx xx xx xx xx] xxxx",
        "00 B2 01 2D 40 -> [01 10 xx*] 61xx",
        "00 B2 01 2D 40 -> [01 10 xx xx*] xxxx",
        "00 B2 01 2D 40 -> [0A xx] 6A8x",
        'echo "done here"',
        "exit",
    ]
    assert remarks(found) == [(10, 29, "pysim-case"), (10, 61, "pysim-case")]


def test_apdu4j_expects_what_was_recorded() -> None:
    found = sample("apdu4j/session.dump")

    assert told(found) == [
        f"reset cold -> [{ATR}]",
        f"{SELECT_PURSE} -> [] 610A",
        "00 C0 00 00 0A -> [6F 08 84 06 D1 56 00 00 05 03] 9000",
        "00 84 00 00 08",
    ]
    assert remarks(found) == [(9, 1, "no-answer")]


def test_seader_gives_the_expected_word_on_the_second_line() -> None:
    assert told(sample("seader/sam.apdu")) == [
        f"{SELECT_PURSE} -> 9000",
        "00 84 00 00 08 -> [01 02 03 04 05 06 07 08] 9000",
        "00 B0 95 00 02 -> 6A82",
    ]


def test_a_pasted_jcshell_conversation_becomes_a_script_that_expects_the_same() -> None:
    found = sample("jcshell-transcript/issue.txt")

    assert told(found) == [
        f"reset cold -> [{ATR}]",
        f"{SELECT_PURSE} 00 -> [6F 0A 84 08 D1 56 00 00 05 03 AA BB] 9000",
        "00 D6 95 00 14 31 32 33 34 35 36 37 38 39 30 31 32 33 34 35 36 37 38 39 30 -> [] 6982",
        "reset cold",
        "00 20 00 00 03 12 34 56 -> [] 63C2",
        "00 84 00 00 08",
    ]


def test_a_pasted_scriptor_conversation_becomes_a_script_that_expects_the_same() -> None:
    found = sample("scriptor-transcript/issue.txt")

    assert told(found) == [
        f"reset cold -> [{ATR}]",
        f"{SELECT_PURSE} -> [] 610A",
        "00 B2 01 2D 40 -> [01 10 37 09 00 D1 56 00 00 05 00 00 00 02 DE 67 8D 75] 9000",
        "00 20 00 00 03 12 34 56 -> [] 63C2",
        "00 B0 95 00 10",
    ]


@pytest.mark.parametrize(
    ("pattern", "mask"),
    [
        ("6f", "[6F xx*]"),
        ("^6", "[6x xx*]"),
        ("^6.*", "[6x xx*]"),
        ("6f..$", "[6F xx]"),
        (".*", "[xx*]"),
        ("^[0-9a-fA-F]+$", "[xx xx*]"),
        ("^[0-9a-f]{4}9000$", "[xx xx 90 00]"),
        ("^$", "[]"),
    ],
)
def test_an_expression_of_pysim_becomes_a_mask(pattern: str, mask: str) -> None:
    found = script(f"apdu 00840000 --expect-response-regex '{pattern}'", "pysim")

    assert told(found)[1:] == [f"00 84 00 00 -> {mask} xxxx"]
