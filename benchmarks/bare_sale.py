"""The floor of a sale over PC/SC: the same APDUs, in the same order, through bare pyscard, and the journal's syncs alone.

One recorded sale is said again; only what the chips answered anew (random, counter, sequence, MACs) is put in its place.
Nothing is parsed, checked, journalled or shown: this is what pcscd, the reader driver and the two cards take, and no
terminal can be quicker. Not here: the terminal's own sale (sale.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

from smartcard import scard

INITIALIZE, DEBIT = b"\xb0\x28", b"\xb0\x2c"
MAC1, MAC2 = b"\x80\x70", b"\x80\x72"
COMMITS, PAGES_A_COMMIT, PAGE = 3, 5, 4_120
"""Intent, answer, end; each adds about so many pages with their heads to the journal's log."""


class BareSale:
    """Says a recorded sale again, to the card in reader 0 and the PSAM in reader 1."""

    def __init__(self, readers: tuple[str, str], said: list[tuple[int, bytes]]) -> None:
        self._readers = readers
        self._said = [(side, bytearray(raw)) for side, raw in said]
        _, self._context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
        self.waiting_s = [0.0, 0.0]

    def __call__(self) -> None:
        """One sale, from connecting to both readers to letting them go.

        Raises:
            SystemExit: it did not go through, so that its figures would mean nothing.
        """
        self.waiting_s = [0.0, 0.0]
        with self._held(self._readers[0]) as card, self._held(self._readers[1]) as psam:
            last = self._exchanged((card, psam))
        if last[-2:] != b"\x90\x00":
            raise SystemExit(f"the bare sale did not go through: {last.hex()}")

    def _exchanged(self, sides: tuple[tuple[int, int], tuple[int, int]]) -> bytes:
        initialized = signed = proof = answer = b""
        previous = b""
        for side, raw in self._said:
            start = bytes(raw[:2])
            if start == MAC1:
                raw[5:11] = initialized[18:22] + initialized[14:16]  # random, counter
            elif start == DEBIT:
                raw[5:9], raw[16:20] = signed[:4], signed[4:8]
            elif start == MAC2:
                raw[5:9] = proof[4:8]
            answer = self._transmit(side, sides[side], raw)
            asked = previous if start == b"\x00\xc0" else start  # the answer to what was said before
            initialized = answer if asked == INITIALIZE else initialized
            signed = answer if asked == MAC1 else signed
            proof = answer if asked == DEBIT else proof
            previous = asked
        return answer

    def _transmit(self, side: int, handle: tuple[int, int], raw: bytearray) -> bytes:
        began = perf_counter()
        hresult, answer = scard.SCardTransmit(handle[0], handle[1], list(raw))
        self.waiting_s[side] += perf_counter() - began
        if hresult != scard.SCARD_S_SUCCESS:
            raise SystemExit(f"SCardTransmit: {hresult:#x}")
        return bytes(answer)

    @contextmanager
    def _held(self, reader: str) -> Iterator[tuple[int, int]]:
        both = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        hresult, handle, protocol = scard.SCardConnect(self._context, reader, scard.SCARD_SHARE_SHARED, both)
        if hresult != scard.SCARD_S_SUCCESS:
            raise SystemExit(f"SCardConnect: {hresult:#x}")
        scard.SCardBeginTransaction(handle)
        try:
            yield handle, protocol
        finally:
            scard.SCardEndTransaction(handle, scard.SCARD_LEAVE_CARD)
            scard.SCardDisconnect(handle, scard.SCARD_LEAVE_CARD)


def bare_syncs(folder: Path) -> float:
    """Seconds for as many writes and syncs as the journal makes in a sale, of about the same size."""
    handle = os.open(folder / "bare log", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    try:
        began = perf_counter()
        for _ in range(COMMITS):
            os.write(handle, bytes(PAGES_A_COMMIT * PAGE))
            os.fdatasync(handle)
        return perf_counter() - began
    finally:
        os.close(handle)
