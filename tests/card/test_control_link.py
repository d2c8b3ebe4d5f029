"""The control socket: verbs in, how it stands out, for the owner alone; whatever is said, the card is served on."""

import json
import os
import socket
import stat
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sscard_terminal.card.control.control import Control
from sscard_terminal.card.control.faults import FaultyCard
from sscard_terminal.card.control.link import (
    LONGEST_LINE,
    MOST_CONTROLLERS,
    SocketInUse,
    answer_to,
    ask,
    listening,
)
from sscard_terminal.card.loopback_slot import LoopbackSlot
from sscard_terminal.card.memory import RamStore
from tests.cards import card_image
from tests.torture.counterpart import chip_on

PATIENCE_S = 5.0


@pytest.fixture
def control() -> Control:
    cards = {
        name: FaultyCard(RamStore(card_image()), partial(chip_on, profile_name="gen2-32k"))
        for name in ("one", "two")
    }
    return Control(LoopbackSlot(), cards.get, "one")


@pytest.fixture
def path(tmp_path: Path, control: Control) -> Iterator[Path]:
    with listening(tmp_path / "card", control):
        yield tmp_path / "card"


def said(link: socket.socket, raw: bytes) -> Any:
    link.sendall(raw)
    with link.makefile("rb") as stream:
        return json.loads(stream.readline())


def connected(path: Path) -> socket.socket:
    link = socket.socket(socket.AF_UNIX)
    link.settimeout(PATIENCE_S)
    link.connect(str(path))
    return link


def test_a_verb_is_obeyed_and_answered_with_how_it_stands(path: Path, control: Control) -> None:
    answers = [ask(path, verb) for verb in ("insert", "mute for 3 s", "swap two", "eject", "")]

    assert answers[0] == {"done": True, "card": "one", "is_in": True, "ordered": []}
    assert answers[1]["ordered"][0].startswith("mute for ")
    assert (answers[2]["card"], answers[2]["ordered"]) == ("two", [])
    assert answers[3] == answers[4] == {"done": True, "card": "two", "is_in": False, "ordered": []}
    assert not control.standing.is_in


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (b"eject\n", {"done": False, "error": "no-card"}),
        (b"insert three\n", {"done": False, "error": "no-such-card"}),
        (b"mute for\n", {"done": False, "error": "verb", "column": 9}),
        (b"\xff\xfe\n", {"done": False, "error": "verb", "column": 1, "expected": "UTF-8"}),
        (b"\x00\x00\n", {"done": False, "error": "verb", "column": 1}),
        (b'{"verb": "eject"}\n', {"done": False, "error": "verb", "column": 1}),
    ],
)
def test_what_is_no_verb_is_refused_and_the_line_stays_open(
    path: Path, line: bytes, answer: dict[str, Any]
) -> None:
    with connected(path) as link:
        refused = said(link, line)
        again = said(link, b"\n")

    assert refused.items() >= answer.items()
    assert again["done"]


def test_a_line_without_end_is_refused_and_the_speaker_sent_away(path: Path) -> None:
    with connected(path) as link:
        refused = said(link, b"x" * LONGEST_LINE)

        assert refused["expected"] == "the end of the line"
        assert link.recv(1) == b""
    assert ask(path, "")["done"]


def test_a_speaker_who_leaves_in_the_middle_changes_nothing(path: Path) -> None:
    with connected(path) as link:
        link.sendall(b"inse")

    assert ask(path, "") == {"done": True, "card": "one", "is_in": False, "ordered": []}


def test_more_speakers_than_seats_are_sent_away_and_come_in_later(path: Path) -> None:
    seated = [connected(path) for _ in range(MOST_CONTROLLERS)]
    for link in seated:
        assert said(link, b"\n")["done"]

    with connected(path) as one_more:
        assert one_more.recv(1) == b""
    for link in seated:
        link.close()

    for _ in range(50):
        try:
            assert ask(path, "")["done"]
            break
        except (ValueError, OSError):
            threading.Event().wait(0.05)
    else:
        raise AssertionError("no seat became free")


def test_only_the_owner_reaches_the_socket_and_it_goes_with_the_card(
    tmp_path: Path, control: Control
) -> None:
    path = tmp_path / "card"
    before = os.umask(0)
    os.umask(before)

    with listening(path, control):
        mode = stat.S_IMODE(path.stat().st_mode)
        during = os.umask(before)

    assert mode == 0o600
    assert during == before
    assert not path.exists()


def test_a_socket_in_use_and_any_other_file_are_left_alone(
    path: Path, tmp_path: Path, control: Control
) -> None:
    other = tmp_path / "notes"
    other.write_text("mine")

    for taken in (path, other):
        with pytest.raises(SocketInUse), listening(taken, control):
            pass

    assert other.read_text() == "mine"
    assert ask(path, "")["done"]


def test_a_socket_left_by_a_killed_process_is_replaced(tmp_path: Path, control: Control) -> None:
    path = tmp_path / "card"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))

    with listening(path, control):
        assert ask(path, "")["done"]


def test_a_reset_that_fails_is_told_and_not_raised() -> None:
    def fails() -> None:
        raise TimeoutError

    slot = LoopbackSlot()
    card = FaultyCard(RamStore(card_image()), partial(chip_on, profile_name="gen2-32k"))
    control = Control(slot, {"one": card}.get, "one", fails)
    answer_to(b"insert\n", control)

    assert answer_to(b"reset-by-other\n", control, (TimeoutError,)) == {"done": False, "error": "no-other"}
