"""The enumeration finds every bug that is planted: a hunt that catches nothing when there is something is no hunt."""

import pytest

from tests.torture.enumeration import Enumeration
from tests.torture.planted import PLANTED_BUGS, PlantedBug
from tests.torture.scenarios import SCENARIOS

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


@pytest.mark.parametrize("bug", PLANTED_BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_caught(bug: PlantedBug) -> None:
    scenario = BY_NAME[bug.scenario]
    scenario.start()  # made by a sound card

    with bug.planted():
        tally = Enumeration(scenario, stop_at_first=True).everything(behind=bug.behind)

    assert tally.violations


def test_there_are_more_planted_bugs_than_the_specification_asks_for() -> None:
    assert len({bug.name for bug in PLANTED_BUGS}) >= 12
