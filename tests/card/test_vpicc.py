"""A card's link to the reader, over real sockets on loopback; the driver's side is played by the tests."""

import contextlib
import logging
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from pytest_mock import MockerFixture

from sscard_terminal.card import vpicc as vpicc_module
from sscard_terminal.card.vpicc import LinkState, Vpicc, serving

ATR = bytes.fromhex("3B6D000000815431328660370900000002")
SELECT_MF = bytes.fromhex("00A4000C023F00")
PATIENCE_S = 5.0


class ScriptedCard:
    """A card that answers as it is told and remembers what was done to it."""

    def __init__(self, answer: Callable[[bytes], bytes] = lambda command: command[:1] + b"\x90\x00") -> None:
        self.done: list[str] = []
        self.powered_off = threading.Event()
        self._answer = answer

    def atr(self) -> bytes:
        return ATR

    def power_on(self) -> bytes:
        self.done.append("power on")
        return ATR

    def reset(self) -> bytes:
        self.done.append("reset")
        return ATR

    def power_off(self) -> None:
        self.done.append("power off")
        self.powered_off.set()

    def respond(self, command: bytes) -> bytes:
        self.done.append(command.hex().upper())
        return self._answer(command)


class Driver:
    """The reader's side: a listening port, and the one link it has accepted."""

    def __init__(self, port: int = 0) -> None:
        self._listening = socket.create_server(("127.0.0.1", port))
        self._listening.settimeout(PATIENCE_S)
        self.port = self._listening.getsockname()[1]
        self.link = socket.socket()

    def accept(self) -> None:
        self.link.close()
        self.link = self._listening.accept()[0]
        self.link.settimeout(PATIENCE_S)

    def send(self, payload: bytes) -> None:
        self.link.sendall(len(payload).to_bytes(2, "big") + payload)

    def receive(self) -> bytes:
        length = int.from_bytes(self._exactly(2), "big")
        return self._exactly(length)

    def ask(self, payload: bytes) -> bytes:
        self.send(payload)
        return self.receive()

    def close(self) -> None:
        self.link.close()
        self._listening.close()

    def reset_link(self) -> None:
        """Go as a killed pcscd does, with a TCP reset."""
        self.link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.link.close()

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += self.link.recv(count - len(data))
        return data


@pytest.fixture
def driver() -> Iterator[Driver]:
    with contextlib.closing(Driver()) as it:
        yield it


@contextlib.contextmanager
def inserted(card: ScriptedCard, driver: Driver) -> Iterator[Vpicc]:
    """The card in the driver's slot, as far as the driver's first question."""
    with serving(card, driver.port) as vpicc:
        driver.accept()
        assert driver.ask(b"\x04") == ATR
        yield vpicc


def test_atr_poll_is_answered_and_disturbs_nothing(driver: Driver) -> None:
    card = ScriptedCard()

    with inserted(card, driver):
        answers = [driver.ask(b"\x04") for _ in range(3)]

        assert answers == [ATR] * 3
        assert card.done == []


def test_power_and_reset_are_obeyed_and_not_answered(driver: Driver) -> None:
    card = ScriptedCard()

    with inserted(card, driver):
        for control in (b"\x01", b"\x02", b"\x00"):
            driver.send(control)
        next_answer = driver.ask(b"\x04")

        assert next_answer == ATR
        assert card.done == ["power on", "reset", "power off"]


@pytest.mark.parametrize("control", [b"", b"\x03", b"\x05", b"\xff"])
def test_unknown_control_is_ignored(driver: Driver, control: bytes) -> None:
    card = ScriptedCard()

    with inserted(card, driver):
        driver.send(control)
        next_answer = driver.ask(b"\x04")

        assert next_answer == ATR
        assert card.done == []


def test_command_gets_exactly_one_answer(driver: Driver) -> None:
    card = ScriptedCard()

    with inserted(card, driver):
        answer, next_answer = driver.ask(SELECT_MF), driver.ask(b"\x04")

        assert answer == bytes.fromhex("009000")
        assert next_answer == ATR
        assert card.done == ["00A4000C023F00"]


def test_command_in_pieces_is_put_together(driver: Driver) -> None:
    card = ScriptedCard()

    with inserted(card, driver):
        driver.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in len(SELECT_MF).to_bytes(2, "big") + SELECT_MF:
            driver.link.sendall(bytes([byte]))
            time.sleep(0.001)
        answer = driver.receive()

        assert answer == bytes.fromhex("009000")


def test_longest_command_and_longest_answer_pass(driver: Driver) -> None:
    card = ScriptedCard(lambda command: command[:-2] + b"\x90\x00")

    with inserted(card, driver):
        answer = driver.ask(bytes(65535))

        assert answer == bytes(65533) + b"\x90\x00"


