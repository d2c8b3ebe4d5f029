"""An honest chip in the virtual reader whose link can be made to fail at any command; not here: what fails (test_hostile_reader)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from sscard_terminal.card.chip import Chip
from sscard_terminal.card.vpcd import Control, frame
from sscard_terminal.reader.private_pcscd import PrivatePcscd, Slot
from tests.reader.faulty_card import FaultyCard, plugged

Happening = Callable[["ServedChip", bytes], None]
"""What happens to a command instead of being answered."""


class ServedChip:
    """A chip behind one link of the virtual reader; `happening` befalls the first command that begins with `at`."""

    def __init__(self, chip: Chip, at: str = "", happening: Happening | None = None) -> None:
        self.chip = chip
        self.commands: list[str] = []
        self._at = at
        self._happening = happening
        self._link: FaultyCard | None = None

    def plug(self, pcscd: PrivatePcscd, slot: Slot) -> FaultyCard:
        """On its way into the slot; the reader sees it at its next look."""
        self._link = plugged(pcscd, slot, self._behave, self.chip.atr(), self._obey)
        return self._link

    def obey(self, command: bytes) -> bytes:
        return self.chip.respond(command)

    def answer(self, raw: bytes) -> None:
        assert self._link is not None
        self._link.send(frame(raw))

    def leave(self) -> None:
        assert self._link is not None
        self._link.die()

    def bury(self) -> None:
        """Out of the reader for good, and its thread ended."""
        assert self._link is not None
        self._link.bury()

    def befall(self, at: str, happening: Happening) -> None:
        """What happens to the next command that begins with `at`."""
        self._at, self._happening = at, happening

    def _behave(self, link: FaultyCard, command: bytes) -> None:
        text = command.hex().upper()
        self.commands.append(text)
        if self._happening is not None and text.startswith(self._at):
            happening, self._happening = self._happening, None
            happening(self, command)
            return
        link.send(frame(self.chip.respond(command)))

    def _obey(self, control: Control) -> None:
        match control:
            case Control.POWER_ON:
                self.chip.power_on()
            case Control.RESET:
                self.chip.reset()
            case Control.POWER_OFF:
                self.chip.power_off()


@contextmanager
def in_reader(served: ServedChip, pcscd: PrivatePcscd, slot: Slot) -> Iterator[ServedChip]:
    """In the slot for the length of a `with` block, unless it leaves before."""
    link = served.plug(pcscd, slot)
    try:
        link.wait_until_seen(slot)
        yield served
    finally:
        with suppress(OSError):
            link.bury()
