"""The terminal's two slots as a workflow needs them: card and PSAM, opened and held for one breath.

Not here: which readers they are and how they are opened (the faces find that out).
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from .client import SocialSecurityCard
from .psam import Psam


class Pair(Protocol):
    """Card and PSAM, both held."""

    @property
    def card(self) -> SocialSecurityCard: ...

    @property
    def psam(self) -> Psam: ...


class Slots(Protocol):
    """Where card and PSAM are."""

    def at_work(self) -> AbstractContextManager[Pair]:
        """Open both and keep other programs off them until the block ends.

        Raises:
            LinkError: one of them cannot be opened.
        """
