"""Hex dumps as tools print them: pairs of digits in columns, sixteen a line, characters beside."""

from __future__ import annotations

from collections.abc import Sequence

from ..entries import Shown, TraceError

WIDTH = 16


class Dump:
    """Collects `length` bytes over several lines; what stands right of them is no concern of ours."""

    def __init__(self, length: int) -> None:
        self._left = length
        self._raw = bytearray()

    @property
    def is_whole(self) -> bool:
        return self._left == 0

    def take(self, pairs: Sequence[str], line: int) -> None:
        """
        Raises:
            TraceError: fewer pairs than are still to come in this line, or no pairs.
        """
        count = min(WIDTH, self._left)
        try:
            found = bytes.fromhex(" ".join(pairs[:count]))
        except ValueError:
            raise TraceError(line, "expected pairs of hexadecimal digits") from None
        if len(found) != count or count == 0:
            raise TraceError(line, f"expected {count} bytes of a dump")
        self._raw += found
        self._left -= count

    def shown(self) -> Shown:
        return Shown(bytes(self._raw))
