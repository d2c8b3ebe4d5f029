"""A Connection straight into a chip: no reader, no service, no waiting.

Not here: GET RESPONSE and 6Cxx; wrap it in `completing` as any other connection.
"""

from __future__ import annotations

from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu

from .vpicc import Card


class LoopbackConnection:
    """Speaks the same bytes as a reader would; powers the chip on at once and off at `close`."""

    def __init__(self, card: Card) -> None:
        self._card = card
        self._atr = card.power_on()

    @property
    def atr(self) -> bytes:
        return self._atr

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        return ResponseApdu.parse(self._card.respond(command.build()))

    def close(self) -> None:
        self._card.power_off()
