"""A card at the pace of a contact card: the time of each byte, with a clock that the test winds on itself."""

import threading
import time

import pytest

from sscard_terminal.card.control.faults import FaultyCard
from sscard_terminal.card.control.verbs import CutAnswer
from sscard_terminal.card.loopback_slot import LoopbackSlot
from sscard_terminal.card.memory import RamStore
from sscard_terminal.card.slow import FASTEST_BAUD, SLOWEST_BAUD, Line, SlowCard
from sscard_terminal.card.vpicc import Card, TakenOut, serving
from sscard_terminal.cli import values
from sscard_terminal.iso7816.apdu import CommandApdu
from sscard_terminal.reader import pcsc
from sscard_terminal.reader.connection import LinkError
from sscard_terminal.reader.private_pcscd import PrivatePcscd, Slot
from tests.cards import card_image, chip_over, new_card

BYTE_MS = 1.25
"""12 etu at 9600 baud: 12/9600 s."""
VERIFY = bytes.fromhex("0020000003123456")


class Watch:
    """A clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pulls_at: float | None = None

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> bool:
        pulled = self.pulls_at is not None and self.now + seconds > self.pulls_at
        self.now = self.pulls_at if pulled and self.pulls_at is not None else self.now + seconds
        return pulled


def slowed(card: Card, watch: Watch, baud: int = 9600, *, t1: bool = False) -> SlowCard:
    return SlowCard(card, Line(baud, t1=t1), clock=watch, sleep=watch.sleep)


def took_ms(card: SlowCard, watch: Watch, command: str) -> float:
    before = watch.now
    card.respond(bytes.fromhex(command))
    return round((watch.now - before) * 1000, 3)


def test_the_answer_to_reset_of_17_bytes_takes_21_ms() -> None:
    watch = Watch()
    card = slowed(new_card(), watch)

    card.power_on()
    cold_ms = (watch.now - 1000) * 1000
    card.reset()

    assert round(cold_ms, 3) == 17 * BYTE_MS == 21.25
    assert round((watch.now - 1000) * 1000, 3) == 2 * 21.25


@pytest.mark.parametrize(
    ("command", "on_line", "own_ms"),
    [
        pytest.param("0020000003123456", 5 + 3 + 1 + 2, 20, id="VERIFY"),
        pytest.param(
            "0020000000", 5 + 2, 20, id="VERIFY that asks for the tries: no data, no procedure byte"
        ),
        pytest.param("00200000", 5 + 2, 20, id="four bytes: a header of five goes all the same"),
        pytest.param("0084000008", 5 + 1 + 8 + 2, 3, id="GET CHALLENGE"),
        pytest.param("00A4040006D15600000503", 5 + 6 + 1 + 2, 3, id="SELECT, 61xx"),
        pytest.param(
            "00A4040006D1560000050300", 5 + 6 + 1 + 2, 3, id="an Le behind data stays in the reader"
        ),
        pytest.param("00B2072C0B", 5 + 1 + 11 + 2, 3, id="READ RECORD"),
        pytest.param("00", 5 + 2, 3, id="a broken command"),
    ],
)
def test_under_t0_each_byte_takes_12_etu_and_the_card_its_own_time(
    command: str, on_line: int, own_ms: int
) -> None:
    watch = Watch()
    card = slowed(new_card(), watch)
    card.power_on()
    card.respond(bytes.fromhex("00A404000F7378312E73682EC9E7BBE1B1A3D5CF"))

    assert took_ms(card, watch, command) == pytest.approx(on_line * BYTE_MS + own_ms)


def test_under_t1_data_go_in_framed_blocks() -> None:
    watch = Watch()
    card = slowed(new_card(rules={"answers_at_once": True}), watch, t1=True)
    card.power_on()

    # 12 bytes of command, FCI of 10 bytes and 9000; NAD PCB LEN LRC around each.
    assert took_ms(card, watch, "00A4040006D1560000050300") == pytest.approx((12 + 4 + 12 + 4) * BYTE_MS + 3)
    assert Line(9600, t1=True).answer_s(b"", 255) == pytest.approx((255 + 2 * 4) * BYTE_MS / 1000)


def test_twice_the_baud_halves_the_line_and_leaves_the_card_its_time() -> None:
    watch = Watch()
    card = slowed(new_card(), watch, 19_200)
    card.power_on()

    assert took_ms(card, watch, "0084000008") == pytest.approx(16 * BYTE_MS / 2 + 3)


def test_what_the_computer_takes_is_part_of_the_cards_own_time() -> None:
    watch = Watch()
    chip = new_card()

    class Thinking:
        def __getattr__(self, name: str) -> object:
            return getattr(chip, name)

        def respond(self, command: bytes) -> bytes:
            watch.now += 0.002
            return chip.respond(command)

    card = slowed(Thinking(), watch)  # type: ignore[arg-type]

    assert took_ms(card, watch, "0084000008") == pytest.approx(16 * BYTE_MS + 3)


@pytest.mark.parametrize(
    ("pulled_after_ms", "tries_then"),
    [
        pytest.param(9, "63C3", id="while the command was on its way: it was not obeyed"),
        pytest.param(31, "63C2", id="while the answer was: it was"),
    ],
)
def test_a_card_pulled_in_the_middle_gives_no_answer(pulled_after_ms: int, tries_then: str) -> None:
    watch = Watch()
    chip = new_card()
    card = slowed(chip, watch)
    chip.power_on()
    watch.pulls_at = watch.now + pulled_after_ms / 1000

    with pytest.raises(TakenOut):
        card.respond(bytes.fromhex("0020000003999999"))  # 10 ms in, 20 ms of its own, 3.75 ms out

    chip.power_on()
    assert chip.respond(bytes.fromhex("0020000000")).hex().upper() == tries_then


def test_of_a_cut_answer_only_what_arrives_takes_its_time() -> None:
    watch = Watch()
    faulty = FaultyCard(RamStore(card_image()), chip_over)
    card = slowed(faulty, watch)
    faulty.power_on()
    faulty.order(CutAnswer(4))
    before = watch.now

    with pytest.raises(TakenOut) as caught:
        card.respond(bytes.fromhex("0084000008"))

    assert caught.value.arrived == 4
    assert (watch.now - before) * 1000 == pytest.approx(5 * BYTE_MS + 3 + 4 * BYTE_MS)


def test_in_process_a_slow_card_that_is_pulled_lets_its_caller_go_at_once() -> None:
    faulty = FaultyCard(RamStore(card_image()), chip_over)
    slot = LoopbackSlot(lambda card: SlowCard(card, Line(SLOWEST_BAUD), sleep=card.wait_until_out))
    slot.put_in(faulty)
    connection = slot.open()
    puller = threading.Timer(0.05, slot.take_out)
    puller.start()
    begun = time.monotonic()

    with pytest.raises(LinkError):
        connection.transmit(CommandApdu.parse(VERIFY))  # 0.32 s for the command alone

    puller.join()
    assert time.monotonic() - begun < 0.3


@pytest.mark.parametrize("baud", [0, SLOWEST_BAUD - 1, FASTEST_BAUD + 1])
def test_a_baud_rate_out_of_range_is_refused(baud: int) -> None:
    with pytest.raises(ValueError, match="baud"):
        Line(baud)


def test_the_command_line_takes_the_same_range() -> None:
    assert (values.SLOWEST_BAUD, values.FASTEST_BAUD) == (SLOWEST_BAUD, FASTEST_BAUD)


@pytest.mark.vpcd
def test_over_pcscd_a_challenge_takes_its_time(pcscd: PrivatePcscd, slot: Slot) -> None:
    image = card_image("gen1-16k")
    chip = chip_over(RamStore(image), profile_name="gen1-16k")
    with serving(SlowCard(chip, Line(9600)), slot.port, open_socket=pcscd.open_socket):
        assert pcsc.wait_for_card(slot.reader, 10)
        connection = pcsc.open_reader(slot.reader)
        connection.transmit(CommandApdu.parse(bytes.fromhex("0020000000")))
        begun = time.monotonic()
        answer = connection.transmit(CommandApdu.parse(bytes.fromhex("0084000010")))
        took_s = time.monotonic() - begun
        connection.close()

    assert len(answer.data) == 16
    assert 24 * BYTE_MS / 1000 <= took_s < 0.3
