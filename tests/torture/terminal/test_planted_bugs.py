"""The enumeration finds every bug that is planted into the terminal."""

import pytest

from tests.torture.terminal.hunting import hunt
from tests.torture.terminal.planted import PLANTED_BUGS, PlantedBug


@pytest.mark.parametrize("bug", PLANTED_BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_caught(bug: PlantedBug) -> None:
    assert hunt(bug).violations


def test_there_are_more_planted_bugs_than_the_specification_asks_for() -> None:
    assert len({bug.name for bug in PLANTED_BUGS}) >= 12
