"""The part that every connection around a connection shares: passing on what it does not change.

Not here: any behaviour of its own.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from .connection import Connection, exclusively, reset


class Wrapping:
    """Passes atr, close, exclusivity and reset to the connection inside; a subclass adds `transmit`."""

    def __init__(self, inner: Connection) -> None:
        self._inner = inner

    @property
    def atr(self) -> bytes:
        return self._inner.atr

    def close(self) -> None:
        self._inner.close()

    def exclusively(self) -> AbstractContextManager[None]:
        return exclusively(self._inner)

    def reset(self, *, cold: bool = False) -> bytes:
        return reset(self._inner, cold=cold)
