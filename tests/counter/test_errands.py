"""A counter that is open uploads and backs up by itself, between cards, and tells quietly what it could not do."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sscard_terminal.counter import station
from sscard_terminal.terminal.upload_file import records_in
from tests.counter.house import PATIENCE_S, PIN, Browser, House, Pad
from tests.counter.test_sale import ready, to_pin


def eventually(is_so: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(station, "LOOK_EVERY_S", 0.02)


@pytest.fixture
def centre(tmp_path: Path) -> Path:
    return tmp_path / "centre"


@pytest.fixture
def house(tmp_path: Path, centre: Path) -> Iterator[House]:
    (tmp_path / "backups").mkdir()
    settings = {"upload": centre, "upload_every_minutes": 1, "backup_folder": tmp_path / "backups"}
    with House(tmp_path, **settings) as open_house:
        yield open_house


def test_what_was_sold_reaches_the_centre_while_the_counter_is_open(
    house: House, clerk: Browser, pad: Pad, centre: Path
) -> None:
    to_pin(house, clerk)
    pad.enter(PIN)
    assert clerk.look()["step"] == "done"
    house.reader.remove()

    eventually(lambda: centre.exists() and clerk.look()["books"]["waiting"] == 0)

    assert [record.voucher for record in records_in(centre)] == [1, 1]
    assert clerk.state["books"]["uploads"] == "0 to upload"


def test_a_card_that_stays_in_its_reader_does_not_hold_the_upload_up(
    house: House, clerk: Browser, pad: Pad, centre: Path
) -> None:
    to_pin(house, clerk)
    pad.enter(PIN)

    eventually(lambda: centre.exists() and clerk.look()["books"]["waiting"] == 0)

    assert clerk.state["step"] == "done"


def test_while_somebody_is_being_served_nothing_is_sent(
    house: House, clerk: Browser, pad: Pad, centre: Path
) -> None:
    to_pin(house, clerk)
    pad.enter(PIN)
    clerk.do("confirm")
    clerk.do("sell", total="1.00")
    eventually(lambda: clerk.look()["step"] == "confirm-amount")
    house.goods.clock.now += timedelta(minutes=5)
    waiting = clerk.look()["books"]["waiting"]

    time.sleep(0.2)

    assert (clerk.look()["step"], clerk.state["books"]["waiting"]) == ("confirm-amount", waiting)


def test_what_fails_stands_quietly_beside_the_count_and_disturbs_no_sale(
    house: House, clerk: Browser, pad: Pad, centre: Path
) -> None:
    centre.mkdir()
    to_pin(house, clerk)
    pad.enter(PIN)
    done = clerk.look()
    house.reader.remove()

    eventually(lambda: "cannot be written" in clerk.look()["books"]["uploads"])

    assert (done["step"], done["money"]) == ("done", "charged")
    assert clerk.state["books"]["uploads"].startswith("2 to upload The upload has failed since")
    ready(house, clerk)


def test_there_is_a_back_up_while_the_counter_is_open(house: House, clerk: Browser) -> None:
    eventually(lambda: any(house.folder.joinpath("backups").iterdir()))

    assert clerk.look()["books"]["uploads"] == "0 to upload"
