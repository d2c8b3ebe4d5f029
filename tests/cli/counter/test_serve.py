"""`sscard counter serve` as a program: what it refuses before it opens anything, and one whole run to its end."""

import json
import os
import re
import select
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sscard_terminal.card.control.link import ask
from sscard_terminal.cli.command import Run
from sscard_terminal.cli.console import Console
from sscard_terminal.cli.counter.practice import KIOSK_COMMAND, practising
from sscard_terminal.cli.counter.serve import HotlistWatch
from sscard_terminal.cli.state import made_state_folder, state_folder
from sscard_terminal.counter.serving import bound
from sscard_terminal.iso7816.status import Language
from sscard_terminal.terminal.configuration import parse_configuration
from sscard_terminal.terminal.programs import Program, Scope, add_program, digest_of
from sscard_terminal.terminal.till.till import Shop
from tests.cli.conftest import Counter, Sscard
from tests.cli.test_settings import CARD, PLACE, with_hotlist

PATIENCE_S = 30.0


def at_desk(counter: Counter) -> list[str]:
    return [
        "--reader",
        f"image:{counter.card}",
        "--psam-reader",
        f"image:{counter.psam}",
        "--journal",
        str(counter.journal),
    ]


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for localhost that signed itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = tmp_path / "counter.pem", tmp_path / "counter.key"
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return certificate_file, key_file


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The program at work, and the address it named."""
    program = [
        sys.executable,
        "-m",
        "sscard_terminal.cli",
        "counter",
        "serve",
        "--port",
        "0",
        "--json",
        *arguments,
    ]
    process = subprocess.Popen(
        program,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    assert process.stdout is not None
    try:
        assert select.select([process.stdout], [], [], PATIENCE_S)[0]
        yield process, json.loads(process.stdout.readline())["url"]
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_listening_in_the_network_without_tls_is_refused(sscard: Sscard, counter: Counter) -> None:
    done = sscard("counter", "serve", "--host", "0.0.0.0", *at_desk(counter))

    assert done.code == 2
    assert "--tls-cert" in done.sentence and "nothing was opened" in done.sentence
    assert not counter.journal.exists()


def test_half_a_certificate_and_a_wrong_one_are_refused(
    sscard: Sscard, counter: Counter, certificate: tuple[Path, Path]
) -> None:
    half = sscard("counter", "serve", "--tls-cert", str(certificate[0]), *at_desk(counter))
    wrong = sscard(
        *("counter", "serve", "--tls-cert", str(certificate[1]), "--tls-key", str(certificate[0])),
        *at_desk(counter),
    )

    assert (half.code, wrong.code) == (2, 2)
    assert "belong together" in wrong.sentence


def test_a_port_that_is_taken_is_named(sscard: Sscard, counter: Counter) -> None:
    taken = bound("127.0.0.1", 0)
    taken.listen()
    with taken:
        port = str(taken.getsockname()[1])

        done = sscard("counter", "serve", "--port", port, *at_desk(counter))

    assert done.code == 2 and port in done.sentence


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal_and_ends_well(how: signal.Signals, counter: Counter) -> None:
    with serving(*at_desk(counter)) as (process, url):
        page = httpx.get(url)
        process.send_signal(how)
        out, err = process.communicate(timeout=PATIENCE_S)

    assert page.status_code == 200
    assert (process.returncode, out, err) == (0, "", "")


def test_with_tls_it_speaks_nothing_else(counter: Counter, certificate: tuple[Path, Path]) -> None:
    tls = ("--tls-cert", str(certificate[0]), "--tls-key", str(certificate[1]))
    with serving(*tls, *at_desk(counter)) as (_, url):
        trusting = ssl.create_default_context(cafile=str(certificate[0]))
        answer = httpx.get(url.replace("127.0.0.1", "localhost"), verify=trusting)
        with pytest.raises(httpx.HTTPError):
            httpx.get(url.replace("https", "http"))

    assert "Secure" in answer.headers["set-cookie"]
    assert answer.headers["strict-transport-security"]


@pytest.mark.vpcd
def test_practice_plugs_in_a_card_of_its_own_over_pcscd() -> None:
    with serving("--practice") as (process, url), httpx.Client(base_url=url) as browser:
        browser.get("/")
        with browser.stream("GET", "/clerk/events") as events:
            ready = next(line for line in events.iter_lines() if '"step":"ready"' in line)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_S)

    assert '"training":true' in ready and "张" in ready
    assert process.returncode == 0


@pytest.mark.parametrize(
    "how",
    [pytest.param((), marks=pytest.mark.vpcd, id="over pcscd"), pytest.param(("--loopback",), id="loopback")],
)
def test_at_practice_the_simulator_swaps_cards_under_the_running_counter(how: tuple[str, ...]) -> None:
    with (
        serving("--practice", *how) as (process, url),
        httpx.Client(base_url=url, timeout=PATIENCE_S) as browser,
    ):
        assert process.stdout is not None
        deck = {card["name"]: card for card in json.loads(process.stdout.readline())["cards"]}
        page = browser.get("/").text
        csrf = re.search(r'name="csrf" content="([^"]+)"', page)
        assert csrf is not None
        headers = {"Origin": url.rstrip("/"), "X-CSRF-Token": csrf[1]}
        seen = []
        with browser.stream("GET", "/clerk/events") as events:
            steps = (json.loads(line[6:]) for line in events.iter_lines() if line.startswith("data: "))
            for verb, name in (("swap zhou-ba", "zhou-ba"), ("swap li-si", "li-si"), ("eject", "li-si")):
                next(step for step in steps if step.get("step") in ("ready", "refused"))
                done = browser.post("/simulator/verb", json={"verb": verb}, headers=headers).json()
                seen.append((done["name"], done["is_in"]))
                assert done["name"] == name
            next(step for step in steps if step.get("step") == "insert-card")
        heard = browser.get("/simulator/state").json()["heard"]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)

    assert seen == [("zhou-ba", True), ("li-si", True), ("li-si", False)]
    assert {one["kind"] for one in heard} == {"card", "psam", "trainer"}
    assert deck["li-si"]["pin"] not in json.dumps(heard)
    assert len(deck) == 9
    assert process.returncode == 0


def test_at_practice_the_day_is_opened_first_and_the_known_driver_has_its_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    token = "sscard_practice"
    program = Program("till-1", frozenset(Scope), digest_of(token), "", datetime(2026, 1, 5))
    made_state_folder()
    add_program(state_folder() / "programs.json", program)
    headers = {"Authorization": f"Bearer {token}"}

    with (
        serving("--practice", "--loopback", "--lang", "en") as (process, url),
        httpx.Client(base_url=url, headers=headers, timeout=PATIENCE_S) as shopware,
    ):
        while shopware.get("/api/v1/card").json()["step"] != "ready":
            pass
        read = shopware.post("/driver", json={"function": "iReadCardBas", "iType": 3}).json()
        sold = shopware.post("/api/v1/sales?wait_s=0", json={"request": "r1", "account_fen": 1234}).json()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)

    assert read["code"] == 0
    assert "F10" in sold["refusal"]["sentence"] and sold["money"] == "not-charged"


@dataclass
class Page:
    """A browser at one page of a counter that is served."""

    browser: httpx.Client
    path: str
    csrf: str = ""

    def load(self) -> str:
        text = self.browser.get(self.path).text
        found = re.search(r'name="csrf" content="([^"]+)"', text)
        assert found is not None, text
        self.csrf = found[1]
        return text

    def post(self, path: str, **body: object) -> dict[str, Any]:
        headers = {"Origin": str(self.browser.base_url).rstrip("/"), "X-CSRF-Token": self.csrf}
        answer = self.browser.post(path, json=body, headers=headers)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def until(self, seen: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The page's state, once it is so."""
        give_up_at = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up_at:
            state: dict[str, Any] = self.browser.get(f"{self.path}/state").json()
            if seen(state):
                return state
        raise AssertionError(state)


