"""Scripts run: exactly the bytes, honest verdicts, captures, functions, several cards, sections, what ends a run."""

import pytest

from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.lab.run.events import ExitCode, Problem, Verdict
from sscard_terminal.lab.script.syntax import ScriptError
from tests.lab.run.scripts import CARD, SSSE, Desk, over, ran
from tests.lab.script.test_parse import SPECIFICATION

PASSED, FAILED, DONE, BROKEN = Verdict.PASSED, Verdict.FAILED, Verdict.DONE, Verdict.BROKEN
PURCHASE = (
    CARD
    + "use psam national as psam\n"
    + """\
complete on
set ACCOUNT = 00 00 04 D2
set SELF = 00 00 07 D0
set POOLED = 00 00 1F 40
set TERMINAL = 37 09 00 00 00 01
let TIME = time("2026-01-05 10:15:30")
00 20 00 00 03 12 34 56               -> 9000
00 A4 04 00 06 D1 56 00 00 05 03      -> [6F xx*] 9000
B0 28 01 01 13 01 $ACCOUNT $SELF $POOLED $TERMINAL
    -> [{cia:4} {spip:4} {spfp:4} {year:2} {n:2} {kv:1} {alg:1} {rnd:4}] 9000
let mac1 = psam.mac1($rnd, $n, $ACCOUNT, $SELF, $POOLED, $TIME)
B0 2C 01 00 0F $mac1.sequence $TIME $mac1.value    -> [{tac:4} {mac2:4}] 9000
psam: 80 72 00 00 04 $mac2                         -> 9000
let dtk = card_key("DTK", $card.atr)
let own = tac($dtk, $ACCOUNT, $SELF, $POOLED, $TERMINAL, $mac1.sequence, $TIME)
B0 2E 00 32 02 $n                                  -> [$mac2 $own] 9000
B0 26 00 01 04                                     -> [00 00 22 3E] 9000
"""
)


# Bytes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "octets",
    [
        "00",
        "00A4",
        "00A40000023F",
        "00A40000000002" + "3F00",
        "00B095000000FF",
        "0020000003123456AABBCC",
        "FF" * 300,
    ],
)
def test_exactly_the_bytes_written_are_sent_also_where_they_are_no_command(octets: str) -> None:
    desk = Desk()

    over(octets, desk)

    assert desk.sent == [octets]


def test_nothing_is_fetched_or_repeated_unless_the_script_says_complete_on() -> None:
    plain, complete = Desk("6C04", "6118"), Desk("6C04", "112233449000", "6102", "AABB9000")

    over("B0 26 00 01 00 -> 6C04\n00 A4 00 00 02 3F 00 -> [] 6118", plain)
    found = over(
        "complete on\nB0 26 00 01 00 -> [11 22 33 44] 9000\n00 A4 00 00 02 3F 00 -> [AA BB] 9000", complete
    )

    assert plain.sent == ["B026000100", "00A40000023F00"]
    assert complete.sent == ["B026000100", "B026000104", "00A40000023F00", "00C0000002"]
    assert found.result.exit_code is ExitCode.PASSED


def test_complete_on_never_repeats_a_debit() -> None:
    desk = Desk("6C08")

    found = over("complete on\nB0 2C 01 00 0F 00 00 00 01 20 26 01 05 10 15 30 40 9C AC 6A 04 -> 9000", desk)

    assert len(desk.sent) == 1
    assert found.verdicts == [FAILED]


# Verdicts ---------------------------------------------------------------------------------------------------


def test_the_example_of_the_specification_passes_on_a_virtual_card() -> None:
    start, end = SPECIFICATION.index("fresh card"), SPECIFICATION.index("tear after-write")
    values = SPECIFICATION[:start] + "fresh card\n"
    purchase = PURCHASE[PURCHASE.index("set ACCOUNT") :]
    assert (
        "B0 28 01 01 13 01 $ACCOUNT" in SPECIFICATION[start:end] and "B0 28 01 01 13 01 $ACCOUNT" in purchase
    )

    found = ran(values + purchase)

    assert found.result.exit_code is ExitCode.PASSED
    assert [section.outcome for section in found.result.sections] == [PASSED, PASSED]


def test_a_purchase_is_computed_by_card_psam_and_the_functions_alike() -> None:
    found = ran(PURCHASE)

    assert found.result.exit_code is ExitCode.PASSED
    assert set(found.verdicts) == {PASSED}


def test_what_was_expected_got_and_differs_is_told() -> None:
    found = over("00 84 00 00 02 -> [A0 x1 xx] 9000|61xx", Desk("A1129400"))
    (step,) = found.steps

    assert step.verdict is FAILED
    assert step.problems == (Problem.DATA, Problem.SHORT, Problem.WORD)
    assert step.differing == (1, 3, 4, 5, 6, 7)
    assert step.expected == "[A0 x1 xx] 9000|61xx"
    assert step.sent == bytes.fromhex("0084000002") and step.got == bytes.fromhex("A1129400")


