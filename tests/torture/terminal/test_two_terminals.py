"""The other terminal's purchase with the same counter is never taken for ours, whoever is interrupted and comes back first."""

from tests.torture.terminal.opening import SCENARIOS
from tests.torture.terminal.two_terminals import TwoTerminals


def test_two_terminals_interrupted_at_debit_settle_each_its_own_sale() -> None:
    both = TwoTerminals(SCENARIOS[0], first="B02C")

    both.everything()

    assert not both.tally.violations, str(both.tally.violations[0])
    assert both.tally.pairs > 100
