"""A terminal killed at any moment of a sale leaves what the next process settles; `make torture` kills 500."""

from pathlib import Path

import pytest

from sscard_terminal.reader.private_pcscd import PrivatePcscd, Slot
from tests.torture.terminal.counter import at_counter
from tests.torture.terminal.kills import CARD, PSAM, TerminalKiller

SEED, COUNT = 20260105, 10


@pytest.mark.vpcd
def test_journal_card_and_psam_agree_after_every_kill_of_the_terminal(
    tmp_path: Path, pcscd: PrivatePcscd, slot: Slot, request: pytest.FixtureRequest
) -> None:
    slots = [slot, next(request.getfixturevalue("_slots_in_turn"))]

    with at_counter(tmp_path, pcscd, slots, CARD, PSAM) as counter:
        killer = TerminalKiller(counter, SEED)
        killer.run(COUNT)

    assert killer.killed == COUNT
