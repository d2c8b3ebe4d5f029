"""Random lies in whole sales and recoveries: the law holds, and a terminal that breaks it is found out.

`python -m tests.terminal.hostile_fuzz RUNS SEED` plays more of them, with the figures.
"""

from itertools import product

import pytest

from sscard_terminal.terminal.attempt import Attempt
from tests.terminal.hostile import readied
from tests.terminal.hostile_fuzz import PROFILES, SCENARIOS, play

BATCH = 50
ENOUGH = 600


@pytest.mark.parametrize("first", range(0, 12 * BATCH, BATCH))
def test_no_lie_makes_a_sale_end_other_than_the_chip_knows_it(first: int) -> None:
    played = [play(seed) for seed in range(first, first + BATCH)]

    assert len({fable.endings[0] for fable in played}) > 3


def test_a_terminal_that_takes_a_lost_answer_for_a_refusal_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for scenario, profile in product(SCENARIOS, PROFILES):
        readied(scenario, profile)  # by the terminal as it is
    monkeypatch.setattr(Attempt, "_lost", lambda self, sw=None, link=None: self._refused(sw))

    with pytest.raises(AssertionError, match=r"seed \d+:"):
        for seed in range(ENOUGH):
            play(seed)
