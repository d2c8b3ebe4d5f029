"""A virtual card of a script at the pace of a contact card."""

from random import Random

from sscard_terminal.card.slow import Line
from sscard_terminal.lab import virtual
from sscard_terminal.lab.run.runner import run
from sscard_terminal.lab.run.virtual_target import VirtualTarget
from sscard_terminal.lab.script.parse import parse


def test_a_script_s_card_takes_the_time_of_its_bytes() -> None:
    target = VirtualTarget("card", virtual.card_image, Random(1), lambda name: b"")
    target.line = Line(9600)

    result = run(parse("00 84 00 00 10 -> [{c:16}] 9000\n", "-"), {"card": target})

    (step,) = result.sections[0].steps
    assert step.verdict == "passed"
    assert step.elapsed_s >= 0.033  # 24 bytes of 1.25 ms and 3 ms of its own
