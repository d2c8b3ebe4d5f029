"""What the driver's tests are given."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.driver.doubles import GENERATIONS, Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A place with a second-generation card and the national PSAM."""
    bench = Bench.at(tmp_path)
    with bench.journal:
        yield bench


@pytest.fixture(params=GENERATIONS)
def any_bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """The same with a card of each generation."""
    bench = Bench.at(tmp_path, request.param)
    with bench.journal:
        yield bench
