"""The ways a suite reaches a card: straight, recorded, played back, and through a private pcscd; virtual cards all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from sscard_terminal.card.chip import Chip
from sscard_terminal.card.control.control import CannotObey, Control
from sscard_terminal.card.control.faults import FaultyCard
from sscard_terminal.card.control.slots import VpcdSlot
from sscard_terminal.card.control.verbs import Insert, Verb
from sscard_terminal.card.memory import ByteStore, RamStore
from sscard_terminal.card.vpicc import Vpicc
from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.lab import virtual
from sscard_terminal.lab.conformance import subjects
from sscard_terminal.lab.run.targets import Cannot, Target
from sscard_terminal.lab.run.virtual_target import VirtualTarget
from sscard_terminal.reader import pcsc
from sscard_terminal.reader.connection import Connection, LinkError
from sscard_terminal.reader.private_pcscd import PrivatePcscd, Slot
from sscard_terminal.reader.replay import Replay
from sscard_terminal.reader.transcript import Exchange, Octets, Transcript, carries_pin
from sscard_terminal.reader.wrapping import Wrapping

SEEN_WITHIN_S = 10.0


class Writing(Wrapping):
    """Writes down what passes, as a transcript has it: PINs masked."""

    def __init__(self, inner: Connection, exchanges: list[Exchange]) -> None:
        super().__init__(inner)
        self._exchanges = exchanges

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        asked = Octets(tuple(command.build()))
        asked = asked.masked(5, len(asked)) if carries_pin(asked) else asked
        try:
            answer = self._inner.transmit(command)
        except LinkError as error:
            self._exchanges.append(Exchange(asked, None, error.reason))
            raise
        self._exchanges.append(Exchange(asked, Octets(tuple(answer.build()))))
        return answer


class RecordedTarget(VirtualTarget):
    """A virtual card whose whole conversation, fresh cards and tears and all, is written down."""

    exchanges: list[Exchange]

    def _open(self) -> Connection:
        if not hasattr(self, "exchanges"):
            self.exchanges = []
        return Writing(super()._open(), self.exchanges)

    @property
    def transcript(self) -> Transcript:
        return Transcript(tuple(self.exchanges), self.atr)


class Held:
    """A replay that stays where it is when a link breaks or is closed."""

    def __init__(self, replay: Replay) -> None:
        self._replay = replay

    @property
    def atr(self) -> bytes:
        return self._replay.atr

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        return self._replay.transmit(command)

    def close(self) -> None:
        pass


class ReplayedTarget(Target):
    """Plays a recording; a fresh card, a reset and a tear are whatever was recorded next."""

    is_virtual = True

    def __init__(self, name: str, kind: str, transcript: Transcript, profile: str, pin: bytes) -> None:
        self.replay = Replay(transcript)
        super().__init__(name, lambda: Held(self.replay), kind=kind, profile=profile, pin=pin)

    def fresh(self) -> None:
        self.power_on()

    def obey(self, verb: Verb) -> None:
        pass

    def torn_down(self) -> bool:
        self.power_on()
        return True


class Renewable(FaultyCard):
    """A card in a reader whose memory is made anew while it lies there: the next reset finds a new card."""

    def renew(self, image: bytes) -> None:
        self.__init__(RamStore(image), self._build)  # type: ignore[misc]  # everything anew, the same card object


class PcscTarget(Target):
    """A virtual card behind pcscd: every command and reset goes through PC/SC."""

    is_virtual = True

    def __init__(self, name: str, kind: str, image: bytes, pcscd: PrivatePcscd, slot: Slot) -> None:
        self._image, self._reader = image, slot.reader
        self._random = Random(1)
        self._card = Renewable(RamStore(image), self._chip)
        self._slot = VpcdSlot(
            lambda card: Vpicc(card, slot.port, open_socket=pcscd.open_socket), pause_s=0.05
        )
        self._control = Control(self._slot, {name: self._card}.get, name)
        self._insert()
        profile = virtual.chip_over(RamStore(image)).power_on() and self._profile
        super().__init__(name, self._connect, kind=kind, says=slot.reader, profile=profile, pin=self._pin)

    def fresh(self) -> None:
        self._card.renew(self._image)
        if not self._slot.is_filled:
            self._insert()
        self.reset(cold=True)

    def obey(self, verb: Verb) -> None:
        try:
            self._control.obey(verb)
        except CannotObey as error:
            raise Cannot(str(error.obstacle)) from error

    def torn_down(self) -> bool:
        was_torn = not self._slot.is_filled
        self.power_off()
        self._slot.take_out()
        pcsc.wait_for_removal(self._reader, SEEN_WITHIN_S)
        self._insert()
        self.power_on()
        return was_torn

    def leave(self) -> None:
        self.close()
        self._slot.take_out()

    def _insert(self) -> None:
        self._control.obey(Insert())
        assert pcsc.wait_for_card(self._reader, SEEN_WITHIN_S)

    def _connect(self) -> Connection:
        return pcsc.open_reader(self._reader)

    def _chip(self, store: ByteStore) -> Chip:
        chip = virtual.chip_over(store)
        self._profile, self._pin = _known(store)
        return chip


def _known(store: ByteStore) -> tuple[str, bytes]:
    image = store.read_all()
    target = VirtualTarget("known", lambda: image, Random(0), lambda name: b"")
    known = target.profile, target.pin
    target.close()
    return known


def recorded(profile: str, monkeypatch: Callable[..., None]) -> dict[str, Target]:
    """The virtual subject of that profile, written down."""
    monkeypatch(subjects, "VirtualTarget", RecordedTarget)
    return subjects.virtual_subject(profile, 1)[1]


def replayed(targets: dict[str, Target]) -> dict[str, Target]:
    """What was written down, played back."""
    return {
        name: ReplayedTarget(name, target.kind, target.transcript, target.profile, target.pin)
        for name, target in targets.items()
        if isinstance(target, RecordedTarget)
    }


def over_pcscd(profile: str, pcscd: PrivatePcscd, slots: Iterator[Slot]) -> dict[str, Target]:
    """The virtual subject of that profile, each card and the PSAM in a reader of its own."""
    _, straight = subjects.virtual_subject(profile, 1)
    return {
        name: PcscTarget(name, target.kind, target._image(), pcscd, next(slots))
        for name, target in straight.items()
        if isinstance(target, VirtualTarget)
    }
