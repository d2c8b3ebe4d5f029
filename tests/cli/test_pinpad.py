"""The services with the PIN keyed at the reader's own pad: the whole thread, with the wall to pyscard replaced."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture
from smartcard import scard

from sscard_terminal.card.chip import Chip
from sscard_terminal.cardspec.pin import Pin
from tests.cards import new_card, new_psam
from tests.cli.conftest import PIN, Done, Sscard
from tests.cli.test_settings import config
from tests.reader.pad_reader import CANCEL, MODIFY, VERIFY, PadReader, Wall

NEW, WRONG, MARKED = "654321", "111111", "739162"
CARD_READER, PSAM_READER = "GemPC Pinpad 00 00", "SAM 00 00"
LANGUAGES = pytest.mark.parametrize("language", ["zh", "en"])


@dataclass
class Counter:
    """A reader with a pad and a card in it, a reader with the PSAM, and what the holder keys."""

    sscard: Sscard
    card: Chip
    pad: PadReader
    book: tuple[str, ...]

    def __call__(self, *arguments: object, keys: tuple[str, ...] = (), stdin: str | None = None) -> Done:
        self.pad.keys = list(keys)
        return self.sscard(*arguments, stdin=stdin)

    def pay(self, *amounts: str, keys: tuple[str, ...] = (PIN,), more: tuple[str, ...] = ()) -> Done:
        return self("debit", *amounts, *self.book, *more, keys=keys)

    def tries_left(self) -> int:
        left: int = self("read", "--json").json["tries_left"]
        return left


@pytest.fixture
def counter(sscard: Sscard, mocker: MockerFixture, tmp_path: Path) -> Counter:
    card = new_card(balance=10_000)
    pad = PadReader(card=card.respond)
    Wall(mocker, {CARD_READER: (card, pad), PSAM_READER: (new_psam(), None)})
    return Counter(sscard, card, pad, ("--journal", str(tmp_path / "journal.db")))


SERVICES = [("pin", "verify"), ("balance",), ("details",), ("debit", "--account", "12.34")]


@pytest.mark.parametrize("service", SERVICES, ids=" ".join)
@LANGUAGES
def test_the_customer_is_asked_to_key_the_pin_on_the_pad_and_nothing_is_asked_for_here(
    service: tuple[str, ...], language: str, counter: Counter
) -> None:
    more = counter.book if service[0] == "debit" else ()

    done = counter(*service, *more, "--lang", language, keys=(PIN,))

    assert done.code == 0
    assert ("请顾客在密码键盘上输入密码" if language == "zh" else "enter the PIN on the PIN pad") in done.err
    assert counter.pad.sent == [bytes.fromhex("0020000003123456")]


def test_the_amount_is_told_before_the_pin_is_keyed(counter: Counter) -> None:
    done = counter.pay("--account", "12.34", more=("--lang", "zh"))

    assert done.err.startswith("应付 12.34 元，请顾客在密码键盘上输入密码。")
    assert "已扣款 12.34 元" in done.out


def test_a_total_is_divided_by_what_the_card_holds_and_keyed_for_once(counter: Counter) -> None:
    done = counter.pay("--total", "30", more=("--json",), keys=(PIN,))

    assert json.loads(done.out)["account_fen"] == 3000
    assert len(counter.pad.sent) == 1


def test_a_total_above_the_balance_is_paid_with_the_rest_in_cash_only_where_that_was_said(
    counter: Counter,
) -> None:
    refused = counter.pay("--total", "120", more=("--lang", "zh"))
    paid = counter.pay("--total", "120", "--rest-in-cash", more=("--json",))

    assert refused.code == 1 and "还差 20.00 元，未扣款" in refused.err
    assert (json.loads(paid.out)["account_fen"], json.loads(paid.out)["self_paid_fen"]) == (10_000, 2000)


@LANGUAGES
@pytest.mark.parametrize(
    ("keys", "sw", "zh", "en"),
    [
        ((CANCEL,), "6401", "按了取消", "pressed Cancel"),
        ((), "6400", "超时", "in time"),
        (("1234",), "6403", "位数不对", "wrong length"),
        ((WRONG,), "63C2", "还可再试 2 次", "tries left: 2"),
    ],
)
def test_however_an_entry_ends_nothing_is_charged_and_the_sentence_says_so(
    keys: tuple[str, ...], sw: str, zh: str, en: str, language: str, counter: Counter
) -> None:
    told = counter.pay("--account", "1", keys=keys, more=("--lang", language))

    assert told.code == 1
    assert (zh if language == "zh" else en) in told.err
    assert ("未扣款" if language == "zh" else "not charged") in told.err
    assert told.err.endswith(f" [{sw}]\n")


@pytest.mark.parametrize(
    ("keys", "key", "reason"),
    [
        ((CANCEL,), "declined.pin-cancelled", "pin-cancelled"),
        ((WRONG,), "declined.wrong-pin", "wrong-pin"),
    ],
)
def test_for_programs_an_entry_ends_in_facts(
    keys: tuple[str, ...], key: str, reason: str, counter: Counter
) -> None:
    done = counter.pay("--account", "1", keys=keys, more=("--json",))

    facts = json.loads(done.out)
    assert (facts["error"], facts["reason"], facts["money"]) == (key, reason, "not-charged")
    assert "PIN pad" in done.err


def test_an_entry_given_up_costs_no_try(counter: Counter) -> None:
    for keys in ((CANCEL,), (), ("12",)):
        counter("balance", keys=keys)

    assert counter.tries_left() == 3


def test_the_last_try_is_warned_of_before_the_customer_is_asked_and_a_locked_card_is_not(
    counter: Counter,
) -> None:
    for _ in range(2):
        counter("balance", keys=(WRONG,))
    last = counter("balance", "--lang", "zh", keys=(WRONG,))
    counter.pad.sent.clear()
    locked = counter("balance", "--lang", "zh", keys=(PIN,))

    assert re.search(
        "再错一次将锁卡.*请顾客在密码键盘上输入密码.*密码已锁定，未扣款.*6983", last.err, re.DOTALL
    )
    assert locked.sentence == "密码已锁定，未扣款，请持卡和身份证到社保卡服务窗口解锁。 [6983]"
    assert counter.pad.sent == []


@LANGUAGES
def test_the_pin_is_changed_at_the_pad(language: str, counter: Counter) -> None:
    changed = counter("pin", "change", "--lang", language, keys=(PIN, NEW, NEW))

    assert changed.code == 0
    assert ("先输入旧密码" if language == "zh" else "the old PIN") in changed.err
    assert counter("pin", "verify", keys=(NEW,)).code == 0
    assert counter("pin", "verify", keys=(PIN,)).code == 1


@LANGUAGES
def test_two_new_pins_that_differ_at_the_pad_change_nothing(language: str, counter: Counter) -> None:
    done = counter("pin", "change", "--lang", language, keys=(PIN, NEW, "654312"))

    assert done.code == 1
    assert (
        "两次输入的新密码不一致，密码未改，未扣款" if language == "zh" else "The two new PINs differ"
    ) in done.err
    assert "[6402]" in done.err
    assert counter("pin", "verify", keys=(PIN,)).code == 0


def test_a_pad_that_only_verifies_leaves_the_change_to_the_keyboard(counter: Counter) -> None:
    counter.pad.features = bytes.fromhex("060442330006")

    changed = counter("pin", "change", stdin=f"{PIN}\n{NEW}\n{NEW}\n")

    assert (changed.code, "Old PIN: " in changed.err) == (0, True)
    assert counter("pin", "verify", keys=(NEW,)).code == 0


# Without the pad ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "way", ["--no-pad", "[readers] pad = false", "--pin-stdin"], ids=["option", "setting", "standard input"]
)
def test_the_pad_is_left_alone_where_that_is_said(way: str, counter: Counter, tmp_path: Path) -> None:
    more = config(tmp_path, "[readers]\npad = false\n") if way.startswith("[") else (way,)

    done = counter("balance", *more, stdin=f"{PIN}\n")

    assert done.code == 0
    assert counter.pad.asked == []


def test_a_first_pin_keyed_at_the_pad_is_not_seen_and_pays(counter: Counter, tmp_path: Path) -> None:
    strict = config(tmp_path, "[cards]\nfirst_pin_may_pay = false\n")

    keyed = counter.pay("--account", "1", more=strict)
    typed = counter("debit", "--account", "1", *counter.book, *strict, "--no-pad", stdin=f"{PIN}\n")

    assert keyed.code == 0 and "everybody knows" not in keyed.err
    assert typed.code == 1 and "first PIN may not pay" in typed.err


def test_a_reader_whose_list_of_features_is_no_list_asks_at_the_prompt(counter: Counter) -> None:
    counter.pad.features = bytes.fromhex("0604423300")

    done = counter("balance", stdin=f"{PIN}\n")

    assert done.code == 0
    assert "PIN: " in done.err


# Broken links ---------------------------------------------------------------------------------------------------


@LANGUAGES
@pytest.mark.parametrize(
    ("hresult", "zh", "en"),
    [
        (scard.SCARD_W_REMOVED_CARD, "卡被拔出，未扣款", "not charged"),
        (scard.SCARD_E_READER_UNAVAILABLE, "读卡器已断开，未扣款", "not charged"),
        (scard.SCARD_E_NO_SERVICE, "智能卡服务已停止，未扣款", "not charged"),
    ],
    ids=["card removed", "reader unplugged", "service gone"],
)
def test_a_link_that_breaks_while_the_customer_types_charges_nothing(
    hresult: int, zh: str, en: str, language: str, counter: Counter
) -> None:
    counter.pad.faults[VERIFY] = (hresult, [])

    done = counter.pay("--account", "1", more=("--lang", language))

    assert done.code == 3
    assert (zh if language == "zh" else en) in done.err
    counter.pad.faults.clear()
    assert counter.pay("--account", "1").code == 0


def test_a_card_that_leaves_while_its_pin_is_changed_leaves_open_which_one_it_has(counter: Counter) -> None:
    counter.pad.faults[MODIFY] = (scard.SCARD_W_REMOVED_CARD, [])

    done = counter("pin", "change", keys=(PIN, NEW, NEW))

    assert done.code == 3
    assert "try the new PIN first" in done.err


def test_a_pad_the_driver_gives_up_on_is_reader_trouble_with_a_way_out(counter: Counter) -> None:
    counter.pad.faults[VERIFY] = (scard.SCARD_E_UNSUPPORTED_FEATURE, [])

    done = counter("balance", "--lang", "zh")

    assert done.code == 3
    assert "密码键盘不能这样输入此卡的密码，未扣款，请加 --no-pad" in done.err


def test_an_open_sale_is_settled_with_the_pin_keyed_at_the_pad(
    counter: Counter, mocker: MockerFixture
) -> None:
    transmit: Callable[..., Any] = scard.SCardTransmit.side_effect  # type: ignore[attr-defined]

    def losing_debit(handle: int, protocol: int, command: list[int]) -> tuple[int, list[int]]:
        answer: tuple[int, list[int]] = transmit(handle, protocol, command)
        return (scard.SCARD_W_REMOVED_CARD, []) if bytes(command[:2]) == b"\xb0\x2c" else answer

    mocker.patch("sscard_terminal.reader.pcsc.scard.SCardTransmit", side_effect=losing_debit)
    assert counter.pay("--account", "1").code == 4
    mocker.patch("sscard_terminal.reader.pcsc.scard.SCardTransmit", side_effect=transmit)

    done = counter("recover", *counter.book, keys=(PIN,))

    assert done.code == 0
    assert "charged 1.00 yuan" in done.out


# Secrets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [(), ("--json",), ("--lang", "zh")])
def test_no_pin_is_ever_made_in_this_process_nor_told_by_it(
    form: tuple[str, ...],
    counter: Counter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    counter("pin", "change", keys=(PIN, MARKED, MARKED))

    make, respond, in_card = Pin.__init__, counter.card.respond, threading.Event()

    def card(command: bytes) -> bytes:
        """The virtual card lives in this process too, and may make what PINs it likes."""
        in_card.set()
        answer = respond(command)
        in_card.clear()
        return answer

    def made(self: Pin, digits: str) -> None:
        assert in_card.is_set(), "the terminal made a PIN"
        make(self, digits)

    counter.pad.card = card
    monkeypatch.setattr(Pin, "__init__", made)
    commands: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
        (("pin", "verify"), (WRONG,)),
        (("pin", "verify"), (MARKED,)),
        (("balance",), (MARKED,)),
        (("details",), (MARKED,)),
        (("debit", "--account", "1", *counter.book), (MARKED,)),
        (("debit", "--total", "2", *counter.book), (MARKED,)),
        (("pin", "change"), (MARKED, NEW, NEW)),
        (("pin", "change"), (NEW, MARKED, CANCEL)),
    ]

    said = [counter(*command, *form, "--trace", "trace.txt", keys=keys) for command, keys in commands]

    assert {done.code for done in said} == {0, 1}
    everything = "\n".join(done.out + done.err for done in said) + caplog.text
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    for pin in (MARKED, NEW, WRONG):
        assert pin not in everything
        assert not any(pin.encode() in file or bytes.fromhex(pin) in file for file in files)


def test_a_trace_shows_the_entry_at_the_pad_masked(counter: Counter, tmp_path: Path) -> None:
    counter("balance", "--trace", "trace.txt", keys=(PIN,))

    trace = (tmp_path / "trace.txt").read_text("utf-8")

    assert re.search(r"# \[card, at the PIN pad\]\n> 0020000003\*{6} +# VERIFY.*\n< 9000", trace)
