"""The oracle of the sale, against literal bytes of card.md §2.4 and §6.10: it must judge before it may be believed."""

import ast
from pathlib import Path
from typing import Any

import pytest

from tests.torture.terminal import books as law
from tests.torture.terminal.books import Books, new_card

BODY = "0000000120260105101530409CAC6A"
INITIALIZE = bytes.fromhex("B02801011301" + "000004D2 000007D0 00001F40" + "370900000001")
DEBIT = bytes.fromhex("B02C01000F" + BODY)
RECORD = "000032370900000001" + "20260105101530" + "000004D2000007D000001F40"
WAITS, DONE, REFUSED = bytes.fromhex("6108"), bytes.fromhex("9000"), bytes.fromhex("9302")
TAC = "CEA3FB75"


@pytest.fixture
def books() -> Books:
    return Books({"ours": new_card(10_000)}, "123456", {"psam": 0})


def pay(books: Books) -> None:
    books.card_obeyed("ours", INITIALIZE, WAITS, "")
    books.left(DEBIT)
    books.card_obeyed("ours", DEBIT, WAITS, TAC)


def entry(**other: Any) -> dict[str, Any]:
    spent = (1234, 2000, 8000)
    says = {
        "card": "ours",
        "body": BODY,
        "counter": 0,
        "spent": spent,
        "state": "open",
        "tac": "",
        "confirmed": False,
    }
    return {**says, **other}


def test_they_import_nothing() -> None:
    tree = ast.parse(Path(law.__file__).read_text("utf-8"))

    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]


def test_a_purchase_moves_balance_counter_and_log(books: Books) -> None:
    pay(books)

    card = books.cards["ours"]
    assert (card["balance"], card["purchases"], card["log"]) == (8766, 1, (RECORD,))
    assert books.payment(BODY)["tac"] == TAC


@pytest.mark.parametrize("between", ["00B2012D40", "00A4040006D15600000503", "00200000 03 123456"])
def test_a_command_in_between_ends_an_open_purchase(books: Books, between: str) -> None:
    books.card_obeyed("ours", INITIALIZE, WAITS, "")
    books.card_obeyed("ours", bytes.fromhex(between), DONE, "")
    books.card_obeyed("ours", DEBIT, WAITS, TAC)

    assert books.cards["ours"]["balance"] == 10_000


@pytest.mark.parametrize("between", ["B02600000400", "B02E0032020000", "00C0000016"])
def test_a_look_in_between_does_not(books: Books, between: str) -> None:
    books.card_obeyed("ours", INITIALIZE, WAITS, "")
    books.card_obeyed("ours", bytes.fromhex(between), DONE, "")
    books.card_obeyed("ours", DEBIT, WAITS, TAC)

    assert books.cards["ours"]["balance"] == 8766


def test_a_refused_debit_moves_nothing_and_ends_the_purchase(books: Books) -> None:
    books.card_obeyed("ours", INITIALIZE, WAITS, "")
    books.card_obeyed("ours", DEBIT, REFUSED, "")
    books.card_obeyed("ours", DEBIT, WAITS, TAC)

    assert books.cards["ours"]["purchases"] == 0


def test_every_wrong_pin_costs_a_try_and_the_right_one_gives_them_back(books: Books) -> None:
    for pin in ("999999", "999999"):
        books.card_obeyed("ours", bytes.fromhex(f"0020000003{pin}"), REFUSED, "")
    left = books.cards["ours"]["tries"]
    books.card_obeyed("ours", bytes.fromhex("0020000003123456"), DONE, "")

    assert (left, books.cards["ours"]["tries"]) == (1, 3)


LAWFUL = {
    "open": entry(),
    "charged with its TAC": entry(state="charged", tac=TAC),
    "charged without one": entry(state="charged"),
}
UNLAWFUL = {
    "not charged": entry(state="not-charged"),
    "another TAC": entry(tac="00000000"),
    "another amount": entry(spent=(1235, 2000, 8000)),
    "another counter": entry(counter=1),
    "another card": entry(card="of the same number"),
    "confirmed by nobody": entry(state="charged", confirmed=True),
    "of another sale": entry(body=BODY.replace("409C", "409D")),
}


@pytest.mark.parametrize("says", LAWFUL)
def test_what_the_journal_may_say_of_a_paid_sale(books: Books, says: str) -> None:
    pay(books)

    assert list(law.always(books, (LAWFUL[says],))) == []


@pytest.mark.parametrize("says", UNLAWFUL)
def test_what_the_journal_must_not_say_of_a_paid_sale(books: Books, says: str) -> None:
    pay(books)

    assert list(law.always(books, (UNLAWFUL[says],))) != []


def test_charged_without_a_payment_twice_sent_and_twice_written_break_the_law(books: Books) -> None:
    assert list(law.always(books, (entry(state="charged"),))) != []
    assert list(law.always(books, (entry(), entry()))) != []
    books.left(DEBIT)
    assert list(law.always(books, (entry(),))) == []
    books.left(DEBIT)
    assert list(law.always(books, (entry(),))) != []


def test_a_sale_stays_open_only_when_the_log_has_lost_it(books: Books) -> None:
    before = list(law.settled(books, (entry(),), 30, "ours"))
    pay(books)
    held = list(law.settled(books, (entry(),), 30, "ours"))
    lost = list(law.settled(books, (entry(),), 0, "ours"))

    assert (len(before), len(held), len(lost)) == (1, 1, 0)


@pytest.mark.parametrize(
    ("word", "lawful"),
    [
        ("approved", False),
        ("declined", False),
        ("broken", False),
        ("unsettled", True),
        ("killed", True),
        ("KeyError", False),
    ],
)
def test_what_the_shop_may_be_told_while_a_paid_sale_is_open(books: Books, word: str, lawful: bool) -> None:
    before = books.copy()
    pay(books)

    assert (list(law.told(books, before, (entry(),), (word, BODY, TAC))) == []) is lawful
