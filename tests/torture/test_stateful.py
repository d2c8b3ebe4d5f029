"""Any order of loads, purchases, PIN games, resets and power cuts keeps the law; always the same runs here."""

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.torture.stateful import CardAndPsam

SHORT = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def test_any_order_of_commands_and_power_cuts_keeps_the_law() -> None:
    run_state_machine_as_test(CardAndPsam, settings=SHORT)
