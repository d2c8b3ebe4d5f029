"""The driver's readers over the terminal's two slots: a contact card, and the PSAM beside it where there is one.

Not here: the slots (terminal/slots.py), and contactless readers, which the terminal does not have.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from sscard_terminal.reader.connection import LinkError, LinkReason, link_error
from sscard_terminal.reader.pinpad import PinPad
from sscard_terminal.terminal.client import SocialSecurityCard
from sscard_terminal.terminal.psam import Psam
from sscard_terminal.terminal.slots import Pair, Slots, pad_of

from .place import Interface, Opened


@runtime_checkable
class CardAlone(Protocol):
    """Slots that can open the card without a PSAM."""

    def card_alone(self) -> AbstractContextManager[SocialSecurityCard]:
        """
        Raises:
            LinkError: it cannot be opened.
        """


@dataclass(frozen=True, slots=True)
class OpenedSlots:
    """A card, and the PSAM or none. The slots keep other programs off as long as they are open."""

    card: SocialSecurityCard
    psam: Psam | None
    pair: Pair | None = None

    def exclusively(self) -> AbstractContextManager[None]:
        return nullcontext()

    def find_pad(self) -> PinPad | None:
        return None if self.pair is None else pad_of(self.pair)


@dataclass(frozen=True, slots=True)
class ReadersOfSlots:
    """See above. `place.Readers`."""

    slots: Slots

    @contextmanager
    def opened(self, interface: Interface) -> Iterator[Opened]:
        """A PSAM that cannot be opened is none, if the card alone can."""
        if interface is not Interface.CONTACT:
            raise link_error(LinkReason.UNKNOWN_READER)
        with ExitStack() as stack:
            yield self._opened(stack)

    def _opened(self, stack: ExitStack) -> OpenedSlots:
        try:
            pair = stack.enter_context(self.slots.at_work())
        except LinkError:
            if not isinstance(self.slots, CardAlone):
                raise
            return OpenedSlots(stack.enter_context(self.slots.card_alone()), None)
        return OpenedSlots(pair.card, pair.psam, pair)
