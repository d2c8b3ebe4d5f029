"""read, balance, details, pin verify, pin change over image files: what they say, and how they refuse."""

import re
from pathlib import Path

import pytest

from sscard_terminal.cli import reader_search
from sscard_terminal.reader.connection import LinkReason
from tests.cli.conftest import PIN, Counter, Sscard, card_with
from tests.cli.links import CHANGE_PIN, losing_answer

LANGUAGES = pytest.mark.parametrize("language", ["zh", "en"])
WITH_PIN = [("balance",), ("details",), ("pin", "verify")]


def lines(*pins: str) -> str:
    return "".join(f"{pin}\n" for pin in pins)


def test_read_shows_whose_card_it_is_masked(sscard: Sscard, counter: Counter) -> None:
    done = sscard("read", *counter.readers)

    assert done.code == 0
    assert re.search(r"Holder +张\*  3709\*{10}0010", done.out)
    assert re.search(r"Genuine +yes, proved to PSAM 370900000001", done.out)
    assert "张三" not in done.out and "D2143569X" not in done.out


def test_read_as_json(sscard: Sscard, counter: Counter) -> None:
    done = sscard("read", *counter.readers, "--json")

    assert done.json == {
        "name": "张*",
        "social_security_number": "3709**********0010",
        "number": "D2****69X",
        "version": "2.0",
        "region": "370900",
        "issued": "2012-01-01",
        "expires": "2032-01-01",
        "tries_left": 3,
        "terminal": "370900000001",
    }


def test_balance_shows_the_account_and_the_years_totals(sscard: Sscard, counter: Counter) -> None:
    done = sscard("balance", *counter.readers, "--pin-stdin", stdin=lines(PIN))

    assert done.code == 0
    assert "Account balance 100.00 yuan" in done.out
    assert "Self-paid 2012  0.00 yuan" in done.out


def test_balance_as_json_is_in_fen(sscard: Sscard, counter: Counter) -> None:
    done = sscard("balance", *counter.readers, "--pin-stdin", "--json", stdin=lines(PIN))

    assert done.json == {"account_fen": 10_000, "self_paid_fen": 0, "pooled_fen": 0, "year": "2012"}


def test_details_of_a_new_card_are_none(sscard: Sscard, counter: Counter) -> None:
    done = sscard("details", *counter.readers, "--pin-stdin", "--lang", "zh", stdin=lines(PIN))

    assert (done.code, done.out) == (0, "卡内尚无交易。\n")


def test_details_show_what_was_bought(sscard: Sscard, counter: Counter) -> None:
    amounts = ("--account", "12.34", "--self", "20", "--pooled", "80.00")
    sscard("debit", *amounts, *counter.readers, *counter.book, "--pin-stdin", stdin=lines(PIN))

    told = sscard("details", *counter.readers, "--pin-stdin", "--lang", "zh", stdin=lines(PIN))
    record = sscard("details", *counter.readers, "--pin-stdin", "--json", stdin=lines(PIN)).json["records"][0]

    assert re.search(r"消费 +12\.34 元  终端 370900000001  序号 0", told.out)
    assert "自付 20.00 元，统筹 80.00 元" in told.out
    assert (record["kind"], record["account_fen"], record["self_paid_fen"], record["pooled_fen"]) == (
        "purchase",
        1234,
        2000,
        8000,
    )


@pytest.mark.parametrize("command", WITH_PIN, ids=" ".join)
def test_at_a_prompt_the_pin_is_asked_for_and_not_shown(
    command: tuple[str, ...], sscard: Sscard, counter: Counter
) -> None:
    done = sscard(*command, *counter.readers, stdin=lines(PIN))

    assert done.code == 0
    assert "PIN: " in done.err
    assert PIN not in done.out + done.err


@pytest.mark.parametrize("command", WITH_PIN, ids=" ".join)
@LANGUAGES
def test_a_wrong_pin_says_how_many_tries_are_left(
    command: tuple[str, ...], language: str, sscard: Sscard, counter: Counter
) -> None:
    done = sscard(*command, *counter.readers, "--pin-stdin", "--lang", language, stdin=lines("111111"))

    assert done.code == 1
    if language == "zh":
        assert done.sentence == "密码错误，还可再试 2 次，未扣款，请重新输入。 [63C2]"
    else:
        assert done.sentence == "Wrong PIN, tries left: 2; not charged; please enter it again. [63C2]"


