"""A medium that refuses: from then on the chip says 6581 to everything, and the next chip shows old or new, no mix."""

import pytest

from tests.torture.counterpart import Counterpart, chip_on
from tests.torture.enumeration import Enumeration
from tests.torture.scenarios import SCENARIOS, Scenario
from tests.torture.stores import Medium

EVERYTHING = ("00A4000000", "0084000008", "0020000000", "B026000104", "00C0000000", "FF000000", "00")


class RefusingMedium(Medium):
    """Refuses one event with an error, after `kept` bytes of it, and works again at once, as a full disk may."""

    def __init__(self, content: bytes, refused: int, kept: int) -> None:
        super().__init__(content)
        self._refused = refused
        self._kept = kept

    def write(self, address: int, data: bytes) -> None:
        if len(self.events) == self._refused:
            super().write(address, data[: self._kept])
            raise OSError("refused")
        super().write(address, data)

    def barrier(self) -> None:
        super().barrier()
        if len(self.events) - 1 == self._refused:
            raise OSError("refused")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
@pytest.mark.parametrize("kept", [0, 40, 10_000])
def test_a_refused_write_or_barrier_stops_the_chip_and_tells_no_lie(scenario: Scenario, kept: int) -> None:
    enumeration = Enumeration(scenario)
    session = enumeration.first_session()
    powered, closing = session.passages[0].answered, session.passages[-1].began

    for refused in range(powered, closing):
        medium = RefusingMedium(session.content, refused, kept)
        chip = chip_on(medium, scenario.profile)
        other_end = scenario.counterpart(chip)
        answers = [step.act(other_end) for step in scenario.steps]

        assert answers[-1] == "6581"
        assert silent(other_end)
        chip.reset()
        assert silent(other_end)
        chip.close()
        assert enumeration.look(medium.read_all()) in session.allowed_at(refused + 1)
    assert not enumeration.tally.violations


def silent(other_end: Counterpart) -> bool:
    return {other_end.ask(text) for text in EVERYTHING} == {"6581"}
