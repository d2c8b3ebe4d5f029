"""The known driver's functions as JSON over HTTP and WebSocket: known codes and texts, PINs at the pad, one at a time."""

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from sscard_terminal.counter import routes_driver
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.outcomes import SaleKind
from sscard_terminal.terminal.programs import Scope, remove_program
from tests.counter.house import PATIENCE_S, PIN, Browser, House, Pad, Shopware
from tests.counter.test_api import ALL, _until_pin
from tests.terminal.doubles import OPENING

PAY = "300.00|250.00|20260105101530|"
SUMS = "00007530000061A8"


@pytest.fixture
def shopware(house: House) -> Iterator[Shopware]:
    with house.program(*ALL) as program:
        yield program


@pytest.fixture
def ready(house: House, shopware: Shopware, pad: Pad) -> Pad:
    house.reader.insert()
    shopware.until_ready()
    return pad


def info(shopware: Shopware) -> str:
    fields = shopware.drive("iReadCardBas", iType=3)["pOutInfo"].split("|")
    return f"{fields[3]}|{fields[2]}|"


def driven(shopware: Shopware, pad: Pad, *pins: str, **call: Any) -> dict[str, Any]:
    """A call whose PINs are keyed at the pad."""
    with ThreadPoolExecutor(1) as beside:
        asked = beside.submit(shopware.drive, **call)
        for pin in pins:
            _until_stage(pad)
            assert pad.enter(pin).is_success
        return asked.result()


def _until_stage(pad: Pad) -> None:
    for _ in range(300):
        if pad.state()["stage"] != "nothing":
            return
        time.sleep(0.02)
    raise AssertionError("nothing was asked for")


def test_the_card_is_read_under_the_functions_known_name(shopware: Shopware, ready: Pad) -> None:
    answer = shopware.drive("iReadCardBas", iType=3)

    assert answer["code"] == 0 and answer["money"] == "not-charged"
    assert answer["pOutInfo"].startswith("370900|370900199001010010|D2143569X|")
    assert answer["pOutInfo"].count("|") == 11


def test_known_codes_come_with_their_known_texts_and_http_says_200(
    house: House, shopware: Shopware, pad: Pad
) -> None:
    answers = [
        shopware.drive("iReadCardBas", iType=9),
        shopware.drive("iReadCardBas"),
        shopware.drive("iBuyTheShop", iType=3),
        shopware.drive("iReadCardBas_HSM_Step2", pKey="00" * 16 + "||"),
    ]

    assert [(answer["code"], answer["pOutInfo"]) for answer in answers] == [
        (-14, "（发给动态库的）命令参数错"),
        (-14, "（发给动态库的）命令参数错"),
        (-13, "（动态库）不支持该命令"),
        (-26881, "命令不接受（无效状态）"),
    ]


def test_a_record_keeping_debit_asks_for_the_pin_at_the_pad_and_is_made_once(
    house: House, shopware: Shopware, ready: Pad
) -> None:
    card = info(shopware)

    first = driven(shopware, ready, PIN, function="iDoDebit", iType=3, pCardInfo=card, pPayInfo=PAY)
    again = shopware.drive("iDoDebit", iType=3, pCardInfo=card, pPayInfo=PAY)

    assert (first["code"], first["money"]) == (0, "charged")
    assert again["pOutInfo"] == first["pOutInfo"]
    assert first["pOutInfo"].split("|")[2] == SUMS
    assert house.balance() == OPENING
    house.close()
    (entry,) = house.entries()
    assert (entry.sale.kind, entry.sale.operator) == (SaleKind.RECORD_KEEPING, "till-1")


def test_the_pad_shows_the_total_of_a_record_keeping_debit(shopware: Shopware, ready: Pad) -> None:
    card = info(shopware)
    with ThreadPoolExecutor(1) as beside:
        asked = beside.submit(shopware.drive, "iDoDebit", iType=3, pCardInfo=card, pPayInfo=PAY)
        _until_pin(ready)
        seen = ready.state()
        ready.enter(PIN)
        asked.result()

    assert seen["amount"] == "300.00"


def test_a_wrong_pin_and_a_cancelled_one_have_their_codes(shopware: Shopware, ready: Pad) -> None:
    wrong = driven(shopware, ready, "999999", function="iVerifyPIN", iType=3)
    with ThreadPoolExecutor(1) as beside:
        asked = beside.submit(shopware.drive, "iVerifyPIN", iType=3)
        _until_pin(ready)
        ready.press("cancel")
        cancelled = asked.result()

    assert (wrong["code"], wrong["pOutInfo"]) == (-51, "PIN 校验失败，剩余次数 2 次")
    assert (cancelled["code"], cancelled["pOutInfo"]) == (-31, "用户取消密码输入")


