"""A card in the virtual reader that misbehaves on command, below anything a decent card would do."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

from sscard_terminal.card.vpcd import Control, FrameReader, frame
from sscard_terminal.card.vpicc import rearm_quick_ack
from sscard_terminal.reader import pcsc
from sscard_terminal.reader.private_pcscd import PrivatePcscd, Slot
from tests.reader.doubles import T0_ATR

PATIENCE_S = 10.0


class FaultyCard:
    """A card whose answer to each command is whatever `behave(card, command)` does with the link.

    `commands` are those it heard, `controls` the power-on, power-off and reset it was given; `obey` is told of those.
    """

    def __init__(
        self,
        link: socket.socket,
        behave: Callable[["FaultyCard", bytes], None],
        atr: bytes = T0_ATR,
        obey: Callable[[Control], None] = lambda _: None,
    ) -> None:
        self._link = link
        self._behave = behave
        self._atr = atr
        self._obey = obey
        self.commands: list[bytes] = []
        self.controls: list[Control] = []
        self.heard = threading.Event()
        self.taken_in = threading.Event()
        """The driver has accepted this card: the first byte has arrived (pcsc.md §3)."""
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def answer(self, text: str) -> None:
        self.send(frame(bytes.fromhex(text)))

    def send(self, raw: bytes) -> None:
        self._link.sendall(raw)

    def wait_until_seen(self, slot: Slot) -> None:
        """Wait until the reader shows this card: for up to a poll it still shows the one that was there before."""
        assert self.taken_in.wait(PATIENCE_S)
        assert pcsc.wait_for_card(slot.reader, PATIENCE_S)

    def die(self) -> None:
        with contextlib.suppress(OSError):
            self._link.shutdown(socket.SHUT_RDWR)

    def bury(self) -> None:
        self.die()
        self._thread.join(PATIENCE_S)
        self._link.close()

    def _serve(self) -> None:
        reader = FrameReader()
        with contextlib.suppress(OSError):
            while count := self._link.recv_into(reader.space()):
                self.taken_in.set()
                rearm_quick_ack(self._link)
                reader.filled(count)
                while (payload := reader.next()) is not None:
                    self._take(payload)

    def _take(self, payload: bytes) -> None:
        if len(payload) > 1:
            self.commands.append(payload)
            self.heard.set()
            self._behave(self, payload)
        elif payload == bytes((Control.ATR,)):
            self.send(frame(self._atr))
        else:
            self.controls.append(Control(payload[0]))
            self._obey(self.controls[-1])


def polite(card: FaultyCard, _: bytes) -> None:
    card.answer("9000")


def plugged(
    pcscd: PrivatePcscd,
    slot: Slot,
    behave: Callable[[FaultyCard, bytes], None] = polite,
    atr: bytes = T0_ATR,
    obey: Callable[[Control], None] = lambda _: None,
) -> FaultyCard:
    """A card on its way into the slot; the reader sees it at its next look."""
    link = pcscd.open_socket()
    link.connect(("127.0.0.1", slot.port))
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return FaultyCard(link, behave, atr, obey)


@contextlib.contextmanager
def inserted(
    pcscd: PrivatePcscd,
    slot: Slot,
    behave: Callable[[FaultyCard, bytes], None] = polite,
    atr: bytes = T0_ATR,
) -> Iterator[FaultyCard]:
    """A card in the slot for the length of a `with` block, seen by the reader from the first line on."""
    card = plugged(pcscd, slot, behave, atr)
    try:
        card.wait_until_seen(slot)
        yield card
    finally:
        card.bury()
