"""Whatever a text holds, reading it gives a script or an error that names a line (50,000 inputs: fuzzing.py)."""

from tests.lab.script.fuzzing import fuzz


def test_the_reader_survives_whatever_is_put_in() -> None:
    assert fuzz(400, seed=2) > 20
