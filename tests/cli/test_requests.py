"""`sscard void`, `refund`, `requests`: what is asked of the centre, for people and for programs."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.upload_record import News, Outcome
from sscard_terminal.cli import reader_search
from sscard_terminal.cli import requests as commands
from sscard_terminal.reader.connection import LinkReason
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.upload import upload
from tests.cli.conftest import Counter, Sscard, card_with
from tests.cli.links import DEBIT, losing_answer
from tests.cli.test_settings import config, pay
from tests.terminal.doubles import TickingClock
from tests.terminal.stand_in_centre import Centre

LANGUAGES = pytest.mark.parametrize("language", ["zh", "en"])


@pytest.fixture
def sold(sscard: Sscard, counter: Counter) -> Counter:
    """A counter where voucher 1 was sold for 12.34."""
    assert pay(sscard, counter).code == 0
    return counter


def days_later(monkeypatch: pytest.MonkeyPatch, days: int = 1) -> None:
    monkeypatch.setattr(commands, "now", lambda: datetime.now() + timedelta(days=days))


def hear(counter: Counter, *news: News) -> None:
    """What the centre says the next time it is asked."""
    with Journal.open(counter.journal) as journal:
        upload(journal, Centre(news=list(news)), TickingClock(datetime.now()))


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh", ("撤销申请单", "款项待中心划回卡内", "已申请划回第 1 号交易的 12.34 元")),
        (
            "en",
            ("Request to void a sale", "REFUND ON ITS WAY", "12.34 yuan of sale 1; they are on their way"),
        ),
    ],
)
def test_a_void_gives_a_slip_that_says_the_money_is_on_its_way(
    language: str, words: tuple[str, ...], sscard: Sscard, sold: Counter
) -> None:
    done = sscard("void", "1", *sold.book, "--operator", "07", "--lang", language)

    assert done.code == 0
    assert all(word in done.out for word in words), done.out


def test_a_void_as_json(sscard: Sscard, sold: Counter) -> None:
    facts = sscard("void", "1", *sold.book, "--operator", "07", "--json").json

    assert datetime.fromisoformat(facts.pop("at"))
    assert facts == {
        "request": "370900000001-3",
        "kind": "void",
        "voucher": 1,
        "amount_fen": 1234,
        "operator": "07",
        "supervisor": None,
        "standing": "waiting",
        "reason": None,
        "left_fen": 0,
        "printed": "none",
    }


def test_a_void_moves_no_money_and_the_card_keeps_its_balance(sscard: Sscard, sold: Counter) -> None:
    sscard("void", "1", *sold.book)

    done = sscard("balance", *sold.readers, "--pin-stdin", "--json", stdin="123456\n")

    assert done.json["account_fen"] == 10_000 - 1234


@LANGUAGES
def test_asking_twice_is_told_so(language: str, sscard: Sscard, sold: Counter) -> None:
    sscard("void", "1", *sold.book)

    again = sscard("void", "1", *sold.book, "--lang", language)
    facts = sscard("void", "1", *sold.book, "--json").json

    assert again.code == 1
    assert "12.34" in again.sentence
    assert (facts["reason"], facts["asked_fen"], facts["left_fen"]) == ("asked-already", 1234, 0)


@LANGUAGES
def test_every_refusal_is_one_sentence_with_its_reason(language: str, sscard: Sscard, sold: Counter) -> None:
    tongue = ("--lang", language)

    assert "7" in sscard("void", "7", *sold.book, *tongue).sentence
    assert "sscard void 1" in sscard("refund", "1", *sold.book, *tongue).sentence


def test_an_open_sale_is_settled_first(
    sscard: Sscard, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(reader_search, "LoopbackConnection", losing_answer(DEBIT, LinkReason.CARD_REMOVED))
        assert pay(sscard, counter).code == 4

    refused = sscard("void", "1", *counter.book)
    sscard("recover", *counter.readers, *counter.book, "--pin-stdin", stdin="123456\n")

    assert refused.code == 1
    assert "sscard recover" in refused.sentence
    assert sscard("void", "1", *counter.book).code == 0


def test_yesterdays_sale_is_refunded_in_parts(
    sscard: Sscard, sold: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    days_later(monkeypatch)

    late = sscard("void", "1", *sold.book)
    part = sscard("refund", "1", "--amount", "10", *sold.book, "--json").json
    same = sscard("refund", "1", "--amount", "1", *sold.book)
    twice = sscard("refund", "1", "--amount", "1", *sold.book)
    meant = sscard("refund", "1", "--amount", "1", "--again", *sold.book)
    much = sscard("refund", "1", "--amount", "0.35", *sold.book)
    rest = sscard("refund", "1", *sold.book, "--json").json

    assert "sscard refund 1" in late.sentence
    assert (part["kind"], part["amount_fen"], part["left_fen"]) == ("refund", 1000, 234)
    assert (same.code, twice.code, meant.code) == (0, 1, 0)
    assert "--again" in twice.sentence
    assert "at most 0.34" in much.sentence
    assert (rest["amount_fen"], rest["left_fen"]) == (34, 0)


def test_the_day_limit_is_a_setting(
    sscard: Sscard, sold: Counter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    week = config(tmp_path, "[sale]\nrefund_days = 7\n")
    days_later(monkeypatch, 8)

    refused = sscard("refund", "1", *sold.book, *week, "--json").json
    days_later(monkeypatch, 7)

    assert (refused["exit"], refused["reason"]) == (1, "refund-too-late")
    assert refused["expired_on"] == str(datetime.now().date() + timedelta(days=7))
    assert sscard("refund", "1", *sold.book, *week).code == 0


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("refund",), "--card"),
        (("refund", "1", "--card"), "--card"),
        (("refund", "1", "--amount", "0"), "above zero"),
        (("refund", "1", "--amount", "1.234"), "two decimals"),
        (("refund", "0"), "VOUCHER"),
        (("void",), "VOUCHER is missing"),
    ],
)
def test_a_wrong_command_line_asks_for_nothing(
    arguments: tuple[str, ...], word: str, sscard: Sscard, sold: Counter
) -> None:
    done = sscard(*arguments, *sold.book)

    assert (done.code, word in done.sentence) == (2, True), done
    assert sscard("requests", *sold.book, "--json").json == {"requests": []}


@pytest.mark.parametrize(("language", "word"), [("zh", "可退 12.34 元"), ("en", "12.34 can be asked back")])
def test_a_card_tells_which_sales_can_be_refunded_and_needs_no_pin(
    language: str, word: str, sscard: Sscard, sold: Counter
) -> None:
    done = sscard("refund", "--card", *sold.readers, *sold.book, "--lang", language)

    assert done.code == 0
    assert word in done.out and "sscard refund" in done.out


def test_a_card_without_sales_says_so(sscard: Sscard, sold: Counter) -> None:
    sold.card.write_bytes(card_with(serial="00000043"))

    done = sscard("refund", "--card", *sold.readers, *sold.book)

    assert "no sale of this card" in done.out
    assert sscard("refund", "--card", *sold.readers, *sold.book, "--json").json == {"sales": []}


def test_a_card_of_another_city_is_told_so_first(sscard: Sscard, sold: Counter) -> None:
    sold.card.write_bytes(card_with(region="370100"))

    assert sscard("refund", "--card", *sold.readers, *sold.book).code == 1


def test_nothing_on_its_way_is_said(sscard: Sscard, sold: Counter) -> None:
    assert sscard("requests", *sold.book).out == "Nothing is on its way.\n"


@LANGUAGES
def test_a_request_goes_from_waiting_over_sent_to_its_end(
    language: str, sscard: Sscard, sold: Counter
) -> None:
    def told(*more: str) -> tuple[str, str | None]:
        out = sscard("requests", *sold.book, *more, "--lang", language).out
        rows = sscard("requests", *sold.book, *more, "--json").json["requests"]
        assert out
        return (rows[0]["standing"], rows[0]["reason"]) if rows else ("none", None)

    key = sscard("void", "1", *sold.book, "--json").json["request"]
    before = told()
    hear(sold)
    sent = told()
    hear(sold, News(key, Outcome.REFUSED, "tac-wrong"))

    assert (before, sent, told()) == (("waiting", None), ("sent", None), ("none", None))
    assert told("--all") == ("refused", "tac-wrong")


def test_the_day_counts_what_was_asked_for(sscard: Sscard, counter: Counter) -> None:
    sscard("day", "open", *counter.book)
    pay(sscard, counter)
    sscard("void", "1", *counter.book, "--operator", "07")

    sums = sscard("day", "close", *counter.book, "--json").json["sums"]

    assert [(row["kind"], row["count"], row["account_fen"]) for row in sums] == [
        ("purchase", 1, 1234),
        ("void-requested", 1, 1234),
    ]


def test_a_slip_that_cannot_be_printed_undoes_no_request(
    sscard: Sscard, sold: Counter, tmp_path: Path
) -> None:
    broken = config(tmp_path, '[slips]\nprinter = "device:/dev/full-of-nothing"\n')

    done = sscard("void", "1", *sold.book, *broken)

    assert done.code == 0
    assert "sscard slip 1 --request" in done.err
    assert sscard("slip", "1", "--request", *sold.book).code == 0
    with Journal.open(sold.journal) as journal:
        entry = journal.entry(1)
    assert entry is not None
    assert entry.on_its_way == Fen(1234)


@LANGUAGES
def test_a_void_after_the_close_says_that_the_day_is_closed_whatever_was_asked(
    language: str, sscard: Sscard, counter: Counter
) -> None:
    sscard("day", "open", *counter.book)
    pay(sscard, counter)
    assert sscard("void", "1", *counter.book).code == 0
    sscard("day", "close", *counter.book)

    late = sscard("void", "1", *counter.book, "--lang", language)

    assert late.code == 1
    assert ("已签退" if language == "zh" else "its day is closed") in late.sentence
    assert "sscard refund 1" in late.sentence
