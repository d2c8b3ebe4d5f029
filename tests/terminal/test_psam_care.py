"""What a PSAM tells with no card at hand, and when its key's end is worth a warning."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from sscard_applets.catalogue import load_applets, load_profile
from sscard_terminal.card.chip import Chip
from sscard_terminal.card.loopback import LoopbackConnection
from sscard_terminal.card.memory import RamStore
from sscard_terminal.card.nvm import Nvm
from sscard_terminal.reader.completing import completing
from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.terminal.psam import Psam, PsamFailure, PsamProblem
from sscard_terminal.terminal.psam_care import KeyEnd, PsamState, key_end, look_at
from tests.cards import new_card, new_psam, psam_image
from tests.terminal.doubles import Desk, Faulty, Refusing, never_arrives

TODAY = date(2026, 1, 5)
SELECT_SM4 = bytes.fromhex("00A40400")
"""Of the selections made here the only one by name."""


def psam_of(chip: Chip) -> Psam:
    return Psam(completing(LoopbackConnection(chip)))


def test_a_psam_tells_terminal_sequences_and_dates_with_no_card() -> None:
    state = look_at(psam_of(new_psam()))

    assert state == PsamState("370900000001", (0, 0), date(2020, 1, 1), date(2040, 12, 31))


def test_the_sequence_is_that_of_the_newest_sale(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path)
    desk.sell()
    desk.sell()

    assert look_at(desk.powered_psam()).sequences == (2, 0)


def test_an_environment_the_psam_has_not_got_is_left_out() -> None:
    link = Refusing(LoopbackConnection(new_psam()), SELECT_SM4, "6A82")

    assert look_at(Psam(completing(link))).sequences == (0,)


def test_dates_that_cannot_be_read_are_none() -> None:
    profile, memory = load_profile("psam-national"), Nvm(RamStore(psam_image()))
    with memory.transaction():
        for home in ("DES", "SM4"):
            memory.write(f"{home}/001A", bytes(10))

    state = look_at(psam_of(Chip(profile, load_applets(profile), memory)))

    assert (state.valid_from, state.valid_to) == (None, None)


def test_what_is_no_psam_is_told_so() -> None:
    with pytest.raises(PsamFailure) as caught:
        look_at(psam_of(new_card()))

    assert caught.value.problem is PsamProblem.NOT_A_PSAM


def test_a_link_that_breaks_is_no_missing_environment() -> None:
    link = Faulty(LoopbackConnection(new_psam()), SELECT_SM4, never_arrives(LinkReason.CARD_REMOVED))
    with pytest.raises(PsamFailure) as caught:
        look_at(Psam(completing(link)))

    assert caught.value.problem is PsamProblem.LINK_BROKEN


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (61, None),
        (60, 60),
        (1, 1),
        (0, 0),
        (-1, -1),
        (-400, -400),
    ],
)
def test_the_end_is_warned_of_from_so_many_days_before_and_ever_after(
    days: int, expected: int | None
) -> None:
    day = TODAY + timedelta(days=days)

    end = key_end(day, TODAY, timedelta(days=60))

    assert end == (None if expected is None else KeyEnd(day, expected))
    assert end is None or end.is_over is (days < 0)


def test_an_end_that_is_not_told_is_not_warned_of() -> None:
    assert key_end(None, TODAY, timedelta(days=60)) is None
