"""Paying, and settling what stayed open: what is said, what the journal holds, which exit code."""

import errno
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from sscard_terminal.cli import debit as family
from sscard_terminal.cli import reader_search
from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.journal_events import SaleState
from sscard_terminal.terminal.journal_schema import SCHEMA_VERSION
from tests.cli.conftest import PIN, Counter, Done, Sscard, card_with
from tests.cli.links import CREDIT_SAM, DEBIT, losing_answer, losing_command
from tests.cli.test_settings import CARD, config, with_hotlist

LANGUAGES = pytest.mark.parametrize("language", ["zh", "en"])


def pay(sscard: Sscard, counter: Counter, *more: str, amount: str = "12.34", pin: str = PIN) -> Done:
    return sscard(
        "debit", "--account", amount, *counter.readers, *counter.book, "--pin-stdin", *more, stdin=f"{pin}\n"
    )


def settle(sscard: Sscard, counter: Counter, *more: str, pin: str = PIN) -> Done:
    return sscard("recover", *counter.readers, *counter.book, "--pin-stdin", *more, stdin=f"{pin}\n")


def balance_fen(sscard: Sscard, counter: Counter) -> int:
    done = sscard("balance", *counter.readers, "--pin-stdin", "--json", stdin=f"{PIN}\n")
    return int(done.json["account_fen"])


def states(counter: Counter) -> list[SaleState]:
    with Journal.open(counter.journal) as journal:
        return [entry.state for entry in journal.entries()]


def test_a_sale_prints_the_slip_and_says_charged(sscard: Sscard, counter: Counter) -> None:
    done = pay(sscard, counter, "--lang", "zh")

    assert done.code == 0
    assert "社会保障卡医疗消费凭单" in done.out
    assert "*** 已扣款 ***" in done.out
    assert "已扣款 12.34 元，余额 87.66 元，TAC " in done.out.splitlines()[-1]
    assert balance_fen(sscard, counter) == 8766
    assert states(counter) == [SaleState.CHARGED]


def test_a_sale_as_json(sscard: Sscard, counter: Counter) -> None:
    done = sscard(
        "debit", "--account", "12.34", "--self", "20", "--pooled", "80.00", *counter.readers, *counter.book,
        "--pin-stdin", "--json", stdin="123456\n",
    )  # fmt: skip
    told = json.loads(done.out)

    assert done.code == 0
    assert {name: told[name] for name in told if name not in ("tac", "time")} == {
        "money": "charged",
        "kind": "purchase",
        "voucher": 1,
        "account_fen": 1234,
        "self_paid_fen": 2000,
        "pooled_fen": 8000,
        "balance_fen": 8766,
        "terminal": "370900000001",
        "sequence": "00000001",
        "counter": 0,
        "slip": "none",
    }


def test_at_a_prompt_the_amount_stands_before_the_pin(sscard: Sscard, counter: Counter) -> None:
    done = sscard(
        "debit", "--account", "12.34", *counter.readers, *counter.book, "--lang", "zh", stdin="123456\n"
    )

    assert done.code == 0
    assert "支付 12.34 元，请输入密码" in done.err


