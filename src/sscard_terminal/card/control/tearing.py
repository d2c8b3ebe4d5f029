"""A medium whose power can be made to go away after a certain write; what was written stays, as in the chip itself.

Not here: who wants it (faults.py) and that the memory survives it (nvm). Source: reliability.md, "Card memory".
"""

from __future__ import annotations

from sscard_terminal.card.memory import ByteStore


class PowerCut(BaseException):
    """The power went away in the middle of a command; nothing in the card may catch it."""


class TearingStore:
    """A ByteStore around `inner`. Until `power_returns` a store that was cut refuses whatever the old chip still tries."""

    def __init__(self, inner: ByteStore) -> None:
        self._inner = inner
        self._left: int | None = None
        self.is_cut = False

    @property
    def writes_left(self) -> int | None:
        """Writes until the power goes; None while it is not to go."""
        return self._left

    def cut_after(self, writes: int | None) -> None:
        """The power goes right after so many more writes, with 0 before the next; None: not at all."""
        self._left = writes

    def power_returns(self) -> None:
        self.is_cut = False
        self._left = None

    def read_all(self) -> bytes:
        return self._inner.read_all()

    def write(self, address: int, data: bytes) -> None:
        self._require_power()
        if self._left == 0:
            self._cut()
        self._inner.write(address, data)
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                self._cut()

    def barrier(self) -> None:
        self._require_power()
        self._inner.barrier()

    def close(self) -> None:
        self._inner.close()

    def _require_power(self) -> None:
        if self.is_cut:
            raise PowerCut

    def _cut(self) -> None:
        self.is_cut = True
        raise PowerCut
