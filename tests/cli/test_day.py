"""`sscard day`: opened, sold in, closed with its totals, for people and for programs."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sscard_terminal.cli import day, debit, reader_search
from sscard_terminal.reader.connection import LinkReason
from tests.cli.conftest import Counter, Sscard
from tests.cli.links import DEBIT, losing_answer
from tests.cli.test_settings import config, pay

OPERATOR = ("--operator", "07")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Day 1, opened ", "07, purchase: 1 charged, account 12.34", "Closed ")),
        ("zh", ("第 1 日", "已扣款 1 笔", "签退")),
    ],
)
def test_a_day_from_opening_to_its_totals(
    language: str, words: tuple[str, ...], sscard: Sscard, counter: Counter
) -> None:
    assert sscard("day", "open", *counter.book).code == 0
    assert pay(sscard, counter, *OPERATOR).code == 0

    done = sscard("day", "close", *counter.book, "--lang", language)

    assert done.code == 0
    assert all(word in done.out for word in words), done.out


def test_a_day_as_json(sscard: Sscard, counter: Counter) -> None:
    assert sscard("day", "show", *counter.book, "--json").json == {"day": None}
    sscard("day", "open", *counter.book)
    pay(sscard, counter, *OPERATOR)

    shown = sscard("day", "show", *counter.book, "--json").json

    assert (shown["day"], shown["closed_at"], shown["despite"]) == (1, None, None)
    assert shown["sums"] == [
        {
            "operator": "07",
            "kind": "purchase",
            "state": "charged",
            "count": 1,
            "account_fen": 1234,
            "self_paid_fen": 0,
            "pooled_fen": 0,
        }
    ]


def test_a_day_that_was_never_opened_and_one_without_sales_say_so(sscard: Sscard, counter: Counter) -> None:
    assert sscard("day", "show", *counter.book).out == "No day was ever opened.\n"
    assert "No sales." in sscard("day", "open", *counter.book).out


@pytest.mark.parametrize("language", ["zh", "en"])
def test_opening_twice_and_closing_what_is_not_open_are_refused(
    language: str, sscard: Sscard, counter: Counter
) -> None:
    lang = ("--lang", language)

    assert "sscard day open" in sscard("day", "close", *counter.book, *lang).sentence
    assert sscard("day", "open", *counter.book, *lang).code == 0
    assert "sscard day close" in sscard("day", "open", *counter.book, *lang).sentence


def test_a_place_that_needs_an_open_day_is_told_how_to_open_it(
    sscard: Sscard, counter: Counter, tmp_path: Path
) -> None:
    needs = config(tmp_path, "[sale]\nneeds_open_day = true\n")

    refused = sscard("debit", "--account", "1", *counter.readers, *counter.book, *needs)
    sscard("day", "open", *counter.book)
    sold = pay(sscard, counter, *needs)

    assert refused.code == 1
    assert "sscard day open" in refused.sentence
    assert sold.code == 0


def test_the_day_is_kept_in_the_configured_journal(sscard: Sscard, tmp_path: Path) -> None:
    more = config(tmp_path, '[terminal]\njournal = "shop.db"\n')

    assert sscard("day", "open", *more).code == 0
    assert sscard("day", "show", "--journal", str(tmp_path / "shop.db"), "--json").json["day"] == 1


def test_a_day_with_a_sale_to_be_verified_closes_only_with_a_reason(
    sscard: Sscard, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    sscard("day", "open", *counter.book)
    with monkeypatch.context() as patch:
        patch.setattr(reader_search, "LoopbackConnection", losing_answer(DEBIT, LinkReason.CARD_REMOVED))
        assert pay(sscard, counter).code == 4

    refused = sscard("day", "close", *counter.book, "--json").json
    done = sscard("day", "close", *counter.book, "--despite", "the holder left")

    assert (refused["exit"], refused["reason"], refused["voucher"]) == (1, "day-has-open-sales", 1)
    assert done.code == 0
    assert "the holder left" in done.out and "1 to be verified" in done.out


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_clock_months_ahead_is_asked_about_and_a_word_opens_the_day(
    language: str, sscard: Sscard, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pay(sscard, counter).code == 0
    later = datetime.now() + timedelta(days=90)
    for family in (day, debit):
        monkeypatch.setattr(family, "now", lambda: later)

    sale = sscard("debit", "--account", "1", *counter.readers, *counter.book, "--lang", language)
    refused = sscard("day", "open", *counter.book, "--json").json
    opened = sscard("day", "open", "--clock-is-right", *counter.book)

    assert sale.code == 1
    assert "--clock-is-right" in sale.sentence and later.isoformat(" ")[:10] in sale.sentence
    assert (refused["exit"], refused["reason"]) == (1, "clock-far-ahead")
    assert opened.code == 0
    assert pay(sscard, counter).code == 0


def test_a_day_that_stayed_open_over_the_closure_is_closed_with_the_same_word(
    sscard: Sscard, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    sscard("day", "open", *counter.book)
    monkeypatch.setattr(day, "now", lambda: datetime.now() + timedelta(days=90))

    assert sscard("day", "close", *counter.book).code == 1
    assert sscard("day", "close", "--clock-is-right", *counter.book).code == 0
    assert sscard("day", "open", *counter.book).code == 0


@pytest.mark.parametrize(("language", "mark"), [("zh", "重印"), ("en", "REPRINT")])
def test_a_closed_days_slip_printed_later_is_marked_and_keeps_its_totals(
    language: str, mark: str, sscard: Sscard, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    tongue = ("--slip", *counter.book, "--lang", language)
    sscard("day", "open", *counter.book)
    with monkeypatch.context() as broken:
        broken.setattr(reader_search, "LoopbackConnection", losing_answer(DEBIT, LinkReason.CARD_REMOVED))
        assert pay(sscard, counter).code == 4
    still_open = sscard("day", "show", *tongue).out
    closed = sscard("day", "close", "--despite", "left", *tongue).out
    same = sscard("day", "show", *tongue).out

    assert sscard("recover", *counter.readers, *counter.book, "--pin-stdin", stdin="123456\n").code == 0
    later = sscard("day", "show", *tongue).out

    settled = "签退后已核实" if language == "zh" else "Settled since the close"
    assert [mark in out for out in (still_open, closed, same, later)] == [False, False, True, True]
    assert [settled in out for out in (closed, same, later)] == [False, False, True]
    totals = [line for line in closed.splitlines() if "12.34" in line]
    assert totals and [line for line in same.splitlines() if "12.34" in line] == totals
    assert set(totals) <= set(later.splitlines())


@pytest.mark.parametrize(
    ("language", "words"), [("zh", "全部操作员，消费"), ("en", "All operators, purchase")]
)
def test_the_totals_in_words_have_everybodys_too(
    language: str, words: str, sscard: Sscard, counter: Counter
) -> None:
    sscard("day", "open", *counter.book)
    for operator, amount in (("07", "1.00"), ("08", "2.00")):
        pay(sscard, counter, "--operator", operator, amount=amount)

    done = sscard("day", "close", *counter.book, "--lang", language)

    (line,) = [line for line in done.out.splitlines() if line.startswith(words)]
    assert "3.00" in line and "2" in line
