"""A virtual card or PSAM of this process as a target: every fault can be ordered, and the card can be made anew.

Not here: making images (lab/virtual.py) and the faults themselves (card/control).
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from sscard_applets.catalogue import load_applets, load_profile
from sscard_terminal.card.chip import Chip
from sscard_terminal.card.control.control import CannotObey, Control
from sscard_terminal.card.control.faults import FaultyCard
from sscard_terminal.card.control.verbs import Insert, Mute, Verb
from sscard_terminal.card.image import ImageError
from sscard_terminal.card.loopback_slot import LoopbackSlot
from sscard_terminal.card.memory import ByteStore, RamStore
from sscard_terminal.card.nvm import Nvm
from sscard_terminal.card.objects import PROFILE
from sscard_terminal.card.slow import Line, SlowCard
from sscard_terminal.card.vpicc import Card
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.reader.connection import Connection
from sscard_terminal.reader.deadline import DEFAULT_DEADLINE_S, with_deadline

from .targets import Cannot, Target

Find = Callable[[str], bytes]
"""The memory of another card by its name; raises FormatError or OSError."""


class VirtualTarget(Target):
    """The card that `image` makes, in a slot of its own. `random` makes its challenges; `find` those that `swap` names.

    Raises:
        FormatError, ImageError: it is no card's memory.
    """

    is_virtual = True

    def __init__(
        self,
        name: str,
        image: Callable[[], bytes],
        random: Random,
        find: Find,
        *,
        kind: str = "card",
        says: str = "",
        deadline_s: float = DEFAULT_DEADLINE_S,
    ) -> None:
        self._image = image
        self._random = random
        self._deadline_s = deadline_s
        self.line: Line | None = None
        """The pace of a contact card, from the next connection on; None: as fast as it can."""
        self._slot = LoopbackSlot(self._paced)
        self._cards: dict[str, FaultyCard] = {}
        self._find_image = find
        first = image()
        profile = profile_of(first)
        super().__init__(name, self._open, kind=kind, says=says, profile=profile, pin=_first_pin(profile))
        self._cards[name] = self._faulty(first)
        self._is_slow = False
        self._control = self._new_control()
        self._control.obey(Insert())

    def fresh(self) -> None:
        self.power_off()
        self._cards = {self.name: self._faulty(self._image())}
        self._slot.take_out()
        self._is_slow = False
        self._control = self._new_control()
        self._control.obey(Insert())
        self.power_on()

    def obey(self, verb: Verb) -> None:
        try:
            self._control.obey(verb)
        except CannotObey as error:
            raise Cannot(str(error.obstacle)) from error
        if isinstance(verb, Mute) and verb.duration_ms >= self._deadline_s * 1000 and not self._is_slow:
            self._is_slow = True
            if self._connection is not None:
                self._connection = with_deadline(self._connection, self._deadline_s)
                self._choose_way()

    def torn_down(self) -> bool:
        is_torn = not self._control.standing.is_in
        self.power_off()
        self._slot.take_out()
        self._control.obey(Insert())
        self.power_on()
        return is_torn

    def _open(self) -> Connection:
        connection: Connection = self._slot.open()
        return with_deadline(connection, self._deadline_s) if self._is_slow else connection

    def _paced(self, card: FaultyCard) -> Card:
        return card if self.line is None else SlowCard(card, self.line, sleep=card.wait_until_out)

    def _new_control(self) -> Control:
        return Control(self._slot, self._card, self.name, self._slot.reset_by_other)

    def _card(self, name: str) -> FaultyCard | None:
        """The card of that name, the same one each time."""
        if name not in self._cards:
            try:
                self._cards[name] = self._faulty(self._find_image(name))
            except (FormatError, ImageError, OSError):
                return None
        return self._cards[name]

    def _faulty(self, image: bytes) -> FaultyCard:
        return FaultyCard(RamStore(image), self._chip)

    def _chip(self, store: ByteStore) -> Chip:
        nvm = Nvm(store)
        profile = load_profile(nvm.read(PROFILE).decode("ascii"))
        return Chip(profile, load_applets(profile), nvm, self._random.randbytes)


def profile_of(image: bytes) -> str:
    """The name of the description a card's memory was made by.

    Raises:
        ImageError: it is none, or damaged.
        FormatError: that description is not here.
    """
    nvm = Nvm(RamStore(image), writable=False)
    if PROFILE not in nvm:
        raise ImageError("it names no description")
    return load_profile(nvm.read(PROFILE).decode("ascii", errors="replace")).name


def _first_pin(profile: str) -> bytes:
    first = load_profile(profile).first_pin
    return Pin(first).to_bcd() if first else b""