def test_a_wrong_pin_as_json(sscard: Sscard, counter: Counter) -> None:
    done = sscard("balance", *counter.readers, "--pin-stdin", "--json", stdin=lines("111111"))

    assert done.code == 1
    assert {name: done.json[name] for name in ("exit", "error", "money", "reason", "tries_left", "sw")} == {
        "exit": 1,
        "error": "declined.wrong-pin",
        "money": "not-charged",
        "reason": "wrong-pin",
        "tries_left": 2,
        "sw": "63C2",
    }


def test_the_last_try_is_warned_of_before_and_a_locked_card_is_not_asked_for_its_pin(
    sscard: Sscard, counter: Counter
) -> None:
    for _ in range(2):
        warned = sscard("balance", *counter.readers, "--pin-stdin", "--lang", "zh", stdin=lines("111111"))
    assert "再错一次将锁卡" in warned.sentence

    last = sscard("balance", *counter.readers, "--lang", "zh", stdin=lines("111111"))
    locked = sscard("balance", *counter.readers, "--lang", "zh")

    assert "只剩一次机会" in last.err
    assert "密码已锁定，未扣款" in last.err
    assert locked.code == 1
    assert locked.sentence == "密码已锁定，未扣款，请持卡和身份证到社保卡服务窗口解锁。 [6983]"


@LANGUAGES
@pytest.mark.parametrize(
    ("typed", "zh", "en"),
    [
        ("12345x", "密码只能是数字", "A PIN has digits only"),
        ("１２３４５６", "密码只能是数字", "A PIN has digits only"),
        ("123", "4 到 16 位", "4 to 16 digits"),
        ("1" * 17, "4 到 16 位", "4 to 16 digits"),
    ],
)
@pytest.mark.parametrize("way", [(), ("--pin-stdin",)])
def test_what_is_no_pin_is_not_sent_to_the_card(
    typed: str, zh: str, en: str, way: tuple[str, ...], language: str, sscard: Sscard, counter: Counter
) -> None:
    done = sscard("balance", *counter.readers, *way, "--lang", language, stdin=lines(typed))

    assert done.code == 2
    assert (zh if language == "zh" else en) in done.err
    assert typed not in done.err + done.out
    assert sscard("read", *counter.readers, "--json").json["tries_left"] == 3


def test_without_a_pin_on_standard_input_the_card_wants_one(sscard: Sscard, counter: Counter) -> None:
    done = sscard("balance", *counter.readers, "--pin-stdin", stdin="")

    assert (done.code, done.sentence.split(";")[0]) == (1, "The card wants its PIN")


def test_a_prompt_nobody_answers_is_an_interruption(sscard: Sscard, counter: Counter) -> None:
    done = sscard("balance", *counter.readers, stdin="")

    assert done.code == 1
    assert "Interrupted; nothing was done." in done.err


def test_the_first_pin_is_hinted_at_and_another_is_not(sscard: Sscard, counter: Counter) -> None:
    first = sscard("pin", "verify", *counter.readers, "--pin-stdin", stdin=lines(PIN))
    sscard("pin", "change", *counter.readers, "--pin-stdin", stdin=lines(PIN, "654321", "654321"))
    changed = sscard("pin", "verify", *counter.readers, "--pin-stdin", stdin=lines("654321"))

    assert "please change it now" in first.err
    assert changed.err == ""


def test_after_a_change_only_the_new_pin_is_good(sscard: Sscard, counter: Counter) -> None:
    changed = sscard("pin", "change", *counter.readers, "--lang", "zh", stdin=lines(PIN, "654321", "654321"))

    assert changed.code == 0
    assert "密码已修改" in changed.out
    assert sscard("pin", "verify", *counter.readers, "--pin-stdin", stdin=lines("654321")).code == 0
    assert sscard("pin", "verify", *counter.readers, "--pin-stdin", stdin=lines(PIN)).code == 1