def test_without_a_name_the_journal_lies_in_the_state_folder(
    sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    done = sscard("debit", "--account", "1", *counter.readers, "--pin-stdin", stdin="123456\n")

    assert done.code == 0
    assert (tmp_path / "state/sscard-terminal/journal.db").stat().st_mode & 0o077 == 0


@LANGUAGES
@pytest.mark.parametrize(
    ("amount", "zh", "en"),
    [
        ("12.345", "12.345 不是金额，未扣款", "12.345 is no amount; not charged"),
        ("-1", "-1 不是金额，未扣款", "-1 is no amount; not charged"),
        ("1e3", "1e3 不是金额，未扣款", "1e3 is no amount; not charged"),
        ("１２", "不是金额，未扣款", "is no amount; not charged"),
        ("", "不是金额，未扣款", "is no amount; not charged"),
        ("0", "没有应付金额，未扣款", "nothing to pay; not charged"),
        ("0.00", "没有应付金额，未扣款", "nothing to pay; not charged"),
        ("42949672.96", "最多 42949672.95 元", "the most is 42949672.95"),
        ("99999999999", "最多 42949672.95 元", "the most is 42949672.95"),
    ],
)
def test_an_amount_that_is_none_is_a_usage_error_and_the_journal_is_not_even_made(
    amount: str, zh: str, en: str, language: str, sscard: Sscard, counter: Counter
) -> None:
    done = pay(sscard, counter, "--lang", language, amount=amount)

    assert done.code == 2
    assert (zh if language == "zh" else en) in done.sentence
    assert not counter.journal.exists()


@LANGUAGES
def test_an_amount_over_the_balance_says_what_is_missing(
    language: str, sscard: Sscard, counter: Counter
) -> None:
    done = pay(sscard, counter, "--lang", language, amount="42949672.95")

    assert done.code == 1
    assert (
        "还差 42949572.95 元，未扣款" if language == "zh" else "42949572.95 yuan too small; not charged"
    ) in done.sentence
    assert done.sentence.endswith("[9401]")
    assert balance_fen(sscard, counter) == 10_000
    assert states(counter) == []


@LANGUAGES
def test_a_lost_answer_is_to_be_verified_and_blocks_the_next_sale(
    language: str, sscard: Sscard, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(reader_search, "LoopbackConnection", losing_answer(DEBIT))
        lost = pay(sscard, counter, "--lang", language)
    again = pay(sscard, counter, "--lang", language)

    assert lost.code == 4
    assert (
        "第 1 号交易待核实，请勿再次收款"
        if language == "zh"
        else "sale 1 is to be verified; do not sell again"
    ) in lost.err
    assert ("*** 待核实 ***" if language == "zh" else "*** TO BE VERIFIED ***") in lost.out
    assert again.code == 1
    assert (
        "第 1 号交易仍待核实" if language == "zh" else "Sale 1 of this card is still to be verified"
    ) in again.sentence


def test_a_doubt_as_json_says_that_money_may_have_moved(
    sscard: Sscard, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_search, "LoopbackConnection", losing_answer(DEBIT))

    done = pay(sscard, counter, "--json")

    assert done.code == 4
    assert {name: done.json[name] for name in ("exit", "error", "money", "voucher", "link")} == {
        "exit": 4,
        "error": "doubt.answer-lost",
        "money": "to-be-verified",
        "voucher": 1,
        "link": "card-removed",
    }


@pytest.mark.parametrize(
    ("losing", "state", "evidence", "rest"),
    [
        (losing_answer(DEBIT), "charged", "log-shows-ours", 8766),
        (losing_command(DEBIT), "not-charged", "counter-unmoved", 10_000),
        (losing_answer(CREDIT_SAM), "charged", "log-shows-ours", 8766),
    ],
)
def test_recover_settles_what_stayed_open(
    losing: Any,
    state: str,
    evidence: str,
    rest: int,
    sscard: Sscard,
    counter: Counter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(reader_search, "LoopbackConnection", losing)
        assert pay(sscard, counter).code == 4

    done = settle(sscard, counter, "--json")

    assert done.code == 0
    assert [(row["voucher"], row["state"], row["evidence"]) for row in done.json["settled"]] == [
        (1, state, evidence)
    ]
    assert balance_fen(sscard, counter) == rest
    assert pay(sscard, counter, "--again").code == 0


@LANGUAGES
def test_recover_says_charged_or_not_and_why(
    language: str, sscard: Sscard, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(reader_search, "LoopbackConnection", losing_answer(DEBIT))
        pay(sscard, counter)

    done = settle(sscard, counter, "--lang", language)

    if language == "zh":
        assert done.out.splitlines()[0] == "第 1 号交易：已扣款 12.34 元，卡内明细有这笔交易。"
    else:
        assert done.out.splitlines()[0] == "Sale 1: charged 12.34 yuan; the card's log shows this sale."


def test_without_the_pin_a_sale_stays_open(
    sscard: Sscard, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(reader_search, "LoopbackConnection", losing_answer(DEBIT))
        pay(sscard, counter)

    done = sscard("recover", "--no-pin", *counter.readers, *counter.book, "--lang", "zh")

    assert done.code == 4
    assert (
        done.out == "第 1 号交易仍待核实，请勿对此卡收款，需要密码才能核实，请带密码运行 sscard recover。\n"
    )
    assert states(counter) == [SaleState.OPEN]


@LANGUAGES
@pytest.mark.parametrize("way", ["wrong pin", "link"])
def test_a_recovery_that_cannot_be_done_never_says_not_charged(
    way: str, language: str, sscard: Sscard, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(reader_search, "LoopbackConnection", losing_answer(DEBIT))
        pay(sscard, counter)
    if way == "link":
        monkeypatch.setattr(
            reader_search, "LoopbackConnection", losing_answer((0x00, 0x88), LinkReason.CARD_RESET)
        )

    done = settle(sscard, counter, "--lang", language, pin="111111")

    assert done.code == 4
    assert ("交易仍待核实" if language == "zh" else "the sale is still to be verified") in done.sentence
    assert ("未扣款" if language == "zh" else "not charged") not in done.sentence
    assert states(counter) == [SaleState.OPEN]


@pytest.mark.parametrize("asked", ["prompt", "stdin"])
def test_a_card_put_on_the_hotlist_since_still_settles_its_sale_and_then_pays_no_more(
    asked: str, sscard: Sscard, counter: Counter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(reader_search, "LoopbackConnection", losing_answer(DEBIT))
        assert pay(sscard, counter).code == 4
    listed = config(tmp_path, with_hotlist(tmp_path, f"range {CARD} {CARD}"))
    more = ("--pin-stdin", *listed) if asked == "stdin" else listed

    refused = pay(sscard, counter, *listed)
    done = sscard("recover", *counter.readers, *counter.book, *more, "--json", stdin=f"{PIN}\n")
    after = pay(sscard, counter, *listed)

    assert (refused.code, after.code) == (1, 1)
    assert "reported lost, replaced or blocked" in refused.sentence
    assert [row["state"] for row in json.loads(done.out)["settled"]] == ["charged"]
    assert done.code == 0
    assert "reported lost, replaced or blocked" in after.sentence


def test_a_card_on_the_hotlist_with_nothing_open_is_not_asked_for_its_pin_by_recover(
    sscard: Sscard, counter: Counter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mine = counter.card.read_bytes()
    counter.card.write_bytes(card_with(serial="0000BEEF", card_number="A00000000"))
    with monkeypatch.context() as broken:
        broken.setattr(reader_search, "LoopbackConnection", losing_command(DEBIT))
        assert pay(sscard, counter).code == 4
    counter.card.write_bytes(mine)
    listed = config(tmp_path, with_hotlist(tmp_path, f"range {CARD} {CARD}"))

    done = sscard("recover", *counter.readers, *counter.book, *listed)

    assert done.code == 4
    assert "reported lost, replaced or blocked" in done.sentence
    assert states(counter) == [SaleState.OPEN]


def test_with_nothing_open_recover_needs_no_card(sscard: Sscard, counter: Counter) -> None:
    done = sscard("recover", *counter.book, "--lang", "zh")

    assert (done.code, done.out) == (0, "没有待核实的交易。\n")


def test_sales_of_other_cards_are_counted_and_do_not_make_this_one_open(
    sscard: Sscard, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = counter.card.read_bytes()
    counter.card.write_bytes(card_with(serial="0000BEEF", card_number="A00000000"))
    with monkeypatch.context() as broken:
        broken.setattr(reader_search, "LoopbackConnection", losing_command(DEBIT))
        assert pay(sscard, counter).code == 4
    counter.card.write_bytes(mine)

    done = settle(sscard, counter, "--lang", "zh")

    assert done.code == 0
    assert "其他卡还有 1 笔待核实的交易" in done.err


@LANGUAGES
@pytest.mark.parametrize(
    ("content", "code", "zh", "en"),
    [
        (b"shopping list", 2, "不是本终端的流水，原样未动，未扣款", "is no journal of this terminal"),
        (b"SQLite format 3\x00" + bytes(84), 2, "不是本终端的流水", "is no journal of this terminal"),
    ],
)
def test_a_file_that_is_no_journal_is_left_as_it_is(
    content: bytes, code: int, zh: str, en: str, language: str, sscard: Sscard, counter: Counter
) -> None:
    counter.journal.write_bytes(content)

    done = pay(sscard, counter, "--lang", language)

    assert done.code == code
    assert str(counter.journal) in done.sentence
    assert (zh if language == "zh" else en) in done.sentence
    assert counter.journal.read_bytes() == content
    assert balance_fen(sscard, counter) == 10_000


def test_a_newer_programs_journal_is_left_as_it_is(sscard: Sscard, counter: Counter) -> None:
    pay(sscard, counter)
    raw = bytearray(counter.journal.read_bytes())
    raw[60:64] = (SCHEMA_VERSION + 1).to_bytes(4, "big")
    counter.journal.write_bytes(raw)

    done = pay(sscard, counter)

    assert done.code == 1, "as for a damaged journal and one that has moved"
    assert "written by a newer version" in done.sentence


@LANGUAGES
def test_a_journal_another_terminal_has_open_stops_the_sale(
    language: str, sscard: Sscard, counter: Counter
) -> None:
    with Journal.open(counter.journal):
        done = pay(sscard, counter, "--lang", language)

    assert done.code == 1
    assert ("正被另一终端打开，未扣款" if language == "zh" else "open; not charged") in done.sentence


def test_a_journal_in_a_folder_that_is_not_there_stops_the_sale(sscard: Sscard, counter: Counter) -> None:
    done = sscard("debit", "--account", "1", *counter.readers, "--journal", "nowhere/j.db", "--pin-stdin")

    assert done.code == 1
    assert "nowhere/j.db cannot be opened; not charged" in done.sentence


def test_a_slip_that_cannot_be_printed_undoes_no_sale(
    sscard: Sscard, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_paper(*_: object, **__: object) -> str:
        raise OSError(errno.ENOSPC, "no paper")

    monkeypatch.setattr(family, "slip_of_sale", no_paper)

    done = pay(sscard, counter)

    assert done.code == 0
    assert "was not printed" in done.err
    assert "Charged 12.34 yuan" in done.out


def test_ctrl_c_while_the_card_pays_waits_until_it_has_paid(
    sscard: Sscard, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    pays = family.sale.debit

    def interrupted(*arguments: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return pays(*arguments)

    monkeypatch.setattr(family.sale, "debit", interrupted)

    done = pay(sscard, counter)

    assert done.code == 0
    assert states(counter) == [SaleState.CHARGED]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_recovery_that_ends_charged_names_the_slip(
    language: str, sscard: Sscard, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(reader_search, "LoopbackConnection", losing_answer(DEBIT))
        assert pay(sscard, counter).code == 4

    done = settle(sscard, counter, "--lang", language)

    assert done.out.splitlines()[-1].endswith("sscard slip 1")
