"""The customer's pad: paired once by a code that is good once, and digits that nobody else sees and nothing keeps."""

import pytest

from sscard_terminal.counter.pairing import (
    CODE_LASTS_S,
    CODE_TRIES,
    MOST_DIGITS,
    PAUSE_S,
    OutOfTurn,
    Pairing,
    PairingRefusal,
    PinEntry,
    Stage,
)
from sscard_terminal.counter.snapshot import Snapshot
from sscard_terminal.terminal.till.steps import Screen, Step
from tests.counter.house import PIN, Browser, House, Pad
from tests.terminal.doubles import OPENING


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def entry_at(step: Step, clock: Clock, number: int = 5) -> PinEntry:
    entry = PinEntry(clock)
    entry.follow(Snapshot(number, number, Screen(step)))
    return entry


def typed(entry: PinEntry, digits: str) -> PinEntry:
    for digit in digits:
        entry.type(entry.digits, int(digit))
    return entry


def test_a_code_pairs_one_pad_and_no_second(clock: Clock) -> None:
    pairing = Pairing(clock)
    code = pairing.offer()

    token = pairing.pair(code)

    assert len(code) == 6 and not isinstance(token, PairingRefusal)
    assert pairing.holds(token) and not pairing.holds("other") and not pairing.holds(None)
    assert pairing.pair(code) is PairingRefusal.NO_CODE


def test_a_code_grows_old(clock: Clock) -> None:
    pairing = Pairing(clock)
    code = pairing.offer()
    clock.now = CODE_LASTS_S

    assert pairing.pair(code) is PairingRefusal.NO_CODE


def test_a_code_bears_only_so_many_guesses(clock: Clock) -> None:
    pairing = Pairing(clock)
    code = pairing.offer()
    wrong = "000000" if code != "000000" else "000001"

    guesses = [pairing.pair(wrong) for _ in range(CODE_TRIES)]

    assert guesses == [PairingRefusal.CODE_WRONG] * CODE_TRIES
    assert pairing.pair(code) is PairingRefusal.NO_CODE


def test_a_new_pad_takes_the_place_of_the_old(clock: Clock) -> None:
    pairing = Pairing(clock)
    old = pairing.pair(pairing.offer())
    new = pairing.pair(pairing.offer())

    assert isinstance(old, str) and isinstance(new, str)
    assert pairing.holds(new) and not pairing.holds(old)


def test_digits_become_one_pin_and_are_gone(clock: Clock) -> None:
    entry = typed(entry_at(Step.ENTER_PIN, clock), "123456")

    pin = entry.take()

    assert pin is not None and pin.to_bcd() == bytes.fromhex("123456")
    assert entry.digits == 0
    with pytest.raises(OutOfTurn):
        entry.take()


@pytest.mark.parametrize("at", [-1, 1, 7])
def test_a_digit_at_the_wrong_place_is_not_taken(at: int, clock: Clock) -> None:
    entry = entry_at(Step.ENTER_PIN, clock)

    with pytest.raises(OutOfTurn):
        entry.type(at, 1)

    assert entry.digits == 0


def test_there_is_an_end_to_digits(clock: Clock) -> None:
    entry = typed(entry_at(Step.ENTER_PIN, clock), "1" * MOST_DIGITS)

    with pytest.raises(OutOfTurn):
        entry.type(MOST_DIGITS, 1)


@pytest.mark.parametrize("step", [step for step in Step if step not in (Step.ENTER_PIN, Step.NEW_PIN)])
def test_where_no_pin_is_asked_for_no_digit_is_taken(step: Step, clock: Clock) -> None:
    with pytest.raises(OutOfTurn):
        entry_at(step, clock).type(0, 1)


def test_digits_nobody_goes_on_with_are_wiped(clock: Clock) -> None:
    entry = typed(entry_at(Step.ENTER_PIN, clock), "123")
    kept = entry._typed
    clock.now = PAUSE_S - 1
    too_early = entry.clear_after_pause()
    clock.now = PAUSE_S

    assert not too_early and entry.clear_after_pause()
    assert entry.digits == 0 and bytes(kept) == b""


def test_another_screen_wipes_what_was_typed_for_the_one_before(clock: Clock) -> None:
    entry = typed(entry_at(Step.ENTER_PIN, clock), "123")

    entry.follow(Snapshot(6, 6, Screen(Step.INSERT_CARD)))

    assert (entry.digits, entry.stage) == (0, Stage.NOTHING)


