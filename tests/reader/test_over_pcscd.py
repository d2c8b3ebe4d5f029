"""Every way a link breaks, over a real pcscd and the virtual reader (pcsc.md §6), and that it heals.

One fault cannot be seen at this level and is shown as it is: half an answer of a dying card.
"""

import contextlib
import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from sscard_terminal.card.vpcd import Control
from sscard_terminal.iso7816.apdu import CommandApdu
from sscard_terminal.reader import pcsc
from sscard_terminal.reader.completing import completing
from sscard_terminal.reader.connection import (
    CardRemoved,
    CardReset,
    Connection,
    LinkError,
    LinkLost,
    LinkReason,
    NoCard,
    NoReader,
    NotSent,
    ReaderBusy,
    exclusively,
    reset,
)
from sscard_terminal.reader.pinpad import pin_pad
from sscard_terminal.reader.private_pcscd import PrivatePcscd, Slot
from tests.reader.doubles import T0_ATR, T1_ATR, answer, command
from tests.reader.faulty_card import PATIENCE_S, FaultyCard, inserted, plugged

pytestmark = pytest.mark.vpcd

SELECT = command("00A40000023F00")
SOON_S = 0.2


@contextlib.contextmanager
def opened(slot: Slot, **options: float) -> Iterator[Connection]:
    connection = pcsc.open_reader(slot.reader, **options)  # type: ignore[arg-type]
    try:
        yield connection
    finally:
        connection.close()


def mute(_: FaultyCard, __: bytes) -> None:
    pass


def dying(card: FaultyCard, _: bytes) -> None:
    card.die()


def one_byte(card: FaultyCard, _: bytes) -> None:
    card.answer("90")


def half_an_answer_then_dying(card: FaultyCard, _: bytes) -> None:
    card.send(bytes.fromhex("000A CEA3FB753786"))
    card.die()


def test_the_readers_of_the_service_are_listed(pcscd: PrivatePcscd) -> None:
    assert pcsc.list_readers() == tuple(each.reader for each in pcscd.slots)


def test_a_t0_card_is_heard_and_its_half_answers_are_finished(pcscd: PrivatePcscd, slot: Slot) -> None:
    def load(card: FaultyCard, sent: bytes) -> None:
        card.answer("6110" if sent[1] == 0x28 else "00000000000001001122334438151960 9000")

    with inserted(pcscd, slot, load) as card, opened(slot) as connection:
        got = completing(connection).transmit(command("B02800010B010000271037090000000110"))

    # Origin: card.md §2.4.
    assert got == answer("00000000000001001122334438151960 9000")
    assert [sent.hex().upper() for sent in card.commands] == [
        "B02800010B0100002710370900000001",
        "00C0000010",
    ]


def test_the_atr_is_the_cards(pcscd: PrivatePcscd, slot: Slot) -> None:
    with inserted(pcscd, slot, atr=T1_ATR), opened(slot) as connection:
        assert connection.atr == T1_ATR


def test_the_virtual_reader_says_that_it_has_no_pad_and_its_card_can_still_be_used(
    pcscd: PrivatePcscd, slot: Slot
) -> None:
    with inserted(pcscd, slot, lambda card, _: card.answer("9000")), opened(slot) as connection:
        assert pin_pad(connection) is None
        assert connection.transmit(SELECT).sw == 0x9000


def test_the_longest_command_and_answer_travel_whole(pcscd: PrivatePcscd, slot: Slot) -> None:
    def echo(card: FaultyCard, sent: bytes) -> None:
        card.answer(sent[7 : 7 + 65_533].hex() + "9000")

    longest = CommandApdu(0x00, 0xD6, 0, 0, os.urandom(65_528))
    with inserted(pcscd, slot, echo, atr=T1_ATR) as card, opened(slot) as connection:
        got = connection.transmit(longest)

    assert card.commands == [longest.build()]
    assert got.data == longest.data


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        pytest.param(dying, LinkReason.EMPTY_ANSWER, id="card dies during the command"),
        pytest.param(one_byte, LinkReason.CUT_ANSWER, id="answer of one byte"),
        pytest.param(mute, LinkReason.DEADLINE_PASSED, id="mute card"),
    ],
)
def test_no_whole_answer_is_a_lost_link_that_may_have_reached_the_card(
    pcscd: PrivatePcscd, slot: Slot, behave: Callable[[FaultyCard, bytes], None], reason: LinkReason
) -> None:
    with (
        inserted(pcscd, slot, behave),
        opened(slot, deadline_s=SOON_S) as connection,
        pytest.raises(LinkLost) as caught,
    ):
        connection.transmit(SELECT)

    assert caught.value.reason is reason
    assert caught.value.reached_card


