"""The verbs over a local socket: a line in, a JSON line out; for the owner of the process alone.

Not here: what a verb does (control.py). The one room of these sockets. A Unix socket of mode 0600: no token is needed, and
no other machine or user reaches it.

    > mute for 3 s
    < {"done":true,"card":"zhang.card","is_in":true,"ordered":["mute for 3 s"]}
    > swap nobody
    < {"done":false,"error":"no-such-card"}
    > mute
    < {"done":false,"error":"verb","column":5,"expected":"\\"for\\""}

An empty line asks how it stands.
"""

from __future__ import annotations

import json
import os
import socket
import socketserver
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .control import CannotObey, Control
from .verbs import LONGEST_NAME, VerbError, parse_verb

LONGEST_LINE = 2 * LONGEST_NAME
IDLE_S = 600.0
"""How long a controller may say nothing before it is sent away. Our choice."""
MOST_CONTROLLERS = 8
ANSWER_S = 30.0
"""How long a controller waits: longer than a reset waits for the card."""
OTHERS = 0o177
"""The umask under which the socket is made: for its owner, to read and write."""


class SocketInUse(OSError):
    """Another process is controlled by a socket of this name, or something else lies there."""


@contextmanager
def listening(path: Path, control: Control, failed: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Obey whoever connects to the socket at `path` until the block ends. `failed`: what a reset may end in.

    A socket that nobody answers, left by a process that was killed, is replaced.

    Raises:
        SocketInUse: there is something of that name.
        OSError: it cannot be made.
    """
    _clear(path)
    before = os.umask(OTHERS)
    try:
        server = _Server(str(path), lambda line: answer_to(line, control, failed))
    finally:
        os.umask(before)
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="card control", daemon=True)
    thread.start()
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()
        server.shutdown()
        server.server_close()


def ask(path: Path, verb: str) -> dict[str, Any]:
    """Say one verb to the process behind the socket; its answer.

    Raises:
        OSError: there is none, or it does not answer.
        ValueError: what answers is no card's control.
    """
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(ANSWER_S)
        link.connect(str(path))
        with link.makefile("rwb") as stream:
            stream.write(verb.encode() + b"\n")
            stream.flush()
            answer = json.loads(stream.readline(LONGEST_LINE) or b"null")
    if not isinstance(answer, dict):
        raise ValueError("no answer of a card's control")
    return answer


def answer_to(line: bytes, control: Control, failed: tuple[type[Exception], ...] = ()) -> dict[str, Any]:
    """What the process says to one line, whatever stands in it."""
    try:
        text = line.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        return {"done": False, "error": "verb", "column": 1, "expected": "UTF-8"}
    try:
        if text.strip():
            control.obey(parse_verb(text))
    except VerbError as error:
        return {"done": False, "error": "verb", "column": error.column, "expected": error.expected}
    except CannotObey as error:
        return {"done": False, "error": str(error.obstacle)}
    except failed:
        return {"done": False, "error": "no-other"}
    standing = control.standing
    ordered = list(map(str, standing.ordered))
    return {"done": True, "card": standing.name, "is_in": standing.is_in, "ordered": ordered}


def _clear(path: Path) -> None:
    """Remove a socket that nobody is behind."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise SocketInUse(f"{path} is no socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX) as trial:
        trial.settimeout(1.0)
        try:
            trial.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise SocketInUse(f"{path} belongs to another process")


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = MOST_CONTROLLERS

    def __init__(self, path: str, respond: Callable[[bytes], dict[str, Any]]) -> None:
        super().__init__(path, _Controller)
        self.respond = respond
        self.seats = threading.BoundedSemaphore(MOST_CONTROLLERS)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return self.seats.acquire(blocking=False)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.seats.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A controller that went away in the middle of a line: nothing to be said."""


class _Controller(socketserver.StreamRequestHandler):
    timeout = IDLE_S

    def handle(self) -> None:
        assert isinstance(self.server, _Server)
        while line := self.rfile.readline(LONGEST_LINE):
            answer = self.server.respond(line) if line.endswith(b"\n") else _TOO_LONG
            self.wfile.write(json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
            if answer is _TOO_LONG:
                return


_TOO_LONG = {"done": False, "error": "verb", "column": LONGEST_LINE, "expected": "the end of the line"}
