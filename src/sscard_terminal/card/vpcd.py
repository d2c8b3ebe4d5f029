"""The frames of the vpcd link between a virtual reader's driver and a card, pure; it opens no socket.

Both directions: two bytes of length, big endian, then the payload. From the driver, a payload of one byte is a
control; anything longer is a command APDU. Source: pcsc.md section 4.
"""

from enum import IntEnum

LENGTH_SIZE = 2
MOST_PAYLOAD = 0xFFFF
MOST_FRAME = LENGTH_SIZE + MOST_PAYLOAD


class Control(IntEnum):
    """What the one byte of a control frame asks; only ATR is answered."""

    POWER_OFF = 0x00
    POWER_ON = 0x01
    RESET = 0x02
    ATR = 0x04


def frame(payload: bytes) -> bytes:
    """The payload with its length before it, to be sent in one piece.

    Raises:
        ValueError: the payload is empty (the driver would wait for ever) or over 65535 bytes.
    """
    if not 0 < len(payload) <= MOST_PAYLOAD:
        raise ValueError(f"a frame carries 1 to {MOST_PAYLOAD} bytes, not {len(payload)}")
    return len(payload).to_bytes(LENGTH_SIZE, "big") + payload


class FrameReader:
    """Cuts what arrives into payloads, however it was cut on the way.

    Receive into `space()`, report the count to `filled()`, then take payloads with `next()` until it gives None:

        >>> reader = FrameReader()
        >>> reader.space()[:3] = b"\\x00\\x01\\x04"
        >>> reader.filled(3)
        >>> reader.next()
        b'\\x04'
        >>> reader.next() is None
        True
    """

    __slots__ = ("_end", "_memory", "_start", "_view")

    def __init__(self) -> None:
        self._memory = bytearray(MOST_FRAME)  # one allocation for the whole life of a link
        self._view = memoryview(self._memory)
        self._start = self._end = 0

    def space(self) -> memoryview:
        """Where the next bytes go; never empty once `next()` gave None."""
        return self._view[self._end :]

    def filled(self, count: int) -> None:
        self._end += count

    def next(self) -> bytes | None:
        """The next whole payload (it may be empty), or None when more bytes are needed."""
        start, end, memory = self._start, self._end, self._memory
        if start == end:  # all taken, the usual case
            self._start = self._end = 0
            return None
        if end - start >= LENGTH_SIZE:
            stop = start + LENGTH_SIZE + (memory[start] << 8 | memory[start + 1])
            if stop <= end:
                self._start = stop
                return bytes(self._view[start + LENGTH_SIZE : stop])
        if start:  # the rest moves to the front, so that a frame of any length finds room behind it
            self._view[: end - start] = memory[start:end]
            self._start, self._end = 0, end - start
        return None