@LANGUAGES
@pytest.mark.parametrize(
    ("new", "code", "zh", "en"),
    [
        ("65432", 1, "新密码必须是 6 位数字", "exactly 6 digits"),
        ("6543210", 1, "新密码必须是 6 位数字", "exactly 6 digits"),
        ("123456", 1, "新密码不能是初始密码", "A first PIN cannot be the new one"),
        ("", 2, "标准输入中没有密码", "No PIN was given"),
        ("abcdef", 2, "密码只能是数字", "digits only"),
    ],
)
def test_a_new_pin_that_is_not_allowed_changes_nothing(
    new: str, code: int, zh: str, en: str, language: str, sscard: Sscard, counter: Counter
) -> None:
    done = sscard(
        "pin", "change", *counter.readers, "--pin-stdin", "--lang", language, stdin=lines(PIN, new, new)
    )

    assert done.code == code
    assert (zh if language == "zh" else en) in done.sentence
    assert sscard("pin", "verify", *counter.readers, "--pin-stdin", stdin=lines(PIN)).code == 0


@LANGUAGES
def test_two_new_pins_that_differ_change_nothing(language: str, sscard: Sscard, counter: Counter) -> None:
    done = sscard("pin", "change", *counter.readers, "--lang", language, stdin=lines(PIN, "654321", "654312"))

    assert done.code == 1
    assert ("两次输入的新密码不一致" if language == "zh" else "The two new PINs differ") in done.err
    assert sscard("pin", "verify", *counter.readers, "--pin-stdin", stdin=lines(PIN)).code == 0


@LANGUAGES
@pytest.mark.parametrize(("second", "code"), [("654312", 1), ("", 2)])
def test_a_new_pin_on_standard_input_that_does_not_come_twice_changes_nothing(
    second: str, code: int, language: str, sscard: Sscard, counter: Counter
) -> None:
    given = lines(PIN, "654321", second)
    done = sscard("pin", "change", *counter.readers, "--pin-stdin", "--lang", language, stdin=given)

    assert done.code == code
    if second:
        assert ("两次输入的新密码不一致" if language == "zh" else "The two new PINs differ") in done.err
    assert sscard("pin", "verify", *counter.readers, "--pin-stdin", stdin=lines(PIN)).code == 0


@LANGUAGES
def test_a_card_that_leaves_while_its_pin_is_changed_leaves_open_which_one_it_has(
    language: str, sscard: Sscard, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_search, "LoopbackConnection", losing_answer(CHANGE_PIN))

    done = sscard(
        "pin",
        "change",
        *counter.readers,
        "--pin-stdin",
        "--lang",
        language,
        stdin=lines(PIN, "654321", "654321"),
    )

    assert done.code == 3
    assert ("先试新密码" if language == "zh" else "try the new PIN first") in done.sentence


@LANGUAGES
@pytest.mark.parametrize("command", [("read",), *WITH_PIN, ("debit", "--account", "1")], ids=" ".join)
def test_a_card_of_another_city_is_told_so_before_any_pin_is_asked(
    command: tuple[str, ...], language: str, sscard: Sscard, counter: Counter
) -> None:
    counter.card.write_bytes(card_with(region="370100"))

    done = sscard(*command, *counter.readers, "--lang", language)

    assert done.code == 1
    assert "370100" in done.sentence
    assert (
        "卡内账户不能在本市以外使用，未扣款" if language == "zh" else "outside its city; not charged"
    ) in done.sentence


@LANGUAGES
def test_a_card_that_is_no_social_security_card_is_told_so(
    language: str, sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    other = tmp_path / "other.psam"
    other.write_bytes(counter.psam.read_bytes())

    done = sscard(
        "read", "--reader", f"image:{other}", "--psam-reader", f"image:{counter.psam}", "--lang", language
    )

    assert done.code == 1
    assert (
        "这不是社会保障卡，未扣款" if language == "zh" else "no social security card; not charged"
    ) in done.sentence


@LANGUAGES
def test_what_is_no_psam_is_told_so(language: str, sscard: Sscard, counter: Counter, tmp_path: Path) -> None:
    other = tmp_path / "other.card"
    other.write_bytes(counter.card.read_bytes())

    done = sscard(
        "read", "--reader", f"image:{counter.card}", "--psam-reader", f"image:{other}", "--lang", language
    )

    assert done.code == 3
    assert ("这不是 PSAM，未扣款" if language == "zh" else "This is no PSAM; not charged") in done.sentence


@pytest.mark.parametrize("reason", list(LinkReason))
@LANGUAGES
def test_every_broken_link_is_trouble_with_its_own_sentence(
    reason: LinkReason, language: str, sscard: Sscard, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_search, "LoopbackConnection", losing_answer((0x00, 0xB2), reason))

    done = sscard("read", *counter.readers, "--lang", language)

    assert done.code == 3
    assert ("未扣款" if language == "zh" else "not charged") in done.sentence