def test_a_mute_card_held_in_one_exchange_is_let_go_of_within_the_deadline(
    pcscd: PrivatePcscd, slot: Slot
) -> None:
    """To end a transaction PC/SC waits for the command in it, and so for ever: nobody may be made to wait for that."""
    begun = time.monotonic()
    with inserted(pcscd, slot, mute), opened(slot, deadline_s=SOON_S) as connection:
        with pytest.raises(LinkLost) as caught, exclusively(connection):
            connection.transmit(SELECT)
        gc.collect()
        took_s = time.monotonic() - begun

    assert caught.value.reason is LinkReason.DEADLINE_PASSED
    assert took_s < SOON_S + PATIENCE_S / 2


def test_half_an_answer_of_a_dying_card_looks_whole_and_its_length_must_be_checked_above(
    pcscd: PrivatePcscd, slot: Slot
) -> None:
    with inserted(pcscd, slot, half_an_answer_then_dying), opened(slot) as connection:
        got = connection.transmit(SELECT)

    assert got == answer("CEA3FB75 3786")


def test_a_mute_card_leaves_the_other_slots_alone(pcscd: PrivatePcscd, slot: Slot) -> None:
    other = next(each for each in pcscd.slots if each != slot)
    with (
        inserted(pcscd, slot, mute),
        inserted(pcscd, other),
        opened(slot, deadline_s=SOON_S) as stuck,
        opened(other) as healthy,
    ):
        with pytest.raises(LinkLost):
            stuck.transmit(SELECT)

        assert healthy.transmit(SELECT) == answer("9000")
        assert pcsc.list_readers()


def test_a_process_with_a_mute_card_ends(pcscd: PrivatePcscd, slot: Slot) -> None:
    program = f"""if True:
        from sscard_terminal.iso7816.apdu import CommandApdu
        from sscard_terminal.reader import pcsc
        from sscard_terminal.reader.connection import LinkLost, exclusively

        try:
            with exclusively(connection := pcsc.open_reader({slot.reader!r}, deadline_s={SOON_S})):
                connection.transmit(CommandApdu(0, 0xA4, 0, 0))
        except LinkLost as error:
            print(error.reason)
    """

    with inserted(pcscd, slot, mute):
        environment = os.environ | pcscd.environment()
        arguments = [sys.executable, "-c", program]
        done = subprocess.run(arguments, capture_output=True, text=True, env=environment, timeout=50)

    assert (done.returncode, done.stdout, done.stderr) == (0, "deadline-passed\n", "")


def test_an_empty_reader_has_no_card(pcscd: PrivatePcscd, slot: Slot) -> None:
    assert pcsc.wait_for_removal(slot.reader, PATIENCE_S)

    with pytest.raises(NoCard) as caught:
        pcsc.open_reader(slot.reader)

    assert caught.value.reason is LinkReason.NO_CARD
    assert not pcsc.card_present(slot.reader)


@pytest.mark.usefixtures("pcscd")
def test_an_unknown_reader_is_no_reader() -> None:
    with pytest.raises(NoReader) as opening:
        pcsc.open_reader("no such reader")
    with pytest.raises(NoReader) as looking:
        pcsc.card_present("no such reader")

    assert opening.value.reason is looking.value.reason is LinkReason.UNKNOWN_READER


def test_a_card_without_a_usable_atr_cannot_be_spoken_to(pcscd: PrivatePcscd, slot: Slot) -> None:
    with inserted(pcscd, slot, atr=bytes(5)), pytest.raises(NoCard) as caught:
        pcsc.open_reader(slot.reader)

    assert not caught.value.reached_card


def test_a_card_taken_out_is_removed(pcscd: PrivatePcscd, slot: Slot) -> None:
    with inserted(pcscd, slot) as card, opened(slot) as connection:
        card.die()
        gone = pcsc.wait_for_removal(slot.reader, PATIENCE_S)

        with pytest.raises(CardRemoved):
            connection.transmit(SELECT)

    assert gone


