"""Faults on command, on a virtual card: each verb, what the script sees of it, and that the card survives it."""

from random import Random

import pytest

from sscard_terminal.lab import virtual
from sscard_terminal.lab.run.events import Problem, Verdict
from sscard_terminal.lab.run.virtual_target import VirtualTarget
from sscard_terminal.lab.script.parse import parse
from tests.lab.run.scripts import CARD, ran, with_targets

PASSED, FAILED, DONE = Verdict.PASSED, Verdict.FAILED, Verdict.DONE


def test_an_ejected_card_is_gone_and_one_put_in_is_reached_by_a_reset() -> None:
    found = ran(
        CARD
        + "eject\n00 84 00 00 08 -> link card-removed\n00 84 00 00 08 -> link closed\n"
        + "insert\nreset cold -> [3B xx*]\n00 84 00 00 08 -> 9000"
    )

    assert found.verdicts == [PASSED, PASSED, PASSED]


def test_a_swapped_card_is_another_persons() -> None:
    found = ran(CARD + "swap li-si\n00 84 00 00 08 -> link card-removed\nreset -> [{atr:*}]\nreset -> [$atr]")
    before = ran(CARD + "reset -> [3B xx*]").steps[0].got

    assert found.result.exit_code == 0
    assert found.steps[2].got != before


def test_a_mute_card_answers_late() -> None:
    found = ran(CARD + "mute for 0.05 s\n00 84 00 00 08 -> 9000")

    assert found.verdicts == [PASSED]
    assert found.steps[-1].elapsed_s > 0.04


def test_a_card_mute_for_longer_than_anybody_waits_is_a_broken_link_and_comes_back() -> None:
    def image() -> bytes:
        return virtual.card_image()

    card = VirtualTarget("card", image, Random(1), lambda name: image(), deadline_s=0.1)
    text = (
        "mute for 0.3 s\n00 84 00 00 08 -> link deadline-passed\nreset\nwait 300 ms\n00 84 00 00 08 -> 9000"
    )

    found = with_targets(parse(text), {"card": card})

    assert found.verdicts == [PASSED, PASSED]


def test_an_answer_cut_off_is_a_broken_link() -> None:
    found = ran(CARD + "cut answer after 1 byte\n00 84 00 00 08 -> link cut-answer")

    assert found.verdicts == [PASSED]


def test_a_reset_by_another_program_is_told_once() -> None:
    found = ran(CARD + "reset-by-other\n00 84 00 00 08 -> link card-reset\nreset\n00 84 00 00 08 -> 9000")

    assert found.verdicts == [PASSED, PASSED]


def test_a_break_where_another_was_expected_is_a_failure() -> None:
    found = ran(CARD + "eject\n00 84 00 00 08 -> link card-reset")

    assert found.verdicts == [FAILED]
    assert found.steps[-1].problems == (Problem.OTHER_LINK,)


def test_an_answer_where_a_break_was_expected_is_a_failure() -> None:
    found = ran(CARD + "00 84 00 00 08 -> link")

    assert found.steps[-1].problems == (Problem.ANSWER,)


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_a_torn_verify_never_gives_a_guess_back(writes: int) -> None:
    found = ran(CARD + f"tear after-write {writes} {{ 00 20 00 00 03 99 99 99 }}\n00 20 00 00 -> 63C2|63C3")

    torn = found.steps[1]
    assert (torn.verdict, torn.link) == (DONE, "empty-answer")
    assert found.result.exit_code == 0
    assert found.steps[2].got == bytes.fromhex("63C3" if writes == 0 else "63C2")


def test_every_write_of_a_command_is_torn_by_a_turn_of_repeat() -> None:
    found = ran(
        CARD
        + "repeat 9 as w {\n  fresh card\n  tear after-write $w { 00 20 00 00 03 12 34 56 }\n"
        + "  00 20 00 00 -> 63C2|63C3\n}"
    )

    assert found.result.exit_code == 0
    assert 0 < found.notes.count("not-torn") < 9


def test_what_follows_in_a_torn_block_is_not_run() -> None:
    found = ran(CARD + "tear after-write 1 {\n 00 20 00 00 03 99 99 99\n 00 84 00 00 08\n}\n00 84 00 00 08")

    assert [step.at.line for step in found.steps if step.sent] == [3, 6]


def test_fresh_gives_the_card_as_it_was_made() -> None:
    found = ran(CARD + "00 20 00 00 03 99 99 99 -> 63C2\nfresh card\n00 20 00 00 -> 63C3")

    assert found.verdicts == [PASSED, PASSED]


def test_power_off_and_on_forgets_the_pin() -> None:
    found = ran(
        CARD
        + "00 20 00 00 03 12 34 56 -> 9000\n00 A4 04 00 06 D1 56 00 00 05 03\nB0 26 00 01 04 -> 9000\n"
        + "power off\n00 84 00 00 08 -> link closed\npower on\n"
        + "00 A4 04 00 06 D1 56 00 00 05 03\nB0 26 00 01 04 -> 6982"
    )

    assert found.result.exit_code == 0


def test_inserting_a_card_that_is_in_is_a_failure_that_says_so() -> None:
    (step,) = ran(CARD + "insert").steps

    assert (step.verdict, step.problems, step.detail) == (FAILED, (Problem.CANNOT,), "card-is-in")