def test_driver_that_sends_in_two_pieces_is_not_kept_waiting(driver: Driver) -> None:
    """The packaged driver's two sends without TCP_NODELAY: 40 ms each if we acknowledge late (pcsc.md section 5)."""
    exchanges = 25
    with inserted(ScriptedCard(), driver):
        started = time.perf_counter()

        for _ in range(exchanges):
            driver.link.sendall(len(SELECT_MF).to_bytes(2, "big"))
            driver.link.sendall(SELECT_MF)
            driver.receive()

        assert time.perf_counter() - started < exchanges * 0.040 / 2


@pytest.mark.parametrize("unanswered", ["0007", "0007 00A4", "0001 01", "0001 00 0001 01"])
def test_quick_acknowledgement_is_armed_again_after_every_receive_without_an_answer(
    driver: Driver, mocker: MockerFixture, unanswered: str
) -> None:
    rearm = mocker.spy(vpicc_module, "rearm_quick_ack")
    with inserted(ScriptedCard(), driver):
        before = rearm.call_count

        driver.link.sendall(bytes.fromhex(unanswered))
        deadline = time.monotonic() + PATIENCE_S
        while rearm.call_count == before and time.monotonic() < deadline:
            time.sleep(0.001)

        assert rearm.call_count > before


def test_answer_leaves_in_one_piece(driver: Driver, mocker: MockerFixture) -> None:
    sends: list[bytes] = []

    class Watched(socket.socket):
        def sendall(self, data: bytes, flags: int = 0) -> None:  # type: ignore[override]
            sends.append(bytes(data))
            super().sendall(data, flags)

    with serving(ScriptedCard(), driver.port, open_socket=Watched):
        driver.accept()
        driver.ask(SELECT_MF)

        assert sends == [bytes.fromhex("0003 009000")]


def test_exception_in_the_card_answers_6f00_and_the_link_lives_on(driver: Driver) -> None:
    def fail(command: bytes) -> bytes:
        raise RuntimeError("a bug")

    with inserted(ScriptedCard(fail), driver):
        answers = [driver.ask(SELECT_MF), driver.ask(SELECT_MF)]

        assert answers == [bytes.fromhex("6F00")] * 2


def test_exception_in_the_card_is_logged_without_what_may_hold_a_pin(
    driver: Driver, caplog: pytest.LogCaptureFixture
) -> None:
    verify = bytes.fromhex("0020000003739146")

    def fail(command: bytes) -> bytes:
        raise ValueError(f"cannot digest {command.hex()}")

    with caplog.at_level(logging.DEBUG), inserted(ScriptedCard(fail), driver):
        driver.ask(verify)

    assert "ValueError" in caplog.text
    assert "test_vpicc.py" in caplog.text
    assert "739146" not in caplog.text


@pytest.mark.parametrize("length", [0, 1, 65536])
def test_answer_that_would_wedge_the_slot_becomes_6f00(driver: Driver, length: int) -> None:
    with inserted(ScriptedCard(lambda command: bytes(length)), driver):
        answers = [driver.ask(SELECT_MF), driver.ask(b"\x04")]

        assert answers == [bytes.fromhex("6F00"), ATR]


def test_exception_at_power_on_ends_neither_link_nor_order(driver: Driver, mocker: MockerFixture) -> None:
    card = ScriptedCard()
    mocker.patch.object(card, "power_on", side_effect=OSError("memory file gone"))

    with inserted(card, driver):
        driver.send(b"\x01")
        next_answer = driver.ask(SELECT_MF)

        assert next_answer == bytes.fromhex("009000")


def test_exception_at_atr_still_gives_one_answer(driver: Driver, mocker: MockerFixture) -> None:
    card = ScriptedCard()

    with inserted(card, driver):
        mocker.patch.object(card, "atr", side_effect=RuntimeError("a bug"))
        answers = [driver.ask(b"\x04"), driver.ask(SELECT_MF)]

        assert answers == [bytes.fromhex("6F00"), bytes.fromhex("009000")]


@pytest.mark.parametrize("leave", [Driver.close, Driver.reset_link])
def test_card_is_powered_off_when_the_driver_goes_away(
    driver: Driver, leave: Callable[[Driver], None]
) -> None:
    card = ScriptedCard()

    with inserted(card, driver):
        driver.ask(SELECT_MF)
        leave(driver)

        assert card.powered_off.wait(PATIENCE_S)
        assert card.done == ["00A4000C023F00", "power off"]


def test_card_is_powered_off_when_the_driver_goes_in_the_middle_of_a_frame(driver: Driver) -> None:
    card = ScriptedCard()

    with inserted(card, driver):
        driver.link.sendall(b"\x00\x07\x00\xa4")
        driver.close()

        assert card.powered_off.wait(PATIENCE_S)
        assert card.done == ["power off"]


def test_half_a_frame_of_the_old_link_is_forgotten_on_the_new_one(driver: Driver) -> None:
    with inserted(ScriptedCard(), driver):
        driver.link.sendall(b"\x00\x07\x00\xa4")
        driver.reset_link()
        driver.accept()

        assert driver.ask(SELECT_MF) == bytes.fromhex("009000")