def test_the_clerk_may_cancel_a_function_that_waits_for_the_pin(
    clerk: Browser, shopware: Shopware, ready: Pad
) -> None:
    with ThreadPoolExecutor(1) as beside:
        asked = beside.submit(shopware.drive, "iVerifyPIN", iType=3)
        _until_pin(ready)
        shown = clerk.look()["step"]
        assert clerk.do("cancel").is_success
        answer = asked.result()

    assert (shown, answer["code"]) == ("enter-pin", -31)
    assert clerk.look()["step"] == "ready"


def test_a_holder_who_keys_nothing_is_waited_for_and_no_longer(
    house: House, shopware: Shopware, ready: Pad
) -> None:
    house.desk.asked_pins.patience_s = 0.1

    assert shopware.drive("iVerifyPIN", iType=3)["code"] == -32


def test_the_pin_is_changed_at_the_pad(shopware: Shopware, ready: Pad) -> None:
    changed = driven(shopware, ready, PIN, "246810", "246810", function="iChangePIN", iType=3)

    assert (changed["code"], changed["pOutInfo"]) == (0, "")
    assert driven(shopware, ready, "246810", function="iVerifyPIN", iType=3)["code"] == 0


def test_the_log_is_read_after_the_pin(shopware: Shopware, ready: Pad) -> None:
    card = info(shopware)
    driven(shopware, ready, PIN, function="iDoDebit", iType=3, pCardInfo=card, pPayInfo=PAY)

    log = driven(shopware, ready, PIN, function="iReadDebitRecord", iType=3)

    assert log["pOutInfo"] == "0000^370900000001^20260105101530^300.00^250.00^|"


def test_hsm_steps_hold_the_card_until_the_till_needs_it(
    house: House, shopware: Shopware, ready: Pad, clerk: Browser
) -> None:
    shopware.drive("iReadCardBas_HSM_Step1", iType=3)
    clerk.do("read")

    late = shopware.drive("iReadCardBas_HSM_Step2", pKey="00" * 16 + "||")

    assert late["code"] == -26881


def test_what_a_program_sees_of_a_holder_stands_in_the_journal(
    house: House, shopware: Shopware, ready: Pad
) -> None:
    card = info(shopware)
    shopware.drive("iReadCard", iType=3, iAuthType=1, pCardInfo=card, pFileAddr="SSSEEF06|08|09|$")
    house.close()

    with Journal.open(house.folder / "journal.db") as journal:
        found = journal.disclosures()

    assert [(one.operator, one.identification) for one in found] == [("till-1", card[:32])] * 2


# Two at once ----------------------------------------------------------------------------------------------


def test_while_somebody_is_at_the_counter_the_driver_is_busy(shopware: Shopware, ready: Pad) -> None:
    shopware.sell("r1")

    busy = shopware.drive("iReadCardBas", iType=3)

    assert (busy["code"], busy["pOutInfo"], busy["money"]) == (-12, "未建立连接", "not-charged")
    ready.enter(PIN)
    assert shopware.get("sales/r1", wait_s=10).json()["state"] == "charged"


