"""The PIN counter by itself: what it stores, what it refuses, and that it counts before it compares."""

import pytest

from sscard_terminal.card import retry_counter
from sscard_terminal.card.image import build_image
from sscard_terminal.card.memory import RamStore
from sscard_terminal.card.nvm import Nvm
from sscard_terminal.card.refusal import Refusal
from sscard_terminal.card.retry_counter import NO_PIN, PinStore, pin_object
from tests.torture.stores import Medium

RIGHT, WRONG, OTHER = bytes.fromhex("123456"), bytes.fromhex("123457"), bytes.fromhex("87654321")


def stored(content: bytes = pin_object(RIGHT, 3)) -> tuple[PinStore, Nvm]:
    nvm = Nvm(RamStore(build_image({"pin": content, "other": b"x" * 20})))
    return PinStore(nvm), nvm


def says(pin: PinStore, offered: bytes) -> str:
    try:
        pin.check(offered)
    except Refusal as refusal:
        return f"{refusal.sw:04X}"
    return "9000"


def test_it_is_stored_behind_its_two_counters_and_filled_up() -> None:
    assert pin_object(RIGHT, 3) == bytes.fromhex("0303123456" + "FF" * 13)
    assert pin_object(b"", 5) == b"\x05\x05" + NO_PIN
    assert NO_PIN == b"\xff" * 16


def test_it_tells_what_is_stored() -> None:
    pin, _ = stored(bytes.fromhex("0205123456") + b"\xff" * 13)

    assert (pin.is_set, pin.tries_left, pin.maximum, pin.is_locked) == (True, 2, 5, False)


def test_no_tries_left_means_locked() -> None:
    pin, _ = stored(bytes.fromhex("0003123456") + b"\xff" * 13)

    assert pin.is_locked
    assert [says(pin, RIGHT), says(pin, WRONG)] == ["6983", "6983"]
    assert pin.tries_left == 0


def test_a_chip_without_a_place_for_a_pin_has_none_set() -> None:
    pin = PinStore(Nvm(RamStore(build_image({"other": b"x"}))))

    assert not pin.is_set


def test_wrong_guesses_count_down_and_the_right_one_counts_up() -> None:
    pin, _ = stored()

    assert [says(pin, guess) for guess in (WRONG, WRONG, RIGHT, WRONG)] == ["63C2", "63C1", "9000", "63C2"]


def test_the_last_try_may_be_the_right_one() -> None:
    pin, _ = stored()

    assert [says(pin, guess) for guess in (WRONG, WRONG, RIGHT)] == ["63C2", "63C1", "9000"]
    assert pin.tries_left == 3


@pytest.mark.parametrize("offered", [RIGHT + b"\xff", RIGHT[:2], RIGHT + b"\x00", b"", NO_PIN])
def test_filling_and_parts_of_the_pin_are_wrong_pins(offered: bytes) -> None:
    pin, _ = stored()

    assert says(pin, offered) == "63C2"
    assert pin.tries_left == 2


def test_where_no_pin_is_set_an_offered_one_is_refused_and_costs_nothing() -> None:
    pin, _ = stored(bytes.fromhex("0203") + NO_PIN)

    assert says(pin, RIGHT) == "63C3"
    assert pin.tries_left == 2


def test_a_new_pin_gives_all_tries_and_leaves_its_neighbours_alone() -> None:
    pin, nvm = stored()
    says(pin, WRONG)

    pin.store(OTHER)

    assert nvm.read("pin") == bytes.fromhex("030387654321" + "FF" * 12)
    assert nvm.read("other") == b"x" * 20
    assert [says(pin, RIGHT), says(pin, OTHER)] == ["63C2", "9000"]


def test_unblocking_gives_all_tries_and_keeps_the_pin() -> None:
    pin, nvm = stored(bytes.fromhex("0003123456") + b"\xff" * 13)

    pin.unblock()

    assert nvm.read("pin") == pin_object(RIGHT, 3)


@pytest.mark.parametrize("offered", [RIGHT, WRONG])
def test_the_try_is_durably_gone_before_anything_is_compared(
    offered: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    medium = Medium(build_image({"pin": pin_object(RIGHT, 3)}))
    pin = PinStore(Nvm(medium))
    compare, tries_then = retry_counter.equal, []

    def comparison(left: bytes, right: bytes) -> bool:
        tries_then.append(PinStore(Nvm(RamStore(medium.all_unsynced_lost()))).tries_left)
        return compare(left, right)

    monkeypatch.setattr(retry_counter, "equal", comparison)
    says(pin, offered)

    assert tries_then == [2]
