"""No fault, and no fault after a fault, breaks the law; here all single ones and a part of the double ones.

`make torture` tries all double ones and prints the figures (docs/torture.md).
"""

import pytest

from tests.torture.enumeration import Enumeration, Session
from tests.torture.scenarios import SCENARIOS, Scenario
from tests.torture.stores import Medium, PowerCut, crashes

WHOLE = "VERIFY wrong"
PART = 331
"""Of the other scenarios the doubles behind every 331st first fault."""


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_no_fault_and_no_second_fault_breaks_the_law(scenario: Scenario) -> None:
    enumeration = Enumeration(scenario)

    tally = enumeration.everything(parts=1 if scenario.name == WHOLE else PART)

    assert not tally.violations, f"{len(tally.violations)} violations, the first: {tally.violations[0]}"
    assert tally.single.total() > 100
    assert tally.double.total() > 100


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_what_was_answered_survives_the_loss_of_everything_unsynced(scenario: Scenario) -> None:
    """Durability, which a kill cannot show: the page cache survives a kill."""
    enumeration = Enumeration(scenario)
    session = enumeration.first_session()

    for passage in session.passages:
        medium = Medium(session.content, session.events[: passage.answered])
        assert enumeration.look(medium.all_unsynced_lost()) == (passage.path or passage.before)[-1], (
            passage.name
        )


def test_a_live_cut_leaves_the_bytes_that_the_enumeration_looks_at() -> None:
    scenario = next(scenario for scenario in SCENARIOS if scenario.name == "VERIFY wrong")
    enumeration = Enumeration(scenario)
    session = enumeration.first_session()

    for fault, raw in crashes(session.content, session.events):
        live = cut_live(enumeration, session, fault.events)
        assert live.after(fault) == raw


def cut_live(enumeration: Enumeration, session: Session, events: int) -> Medium:
    medium = Medium(session.content, cut=events)
    try:
        enumeration.play(medium)
    except PowerCut:
        assert events < len(session.events)
    return medium
