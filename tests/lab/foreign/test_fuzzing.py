"""Whatever a text holds, a reader gives a script or an error that names a line (50,000 inputs: fuzzing.py)."""

from tests.lab.foreign.fuzzing import fuzz


def test_no_reader_falls_over_what_is_put_in() -> None:
    assert fuzz(1300, seed=2) > 100
