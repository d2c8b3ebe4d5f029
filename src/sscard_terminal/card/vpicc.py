"""Puts a card into a virtual reader: the socket around the vpcd link; it knows nothing of what the card answers.

The card is the TCP client, the reader's driver the server. Source of all rules here: pcsc.md sections 3 to 6.
"""

import contextlib
import logging
import os
import select
import socket
import threading
import traceback
import weakref
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Protocol

from sscard_terminal.card.vpcd import LENGTH_SIZE, MOST_PAYLOAD, Control, FrameReader, frame

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
PORT = 35963  # where the driver listens as packaged
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 0.3  # between two attempts to connect
SHORTEST_ANSWER = 2  # bytes: a status word, or TS and T0
BUG = bytes.fromhex("6F00")
_QUICKACK = socket.TCP_QUICKACK if hasattr(socket, "TCP_QUICKACK") else None  # Linux only


class Card(Protocol):
    """What a card must be able to do to sit in a reader. Answers are whole: data and status word."""

    def atr(self) -> bytes:
        """The answer to reset, 2-33 bytes; asked several times a second, so it must not disturb a session."""

    def power_on(self) -> bytes:
        """Cold reset; the ATR."""

    def reset(self) -> bytes:
        """Warm reset; the ATR."""

    def power_off(self) -> None: ...

    def respond(self, command: bytes) -> bytes:
        """Answer one command APDU with at least two bytes.

        Raises:
            TakenOut: the card has lost its contact and cannot.
        """


class TakenOut(Exception):
    """The card lost its contact in a command: of `answer` the first `arrived` bytes went out, and it is out of the reader."""

    def __init__(self, answer: bytes = b"", arrived: int = 0) -> None:
        super().__init__("the card lost its contact")
        self.answer = answer
        self.arrived = min(arrived, len(answer))


class LinkState(Enum):
    """Where the card is, as far as it can know."""

    WAITING = "waiting"  # no driver there, or it has not taken us in yet: connect() alone proves nothing
    INSERTED = "inserted"  # the first byte arrived
    STOPPED = "stopped"


