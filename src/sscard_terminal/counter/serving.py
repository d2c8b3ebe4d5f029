"""The server under the page: where it may listen, and how it stops without cutting a sale in two.

Not here: the application (app.py). The one room of uvicorn, and of the socket it listens on.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

import uvicorn

from .app import counter_app
from .desk import Desk
from .fittings import Fittings
from .security import MOST_DRIVER_BODY, Address, is_loopback

WAITING_CONNECTIONS = 64
FAREWELL_S = 30
"""How long a request may still take once the server stops; a sale's exchange has a deadline far below it."""
KEEP_ALIVE_S = 75


class NeedsTls(Exception):
    """Anything but loopback is only served with TLS: staff passwords and PINs would travel in the clear."""


class WrongTls(Exception):
    """The certificate or its key is none, or they do not belong together."""


class CannotListen(Exception):
    """The port is taken, or not ours to take; the cause tells."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Where to listen. Port 0: any free one. `certificate` and `key`: PEM files, both or neither."""

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None
    names: tuple[str, ...] = ()

    @property
    def address(self) -> Address:
        return Address(self.host, self.port, self.certificate is not None, self.names)


def require_safe(listening: Listening) -> None:
    """
    Raises:
        NeedsTls: it would listen in the network without TLS.
        WrongTls: its certificate or key is none.
        OSError: one of them cannot be read.
    """
    if listening.certificate is None or listening.key is None:
        if not is_loopback(listening.host):
            raise NeedsTls
        return
    for file in (listening.certificate, listening.key):
        file.read_bytes()  # an error of ssl's would not name the file
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(listening.certificate, listening.key, "")
    except ssl.SSLError as error:
        raise WrongTls from error


def serve(fittings: Fittings, listening: Listening, ready: Callable[[Address], None]) -> None:
    """Serve until a signal ends it; `ready` is told where, once the counter works. A running sale comes to its end.

    Raises:
        NeedsTls, WrongTls: as `require_safe`; nothing was opened.
        CannotListen: the port cannot be had.
        JournalTrouble: the journal cannot be used.
        OSError: a file of TLS cannot be read, or as the journal.
    """
    require_safe(listening)
    logging.getLogger("uvicorn.error").addFilter(_without_traceback)
    with closing(bound(listening.host, listening.port)) as own:
        here = replace(listening, port=own.getsockname()[1])
        asyncio.run(_serve(fittings, here, own, ready))


async def _serve(
    fittings: Fittings, listening: Listening, own: socket.socket, ready: Callable[[Address], None]
) -> None:
    desk = Desk(fittings, listening.address)
    desk.start()
    try:
        server = CounterServer(desk, listening, ready)
        await server.serve([own])
    finally:
        await desk.close()


class CounterServer(uvicorn.Server):
    """uvicorn, which on a signal sends the pages home, and then waits for what has begun."""

    def __init__(self, desk: Desk, listening: Listening, ready: Callable[[Address], None]) -> None:
        super().__init__(
            uvicorn.Config(
                counter_app(desk),
                log_config=None,  # no access log: a path is all it could tell, and a query string too much
                access_log=False,
                server_header=False,
                lifespan="off",  # the desk is opened before and closed after, where its errors can be told
                ssl_certfile=listening.certificate,
                ssl_keyfile=listening.key,
                timeout_graceful_shutdown=FAREWELL_S,
                timeout_keep_alive=KEEP_ALIVE_S,
                backlog=WAITING_CONNECTIONS,
                ws="websockets-sansio",
                ws_max_size=MOST_DRIVER_BODY,
            )
        )
        self._desk = desk
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready(self._desk.address)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._desk.stop_listening()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal, or another: stop in good order. uvicorn would raise it once more behind us, before the desk is closed."""
        self.should_exit = True


def _without_traceback(record: logging.LogRecord) -> bool:
    """Tracebacks quote what exceptions say, and one might say a PIN."""
    record.exc_info = None
    record.exc_text = None
    return True


def bound(host: str, port: int) -> socket.socket:
    """A socket of our own at that address.

    Raises:
        CannotListen: it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    own = socket.socket(family, socket.SOCK_STREAM)
    try:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        own.bind((host, port))
    except OSError as error:
        own.close()
        raise CannotListen from error
    return own