def test_a_card_just_taken_out_and_not_missed_yet_is_lost(pcscd: PrivatePcscd, slot: Slot) -> None:
    with inserted(pcscd, slot) as card, opened(slot) as connection:
        card.bury()

        with pytest.raises(LinkError) as caught:
            connection.transmit(SELECT)

    assert caught.value.reason in (
        LinkReason.NOT_TRANSACTED,
        LinkReason.EMPTY_ANSWER,
        LinkReason.CARD_REMOVED,
    )
    assert caught.value.reached_card


def test_a_new_card_needs_a_new_connection(pcscd: PrivatePcscd, slot: Slot) -> None:
    with inserted(pcscd, slot) as first, opened(slot) as connection:
        first.bury()
        pcsc.wait_for_removal(slot.reader, PATIENCE_S)
        with inserted(pcscd, slot, atr=T1_ATR) as second:
            with pytest.raises(CardRemoved):
                connection.transmit(SELECT)
            with opened(slot) as fresh:
                got = fresh.transmit(SELECT)
                atr = fresh.atr

    assert (got, atr) == (answer("9000"), T1_ATR)
    assert second.commands == [SELECT.build()]


def test_a_card_swapped_faster_than_the_reader_looks_is_known_by_its_own_atr(
    pcscd: PrivatePcscd, slot: Slot
) -> None:
    with inserted(pcscd, slot) as first, opened(slot) as connection:
        first.bury()
        second = plugged(pcscd, slot, atr=T1_ATR)
        with pytest.raises(LinkError):
            connection.transmit(SELECT)
        connection.close()
        second.wait_until_seen(slot)

        with opened(slot) as fresh:
            got = fresh.transmit(SELECT)
            atr = fresh.atr
        second.bury()

    assert (got, atr) == (answer("9000"), T1_ATR)
    assert Control.POWER_ON in second.controls or Control.RESET in second.controls


@pytest.mark.parametrize("turn", range(3))
def test_a_card_pulled_during_a_command_and_put_in_before_the_next_look_is_there_and_known_by_its_own_atr(
    pcscd: PrivatePcscd, slot: Slot, turn: int
) -> None:
    """A reset of the reader while it was empty would make the service take it for empty until that card had left."""
    with inserted(pcscd, slot, dying), opened(slot) as connection:
        with pytest.raises(LinkLost):
            connection.transmit(SELECT)
        connection.close()
        second = plugged(pcscd, slot, atr=T1_ATR)
        second.wait_until_seen(slot)

        with opened(slot) as fresh:
            got, atr = fresh.transmit(SELECT), fresh.atr
        second.bury()

    assert (got, atr) == (answer("9000"), T1_ATR)


@pytest.mark.parametrize("turn", range(5))
def test_a_card_put_in_right_behind_another_is_the_one_that_is_opened(
    pcscd: PrivatePcscd, slot: Slot, turn: int
) -> None:
    """The reader shows the first card until its next look; who trusts that opens a card that has gone."""
    with inserted(pcscd, slot):
        pass
    with inserted(pcscd, slot) as second, opened(slot) as connection:
        got = connection.transmit(SELECT)

    assert (got, second.commands) == (answer("9000"), [SELECT.build()])


def test_a_card_reset_by_another_program_is_left_to_it(pcscd: PrivatePcscd, slot: Slot) -> None:
    with inserted(pcscd, slot) as card, opened(slot) as ours, opened(slot) as theirs:
        reset(theirs)
        resets = card.controls.count(Control.RESET)

        with pytest.raises(CardReset) as caught:
            ours.transmit(SELECT)
        ours.close()
        still = theirs.transmit(SELECT)

    assert caught.value.reason is LinkReason.CARD_RESET
    assert still == answer("9000")
    assert card.controls.count(Control.RESET) == resets


@pytest.mark.parametrize(
    ("cold", "given"),
    [(False, [Control.RESET]), (True, [Control.POWER_OFF, Control.POWER_ON])],
    ids=["warm", "cold"],
)
def test_a_reset_reaches_the_card(pcscd: PrivatePcscd, slot: Slot, cold: bool, given: list[Control]) -> None:
    with inserted(pcscd, slot) as card, opened(slot) as connection:
        connection.transmit(SELECT)
        before = len(card.controls)

        atr = reset(connection, cold=cold)
        got = connection.transmit(SELECT)

        assert card.controls[before:] == given
    assert (atr, got) == (T0_ATR, answer("9000"))