def test_at_practice_there_is_a_service_window_whose_host_owes_and_loads_and_resets_pins() -> None:
    with (
        serving("--practice", "--loopback", "--lang", "en") as (process, url),
        httpx.Client(base_url=url, timeout=PATIENCE_S) as staff,
        httpx.Client(base_url=url, timeout=PATIENCE_S) as holder,
    ):
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        linked = "/window" in staff.get("/").text
        window, pad = Page(staff, "/window"), Page(holder, "/pad")
        window.load()
        pad.csrf = pad.post("/pad/pair", code=window.post("/clerk/pad-code")["code"])["csrf"]

        window.post("/simulator/verb", verb="swap zhao-liu")
        locked = window.until(lambda state: state["step"] == "ready" and state["panel"]["tries_left"] == 0)
        sighted = {"sighted": True, "sighted_by": "Li"}
        unblocked = window.post("/window/ask", number=locked["number"], purpose="unblock", **sighted)

        window.post("/simulator/verb", verb="swap li-si")
        owed = window.until(lambda state: state["step"] == "ready" and bool(state["waiting"]))
        asked = window.post("/window/ask", number=owed["number"], purpose="load", amount="500.00")
        window.post("/clerk/confirm", number=asked["number"])
        for at, digit in enumerate([2, 4, 6, 8, 1, 0]):
            keyed = pad.browser.get("/pad/state").json()
            pad.post("/pad/digit", number=keyed["number"], at=at, digit=digit)
        pad.post("/pad/ok", number=pad.browser.get("/pad/state").json()["number"])
        loaded = window.until(lambda state: state["step"] == "done")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)

    assert linked
    assert told["pages"] == {"counter": url, "pad": f"{url}pad", "window": f"{url}window"}
    assert "the one it was" in "\n".join(unblocked["lines"])
    assert "12.50" in "\n".join(owed["lines"])
    assert "Credited 500.00 yuan, balance 756.80 yuan." in loaded["lines"]


