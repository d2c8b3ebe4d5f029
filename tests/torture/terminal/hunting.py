"""The hunt for a planted bug: the enumeration, until it finds something.

Not here: the bugs (planted).
"""

from __future__ import annotations

from .enumeration import Enumeration, Tally
from .opening import SCENARIOS
from .planted import PlantedBug


def hunt(bug: PlantedBug) -> Tally:
    """The tally up to the first violation; with none it was not caught."""
    hints = {"first": bug.first, "named": bug.named, "second": bug.second}
    enumeration = Enumeration(SCENARIOS[0], stop_at_first=True, **hints)
    with bug.planted(), enumeration.running():
        for start in enumeration.singles():
            enumeration.behind(start)
    return enumeration.tally
