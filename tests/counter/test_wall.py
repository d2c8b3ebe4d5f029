"""The wall around the page, each attack by its name; every answer carries the headers that keep a browser in."""

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi.routing import APIRoute

from sscard_terminal.counter.access import CSRF_HEADER
from sscard_terminal.counter.app import ROUTERS
from sscard_terminal.counter.security import HEADERS, MOST_BODY, Address, is_loopback
from sscard_terminal.counter.serving import CannotListen, Listening, NeedsTls, bound, require_safe
from tests.counter.house import Browser, House, Pad


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One counter for all of them: none of these requests changes anything."""
    with House(tmp_path_factory.mktemp("wall")) as open_house:
        yield open_house


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:{port}", ""],
)
def test_dns_rebinding_a_name_that_is_not_ours_reaches_no_page(host: str, house: House) -> None:
    named = host.format(port=urlsplit(house.url).port)

    answer = httpx.get(house.url + "/", headers={"Host": named})

    assert (answer.status_code, answer.json()["error"]) == (421, "wrong-host")
    assert answer.json()["money"] == "not-charged" and answer.json()["sentence"]
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "LOCALHOST"])
def test_our_own_names_reach_the_page(name: str, house: House) -> None:
    answer = httpx.get(house.url + "/", headers={"Host": f"{name}:{urlsplit(house.url).port}"})

    assert answer.status_code == 200


def test_two_hosts_in_one_request_are_refused(house: House) -> None:
    port = urlsplit(house.url).port
    assert port is not None
    with socket.create_connection(("127.0.0.1", port)) as raw:
        own = f"Host: 127.0.0.1:{port}\r\n".encode()
        raw.sendall(b"GET / HTTP/1.1\r\n" + own + b"Host: evil.example\r\n\r\n")

        assert raw.recv(64).split()[1] in (b"400", b"421")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost"])
@pytest.mark.parametrize("path", ["/clerk/cancel", "/clerk/sign-in", "/pad/pair", "/pad/digit"])
def test_cross_origin_changes_are_refused_cookie_token_and_all(
    origin: str, path: str, house: House, clerk: Browser
) -> None:
    answer = clerk.post(path, {"number": 0}, Origin=origin)

    assert (answer.status_code, answer.json()["error"]) == (403, "wrong-origin")


def test_a_change_with_a_cookie_and_no_origin_is_refused(house: House, clerk: Browser) -> None:
    answer = clerk.client.post("/clerk/pad-code", headers={CSRF_HEADER: clerk.csrf})

    assert (answer.status_code, answer.json()["error"]) == (403, "wrong-origin")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_a_browser_calls_another_site_is_refused_but_for_a_visit(site: str, clerk: Browser) -> None:
    read = clerk.client.get("/clerk/state", headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"})
    visit = clerk.client.get("/", headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"})

    assert (read.status_code, visit.status_code) == (403, 200)


CHANGES = [
    route.path
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute) and "POST" in route.methods and route.path != "/pad/pair"
]
"""Whatever changes anything. Pairing has no token yet: its one-time code stands for one."""


@pytest.mark.parametrize("token", ["", "wrong"])
@pytest.mark.parametrize("change", CHANGES)
def test_csrf_no_change_without_the_pages_own_token(change: str, token: str, clerk: Browser) -> None:
    with_cookie = Browser(clerk.client, clerk.origin, token)

    answer = with_cookie.post(change)

    assert answer.status_code in (401, 403)
    assert answer.json()["error"] in ("no-session", "not-paired")


def test_csrf_the_paired_pad_needs_its_token_too(house: House, clerk: Browser) -> None:
    with house.browser() as customer:
        Pad.paired(customer, clerk.post("/clerk/pad-code").json()["code"])
        customer.csrf = clerk.csrf

        answers = [customer.post(f"/pad/{key}", {"number": 0}) for key in ("ok", "clear", "cancel")]

    assert [answer.status_code for answer in answers] == [403] * 3


def test_without_a_session_nothing_is_shown(house: House) -> None:
    with house.browser() as stranger:
        answers = [
            stranger.client.get(path)
            for path in ("/clerk/state", "/clerk/events", "/clerk/day", "/pad/state")
        ]

    assert [answer.status_code for answer in answers] == [403, 403, 403, 401]


def test_cookies_are_out_of_reach_for_scripts_and_other_sites(house: House) -> None:
    with house.browser() as browser:
        cookie = browser.load().headers["set-cookie"]

    assert "HttpOnly" in cookie and "SameSite=strict" in cookie
    assert cookie.startswith(f"sscard-clerk-{urlsplit(house.url).port}=")


@pytest.mark.parametrize("path", ["/", "/static/clerk.js", "/clerk/state", "/nothing", "/clerk/sell"])
def test_every_answer_has_the_headers(path: str, clerk: Browser) -> None:
    answer = clerk.client.get(path)

    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "server" not in answer.headers
    assert "unsafe" not in HEADERS["Content-Security-Policy"]


def test_the_page_has_no_inline_script_or_style(clerk: Browser) -> None:
    text = clerk.load().text

    assert "<style" not in text and " style=" not in text and "onclick" not in text
    assert text.count("<script") == text.count('<script type="module" src="/static/')


def test_the_first_page_is_small(clerk: Browser) -> None:
    files = ["/", "/static/counter.css", "/static/clerk.js", "/static/wire.js", "/static/card.svg"]

    assert sum(len(clerk.client.get(file).content) for file in files) <= 100_000


def test_a_body_too_long_is_refused_announced_or_not(house: House, clerk: Browser) -> None:
    headers = {"Origin": house.url, CSRF_HEADER: clerk.csrf, "Content-Type": "application/json"}

    announced = clerk.client.post("/clerk/cancel", content=b" " * (MOST_BODY + 1), headers=headers)
    streamed = clerk.client.post("/clerk/cancel", content=iter([b" " * 9000] * 3), headers=headers)

    assert announced.status_code == 413
    assert streamed.status_code == 400


def test_what_was_sent_is_not_quoted_in_a_refusal(clerk: Browser) -> None:
    answer = clerk.post("/clerk/sell", {"number": "918273", "total": 918273, "918273": 1})

    assert answer.status_code == 422
    assert "918273" not in answer.text


def test_no_documentation_of_the_pages_routes_is_served(clerk: Browser) -> None:
    assert [clerk.client.get(path).status_code for path in ("/docs", "/redoc", "/openapi.json")] == [404] * 3


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::", "counter.example"])
def test_listening_in_the_network_without_tls_is_refused(host: str) -> None:
    with pytest.raises(NeedsTls):
        require_safe(Listening(host, 8650))


@pytest.mark.parametrize(
    ("host", "is_ours"), [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("10.0.0.1", False)]
)
def test_loopback_is_known_by_its_address(host: str, is_ours: bool) -> None:
    assert is_loopback(host) is is_ours


def test_a_taken_port_is_not_shared() -> None:
    own = bound("127.0.0.1", 0)
    own.listen()

    with own, pytest.raises(CannotListen):
        bound("127.0.0.1", own.getsockname()[1])


def test_with_tls_the_cookies_are_secure_and_the_names_are_those_given(tmp_path: Path) -> None:
    address = Address("0.0.0.0", 443, True, ("counter.example",))

    assert "counter.example" in address.hosts and "counter.example:443" in address.hosts
    assert "localhost:443" not in address.hosts
    assert "https://counter.example" in address.origins and address.url == "https://counter.example:443/"
