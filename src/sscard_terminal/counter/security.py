"""The wall around the page: which requests come in at all, and what every answer says to the browser.

Loopback is no wall: any web site the shop's PC shows may send requests to 127.0.0.1, under a name of its own that it
lets point there (DNS rebinding). So the Host must be one of ours, an Origin our own, and what a browser calls cross-site
stays out. Not here: who is signed in (sessions.py), which route needs what (routes_*.py).
Source: counter.md, "The local service"; Fetch Standard (Origin, Sec-Fetch-Site); CSP Level 3; OWASP cheat sheets on
HTTP headers and on cross-site request forgery.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sscard_terminal.iso7816.status import Language

from .words import NotDone

_log = logging.getLogger(__name__)
MOST_BODY = 16 * 1024
"""Bytes. Our choice: nothing a page or a program sends is longer, but for a file to be written."""
MOST_DRIVER_BODY = 64 * 1024
"""pWriteData has up to 20 KB, twice as long where JSON escapes it."""
DRIVER_PATH = "/driver"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; "
    "media-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""No inline script and no inline style."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""On every answer, refusals included."""
LONG = "max-age=31536000"
SAFE_METHODS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Address:
    """Where the counter is to be found. `names` are host names besides `host` and, on loopback, localhost."""

    host: str
    port: int
    is_tls: bool = False
    names: tuple[str, ...] = ()

    @property
    def scheme(self) -> str:
        return "https" if self.is_tls else "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{_authority(self.names[0] if self.names else self.host, self.port)}/"

    @property
    def hosts(self) -> frozenset[str]:
        """What a request may say in Host; the port is left out where it is the scheme's own."""
        names = [*self.names, self.host]
        if is_loopback(self.host):
            names += ["localhost", "127.0.0.1", "::1"]
        own_port = 443 if self.is_tls else 80
        found = {_authority(name, self.port) for name in names}
        return frozenset(found | ({_bracketed(name) for name in names} if self.port == own_port else set()))

    @property
    def origins(self) -> frozenset[str]:
        return frozenset(f"{self.scheme}://{host}" for host in self.hosts)


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _authority(host: str, port: int) -> str:
    return f"{_bracketed(host)}:{port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host.lower()


class Wall:
    """ASGI around ASGI: lets in what may come in, and puts the headers on whatever goes out."""

    def __init__(self, app: ASGIApp, address: Address, language: Language = "zh") -> None:
        self._app = app
        self._language = language
        self._hosts = address.hosts
        self._origins = address.origins
        self._headers = HEADERS | ({"Strict-Transport-Security": LONG} if address.is_tls else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if scope["type"] == "websocket":
            if refusal is not None:
                await receive()
                await send({"type": "websocket.close", "code": 1008})
            else:
                await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
            await send(message)

        if refusal is not None:
            status, error = refusal
            answer = NotDone(status, f"refused.{error}").answer(_language_of(scope, self._language))
            await JSONResponse(answer, status)(scope, receive, send_with_headers)
            return
        try:
            await self._app(scope, _bounded(receive, _most(scope)), send_with_headers)
        except Exception as error:  # noqa: BLE001
            # The browser has its answer (500). A traceback would be logged with the error's text, which might quote a PIN.
            _log.error("a request met a %s", type(error).__name__)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        if not _is_one_of(headers.getlist("host"), self._hosts):
            return 421, "wrong-host"
        origins = headers.getlist("origin")
        if origins and not _is_one_of(origins, self._origins):
            return 403, "wrong-origin"
        if not origins and "cookie" in headers and scope.get("method") not in SAFE_METHODS:
            return 403, "wrong-origin"  # a browser that sends a cookie with a change says where it comes from
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and not _is_visit(scope, headers):
            return 403, "cross-site"
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdecimal()) or int(length[:9]) > _most(scope) or len(length) > 9:
            return 413, "too-long"
        return None


def preferred(accepted: str, otherwise: Language) -> Language:
    """The first of our languages in Accept-Language, which browsers send in the order they are wanted."""
    for wanted in accepted.split(","):
        match wanted.strip().lower()[:2]:
            case "zh":
                return "zh"
            case "en":
                return "en"
    return otherwise


def _language_of(scope: Scope, otherwise: Language) -> Language:
    return preferred(Headers(scope=scope).get("accept-language", ""), otherwise)


def _is_one_of(values: Iterable[str], allowed: frozenset[str]) -> bool:
    """Exactly one header, and a good one."""
    match list(values):
        case [value]:
            return value.lower() in allowed
    return False


def _is_visit(scope: Scope, headers: Headers) -> bool:
    """Somebody follows a link to the page: it shows, and without its cookie (SameSite) it shows nothing."""
    return scope.get("method") == "GET" and headers.get("sec-fetch-mode") == "navigate"


class TooLong(Exception):
    """A body without a length, or with a wrong one, is longer than any of ours."""


def _most(scope: Scope) -> int:
    return MOST_DRIVER_BODY if scope["path"] == DRIVER_PATH else MOST_BODY


def _bounded(receive: Receive, most: int) -> Receive:
    """The same, where nobody announced how long the body is."""
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise TooLong
        return message

    return bounded
