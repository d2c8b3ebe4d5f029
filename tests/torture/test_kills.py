"""A card process killed at any moment keeps the law; `make torture` kills 500."""

from pathlib import Path

from tests.torture.kills import Killer

SEED, COUNT = 20260105, 12


def test_a_killed_card_process_is_old_or_new_and_gives_no_guess_away(tmp_path: Path) -> None:
    killer = Killer(tmp_path, SEED)

    killer.run(COUNT)

    assert killer.kills.total() == COUNT
