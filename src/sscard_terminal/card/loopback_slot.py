"""A reader's slot in this process, whose card comes and goes as the verbs want it; its links break as pcsc.md §6 says.

Not here: GET RESPONSE and 6Cxx; wrap its connections in `completing`. No deadline either: a card told to be mute keeps
its caller waiting (`reader.deadline.opened_with_deadline` puts one around).
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.reader.connection import LinkReason, NoCard, NotSent, link_error

from .control.faults import FaultyCard
from .vpicc import Card, TakenOut


class LoopbackSlot:
    """A slot (card/control/slots.py) without a reader around it.

    `around` is put around each card that comes in. One connection and one watcher at a time.
    """

    def __init__(self, around: Callable[[FaultyCard], Card] = lambda card: card) -> None:
        self._around = around
        self._changed = threading.Condition()
        self._holder: FaultyCard | None = None
        self._link: InSlot | None = None
        self._removal_is_untold = False

    @property
    def is_filled(self) -> bool:
        return self._holder is not None

    def put_in(self, card: FaultyCard) -> None:
        self.take_out()
        card.put_back()
        with self._changed:
            self._holder = card
            self._changed.notify_all()

    def take_out(self) -> None:
        with self._changed:
            holder, link = self._holder, self._link
            self._removal_is_untold |= holder is not None
            self._holder = self._link = None
            self._changed.notify_all()
        if link is not None:
            link.break_off(LinkReason.CARD_REMOVED)
        if holder is not None:
            holder.pull()

    def lost_contact(self, link: InSlot) -> None:
        """The card at the end of `link` is out by itself."""
        if self._link is link:
            self.take_out()

    def reset_by_other(self) -> None:
        """Another program resets the card: the next command finds the connection dead, and the session is forgotten."""
        with self._changed:
            if self._link is not None:
                self._link.break_off(LinkReason.CARD_RESET)

    def open(self) -> InSlot:
        """A connection to the card that is in.

        Raises:
            NoCard: none is.
        """
        with self._changed:
            if self._holder is None:
                raise NoCard
            self._link = InSlot(self, self._around(self._holder))
            return self._link

    def wait_for_card(self, timeout_s: float) -> bool:
        """True as soon as there is a card; False when `timeout_s` seconds pass without one."""
        with self._changed:
            return self._changed.wait_for(lambda: self.is_filled, timeout_s)

    def wait_for_removal(self, timeout_s: float) -> bool:
        """True as soon as a card was taken out, also where another has taken its place since: no swap goes unseen."""
        with self._changed:
            is_gone = self._changed.wait_for(lambda: self._removal_is_untold or not self.is_filled, timeout_s)
            self._removal_is_untold = False
            return is_gone


class InSlot:
    """The connection to the card in a LoopbackSlot; once broken or closed it sends nothing more."""

    def __init__(self, slot: LoopbackSlot, card: Card) -> None:
        self._slot = slot
        self._card = card
        self._break: LinkReason | None = None
        self._is_usable = True
        self._atr = card.power_on()

    @property
    def atr(self) -> bytes:
        return self._atr

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        """
        Raises:
            LinkError: the card is out, or was reset by another program; as a reader would tell it.
        """
        self._require_whole()
        try:
            answer = self._card.respond(command.build())
        except TakenOut as out:
            answer = out.answer[: out.arrived]
            self._slot.lost_contact(self)
        if len(answer) < 2:
            self._is_usable = False
            raise link_error(LinkReason.CUT_ANSWER if answer else LinkReason.EMPTY_ANSWER)
        return ResponseApdu.parse(answer)

    def reset(self, *, cold: bool = False) -> bytes:
        """Warm, or off and on; see `connection.reset`."""
        self._require_whole()
        self._atr = self._card.power_on() if cold else self._card.reset()
        return self._atr

    def break_off(self, reason: LinkReason) -> None:
        """The next command finds it broken; from any thread."""
        self._break = reason

    def close(self) -> None:
        if self._is_usable and self._break is None:
            self._card.power_off()
        self._is_usable = False

    def _require_whole(self) -> None:
        if not self._is_usable:
            raise NotSent
        if self._break is not None:
            self._is_usable = False
            raise link_error(self._break)
