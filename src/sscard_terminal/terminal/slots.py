"""The terminal's two slots as a workflow needs them: card and PSAM, opened and held for one breath.

Not here: which readers they are and how they are opened (the faces find that out).
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

from sscard_terminal.reader.pinpad import PinPad

from .client import SocialSecurityCard
from .psam import Psam


class Pair(Protocol):
    """Card and PSAM, both held."""

    @property
    def card(self) -> SocialSecurityCard: ...

    @property
    def psam(self) -> Psam: ...


@runtime_checkable
class WithPad(Protocol):
    """A pair that knows of the pad of the card's reader."""

    def find_pad(self) -> PinPad | None: ...


def pad_of(pair: Pair) -> PinPad | None:
    """The pad of the card's reader, good for this breath; None where there is none or it is not to be used.

    Raises:
        LinkError: the reader went away.
    """
    return pair.find_pad() if isinstance(pair, WithPad) else None


class Slots(Protocol):
    """Where card and PSAM are."""

    def at_work(self) -> AbstractContextManager[Pair]:
        """Open both and keep other programs off them until the block ends.

        Raises:
            LinkError: one of them cannot be opened.
        """