@pytest.mark.parametrize(
    ("first", "second"), [(True, False), (False, True), (True, True)], ids=["theirs", "ours", "both"]
)
def test_one_who_wants_a_card_alone_shares_it_with_nobody(
    pcscd: PrivatePcscd, slot: Slot, first: bool, second: bool
) -> None:
    with inserted(pcscd, slot), opened(slot, exclusive=first) as holder:
        with pytest.raises(ReaderBusy) as caught:
            pcsc.open_reader(slot.reader, exclusive=second)

        assert holder.transmit(SELECT) == answer("9000")
    assert not caught.value.reached_card


def test_an_unbroken_exchange_keeps_others_out_until_it_ends(pcscd: PrivatePcscd, slot: Slot) -> None:
    with inserted(pcscd, slot), opened(slot) as ours, opened(slot, deadline_s=SOON_S) as theirs:
        with exclusively(ours):
            with pytest.raises(ReaderBusy) as caught, exclusively(theirs):
                pass
            got = ours.transmit(SELECT)
        with opened(slot) as later, exclusively(later):
            after = later.transmit(SELECT)

    assert (got, after) == (answer("9000"), answer("9000"))
    assert not caught.value.reached_card


def test_a_command_kept_waiting_by_anothers_exchange_is_carried_out_after_its_deadline(
    pcscd: PrivatePcscd, slot: Slot
) -> None:
    late = command("B026000104")
    with inserted(pcscd, slot) as card, opened(slot) as ours, opened(slot, deadline_s=SOON_S) as theirs:
        with exclusively(ours):
            with pytest.raises(LinkLost) as caught:
                theirs.transmit(late)
            heard_before = list(card.commands)

        card.heard.wait(PATIENCE_S)

        assert caught.value.reached_card
        assert heard_before == []
        assert card.commands == [late.build()]


@pytest.fixture
def restarted(pcscd: PrivatePcscd) -> Iterator[PrivatePcscd]:
    """A service that a test may stop; it runs again afterwards."""
    yield pcscd
    pcscd.stop_service()
    pcscd.start_service()


def test_a_service_that_dies_is_gone_and_another_serves_new_connections(
    restarted: PrivatePcscd, slot: Slot
) -> None:
    with inserted(restarted, slot), opened(slot) as connection:
        restarted.stop_service()
        with pytest.raises(LinkLost) as lost:
            connection.transmit(SELECT)
        with pytest.raises(NoReader) as none:
            pcsc.card_present(slot.reader)
        with pytest.raises(NotSent):
            connection.transmit(SELECT)

    restarted.start_service()
    with inserted(restarted, slot), opened(slot) as fresh:
        got = fresh.transmit(SELECT)

    assert lost.value.reason is LinkReason.SERVICE_GONE
    assert none.value.reason is LinkReason.NO_SERVICE
    assert got == answer("9000")


def test_a_service_that_dies_during_a_command_is_gone_before_the_deadline(
    restarted: PrivatePcscd, slot: Slot
) -> None:
    with (
        inserted(restarted, slot, mute) as card,
        opened(slot, deadline_s=PATIENCE_S) as connection,
        ThreadPoolExecutor(1) as pool,
    ):
        waiting = pool.submit(connection.transmit, SELECT)
        card.heard.wait(PATIENCE_S)
        restarted.stop_service()
        error = waiting.exception(PATIENCE_S)

    assert isinstance(error, LinkLost)
    assert error.reason is LinkReason.SERVICE_GONE


def test_a_wait_for_a_card_outlives_the_service(restarted: PrivatePcscd, slot: Slot) -> None:
    restarted.stop_service()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(pcsc.wait_for_card, slot.reader, PATIENCE_S)
        restarted.start_service()
        with inserted(restarted, slot):
            assert waiting.result(PATIENCE_S)


def test_a_card_that_comes_ends_the_wait(pcscd: PrivatePcscd, slot: Slot) -> None:
    pcsc.wait_for_removal(slot.reader, PATIENCE_S)
    cards: list[FaultyCard] = []
    insertion = threading.Timer(0.1, lambda: cards.append(plugged(pcscd, slot)))
    insertion.start()

    came = pcsc.wait_for_card(slot.reader, PATIENCE_S)
    insertion.join()
    cards[0].bury()
    left = pcsc.wait_for_removal(slot.reader, PATIENCE_S)

    assert (came, left) == (True, True)