def test_at_practice_a_kiosk_names_the_socket_that_moves_its_cards() -> None:
    with (
        serving("--practice", "--loopback", "--kiosk") as (process, url),
        httpx.Client(base_url=url, timeout=PATIENCE_S) as holder,
    ):
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        kiosk, socket = Page(holder, "/kiosk"), Path(told["control"])
        kiosk.load()
        first = kiosk.until(lambda state: bool(state["name"]))
        done = [ask(socket, "eject")]
        kiosk.until(lambda state: not state["name"])
        done.append(ask(socket, "insert li-si"))
        second = kiosk.until(lambda state: bool(state["name"]))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)

    assert told["pages"] == {"kiosk": f"{url}kiosk"}
    assert [(one["card"], one["is_in"]) for one in done] == [("zhang-san", False), ("li-si", True)]
    assert first["name"] != second["name"]
    assert process.returncode == 0 and not socket.exists()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_at_practice_every_address_is_said_at_the_start(
    language: Language, capsys: pytest.CaptureFixture[str]
) -> None:
    url, said = "http://127.0.0.1:8650/", []
    for kiosk in (False, True):
        run = Run(Console(language, as_json=False))
        with practising(run, None, loopback=True, kiosk=kiosk) as practice:
            practice.tell(run.console, url)
        said.append(capsys.readouterr().out)

    counter, kiosk_alone = said
    assert f"{url}pad" in counter and f"{url}window" in counter and f"{KIOSK_COMMAND} --loopback" in counter
    assert f"{url}kiosk" in kiosk_alone and "sscard card control /" in kiosk_alone
    assert f"{url}window" not in kiosk_alone


def test_keys_that_are_not_there_are_named_in_one_sentence_and_nothing_is_opened(tmp_path: Path) -> None:
    missing, journal = tmp_path / "missing.toml", tmp_path / "journal.db"
    options = ("--practice", "--loopback", "--port", "0", "--keys", str(missing), "--journal", str(journal))

    done = subprocess.run(
        (sys.executable, "-m", "sscard_terminal.cli", "counter", "serve", "--lang", "en", *options),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )

    assert done.returncode in (1, 2)
    training, said = done.stderr.splitlines()
    assert training.startswith("TRAINING") and str(missing) in said
    assert not journal.exists()


def test_loopback_without_practice_is_refused(sscard: Sscard) -> None:
    done = sscard("counter", "serve", "--loopback")

    assert done.code == 2
    assert "--practice" in done.sentence


def test_a_hotlist_replaced_while_the_counter_runs_holds_from_the_next_card_on(tmp_path: Path) -> None:
    text = PLACE.format(until="2099-12-31") + with_hotlist(tmp_path)
    configured = parse_configuration(text, tmp_path)
    before = configured.read_hotlist()
    watch = HotlistWatch(configured)
    shop = Shop(configured.policy(before), configured.sale_rules(before))
    same = watch.newer(shop)
    with_hotlist(tmp_path, f"range {CARD} {CARD}", version=2)

    newer = watch.newer(shop)
    (tmp_path / "hotlist").write_text("no hotlist")
    after_damage = watch.newer(newer)

    assert same is shop
    assert newer.rules.hotlist is newer.policy.hotlist and newer.rules.hotlist is not None
    assert newer.rules.hotlist.version == 2 and after_damage is newer