class Vpicc:
    """A card on its way into the reader slot at `host`:`port`, and in it.

    `serve` blocks until `request_stop`, and reconnects for ever in between, because the reader's service comes and
    goes. `on_state` hears every change of state, in the serving thread. `open_socket` makes the TCP socket, for a
    driver that lives in a network of its own.
    """

    def __init__(
        self,
        card: Card,
        port: int = PORT,
        host: str = HOST,
        *,
        on_state: Callable[[LinkState], None] | None = None,
        open_socket: Callable[[], socket.socket] = socket.socket,
    ) -> None:
        self._card = card
        self._address = (host, port)
        self._on_state = on_state
        self._open_socket = open_socket
        self._link: socket.socket | None = None
        self._state: LinkState | None = None
        self._stopping = False
        self._wake_reader, self._wake_writer = os.pipe()
        os.set_blocking(self._wake_writer, False)
        weakref.finalize(self, os.close, self._wake_reader)
        weakref.finalize(self, os.close, self._wake_writer)
        self._inserted = threading.Event()

    def serve(self) -> None:
        """Stay in the reader until `request_stop`; the card is powered off whenever the reader goes away."""
        pause_s = FIRST_PAUSE_S
        try:
            with waking_gently():
                while not self._stopping:
                    self._enter(LinkState.WAITING)
                    was_inserted = self._connect_and_converse()
                    pause_s = FIRST_PAUSE_S if was_inserted else min(2 * pause_s, LONGEST_PAUSE_S)
                    self._pause(pause_s)
        finally:
            self._enter(LinkState.STOPPED)

    def request_stop(self) -> None:
        """Make `serve` return at once, out of whatever it waits for; for any thread and for signal handlers."""
        self._stopping = True
        with contextlib.suppress(OSError):  # full: it has been woken already
            os.write(self._wake_writer, b"x")
        link = self._link
        if link is not None:
            with contextlib.suppress(OSError):  # already closed from the other side
                link.shutdown(socket.SHUT_RDWR)

    def wait_inserted(self, timeout_s: float) -> bool:
        """Wait until the driver has taken the card in; False when it has not within the time."""
        return self._inserted.wait(timeout_s)

    def _pause(self, pause_s: float) -> None:
        """Sleep, but not through `request_stop`; an Event would not do, it may lock up in a signal handler."""
        wake = select.poll()
        wake.register(self._wake_reader, select.POLLIN)
        wake.poll(pause_s * 1000)

    def _enter(self, state: LinkState) -> None:
        if state is self._state:
            return
        self._state = state
        if state is LinkState.INSERTED:
            self._inserted.set()
        else:
            self._inserted.clear()
        if self._on_state is not None:
            self._on_state(state)

    def _connect_and_converse(self) -> bool:
        """One life of the link; whether the card was taken in."""
        with self._open_socket() as link:
            self._link = link  # before connect: that may block too, behind another card on the same port
            try:
                if not self._stopping and self._connect(link):
                    self._converse(link)
            except TakenOut as out:
                self._stopping = True
                _send_cut(link, out)
            except OSError as error:
                logger.debug("link to the reader ended: %s", error)
            finally:
                self._link = None
                was_inserted = self._state is LinkState.INSERTED
                if was_inserted:
                    self._answer(bytes([Control.POWER_OFF]))
        return was_inserted

    def _connect(self, link: socket.socket) -> bool:
        link.connect(self._address)
        # On a port of the ephemeral range that nobody listens on, TCP may connect a socket to itself.
        if link.getsockname() == link.getpeername():
            return False
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        rearm_quick_ack(link)
        return True

    def _converse(self, link: socket.socket) -> None:
        """Answer frame by frame until the driver goes. The hot path: no logging, no allocation but the answer."""
        reader = FrameReader()
        space, filled, next_payload = reader.space, reader.filled, reader.next
        receive, send, answer = link.recv_into, link.sendall, self._answer
        count = receive(space())
        if count:
            self._enter(LinkState.INSERTED)
        while count:
            filled(count)
            acknowledged = False
            while (payload := next_payload()) is not None:
                reply = answer(payload)
                if reply is not None:
                    send(frame(reply))
                    acknowledged = True  # by the answer itself, which spares a packet
            if not acknowledged:
                rearm_quick_ack(link)
            count = receive(space())

    def _answer(self, payload: bytes) -> bytes | None:
        """Exactly one answer to an APDU and to "ATR?", none to anything else."""
        try:
            reply = self._card.respond(payload) if len(payload) > 1 else self._obey(payload)
        except TakenOut:
            raise
        except Exception as bug:  # noqa: BLE001  # a chip never prints a traceback; the only such place we have
            # Neither command nor message is logged: both may hold a PIN.
            places = "".join(traceback.format_tb(bug.__traceback__))
            logger.error("the card failed with %s at\n%s", type(bug).__name__, places)
            reply = BUG if len(payload) > 1 or payload == bytes([Control.ATR]) else None
        if reply is not None and not SHORTEST_ANSWER <= len(reply) <= MOST_PAYLOAD:
            logger.error("the card answered with %d bytes", len(reply))
            return BUG  # an empty or overlong frame would wedge the slot
        return reply

    def _obey(self, control: bytes) -> bytes | None:
        """Do what a control frame asks; unknown ones are ignored (card.md B39)."""
        match control[0] if control else None:
            case Control.ATR:
                return self._card.atr()
            case Control.POWER_ON:
                self._card.power_on()
            case Control.RESET:
                self._card.reset()
            case Control.POWER_OFF:
                self._card.power_off()
        return None


def _send_cut(link: socket.socket, out: TakenOut) -> None:
    """What arrived of an answer, under the length of the whole; then the link ends, as when a contact is lost."""
    if out.arrived:
        with contextlib.suppress(OSError):
            link.sendall(frame(out.answer)[: LENGTH_SIZE + out.arrived])


@contextlib.contextmanager
def waking_gently() -> Iterator[None]:
    """Let this thread not push the driver aside when it wakes (Linux; elsewhere nothing).

    Else it wakes on the two bytes of a length, before the driver could send the payload, and sleeps again: two
    switches of process for nothing, a fifth of an APDU's whole time when all share one CPU (docs/benchmarks.md).
    """
    if not hasattr(os, "SCHED_BATCH"):
        yield
        return
    usual, priority = os.sched_getscheduler(0), os.sched_getparam(0)
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, usual, priority)


def rearm_quick_ack(link: socket.socket) -> None:
    """Acknowledge at once what has arrived and what arrives next.

    The driver sends length and payload apart and waits for our acknowledgement between them, which Linux delays by
    40 ms; the option wears off, so this follows every receive that no answer follows (pcsc.md section 5).
    """
    if _QUICKACK is not None:
        link.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)


@contextlib.contextmanager
def serving(
    card: Card,
    port: int = PORT,
    host: str = HOST,
    *,
    open_socket: Callable[[], socket.socket] = socket.socket,
) -> Iterator[Vpicc]:
    """Serve the card in a thread of this process for the length of a `with` block."""
    vpicc = Vpicc(card, port, host, open_socket=open_socket)
    thread = threading.Thread(target=vpicc.serve, name=f"card at {port}", daemon=True)
    thread.start()
    try:
        yield vpicc
    finally:
        vpicc.request_stop()
        thread.join(timeout=5)