def test_card_reconnects_when_the_driver_restarts(driver: Driver) -> None:
    with inserted(ScriptedCard(), driver) as vpicc:
        driver.close()
        with contextlib.closing(Driver(driver.port)) as successor:
            successor.accept()
            answer = successor.ask(b"\x04")

            assert answer == ATR
            assert vpicc.wait_inserted(PATIENCE_S)


def test_card_waits_for_a_driver_that_starts_later(driver: Driver) -> None:
    port = driver.port
    driver.close()

    with serving(ScriptedCard(), port):
        time.sleep(0.2)
        with contextlib.closing(Driver(port)) as late:
            late.accept()

            assert late.ask(b"\x04") == ATR


def test_connected_is_not_inserted_until_the_driver_speaks(driver: Driver) -> None:
    with serving(ScriptedCard(), driver.port) as vpicc:
        driver.accept()
        early = vpicc.wait_inserted(0.1)
        driver.ask(b"\x04")

        assert not early
        assert vpicc.wait_inserted(PATIENCE_S)


def test_states_are_told_once_each_and_in_order(driver: Driver) -> None:
    states: list[LinkState] = []
    vpicc = Vpicc(ScriptedCard(), driver.port, on_state=states.append)
    thread = threading.Thread(target=vpicc.serve)
    thread.start()

    for _ in range(2):
        driver.accept()
        driver.ask(b"\x04")
        driver.ask(b"\x04")
        driver.link.close()
    driver.accept()
    vpicc.request_stop()
    thread.join(PATIENCE_S)

    seen = [LinkState.WAITING, LinkState.INSERTED] * 2 + [LinkState.WAITING, LinkState.STOPPED]
    assert states == seen


def stops_at_once(vpicc: Vpicc, thread: threading.Thread) -> bool:
    started = time.perf_counter()
    vpicc.request_stop()
    thread.join(PATIENCE_S)
    return not thread.is_alive() and time.perf_counter() - started < 0.2


@pytest.fixture
def fresh(driver: Driver) -> tuple[Vpicc, threading.Thread]:
    vpicc = Vpicc(ScriptedCard(), driver.port)
    return vpicc, threading.Thread(target=vpicc.serve, daemon=True)


def test_stop_interrupts_a_card_that_waits_for_a_command(
    driver: Driver, fresh: tuple[Vpicc, threading.Thread]
) -> None:
    vpicc, thread = fresh
    thread.start()
    driver.accept()
    driver.ask(b"\x04")

    assert stops_at_once(vpicc, thread)


def test_stop_interrupts_the_pause_between_attempts(
    driver: Driver, fresh: tuple[Vpicc, threading.Thread]
) -> None:
    vpicc, thread = fresh
    driver.close()
    thread.start()
    time.sleep(1.0)  # by now the pauses have their full length

    assert stops_at_once(vpicc, thread)


def test_stop_interrupts_a_connect_that_hangs() -> None:
    """The driver queues one card behind the one it holds; a third is left hanging in connect()."""
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for queued in (first, second):
            queued.setblocking(False)
            queued.connect_ex(full.getsockname())
        vpicc = Vpicc(ScriptedCard(), full.getsockname()[1])
        thread = threading.Thread(target=vpicc.serve, daemon=True)
        thread.start()
        time.sleep(0.2)

        assert stops_at_once(vpicc, thread)


def test_stop_before_serve_returns_without_a_connection(driver: Driver) -> None:
    vpicc = Vpicc(ScriptedCard(), driver.port)
    vpicc.request_stop()

    vpicc.serve()

    assert not vpicc.wait_inserted(0)


def test_stop_works_from_a_signal_handler(driver: Driver) -> None:
    vpicc = Vpicc(ScriptedCard(), driver.port)
    usual = signal.signal(signal.SIGUSR1, lambda number, place: vpicc.request_stop())
    threading.Timer(0.1, signal.pthread_kill, (threading.main_thread().ident, signal.SIGUSR1)).start()
    started = time.perf_counter()

    try:
        vpicc.serve()
    finally:
        signal.signal(signal.SIGUSR1, usual)

    assert 0.05 < time.perf_counter() - started < PATIENCE_S


def test_a_socket_connected_to_itself_is_not_taken_for_a_reader() -> None:
    """TCP allows it where nobody listens and our own port number happens to be the reader's."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    opened: list[socket.socket] = []

    def bound_to_the_readers_port() -> socket.socket:
        it = socket.socket()
        if not opened:
            it.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            it.bind(("127.0.0.1", port))
        opened.append(it)
        return it

    with serving(ScriptedCard(), port, open_socket=bound_to_the_readers_port) as vpicc:
        deadline = time.monotonic() + PATIENCE_S
        while len(opened) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)

        assert len(opened) >= 2
        assert not vpicc.wait_inserted(0)