def test_only_the_wrong_digits_of_a_single_status_word_differ() -> None:
    (step,) = over("00 20 00 00 -> 63C2", Desk("63C1")).steps

    assert step.differing == (3,)


def test_a_command_without_an_expectation_is_done_whatever_comes() -> None:
    found = over("00 84 00 00 02", Desk("6D00"))

    assert found.verdicts == [DONE]
    assert found.result.exit_code is ExitCode.PASSED


def test_a_capture_is_used_and_its_value_is_shown_where_it_did_not_fit() -> None:
    found = over("00 84 00 00 02 -> [{a:2}] 9000\n00 B0 $a 02 -> [$a] 9000", Desk("11229000", "11239000"))

    assert found.steps[1].sent == bytes.fromhex("00B0112202")
    assert found.steps[1].expected == "[11 22] 9000"
    assert found.steps[1].differing == (3,)


def test_a_variable_whose_capture_failed_fails_the_steps_that_need_it_and_sends_nothing() -> None:
    desk = Desk("6A82")

    found = over("00 84 00 00 02 -> [{a:2}] 9000\n00 B0 $a 02 -> 9000\nset B = $a\n00 84", desk)

    assert [step.problems for step in found.steps[1:3]] == [(Problem.UNSET,), (Problem.UNSET,)]
    assert desk.sent == ["0084000002", "0084"]


def test_a_turn_of_repeat_is_a_byte_from_one() -> None:
    desk = Desk()

    over("repeat 3 as n { 00 B2 $n 04 00 -> 9000 }", desk)

    assert desk.sent == ["00B2010400", "00B2020400", "00B2030400"]


def test_a_blocks_commands_go_to_its_card_and_a_named_one_to_its_own() -> None:
    card, other = Desk(), Desk()

    over("on other { 00 01 00 00 ; card: 00 02 00 00 }\n00 03 00 00", card, other)

    assert (card.sent, other.sent) == (["00020000", "00030000"], ["00010000"])


def test_a_reset_is_warm_or_cold_and_its_answer_can_be_expected() -> None:
    desk = Desk()

    found = over("reset\nreset cold -> [3B xx*]\nreset -> [3B 01]", desk)

    assert desk.sent == ["warm", "cold", "warm"]
    assert [step.verdict for step in found.steps] == [DONE, PASSED, FAILED]
    assert found.steps[2].differing == (3,)


def test_the_same_seed_gives_the_same_challenges() -> None:
    text = CARD + "00 84 00 00 08 -> 9000\n"

    assert ran(text).steps[0].got == ran(text).steps[0].got


def test_the_pin_of_a_virtual_card_need_not_stand_in_the_text() -> None:
    found = ran(CARD + "00 20 00 00 03 $card.pin -> 9000")

    assert found.verdicts == [PASSED]
    assert found.steps[0].is_secret


def test_a_pin_is_asked_for_once_the_run_comes_to_it() -> None:
    asked: list[str] = []

    def ask(at: object, name: str) -> Pin:
        asked.append(f"{at} {name}")
        return Pin("123456")

    found = ran(CARD + "ask pin P\n00 20 00 00 03 $P -> 9000", ask_pin=ask)

    assert asked == ["f:2:1 P"]
    assert found.verdicts == [PASSED] and found.steps[0].is_secret


def test_no_event_shows_a_pin_in_its_repr() -> None:
    found = ran(CARD + "00 20 00 00 03 97 53 11 -> 63C2")

    assert "975311" not in repr(found.events) and "97 53 11" not in repr(found.events)
    assert "\\x97S\\x11" not in repr(found.events)


# Sections, and what ends a run ----------------------------------------------------------------------------------

SECTIONS = (
    CARD
    + 'section "PIN one"\n00 84 00 00 08 -> 9000\nsection "money" requirement "card.md 4"\n00 84 00 00 08 -> 6D00\n'
    'section "PIN two" only gen3\n00 84 00 00 08 -> 9000\n'
)


def test_a_section_bears_its_requirement_its_outcome_and_its_counts() -> None:
    found = ran(SECTIONS)

    assert [(section.title, section.requirement, section.outcome) for section in found.result.sections] == [
        ("PIN one", "", PASSED),
        ("money", "card.md 4", FAILED),
        ("PIN two", "", Verdict.NOT_APPLICABLE),
    ]
    assert found.result.count(PASSED) == 1 and found.result.count(FAILED) == 1
    assert found.result.exit_code is ExitCode.FAILED


