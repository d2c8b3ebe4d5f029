"""Links that break on demand, put in the place of the loopback card; nothing here knows the terminal."""

from collections.abc import Callable

from sscard_terminal.card.loopback import LoopbackConnection
from sscard_terminal.card.vpicc import Card
from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.reader.connection import LinkError, LinkReason, link_error

DEBIT, CHANGE_PIN, CREDIT_SAM = (0xB0, 0x2C), (0x80, 0x5E), (0x80, 0x72)


def losing_answer(
    header: tuple[int, int], reason: LinkReason = LinkReason.CARD_REMOVED
) -> Callable[[Card], LoopbackConnection]:
    """A loopback whose card carries out the command with this CLA and INS, and is gone before it can answer."""
    return lambda card: _Losing(card, header, link_error(reason), carried_out=True)


def losing_command(
    header: tuple[int, int], reason: LinkReason = LinkReason.CARD_REMOVED
) -> Callable[[Card], LoopbackConnection]:
    """A loopback whose card is gone before the command with this CLA and INS reaches it."""
    return lambda card: _Losing(card, header, link_error(reason), carried_out=False)


class _Losing(LoopbackConnection):
    def __init__(self, card: Card, header: tuple[int, int], error: LinkError, carried_out: bool) -> None:
        super().__init__(card)
        self._header = header
        self._error = error
        self._carried_out = carried_out

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        if (command.cla, command.ins) != self._header:
            return super().transmit(command)
        if self._carried_out:
            super().transmit(command)
        raise self._error
