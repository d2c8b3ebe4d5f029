"""A loopback card in a reader with a pad, for the tests above PC/SC."""

from __future__ import annotations

from dataclasses import dataclass

from smartcard import scard

from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.reader.connection import Connection, LinkReason, link_error
from tests.reader.pad_reader import PadReader


@dataclass
class PadLink:
    """A loopback card in a reader with a pad."""

    inner: Connection
    reader: PadReader

    @property
    def atr(self) -> bytes:
        return self.inner.atr

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        return self.inner.transmit(command)

    def control(self, code: int, data: bytes = b"", *, patience_s: float | None = None) -> bytes | None:
        hresult, answer = self.reader.control(code, list(data))
        if hresult == scard.SCARD_E_UNSUPPORTED_FEATURE:
            return None
        if hresult != scard.SCARD_S_SUCCESS:
            raise link_error(LinkReason.NOT_TRANSACTED)
        return bytes(answer)

    def close(self) -> None:
        self.inner.close()