def test_the_new_pin_is_asked_for_twice_and_again_when_the_two_differ(clock: Clock) -> None:
    entry = typed(entry_at(Step.NEW_PIN, clock), "246813")
    first = entry.take()
    again = entry.stage
    second = typed(entry, "246814").take()
    differed = (entry.stage, entry.differed)
    typed(entry, "246813").take()
    pin = typed(entry, "246813").take()

    assert (first, second) == (None, None)
    assert again is Stage.NEW_PIN_AGAIN and differed == (Stage.NEW_PIN, True)
    assert pin is not None and len(pin) == 6


@pytest.mark.parametrize(("step", "digits"), [(Step.ENTER_PIN, "123"), (Step.NEW_PIN, "12345")])
def test_ok_needs_digits_enough(step: Step, digits: str, clock: Clock) -> None:
    entry = typed(entry_at(step, clock), digits)

    with pytest.raises(OutOfTurn):
        entry.take()


def test_a_reader_with_a_pad_of_its_own_asks_for_nothing_here(clock: Clock) -> None:
    entry = PinEntry(clock)

    entry.follow(Snapshot(5, 5, Screen(Step.ENTER_PIN, at_pad=True)))

    assert entry.stage is Stage.NOTHING


def test_an_entry_does_not_tell_its_digits(clock: Clock) -> None:
    assert "123" not in repr(typed(entry_at(Step.ENTER_PIN, clock), "123"))


def asked_for_pin(house: House, clerk: Browser, total: str = "12.34") -> None:
    house.reader.insert()
    clerk.until("ready")
    clerk.do("sell", total=total)
    clerk.do("confirm")


def test_the_clerk_sees_how_many_digits_and_the_pad_the_amount(
    house: House, clerk: Browser, pad: Pad
) -> None:
    asked_for_pin(house, clerk)
    with clerk.listening() as events:
        pad.type("1234")
        counts = []
        for name, value in events:
            if name == "pad":
                counts.append(value["digits"])
            if counts and counts[-1] == 4:
                break

    assert counts[-4:] == [1, 2, 3, 4]
    assert pad.state()["amount"] == "12.34" and pad.state()["tries_left"] == 3
    assert "张" not in str(pad.state())


def test_the_pad_follows_the_counter_step_by_step(house: House, clerk: Browser, pad: Pad) -> None:
    with pad.browser.listening("/pad/events") as events:
        asked_for_pin(house, clerk)
        seen = []
        for name, value in events:
            assert name in ("state", "pad")
            seen.append((value["step"], value["stage"], value["amount"]))
            if value["stage"] == "pin":
                break

    assert ("ready", "nothing", None) in seen and ("confirm-amount", "nothing", "12.34") in seen
    assert seen[-1] == ("enter-pin", "pin", "12.34")


def test_clear_begins_anew_and_cancel_ends_the_service(house: House, clerk: Browser, pad: Pad) -> None:
    asked_for_pin(house, clerk)
    pad.type("99")
    pad.press("clear")
    cleared = pad.state()["digits"]

    pad.press("cancel")

    assert cleared == 0
    assert clerk.look()["step"] == "ready" and house.balance() == OPENING


def test_a_wrong_code_pairs_nothing_and_guessing_is_slowed(house: House, clerk: Browser) -> None:
    clerk.post("/clerk/pad-code")
    with house.browser() as stranger:
        answers = [stranger.post("/pad/pair", {"code": "abc"}) for _ in range(11)]

    assert {answer.status_code for answer in answers[:10]} == {403} and answers[10].status_code == 429
    assert answers[0].json()["error"] == "code-wrong" and answers[6].json()["error"] == "no-code"


def test_the_pads_key_for_another_screen_is_stale(house: House, clerk: Browser, pad: Pad) -> None:
    asked_for_pin(house, clerk)
    number = pad.state()["number"]
    clerk.do("cancel")

    answer = pad.browser.post("/pad/digit", {"number": number, "at": 0, "digit": 1})

    assert answer.status_code == 409


def test_the_pin_is_changed_at_the_pad(house: House, clerk: Browser, pad: Pad) -> None:
    house.reader.insert()
    clerk.until("ready")
    clerk.do("ask", purpose="change-pin")
    pad.enter(PIN)
    pad.enter("246813")
    once = clerk.look()["step"]
    pad.enter("111111")
    differed = pad.state()["says"]
    pad.enter("246813")

    pad.enter("246813")

    assert once == "new-pin" and "differ" in differed
    assert clerk.look()["step"] == "done" and "The PIN" in clerk.state["lines"][0]


def test_an_unpaired_pad_is_sent_away(house: House, clerk: Browser, pad: Pad) -> None:
    with pad.browser.listening("/pad/events") as events:
        next(events)
        clerk.post("/clerk/unpair")
        names = [name for name, _ in events]

    assert names[-1] == "gone"
    assert pad.browser.client.get("/pad/state").status_code == 401
