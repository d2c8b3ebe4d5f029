"""A reader's own worker: deadlines, what is dead after one, and what a late answer can still do (nothing)."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType

import pytest

from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.iso7816.status import OK
from sscard_terminal.reader.connection import (
    CardRemoved,
    Connection,
    LinkLost,
    LinkReason,
    NoCard,
    NoReader,
    NotSent,
    ReaderBusy,
    exclusively,
    reset,
)
from sscard_terminal.reader.deadline import opened_with_deadline, with_deadline, within
from tests.reader.doubles import T0_ATR, Answering, answer, breaking, command, saying

SELECT = command("00A40000023F00")
PATIENCE_S = 10.0
SOON_S = 0.02


class MuteCard(Answering):
    """A card that answers nothing until it is let."""

    def __init__(self) -> None:
        super().__init__(self._wait)
        self.asked = threading.Event()
        self.let_answer = threading.Event()
        self.was_closed = threading.Event()

    def _wait(self, _: CommandApdu) -> ResponseApdu:
        self.asked.set()
        self.let_answer.wait(PATIENCE_S)
        return answer("9000")

    def close(self) -> None:
        self.was_closed.set()


@pytest.fixture
def mute() -> Iterator[MuteCard]:
    card = MuteCard()
    yield card
    card.let_answer.set()


def test_answers_and_the_atr_come_through() -> None:
    connection = with_deadline(saying("6F009000"))

    assert connection.transmit(SELECT) == answer("6F009000")
    assert connection.atr == T0_ATR


def test_every_command_runs_in_the_same_thread_which_is_not_the_callers() -> None:
    threads = set()

    def respond(_: CommandApdu) -> ResponseApdu:
        threads.add(threading.current_thread())
        return answer("9000")

    connection = with_deadline(Answering(respond))
    for _ in range(5):
        connection.transmit(SELECT)

    assert len(threads) == 1
    assert threading.current_thread() not in threads
    assert all(thread.daemon for thread in threads)


@pytest.mark.parametrize("error", [CardRemoved(), ZeroDivisionError()], ids=["broken link", "bug"])
def test_what_goes_wrong_is_raised_where_the_caller_waits(error: Exception) -> None:
    connection = with_deadline(breaking(error))

    with pytest.raises(type(error)) as caught:
        connection.transmit(SELECT)

    assert caught.value is error


def test_a_mute_card_is_a_lost_link_when_the_deadline_passes(mute: MuteCard) -> None:
    connection = with_deadline(mute, SOON_S)

    with pytest.raises(LinkLost) as caught:
        connection.transmit(SELECT)

    assert caught.value.reason is LinkReason.DEADLINE_PASSED
    assert caught.value.reached_card


def test_after_a_deadline_nothing_more_is_sent_and_no_late_answer_is_heard(mute: MuteCard) -> None:
    connection = with_deadline(mute, SOON_S)
    with pytest.raises(LinkLost):
        connection.transmit(SELECT)

    mute.let_answer.set()
    mute.was_closed.wait(PATIENCE_S)
    with pytest.raises(NotSent):
        connection.transmit(command("B026000104"))

    assert mute.commands == [SELECT]


def test_a_connection_left_behind_is_closed_when_its_last_command_ends(mute: MuteCard) -> None:
    connection = with_deadline(mute, SOON_S)
    with pytest.raises(LinkLost):
        connection.transmit(SELECT)
    closed_while_busy = mute.was_closed.is_set()

    mute.let_answer.set()

    assert mute.was_closed.wait(PATIENCE_S)
    assert not closed_while_busy


def test_closing_a_connection_left_behind_does_not_wait_for_its_card(mute: MuteCard) -> None:
    connection = with_deadline(mute, SOON_S)
    with pytest.raises(LinkLost):
        connection.transmit(SELECT)

    connection.close()

    assert not mute.let_answer.is_set()


def test_an_interrupted_wait_leaves_a_dead_connection(mute: MuteCard) -> None:
    class Interruption(Exception):
        pass

    def interrupt(_: int, __: FrameType | None) -> None:
        raise Interruption

    connection = with_deadline(mute, PATIENCE_S)
    previous = signal.signal(signal.SIGUSR1, interrupt)
    main = threading.get_ident()

    def signal_when_asked() -> None:
        mute.asked.wait(PATIENCE_S)
        signal.pthread_kill(main, signal.SIGUSR1)

    signaller = threading.Thread(target=signal_when_asked)
    signaller.start()
    with pytest.raises(Interruption):
        connection.transmit(SELECT)
    signaller.join()
    signal.signal(signal.SIGUSR1, previous)

    with pytest.raises(NotSent):
        connection.transmit(SELECT)


def test_closing_closes_the_card_in_its_thread_and_twice_is_once() -> None:
    closed_in: list[threading.Thread] = []
    card = saying("9000")
    card.close = lambda: closed_in.append(threading.current_thread())  # type: ignore[method-assign]
    connection = with_deadline(card)

    connection.close()
    connection.close()

    assert len(closed_in) == 1
    assert closed_in[0] is not threading.current_thread()
    assert not closed_in[0].is_alive()


def test_after_close_nothing_is_sent() -> None:
    card = saying("9000")
    connection = with_deadline(card)
    connection.close()

    with pytest.raises(NotSent):
        connection.transmit(SELECT)

    assert card.commands == []


def test_two_threads_on_one_connection_get_their_own_answers() -> None:
    connection = with_deadline(Answering(lambda sent: ResponseApdu(bytes((sent.p1, sent.p2)), OK)))
    asked = [(p1, p2) for p1 in range(2) for p2 in range(200)]

    with ThreadPoolExecutor(2) as pool:
        answers = list(
            pool.map(lambda p: connection.transmit(CommandApdu(0, 0xB0, p[0], p[1], ne=2)).data, asked)
        )

    assert answers == [bytes(p) for p in asked]


def test_a_reader_that_does_not_open_in_time_is_silent_and_closed_when_it_does() -> None:
    card = MuteCard()
    let_open = threading.Event()

    def opening() -> Connection:
        let_open.wait(PATIENCE_S)
        return card

    with pytest.raises(NoReader) as caught:
        opened_with_deadline(opening, SOON_S, "slow")
    let_open.set()

    assert caught.value.reason is LinkReason.READER_SILENT
    assert not caught.value.reached_card
    assert card.was_closed.wait(PATIENCE_S)


def test_a_reader_that_does_not_open_leaves_no_thread() -> None:
    def opening() -> Connection:
        raise NoCard

    with pytest.raises(NoCard):
        opened_with_deadline(opening, PATIENCE_S, "a reader without a card")

    assert "a reader without a card" not in [thread.name for thread in threading.enumerate()]


class SharedCard(Answering):
    """A card that other programs may hold; its transactions are remembered."""

    def __init__(self) -> None:
        super().__init__(lambda _: answer("9000"))
        self.happened: list[str] = []
        self.free = threading.Event()
        self.free.set()

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        self.free.wait(PATIENCE_S)
        self.happened.append("begin")
        try:
            yield
        finally:
            self.happened.append("end")
            if not self.free.is_set():
                raise CardRemoved

    def reset(self, *, cold: bool = False) -> bytes:
        self.happened.append("cold" if cold else "warm")
        return T0_ATR


def test_exclusivity_and_reset_go_through_the_worker() -> None:
    card = SharedCard()
    connection = with_deadline(card)

    with exclusively(connection):
        connection.transmit(SELECT)
        atr = reset(connection, cold=True)

    assert atr == T0_ATR
    assert card.happened == ["begin", "cold", "end"]


def test_a_card_that_another_program_does_not_let_go_of_is_busy() -> None:
    card = SharedCard()
    card.free.clear()
    connection = with_deadline(card, SOON_S)

    with pytest.raises(ReaderBusy) as caught, exclusively(connection):
        connection.transmit(SELECT)
    card.free.set()

    assert not caught.value.reached_card
    assert card.commands == []


def test_a_failure_to_let_go_does_not_spoil_the_answers_got() -> None:
    card = SharedCard()
    connection = with_deadline(card)

    with exclusively(connection):
        got = connection.transmit(SELECT)
        card.free.clear()

    assert got == answer("9000")
    assert card.happened == ["begin", "end"]


def test_one_job_can_have_a_thread_of_its_own() -> None:
    assert within(PATIENCE_S, "seven", lambda: 7) == 7


def test_one_job_that_is_late_is_a_silent_reader() -> None:
    never = threading.Event()

    with pytest.raises(NoReader) as caught:
        within(SOON_S, "never", lambda: never.wait(PATIENCE_S))
    never.set()

    assert caught.value.reason is LinkReason.READER_SILENT


def test_a_process_with_a_mute_card_ends() -> None:
    program = """if True:
        import threading
        from sscard_terminal.iso7816.apdu import CommandApdu
        from sscard_terminal.reader.connection import LinkLost
        from sscard_terminal.reader.deadline import with_deadline

        class Mute:
            atr = b""
            def transmit(self, command): threading.Event().wait()
            def close(self): pass

        try:
            with_deadline(Mute(), 0.02).transmit(CommandApdu(0, 0xA4, 0, 0))
        except LinkLost as error:
            print(error.reason)
    """

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50)

    assert (done.returncode, done.stdout, done.stderr) == (0, "deadline-passed\n", "")