def test_only_chosen_sections_are_run_and_the_lines_before_the_first() -> None:
    found = ran(SECTIONS.replace("section", "set A = 01\nsection", 1), only=("pin",))

    assert [section.title for section in found.result.sections] == ["PIN one", "PIN two"]


def test_stop_on_first_ends_the_run_at_the_first_failure() -> None:
    desk = Desk("6D00")

    found = over("00 84 -> 9000\n00 85 -> 9000", desk, stop_on_first=True)

    assert desk.sent == ["0084"]
    assert found.result.exit_code is ExitCode.FAILED


def test_exit_ends_a_run_without_a_failure() -> None:
    desk = Desk()

    found = over("00 84 -> 9000\nexit\n00 85 -> 9000", desk)

    assert desk.sent == ["0084"]
    assert found.result.exit_code is ExitCode.PASSED and found.notes == ["exit"]


def test_a_link_that_breaks_unexpectedly_ends_the_run_with_trouble() -> None:
    found = ran(CARD + 'section "a"\neject\n00 84 00 00 08 -> 9000\nsection "b"\n00 84 00 00 08')

    assert [section.outcome for section in found.result.sections] == [BROKEN]
    assert found.result.exit_code is ExitCode.TROUBLE
    assert found.steps[-1].link == "card-removed"


# What is wrong with a script as a whole -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "place", "sentence"),
    [
        (CARD + "00 84 $rnd", "f:2:7", "$rnd is used before anything sets it"),
        (CARD + "00 84 -> [$rnd] 9000\n00 84 -> [{rnd:8}] 9000", "f:2:11", "$rnd is used before"),
        (CARD + "let x = mac($k, 00)", "f:2:13", "$k is used before"),
        (CARD + "00 84 $card.name", "f:2:7", "can be asked for .pin, .atr, .algorithm"),
        (CARD + "psam: 00 84", "f:2:1", "there is no card called psam; there are card"),
        (CARD + "fresh psam", "f:2:1", "there is no card called psam"),
        ("00 84 00 00 08", "f:1:1", "no card is named"),
        (CARD + CARD, "f:2:1", "there is a card called card already"),
        (CARD + "let x = crc(00)", "f:2:1", "there is no function crc; there are add"),
        (CARD + "let x = bcd()", "f:2:1", "bcd takes digits, length; here are 0"),
        (CARD + "repeat 1000 { repeat 1001 { 00 84 } }", "f:2:15", "more than 1000000 turns"),
        (CARD + "repeat 2 { use psam }", "f:2:12", "cannot be named inside a block"),
        ("use card gen9 as card", "f:1:1", "there is no card 'gen9'; there are gen1-16k, gen2-32k, gen3"),
        ("use card gen3 person nobody as card", "f:1:1", "No such file"),
        ("use card gen3 balance x as card", "f:1:1", "an amount is yuan"),
        ("use psam village as psam", "f:1:1", "there is no PSAM 'psam-village'"),
        ('use image "none.img" as card', "f:1:1", "No such file"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_before_anything_is_sent(text: str, place: str, sentence: str) -> None:
    with pytest.raises(ScriptError) as caught:
        ran(text)

    assert str(caught.value).startswith(f"{place}: ")
    assert sentence in str(caught.value)


def test_only_a_virtual_card_is_torn_or_made_anew() -> None:
    for line in ("eject", "fresh card", "tear after-write 1 { 00 84 }", "repeat 2 { mute for 1 s }"):
        with pytest.raises(ScriptError, match="only a virtual card can do this"):
            over(line, Desk())


def test_sections_only_a_virtual_card_can_do_may_be_passed_over() -> None:
    found = over('section "a"\neject\nsection "b"\n00 84 -> 9000', Desk(), skip_impossible=True)

    assert [section.outcome for section in found.result.sections] == [Verdict.NOT_APPLICABLE, PASSED]


def test_a_script_that_asks_needs_somebody_to_answer() -> None:
    with pytest.raises(ScriptError, match="nobody is there to type a PIN"):
        ran(CARD + "ask pin P")


def test_variables_can_be_handed_in() -> None:
    desk = Desk()

    over("00 84 $MORE", desk, variables={"MORE": b"\x08"})

    assert desk.sent == ["008408"]


def test_a_function_that_refuses_is_a_failed_step_and_its_name_holds_nothing() -> None:
    found = ran(CARD + 'let x = bcd("12x")\n00 84 $x -> 9000')

    assert [step.problems for step in found.steps] == [(Problem.ARGUMENT,), (Problem.UNSET,)]
    assert found.steps[0].detail == "a cn field has digits only"


def test_the_first_command_of_a_select_by_name_answers_as_the_card_alone_would() -> None:
    (step,) = ran(CARD + f"{SSSE} -> [] 6118").steps

    assert step.got == bytes.fromhex("6118")
