"""The oracle itself: sums done by hand, and that it knows nothing of the product."""

import ast
from pathlib import Path

import pytest

from tests.torture import oracle

CARD = {
    "tries": 3, "pin": "1", "balance": 10_000, "self_paid": 100, "pooled": 200, "year": "2026", "day": "0101",
    "loads": 1, "purchases": 0, "log": ["0000" + "31" + "0" * 26 + "00002710" + "0" * 16], "log room": 2, "proof": [],
}  # fmt: skip
TERMINAL = "370900000001"


def test_it_imports_nothing_and_stays_short() -> None:
    source = Path(oracle.__file__).read_text("utf-8")

    assert not [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert len(source.splitlines()) < 100


def test_the_purchase_of_the_worked_example() -> None:
    (after,), answer = oracle.purchase(
        CARD, (1234, 2000, 8000), TERMINAL, "20260105101530", "CEA3FB7537F86753"
    )

    assert answer == "9000"
    assert (after["balance"], after["self_paid"], after["pooled"], after["purchases"]) == (
        8766,
        2100,
        8200,
        1,
    )
    assert after["log"] == [
        "000032370900000001" + "20260105101530" + "000004D2000007D000001F40",
        CARD["log"][0],
    ]
    assert after["proof"] == ["32 0000 37F86753CEA3FB75"]
    assert oracle.keeps_the_law(0, after)


def test_the_load_of_the_worked_example() -> None:
    before = {**CARD, "balance": 0, "loads": 0, "log": []}

    (after,), answer = oracle.load(before, 10_000, TERMINAL, "20260105083000", "90737B5E")

    assert (answer, after["balance"], after["loads"]) == ("9000", 10_000, 1)
    assert after["log"] == ["0000313709000000012026010508300000002710" + "0" * 16]
    assert after["proof"] == ["31 0000 0000000090737B5E"]


@pytest.mark.parametrize(
    ("time", "year", "self_paid"),
    [("20261231", "2026", 101), ("20270101", "2027", 1), ("20250101", "2026", 101), ("20300630", "2030", 1)],
)
def test_the_payment_year(time: str, year: str, self_paid: int) -> None:
    (after,), _ = oracle.purchase(CARD, (0, 1, 0), TERMINAL, time + "000000", "0" * 16)

    assert (after["year"], after["self_paid"]) == (year, self_paid)


def test_three_strikes() -> None:
    assert [oracle.verify({**CARD, "tries": tries}, "2")[1] for tries in (3, 2, 1, 0)] == [
        "63C2",
        "63C1",
        "63C0",
        "6983",
    ]
    assert [state["tries"] for state in oracle.verify({**CARD, "tries": 2}, "1")[0]] == [1, 3]


@pytest.mark.parametrize(
    ("broken", "value"),
    [("balance", 9_999), ("loads", 2), ("log", ["0001" + "31" + "0" * 26 + "00002710" + "0" * 16])],
)
def test_a_card_that_breaks_the_law_is_named(broken: str, value: object) -> None:
    assert oracle.keeps_the_law(0, CARD)
    assert not oracle.keeps_the_law(0, {**CARD, broken: value})


@pytest.mark.parametrize(
    ("begun", "compared", "answered", "states"),
    [
        (False, False, False, "o"),
        (True, False, False, "oab"),
        (True, True, False, "ab"),
        (True, True, True, "b"),
    ],
)
def test_what_is_allowed_at_each_moment(begun: bool, compared: bool, answered: bool, states: str) -> None:
    assert oracle.allowed("o", ["a", "b"], begun, compared, answered) == list(states)