def test_while_a_function_waits_for_the_pin_no_sale_is_begun(
    house: House, shopware: Shopware, ready: Pad, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sscard_terminal.counter.station.PATIENCE_S", 0.2)
    with ThreadPoolExecutor(1) as beside:
        asked = beside.submit(shopware.drive, "iVerifyPIN", iType=3)
        _until_pin(ready)
        sale, other = shopware.sell("r1"), shopware.drive("iReadCardBas", iType=3)
        ready.enter(PIN)
        verified = asked.result()

    assert (sale.status_code, sale.json()["error"]) == (503, "busy")
    assert (other["code"], verified["code"]) == (-12, 0)
    assert shopware.get("sales/r1").status_code == 404


# Scopes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "scope"),
    [
        ("iReadCardBas", Scope.HOLDER),
        ("iReadCardBas_HSM_Step1", Scope.HOLDER),
        ("iReadCard", Scope.HOLDER),
        ("iWriteCard", Scope.WINDOW),
        ("iWriteCard_HSM_Step2", Scope.WINDOW),
        ("iVerifyPIN", Scope.PIN),
        ("iChangePIN", Scope.PIN),
        ("iReloadPIN", Scope.WINDOW),
        ("iReloadPIN_HSM_Step2", Scope.WINDOW),
        ("iUnblockPIN", Scope.WINDOW),
        ("iDoDebit", Scope.SALE),
        ("iReadDebitRecord", Scope.DETAILS),
    ],
)
def test_a_function_needs_its_scope(quiet: House, function: str, scope: Scope) -> None:
    others = set(Scope) - {scope}
    name = f"without-{function.lower().replace('_', '-')}"[:31]
    with quiet.program(*others, name=name) as program:
        answer = program.client.post("/driver", json={"function": function, "iType": 3})

    assert (answer.status_code, answer.json()["error"]) == (403, "scope")


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One counter for all calls that do nothing."""
    with House(tmp_path_factory.mktemp("quiet")) as house:
        yield house


# WebSocket ------------------------------------------------------------------------------------------------


def line_to(house: House, **options: Any) -> ClientConnection:
    return connect(f"ws{house.url.removeprefix('http')}/driver/ws", open_timeout=PATIENCE_S, **options)


def said(line: ClientConnection, message: object) -> dict[str, Any]:
    line.send(message if isinstance(message, str) else json.dumps(message))
    found: dict[str, Any] = json.loads(line.recv(PATIENCE_S))
    return found


def test_the_same_functions_over_a_websocket_with_the_token_in_the_header(
    house: House, shopware: Shopware, ready: Pad
) -> None:
    with line_to(house, additional_headers={"Authorization": f"Bearer {shopware.token}"}) as line:
        read = said(line, {"function": "iReadCardBas", "iType": 3, "id": 7})
        wrong = said(line, {"function": "iReadCardBas", "iType": 9})

    assert (read["code"], read["id"]) == (0, 7) and "D2143569X" in read["pOutInfo"]
    assert (wrong["code"], "id" in wrong) == (-14, False)


def test_or_with_the_token_in_the_first_message(house: House, shopware: Shopware) -> None:
    with line_to(house) as line:
        line.send(json.dumps({"token": shopware.token}))

        assert said(line, {"function": "iReadCardBas", "iType": 3})["code"] == 0


@pytest.mark.parametrize("first", ['{"token": "wrong"}', "{}", "[]", "no json", '{"token": 5}'])
def test_without_a_token_the_line_is_closed(quiet: House, first: str) -> None:
    with line_to(quiet) as line:
        refused = said(line, first)
        with pytest.raises(ConnectionClosed) as caught:
            line.recv(PATIENCE_S)

    assert refused["error"] == "token"
    assert caught.value.rcvd is not None and caught.value.rcvd.code == 4401


@pytest.mark.parametrize(
    "message", ["no json", "[]", "{}", '{"function": 5}', "null", "[" * 5000, '"' + "x" * 900]
)
def test_what_is_no_call_is_answered_and_the_line_goes_on(
    house: House, shopware: Shopware, message: str
) -> None:
    with line_to(house, additional_headers={"Authorization": f"Bearer {shopware.token}"}) as line:
        refused = said(line, message)
        after = said(line, {"function": "iReadCardBas", "iType": 3})

    assert refused["error"] == "program-request"
    assert after["code"] == 0


def test_whoever_does_not_say_who_it_is_in_time_is_closed(
    quiet: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes_driver, "INTRODUCTION_S", 0.05)

    with line_to(quiet) as line, pytest.raises(ConnectionClosed) as caught:
        line.recv(PATIENCE_S)

    assert caught.value.rcvd is not None and caught.value.rcvd.code == 4401


def test_more_lines_than_a_shop_has_programs_are_closed_and_others_get_their_place(
    quiet: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes_driver, "MOST_LINES", 1)
    with quiet.program(*Scope, name="till-9") as program:
        with line_to(quiet, additional_headers={"Authorization": f"Bearer {program.token}"}) as line:
            said(line, {"function": "unknown"})
            with line_to(quiet) as one_more, pytest.raises(ConnectionClosed) as caught:
                one_more.recv(PATIENCE_S)
        for _ in range(100):
            if quiet.desk.driver_lines == 0:
                break
            time.sleep(0.01)

    assert caught.value.rcvd is not None and caught.value.rcvd.code == 4429
    assert quiet.desk.driver_lines == 0


def test_a_message_too_long_closes_the_line(house: House, shopware: Shopware) -> None:
    with line_to(house, additional_headers={"Authorization": f"Bearer {shopware.token}"}) as line:
        line.send("x" * (1 << 20))
        with pytest.raises(ConnectionClosed):
            line.recv(PATIENCE_S)


def test_a_removed_programs_line_is_closed(house: House, shopware: Shopware) -> None:
    with line_to(house, additional_headers={"Authorization": f"Bearer {shopware.token}"}) as line:
        said(line, {"function": "iReadCardBas", "iType": 3})
        remove_program(house.folder / "programs.json", "till-1")
        line.send('{"function": "iReadCardBas", "iType": 3}')
        with pytest.raises(ConnectionClosed):
            line.recv(PATIENCE_S)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost"])
def test_cross_origin_a_websocket_from_another_site_is_refused(quiet: House, origin: str) -> None:
    with pytest.raises(InvalidStatus) as caught, line_to(quiet, origin=origin):
        pass

    assert caught.value.response.status_code == 403


def test_dns_rebinding_a_websocket_under_another_name_is_refused(quiet: House) -> None:
    port = urlsplit(quiet.url).port
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as raw:
        raw.sendall(f"GET /driver/ws HTTP/1.1\r\nHost: evil.example:{port}\r\n{upgrade}{key}\r\n".encode())

        assert raw.recv(64).split()[1] == b"403"
