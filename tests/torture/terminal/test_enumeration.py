"""No fault of a sale, and no fault of the recovery behind it, breaks the law; here a fourth of the single ones and a part of the
double.

`make torture` tries them all and prints the figures (docs/torture.md).
"""

import pytest

from tests.torture.terminal.enumeration import Enumeration, Tally
from tests.torture.terminal.opening import SCENARIOS, Scenario

PART = 4
"""Of the sale's faults every fourth."""
EVERY = 23
"""Of the other scenarios every 23rd fault."""


def test_no_fault_of_a_sale_breaks_the_law() -> None:
    assert singles_of(SCENARIOS[0], every=PART) > 1000 / PART


@pytest.mark.parametrize("scenario", SCENARIOS[1:], ids=lambda scenario: scenario.name)
def test_no_fault_of_a_sale_with_another_card_or_pin_breaks_the_law(scenario: Scenario) -> None:
    assert singles_of(scenario, every=EVERY) > 15


def test_no_two_faults_in_one_sale_break_the_law() -> None:
    """From INITIALIZE FOR PURCHASE on; of the first faults every 211th."""
    enumeration = Enumeration(SCENARIOS[0], every=211, offset=5)

    with enumeration.running():
        enumeration.twice_in_one_sale()

    assert faults_without_violation(enumeration.tally) > 5


def test_with_a_wrong_pin_it_never_comes_to_the_money() -> None:
    enumeration = Enumeration(SCENARIOS[-1])

    with enumeration.running():
        enumeration.twice_in_one_sale()

    assert enumeration.tally.single.total() == 0


def singles_of(scenario: Scenario, every: int, offset: int = 0) -> int:
    enumeration = Enumeration(scenario, every=every, offset=offset)
    with enumeration.running():
        enumeration.singles()
    return faults_without_violation(enumeration.tally)


def faults_without_violation(tally: Tally) -> int:
    assert not tally.violations, f"{len(tally.violations)} violations, the first: {tally.violations[0]}"
    return tally.single.total() + tally.double.total()


@pytest.mark.parametrize(
    ("first", "second"), [("never arrives", ("B0", "00B2", "write")), ("answer lost", "")]
)
def test_no_second_fault_breaks_the_law(first: str, second: str | tuple[str, ...]) -> None:
    """DEBIT meets the first one; the terminal begins anew; the recovery meets the second, here also only at DF04."""
    enumeration = Enumeration(SCENARIOS[0], first="B02C", named=first, second=second)

    with enumeration.running():
        starts = enumeration.singles()
        enumeration.behind(next(start for start in starts if start.trail[-1] == "all off"))

    assert faults_without_violation(enumeration.tally) > 100
